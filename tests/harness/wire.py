"""Requests as a hostile or broken client sends them: any head, any length, bodies that never end."""

import http.client
import json
import re
import select
import socket
import time
from dataclasses import dataclass

PATIENCE = 120
"""Seconds after which an answer is given up."""

BLOCK = 256 << 10


class Body:
    """Pieces of bytes, each alone or as `(piece, times)`, without ever holding all of them."""

    def __init__(self, *parts):
        self.parts = [part if isinstance(part, tuple) else (part, 1) for part in parts]

    def __len__(self):
        return sum(len(piece) * times for piece, times in self.parts)

    def __iter__(self):
        for piece, times in self.parts:
            at_once = max(1, min(times, BLOCK // max(1, len(piece))))
            block = piece * at_once
            for _ in range(times // at_once):
                for start in range(0, len(block), BLOCK):
                    yield block[start : start + BLOCK]
            if rest := piece * (times % at_once):
                yield rest


@dataclass
class Answer:
    """`status` is 0 where the connection ended without one; `sent` counts the body's bytes that went out before it."""

    status: int
    headers: dict
    body: bytes
    sent: int

    def json(self):
        return json.loads(self.body)

    def __str__(self):
        return f"{self.status} {self.body[:200]!r}" if self.status else f"no answer ({self.body.decode()})"


class Wire:
    """One connection."""

    def __init__(self, port, patience=PATIENCE, source="127.0.0.1"):
        self.patience = patience
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=patience, source_address=(source, 0))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sent = 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def ask(self, method, target, headers=(), body=b"", **how):
        """Sends a request and returns its answer."""
        try:
            self.send(method, target, headers, body, **how)
        except OSError as error:
            # What was answered before the connection broke may still be there.
            self.error = error
        return self.answer(method)

    def send(self, method, target, headers=(), body=b"", *, announce=None, chunked=False, leave_out=0):
        """Sends a request until its end, or until the server answers.

        `announce` is the length that is told (None: the true one). `leave_out` bytes of the end are never sent."""
        self.sent = 0
        body = body if isinstance(body, Body) else Body(body)
        lines = [f"{method} {target} HTTP/1.1", "Host: 127.0.0.1", *(f"{name}: {value}" for name, value in dict(headers).items())]
        if chunked:
            lines.append("Transfer-Encoding: chunked")
        elif announce is not None or len(body) or method in ("POST", "PATCH", "PUT"):
            lines.append(f"Content-Length: {len(body) if announce is None else announce}")
        left = len(body) - leave_out
        if not self.push("\r\n".join([*lines, "", ""]).encode("latin-1", "replace")):
            return
        for piece in body:
            piece = piece[:left]
            left -= len(piece)
            if not piece:
                break
            framed = b"%x\r\n%b\r\n" % (len(piece), piece) if chunked else piece
            if not self.push(framed):
                return
            self.sent += len(piece)
        if chunked and not leave_out:
            self.push(b"0\r\n\r\n")

    def push(self, data):
        """False once the server has something to say, which then is to be read."""
        view, until = memoryview(data), time.monotonic() + self.patience
        self.socket.setblocking(False)
        ready = select.poll()
        ready.register(self.socket, select.POLLIN | select.POLLOUT)
        try:
            while view:
                events = dict(ready.poll(1000)).get(self.socket.fileno(), 0)
                if events & (select.POLLIN | select.POLLHUP | select.POLLERR):
                    return False
                if events & select.POLLOUT:
                    view = view[self.socket.send(view) :]
                if time.monotonic() > until:
                    raise TimeoutError(f"the server takes nothing for {self.patience} s")
            return True
        finally:
            self.socket.settimeout(self.patience)

    def answer(self, method="GET"):
        """Reads an answer; of an event stream its head."""
        response = http.client.HTTPResponse(self.socket, method=method)
        try:
            response.begin()
            headers = {name.lower(): value for name, value in response.getheaders()}
            streams = headers.get("content-type", "").startswith("text/event-stream")
            return Answer(response.status, headers, b"" if streams else response.read(), self.sent)
        except (OSError, http.client.HTTPException) as error:
            return Answer(0, {}, repr(error).encode(), self.sent)

    def is_answered(self):
        """Whether an answer, or the connection's end, waits to be read."""
        ready = select.poll()
        ready.register(self.socket, select.POLLIN)
        return bool(ready.poll(0))


def ask(port, method, target, headers=(), body=b"", *, patience=PATIENCE, source="127.0.0.1", **how):
    """One request on a connection of its own; `source` is the client's address, one of this machine's own."""
    try:
        with Wire(port, patience, source) as wire:
            return wire.ask(method, target, headers, body, **how)
    except OSError as error:
        return Answer(0, {}, repr(error).encode(), 0)


def ask_json(port, method, target, value, headers=(), **how):
    body = json.dumps(value).encode()
    return ask(port, method, target, {"Content-Type": "application/json", **dict(headers)}, body, **how)


class Stream:
    """An event stream; nothing is read of it that is not asked for."""

    def __init__(self, port, patience=PATIENCE):
        self.port, self.read = port, b""
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=patience)
        self.socket.sendall(b"GET /api/realtime HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        self.id = self.until(rb'"clientId":\s*"([^"]+)"').group(1).decode()

    def until(self, pattern):
        """Reads on until `pattern` was said."""
        expression = re.compile(pattern)
        while not (found := expression.search(self.read)):
            data = self.socket.recv(1 << 16)
            assert data, f"the stream ended before it said {pattern}: {self.read[-200:]}"
            # Patterns are short: megabytes need not be kept.
            self.read = self.read[-4096:] + data
        return found

    def subscribe(self, topics, headers=()):
        return ask_json(self.port, "POST", "/api/realtime", {"clientId": self.id, "subscriptions": list(topics)}, headers)

    def close(self):
        self.socket.close()
