"""Bodies take bounded memory, and what can be refused before they are read is.

One 31 MiB form to a login or to realtime cost 1.3 GB, 60 unfinished bodies of 20 MiB 1.2 GB, and 20,000 file parts were taken
and written before the rule was asked.
"""

import json
import socket
from concurrent.futures import ThreadPoolExecutor

import pytest

from harness.memory import Watch

pytestmark = pytest.mark.ours

LIMIT = 400 << 20
LOGIN = "/api/collections/_superusers/auth-with-password"


@pytest.fixture
def place(server):
    fields = [
        {"name": "text", "type": "text", "max": 50_000_000},
        {"name": "data", "type": "json", "maxSize": 40_000_000},
        {"name": "papers", "type": "file", "maxSelect": 3, "maxSize": 1000},
        {"name": "paper", "type": "file", "maxSelect": 1, "maxSize": 1000},
    ]
    root = server.root()
    root.post("/api/collections", json={"name": "open", "type": "base", "createRule": "", "fields": fields})
    root.post(
        "/api/collections",
        json={"name": "guarded", "type": "base", "createRule": "@request.auth.id != ''", "fields": fields},
    )
    return server


def below(server, what):
    with Watch(server.process.pid) as watch:
        what()
    print(f"peak {watch.peak / 2**20:.0f} MiB in {watch.samples} samples")
    assert watch.peak < LIMIT, f"{watch.peak / 2**20:.0f} MiB"


def send(server, path, body, content_type):
    return server.client().send("POST", path, data=body, headers={"Content-Type": content_type}, expect=None)


FORM = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data; boundary=B"
PART = '--B\r\nContent-Disposition: form-data; name="{name}"{more}\r\n\r\n{content}\r\n'


def multipart(count, name="papers", file=True, content="1"):
    more = '; filename="x{n}.txt"' if file else ""
    parts = (PART.format(name=name, more=more.format(n=n), content=content) for n in range(count))
    return "".join(parts) + "--B--\r\n"


BODIES = {
    "pairs": ("a&" * (15 << 20), FORM),
    "one long value": ("a=" + "x" * (31 << 20), FORM),
    "values": ('{"data":[' + "1," * (15 << 20) + "1]}", "application/json"),
    "many values": ('{"data":[' + "1," * 200_000 + "1]}", "application/json"),
    "too many objects": ('{"data":[' + '{"a":1},' * 400_000 + "1]}", "application/json"),
    "objects": ('{"data":[' + '{"a":1},' * 50_000 + "1]}", "application/json"),
    "text": ('{"text":"' + "x" * (31 << 20) + '"}', "application/json"),
    "deep": ('{"a":' + "[" * (31 << 20), "application/json"),
    "parts": (multipart(200_000, "a", False), MULTIPART),
    "long parts": (multipart(30, "text", False, "x" * (1 << 20)), MULTIPART),
    "files": (multipart(20_000), MULTIPART),
}


@pytest.mark.parametrize("path", [LOGIN, "/api/realtime", "/api/collections/open/records", "/api/settings"])
@pytest.mark.parametrize("kind", BODIES)
def test_no_body_takes_much_memory(place, path, kind):
    body, content_type = BODIES[kind]

    def crowd():
        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda _: send(place, path, body, content_type), range(8)))
        assert all(answer.status_code < 500 for answer in answers), answers

    below(place, crowd)


def test_unfinished_bodies_take_next_to_nothing(place):
    """60 clients that stop 20 MiB into a body."""

    def crowd():
        head = "POST /api/collections/open/records HTTP/1.1\r\nHost: x\r\nContent-Type: {}\r\nContent-Length: 31000000\r\n\r\n"
        connections = []
        for number in range(60):
            connection = socket.create_connection(("127.0.0.1", place.port))
            kind, begun = ("application/json", b'{"text":"') if number % 2 else (MULTIPART, PART.format(name="text", more="", content="x").encode())
            connection.sendall(head.format(kind).encode() + begun.rstrip(b"\r\n"))
            for _ in range(80):
                connection.sendall(b"x" * (1 << 18))
            connections.append(connection)
        # They keep nobody waiting.
        assert send(place, "/api/collections/open/records", json.dumps({"text": "x" * (5 << 20)}), "application/json").status_code == 200
        for connection in connections:
            connection.close()

    below(place, crowd)


def written(server):
    uploads = server.directory / ".bosbase" / "uploads"
    return list(uploads.iterdir()) if uploads.exists() else []


def test_a_rule_is_asked_before_files_are_taken(place):
    """A guest sends the first of its files and then nothing: it is refused all the same."""
    connection = socket.create_connection(("127.0.0.1", place.port))
    connection.settimeout(30)
    head = f"POST /api/collections/guarded/records HTTP/1.1\r\nHost: x\r\nContent-Type: {MULTIPART}\r\nContent-Length: 9000000\r\n\r\n"
    connection.sendall(head.encode() + multipart(10).encode()[:500])
    assert connection.recv(1 << 16).startswith(b"HTTP/1.1 400 ")
    assert written(place) == []


@pytest.mark.parametrize("count, status", [(3, 200), (4, 400), (999, 400), (1001, 400)])
def test_of_too_many_files_no_more_are_taken_than_it_takes_to_say_so(place, count, status):
    answer = send(place, "/api/collections/open/records", multipart(count), MULTIPART)
    assert answer.status_code == status
    if count in (4, 999):
        assert answer.json()["data"]["papers"]["code"] == "validation_too_many_files"
    assert written(place) == []


def test_of_several_files_for_a_single_one_the_last_counts(place):
    answer = send(place, "/api/collections/open/records", multipart(5, "paper"), MULTIPART)
    assert answer.json()["paper"].startswith("x4")


@pytest.mark.parametrize(
    "path, status",
    [
        ("/api/collections", 401),
        ("/api/settings/test/email", 401),
        ("/api/backups", 401),
        ("/api/collections/users/impersonate/x", 401),
        ("/api/collections/none/auth-with-password", 404),
        ("/api/collections/guarded/auth-with-password", 404),
        ("/api/collections/none/records", 404),
        ("/api/collections/guarded/records", 400),
    ],
)
def test_rights_come_before_bodies(place, path, status):
    """The answer comes while the body does not."""
    connection = socket.create_connection(("127.0.0.1", place.port))
    connection.settimeout(30)
    connection.sendall(f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n".encode())
    assert connection.recv(1 << 16).startswith(f"HTTP/1.1 {status} ".encode())
