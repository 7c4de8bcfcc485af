"""A proxy between the server under test and its bucket, which spoils what a test tells it to spoil."""

import http.client
import re
import socket
import struct
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote

# The mark that says whose a bucket of files is. It comes and goes through here when it likes, unspoiled and counted
# apart.
OWNER = ".bosbase-owner"
# What was proven of backups is noted beside them, whenever a proof ends. It is left alone here, too.
PROOFS = ".bosbase-proofs/"


class Proxy:
    """`rule(request)` returns what to do with a request: None to pass it on, or one of the words in `Handler.answer`, or an
    event to wait for."""

    def __init__(self, target):
        self.target = target
        self.rule = lambda request: None
        self.seen = []
        self.marks_asked = 0
        self.lock = threading.RLock()
        proxy = self

        class Handler(_Handler):
            owner = proxy

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server.server_port}"

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def count(self, what):
        """How many of the requests so far were spoiled that way."""
        with self.lock:
            return sum(1 for _, done in self.seen if done == what)


class Request:
    def __init__(self, method, path, body, headers):
        self.method, self.path, self.body = method, path, body
        self.headers = {name.lower(): value for name, value in headers.items()}
        self.is_part = method == "PUT" and "partNumber=" in path
        self.completes = method == "POST" and "uploadId=" in path
        self.is_list = method == "GET" and "list-type=2" in path
        self.is_read = method == "GET" and not self.is_list and re.search(r"\.zip(\?|$)", path) is not None


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    owner = None

    def log_message(self, *_):
        pass

    def handle_any(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        request = Request(self.command, self.path, body, self.headers)
        what = None
        with self.owner.lock:
            if OWNER in request.path:
                self.owner.marks_asked += 1
            elif PROOFS in unquote(request.path):
                pass
            else:
                what = self.owner.rule(request)
                self.owner.seen.append((request, what))
        try:
            self.answer(request, what)
        except (BrokenPipeError, ConnectionError):
            self.close_connection = True

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = handle_any

    def answer(self, request, what):
        if what == "500":
            return self.reply(500, b"<Error><Code>InternalError</Code><Message>We are sorry.</Message></Error>")
        if what == "slow down":
            return self.reply(503, b"<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>")
        if what == "forbidden":
            return self.reply(403, b"<Error><Code>AccessDenied</Code><Message>Access Denied.</Message></Error>")
        if what == "200 with an error":
            return self.reply(200, b"<Error><Code>InternalError</Code><Message>We are sorry.</Message></Error>")
        if what == "reset":
            return self.reset()
        if what == "slow":
            time.sleep(0.5)
        if isinstance(what, threading.Event):
            what.wait(60)
            what = "tell the time"
        if what == "hang":
            # Longer than anybody who looks at a picture would wait.
            time.sleep(40)
            return self.reset()
        body = request.body
        if what == "damage what is sent" and body:
            body = bytes([body[0] ^ 1]) + body[1:]
        status, headers, content = self.forward(request, body)
        if what == "lose the answer":
            return self.reset()
        if what == "do it and hang":
            time.sleep(40)
            return self.reset()
        if what == "cut the answer":
            return self.reply(status, content[: len(content) // 2], headers, length=len(content), then_reset=True)
        if what == "damage the answer" and content:
            middle = len(content) // 2
            content = content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]
        if what == "tell the time" and b"<Initiated>" in content:
            # moto says 2010 of every upload.
            now = time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime()).encode()
            content = re.sub(rb"<Initiated>[^<]*", b"<Initiated>" + now, content)
        if isinstance(what, bytes):
            content = what
        return self.reply(status, content, headers)

    def forward(self, request, body):
        connection = http.client.HTTPConnection(self.owner.target, timeout=60)
        try:
            connection.putrequest(request.method, request.path, skip_host=True, skip_accept_encoding=True)
            for name, value in self.headers.items():
                # The address is part of what is signed, so it stays the one that the client meant.
                if name.lower() not in ("connection", "content-length"):
                    connection.putheader(name, value)
            if body or request.method in ("PUT", "POST"):
                connection.putheader("Content-Length", str(len(body)))
            connection.endheaders(body or None)
            response = connection.getresponse()
            content = response.read()
            dropped = ("connection", "transfer-encoding", "keep-alive", "content-length", "date", "server")
            headers = [(name, value) for name, value in response.getheaders() if name.lower() not in dropped]
            if request.method == "HEAD":
                headers.append(("Content-Length", response.getheader("Content-Length") or "0"))
            return response.status, headers, content
        finally:
            connection.close()

    def reply(self, status, content, headers=(), length=None, then_reset=False):
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        if self.command != "HEAD":
            self.send_header("Content-Length", str(len(content) if length is None else length))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)
        if then_reset:
            self.wfile.flush()
            self.reset()

    def reset(self):
        """Closes as a crashed peer would: with a reset instead of an end."""
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()
