"""Floods: one kind of request each, sent by several processes as fast as it is answered; and probes beside them."""

import contextlib
import http.client
import itertools
import json
import multiprocessing
import random
import resource
import time
from urllib.parse import quote

from application import LEAF_TOP, MEMBER, PASSWORD, POST, RECORDS, SLOW
from clients import PROCESSES, Clients
from harness.wire import Body, Stream, Wire, ask, ask_json


MB = 1 << 20
FORM, MULTIPART, JSON = "application/x-www-form-urlencoded", "multipart/form-data; boundary=b", "application/json"
LOGIN = "/api/collections/users/auth-with-password"

MOST = 5000
"""Requests that one client of a flood sends at the most."""


def get(path, headers=()):
    return lambda client: client.keep("GET", path, headers)


def post(path, kind, make):
    def send(client):
        client.once("POST", path, {"Content-Type": kind}, client.made(make))

    return send


def post_json(path, make, method="POST"):
    return lambda client: client.keep(method, path, {"Content-Type": JSON}, json.dumps(make(client.unique())).encode())


def files(count, size):
    part = b'--b\r\nContent-Disposition: form-data; name="files"; filename="a.txt"\r\n\r\n' + b"x" * size + b"\r\n"
    return Body((part, count), b"--b--\r\n")


def keys(count):
    return Body(b"{" + b",".join(b'"k%07d":0' % n for n in range(count)) + b"}")


def registration(n):
    return {"email": f"crowd{n}@example.com", "password": PASSWORD, "passwordConfirm": PASSWORD}


def subscribe(client):
    stream = Stream(client.port)
    answer = stream.subscribe(f"posts/*?options={quote(json.dumps({'query': {'n': str(n)}}))}" for n in range(1000))
    client.count(answer.status)
    client.hold(stream, 8)


def broadcast(client):
    """Each client holds eight streams with a thousand subscriptions each, reads none, and saves records."""
    if len(client.held) < 8:
        subscribe(client)
    client.count(ask_json(client.port, "POST", RECORDS, {"text": "x" * 100_000}).status)


def unfinished(path):
    def send(client):
        if len(client.held) >= 8:
            time.sleep(0.1)
            return
        wire = Wire(client.port)
        client.hold(wire, 8)
        wire.send("POST", path, {"Content-Type": JSON}, Body(b'{"text":"', (b"x", 20 * MB), b'"}'), leave_out=1)

    return send


def half_a_head(client):
    if len(client.held) >= 100:
        time.sleep(0.1)
        return
    wire = Wire(client.port)
    wire.socket.sendall(b"GET /api/health HTTP/1.1\r\nHost: x\r\nX-Long: ")
    client.hold(wire, 100)


LONG = {"User-Agent": "a" * 4000, "Referer": "http://example.com/" + "r" * 4000}

FLOODS = {
    "health": get("/api/health"),
    "health, a connection each": lambda client: client.once("GET", "/api/health"),
    "a view by id": get(POST),
    "a list": get(f"{RECORDS}?perPage=30"),
    "a list, six relations deep × 20": get(SLOW),
    "a list, expand=rel.rel, fields=id": get("/api/collections/tops/records?expand=rel.rel&fields=id"),
    "a view, expand=rel.rel": get(f"{LEAF_TOP}?expand=rel.rel"),
    "a file": get("/api/files/posts/r00000000000000/file_0.bin"),
    "a file, 5,000 ranges": get("/api/files/posts/r00000000000000/file_0.bin", {"Range": "bytes=" + ",".join(["0-"] * 5000)}),
    "what is not there, 16 KB of it": lambda client: client.keep("GET", f"/api/{client.unique()}{'x' * 8000}", LONG),
    "a record": post_json(RECORDS, lambda n: {"text": f"flood {n}"}),
    "a record of 500 KB": post_json(RECORDS, lambda n: {"text": "x" * 500_000}),
    "a record, JSON of 1.9 million numbers": post(RECORDS, JSON, lambda: Body(b'{"json":[', (b"0,", 1_900_000), b"0]}")),
    "a record, JSON of 1.9 million keys": post(RECORDS, JSON, lambda: keys(1_900_000)),
    "a record, a form of 31 MiB": post(RECORDS, FORM, lambda: Body((b"a=&", 31 * MB // 3))),
    "a record, 2,000 files": post(RECORDS, MULTIPART, lambda: files(2000, 1000)),
    "a record, a file of 5 MB": post(RECORDS, MULTIPART, lambda: files(1, 5_000_000)),
    "a right login": post_json(LOGIN, lambda n: {"identity": "member@example.com", "password": PASSWORD}),
    "a wrong login": post_json(LOGIN, lambda n: {"identity": "member@example.com", "password": f"wrong-{n}"}),
    "a login of nobody": post_json(LOGIN, lambda n: {"identity": f"nobody{n}@example.com", "password": "wrong-1234"}),
    "a login, a form of 31 MiB": post(LOGIN, FORM, lambda: Body((b"a=&", 31 * MB // 3))),
    "a registration": post_json("/api/collections/users/records", registration),
    "a registration, a connection each": lambda client: client.crowd("/api/collections/users/records", registration, 75),
    "a wrong old password": post_json(MEMBER, lambda n: {"oldPassword": f"wrong-{n}", "password": PASSWORD, "passwordConfirm": PASSWORD}, "PATCH"),
    "1,000 subscriptions": subscribe,
    "events to 64 streams × 1,000": broadcast,
    "unfinished bodies, records": unfinished(RECORDS),
    "unfinished bodies, logins": unfinished(LOGIN),
    "half a head": half_a_head,
}


class Client:
    """One of those who flood: sends the same kind of request over and over for as long as it is to."""

    def __init__(self, port, number):
        self.port, self.number, self.held, self.statuses = port, number, [], {}
        self.numbers = itertools.count()
        self.wire, self.body = None, None

    def unique(self):
        return f"{self.number}-{next(self.numbers)}"

    def made(self, make):
        self.body = self.body or make()
        return self.body

    def hold(self, one, most):
        self.held.append(one)
        for old in self.held[:-most]:
            old.close()
        del self.held[:-most]

    def once(self, method, path, headers=(), body=b""):
        """A request on a connection of its own."""
        return self.count(ask(self.port, method, path, headers, body, patience=30).status)

    def keep(self, method, path, headers=(), body=b""):
        """A request on a connection that is kept."""
        self.wire = self.wire or Wire(self.port, 30)
        answer = self.wire.ask(method, path, headers, body)
        if not answer.status or answer.headers.get("connection") == "close":
            self.wire.close()
            self.wire = None
        return self.count(answer.status)

    def crowd(self, path, make, many):
        """So many requests at once, which are not waited for one by one."""
        wires = [Wire(self.port, 60) for _ in range(many)]
        for wire in wires:
            wire.send("POST", path, {"Content-Type": JSON}, json.dumps(make(self.unique())).encode())
        for wire in wires:
            self.count(wire.answer("POST").status)
            wire.close()

    def count(self, status):
        self.statuses[status] = self.statuses.get(status, 0) + 1
        return status

    def run(self, send, stopping, results):
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        for _ in range(MOST):
            if stopping.is_set():
                break
            with contextlib.suppress(OSError, AssertionError):
                send(self)
        stopping.wait()  # what it holds it holds until the end
        results.put(self.statuses)


class Flood:
    """Clients that flood within the `with` block, each a process; `statuses` counts their answers after `end`."""

    def __init__(self, server, send, clients):
        self.stopping, self.results = PROCESSES.Event(), PROCESSES.Queue()
        self.processes = [
            PROCESSES.Process(target=Client(server.port, number).run, args=(send, self.stopping, self.results), daemon=True)
            for number in range(clients)
        ]
        self.statuses = {}

    def __enter__(self):
        for process in self.processes:
            process.start()
        return self

    def __exit__(self, *_):
        self.stopping.set()

    def end(self):
        """Collects the counts. Call it once the server is gone: then no client waits for an answer."""
        for _ in self.processes:
            with contextlib.suppress(multiprocessing.queues.Empty):
                for status, count in self.results.get(timeout=90).items():
                    self.statuses[status] = self.statuses.get(status, 0) + count
        for process in self.processes:
            process.join(10)
            if process.is_alive():
                process.kill()


class Probe(Clients):
    """Asks ten times a second. A request that fails counts among the `failed`, with the time that it was waited for."""

    path, per_second, patience = "/api/health", 10, 30

    def _send(self, results):
        took, failed, connection = [], 0, None
        next_at = time.monotonic() + random.random() / self.per_second
        while not self.stopping.is_set():
            time.sleep(max(0, next_at - time.monotonic()))
            began = time.monotonic()
            try:
                connection = connection or http.client.HTTPConnection("127.0.0.1", self.port, timeout=self.patience)
                connection.request("GET", self.path)
                answer = connection.getresponse()
                answer.read()
                failed += answer.status != 200
            except (OSError, http.client.HTTPException):
                failed, connection = failed + 1, None
            took.append((began, (time.monotonic() - began) * 1000))
            # Nobody is measured for the time that the one before took.
            next_at = max(next_at + 1 / self.per_second, time.monotonic())
        results.send((took, failed))

    def __exit__(self, *rest):
        super().__exit__(*rest)
        self.took, self.failed = self.took


class Health(Probe):
    pass


class View(Probe):
    path = POST
