"""Clients at a steady rate, each in a process of its own: threads of one would wait for each other, and be measured doing it."""

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


class Writers(Clients):
    """Creates records."""

    def request(self):
        body = json.dumps({"text": "written meanwhile", "n": 1})
        return "POST", "/api/collections/posts/records", body, {"Content-Type": "application/json"}


class Readers(Clients):
    """Reads single records, here and there."""

    def request(self):
        return "GET", f"/api/collections/posts/records/r{random.randrange(1000):014}"
