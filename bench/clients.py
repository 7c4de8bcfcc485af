"""Clients at a steady rate, each in a process of its own: threads of one would wait for each other, and be measured doing it."""

import asyncio
import http.client
import json
import multiprocessing
import random
import socket
import time

REQUESTS_PER_SECOND = 50
PROCESSES = multiprocessing.get_context("fork")


class Clients:
    """Sends one kind of request over one connection for as long as its `with` block; `took` is there afterwards: when each began, in
    seconds of `time.monotonic`, and how long it took, in milliseconds."""

    def __init__(self, server):
        self.port, self.took = server.port, []

    def __enter__(self):
        self.stopping = PROCESSES.Event()
        self.results, results = PROCESSES.Pipe(duplex=False)
        self.process = PROCESSES.Process(target=self._send, args=(results,))
        self.process.start()
        results.close()
        return self

    def __exit__(self, *_):
        self.stopping.set()
        try:
            self.took = self.results.recv()
        except EOFError:
            raise RuntimeError("a client failed: its traceback stands above") from None
        finally:
            self.process.join()

    def _send(self, results):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        connection.connect()
        connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        took, next_at = [], time.monotonic() + random.random() / REQUESTS_PER_SECOND
        while not self.stopping.is_set():
            time.sleep(max(0, next_at - time.monotonic()))
            began = time.monotonic()
            connection.request(*self.request())
            answer = connection.getresponse()
            body = answer.read()
            # A request that is late because the one before it took long waits as well.
            took.append((began, (time.monotonic() - next_at) * 1000))
            assert answer.status == 200, body
            next_at += 1 / REQUESTS_PER_SECOND
        results.send(took)

    def quantiles(self, periods=((float("-inf"), float("inf")),)):
        """Of the requests that began in one of these periods."""
        took = sorted(took for began, took in self.took if any(since <= began < until for since, until in periods))
        if not took:
            return None
        return {"p50": took[len(took) // 2], "p99": took[int(len(took) * 0.99)], "max": took[-1], "count": len(took)}


class OnTime(Clients):
    """The same, each request sent when its time has come, whether or not earlier ones were answered. `failed` counts those that got no
    answer on a connection of their own, or one that is no success."""

    failed = 0

    def __exit__(self, *rest):
        super().__exit__(*rest)
        self.took, self.failed = self.took

    def _send(self, results):
        results.send(asyncio.run(self._all()))

    async def _all(self):
        self.idle, took, failed, sent = [], [], 0, set()

        async def one(due):
            nonlocal failed
            began = time.monotonic()
            if await self._ask():
                took.append((began, (time.monotonic() - due) * 1000))
            else:
                failed += 1

        next_at = time.monotonic() + random.random() / REQUESTS_PER_SECOND
        while not self.stopping.is_set():
            await asyncio.sleep(max(0, next_at - time.monotonic()))
            task = asyncio.create_task(one(next_at))
            sent.add(task)
            task.add_done_callback(sent.discard)
            next_at += 1 / REQUESTS_PER_SECOND
        await asyncio.gather(*sent)
        return took, failed

    async def _ask(self):
        method, path, body, headers = (*self.request(), None, None)[:4]
        content = (body or "").encode()
        fields = {"Host": "127.0.0.1", "Content-Length": str(len(content)), **(headers or {})}
        message = f"{method} {path} HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in fields.items()) + "\r\n"
        # A kept connection may have ended meanwhile: then it is asked once more, on a new one.
        for kept in (True, False):
            connection = self.idle.pop() if kept and self.idle else None
            if kept and not connection:
                continue
            try:
                reader, writer = connection or await asyncio.open_connection("127.0.0.1", self.port)
                writer.write(message.encode() + content)
                status, closes = await self._answer(reader)
            except (OSError, EOFError, ValueError):
                continue
            if closes:
                writer.close()
            else:
                self.idle.append((reader, writer))
            return status == 200
        return False

    @staticmethod
    async def _answer(reader):
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower().split("\r\n")
        fields = dict(line.split(": ", 1) for line in head[1:] if line)
        await reader.readexactly(int(fields.get("content-length", 0)))
        return int(head[0].split()[1]), fields.get("connection") == "close"


class Creating:
    """Creates records."""

    def request(self):
        body = json.dumps({"text": "written meanwhile", "n": 1})
        return "POST", "/api/collections/posts/records", body, {"Content-Type": "application/json"}


class Viewing:
    """Reads single records, here and there."""

    def request(self):
        return "GET", f"/api/collections/posts/records/r{random.randrange(1000):014}"


class Writers(Creating, Clients):
    """One after the other."""


class Readers(Viewing, Clients):
    """One after the other."""


class WritersOnTime(Creating, OnTime):
    """At their times."""
