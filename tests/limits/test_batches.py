"""Batches that cost a server more than their client: large ones, many small ones in one, costly rules."""

import contextlib
import json
import sqlite3
import threading
import time

import pytest

from batch.application import create, send, update
from harness.client import wait_for
from harness.programs import BOSBASE
from harness.server import Server
from harness.wire import Body, ask, ask_json

from .inputs import JSON, MB, MULTIPART
from .place import OPEN, PASSWORD, RECORD, assert_bounded, at_once, files_of_clients, shape

pytestmark = pytest.mark.ours

BATCH = "/api/batch"
HEAD = b'{"method":"POST","url":"/api/collections/open/records","body":'


@pytest.fixture(autouse=True)
def switched_on(place):
    place.server.root().patch("/api/settings", json={"batch": {"enabled": True, "maxRequests": 100_000, "timeout": 60}})


def batch(each, count, end=b"}"):
    return Body(b'{"requests":[', (HEAD + each + b"},", count - 1), HEAD + each + b"}", b"]" + end)


def texts(size, count):
    return batch(b'{"text":"' + b"x" * size + b'"}', count)


INPUTS = {
    "texts of 900 KB, 40 MB in all": (lambda: texts(900_000, 44), 200),
    "texts of 900 KB, 60 MB in all": (lambda: texts(900_000, 66), 413),
    "lists of numbers": (lambda: batch(b'{"json":[' + b"0," * 15_000 + b"0]}", 60), 200),
    "more numbers than are read": (lambda: batch(b'{"json":[' + b"0," * 15_000 + b"0]}", 80), 413),
    "lists of objects": (lambda: batch(b'{"json":[' + b'{"a":0},' * 1500 + b"{}]}", 60), 200),
    "more objects than are read": (lambda: batch(b"{}", 60_000), 413),
    "3,000 requests": (lambda: batch(b'{"text":"x"}', 3000), 200),
    "30,000 requests that are none": (lambda: Body(b'{"requests":[', (b"{},", 30_000), b"{}]}"), 400),
    "deep": (lambda: batch(b'{"json":' + b"[" * 500_000 + b"]" * 500_000 + b"}", 1), 400),
    "JSON that does not end": (lambda: batch(b'{"text":"x"}', 1000, b""), 400),
}


@pytest.mark.parametrize("clients", [1, 6])
@pytest.mark.parametrize("name", INPUTS)
def test_no_batch_takes_more_than_its_share(place, name, clients):
    make, status = INPUTS[name]
    body = make()
    with place.peak() as peak:
        answers = at_once(clients, [lambda: ask(place.port, "POST", BATCH, {"Content-Type": JSON}, body)] * clients)
    print(f"{name}, {clients}: {peak}")
    assert_bounded(peak, f"{clients}: {name}")
    for answer in answers:
        assert answer.status in ({status} | ({429, 503} if clients > 1 else set())), answer
        assert not shape(answer), shape(answer)
    assert place.serves()


@pytest.mark.parametrize("padding", [0, 70_000])
@pytest.mark.parametrize("clients", [1, 6])
def test_small_batches_with_large_answers(place, clients, padding):
    """A word is sent for each megabyte that is shown. A body that has a share of its own needs one for its answers, too."""
    root = place.server.root()
    ids = [root.create("open", {"text": "x" * 900_000})["id"] for _ in range(60)]
    requests = [update("open", id, json=1) for id in ids]
    with place.peak() as peak:
        answers = at_once(clients, [lambda: ask_json(place.port, "POST", BATCH, {"requests": requests[:40], "padding": "x" * padding})] * clients)
    print(f"{clients}, {padding}: {peak}")
    assert_bounded(peak, f"{clients} batches of large answers")
    statuses = {answer.status for answer in answers}
    assert 200 in statuses and statuses <= {200, 503}, answers
    too_large = ask_json(place.port, "POST", BATCH, {"requests": requests})
    assert too_large.status == 400
    assert "too large" in too_large.json()["data"]["requests"].popitem()[1]["response"]["message"], too_large
    small = ask_json(place.port, "POST", BATCH, {"requests": [{**one, "url": one["url"] + "?fields=id"} for one in requests[:20]]})
    assert small.status == 200 and len(small.json()) == 20
    for id in ids:
        root.delete(f"/api/collections/open/records/{id}")


def test_files_of_a_batch_go_to_the_disk(place):
    """Files may be longer than what is read into memory; those that nobody wants leave nothing behind."""
    payload = json.dumps({"requests": [create("open", text="a"), create("open", text="b")]}).encode()
    head = lambda name, more="": f'--b\r\nContent-Disposition: form-data; name="{name}"{more}\r\n\r\n'.encode()  # noqa: E731
    file = '; filename="a.txt"'
    parts = [head("requests.0.files", file), (b"x", 4 * MB), b"\r\n", head("requests.1.files", file), (b"y", 4 * MB), b"\r\n"]
    for name in ("requests.0.nobody", "requests.5.files", "other"):
        parts += [head(name, file), (b"z", 20 * MB), b"\r\n"]
    body = Body(*parts, head("@jsonPayload"), payload, b"\r\n--b--\r\n")
    before = files_of_clients(place.server)
    with place.peak() as peak:
        answer = ask(place.port, "POST", BATCH, {"Content-Type": MULTIPART}, body)
    assert_bounded(peak, "a batch of files")
    assert answer.status == 200 and [len(one["body"]["files"]) for one in answer.json()] == [1, 1], answer
    storage = place.server.directory / "storage"
    wait_for(lambda: all(storage in path.parents for path in files_of_clients(place.server) - before), 10, "nothing lies elsewhere")
    assert len(files_of_clients(place.server) - before) == 4, "two files, and a note beside each"


def test_a_batch_is_no_longer_than_the_settings_say(place):
    root = place.server.root()
    root.patch("/api/settings", json={"batch": {"maxBodySize": 1000, "maxRequests": 2}})
    try:
        assert ask(place.port, "POST", BATCH, {"Content-Type": JSON}, texts(2000, 1)).status == 413
        assert ask(place.port, "POST", BATCH, {"Content-Type": JSON}, texts(2000, 1), chunked=True).status == 413
        assert ask(place.port, "POST", BATCH, {"Content-Type": JSON}, texts(10, 3)).status == 400
        assert ask(place.port, "POST", BATCH, {"Content-Type": JSON}, texts(10, 2)).status == 200
    finally:
        root.patch("/api/settings", json={"batch": {"maxBodySize": 0}})


COSTLY = " && ".join(f"@collection.nodes:{one}.t ?> @collection.nodes:{other}.t" for one, other in ("ab", "bc", "cd", "da"))
"""No record is above itself: all of 2,000 times 2,000 times 2,000 are looked at."""


def test_a_batch_that_takes_too_long_ends_and_others_write(tmp_path):
    """A rule that computes for minutes holds the one writer no longer than the settings say."""
    directory = tmp_path / "web" / "pb_data"
    with Server(BOSBASE, directory) as server:
        root = server.root()
        root.post("/api/collections", json={"name": "nodes", "type": "base", "fields": [{"name": "t", "type": "text"}], **OPEN})
        root.patch("/api/collections/nodes", json={"updateRule": COSTLY})
        root.post("/api/collections", json={"name": "other", "type": "base", "fields": [{"name": "t", "type": "text"}], **OPEN})
        root.patch("/api/settings", json={"batch": {"enabled": True, "timeout": 2}})
        assert server.stop() == 0
        ids = [f"n{n:014}" for n in range(2000)]
        with contextlib.closing(sqlite3.connect(directory / "data.db")) as database, database:
            database.executemany("INSERT INTO nodes (id, t) VALUES (?, ?)", ((one, f"t{n}") for n, one in enumerate(ids)))
        server.start()
        told = {}

        def costly():
            begun = time.monotonic()
            told["answer"] = send(server.client(), create("other", t="never"), update("nodes", ids[7], t="x"), expect=400, timeout=60)
            told["took"] = time.monotonic() - begun

        thread = threading.Thread(target=costly)
        thread.start()
        wait_for(lambda: server.client().create("other", {"t": "meanwhile"}), 60, "a write of somebody else")
        thread.join()
        assert told["answer"] == {"status": 400, "message": "Batch transaction failed.", "data": {}}
        assert 1 < told["took"] < 20, told["took"]
        assert {one["t"] for one in server.root().records("other")} == {"meanwhile"}
        assert server.root().get(f"/api/collections/nodes/records/{ids[7]}")["t"] == "t7"


def test_passwords_of_a_batch_keep_nobody_from_writing(place):
    """Each takes a core for tens of milliseconds; within the write all others would wait for them."""
    count = 30
    requests = [create("users", email=f"many{n}@example.com", password="user-1234", passwordConfirm="user-1234") for n in range(count)]
    slowest, done = 0, threading.Event()

    def hash_all():
        try:
            send(place.server.root(), *requests)
        finally:
            done.set()

    client, thread = place.server.client(), threading.Thread(target=hash_all)
    thread.start()
    began = time.monotonic()
    while not done.is_set():
        begun = time.monotonic()
        client.patch(f"/api/collections/open/records/{RECORD}", json={"text": "meanwhile"})
        slowest = max(slowest, time.monotonic() - begun)
    thread.join()
    took = time.monotonic() - began
    print(f"the batch took {took:.2f} s, a write meanwhile {slowest:.2f} s at the most")
    assert slowest < max(took / 3, 0.3), (slowest, took)
    assert len([one for one in place.server.root().records("users") if one["email"].startswith("many")]) == count


def test_batches_with_passwords_keep_nobody_from_logging_in(place):
    """Each held a turn to hash for as long as it waited for memory: a login beside 80 of them took 31 seconds."""
    root = place.server.root()
    ids = [root.create("open", {"text": "x" * 900_000})["id"] for _ in range(30)]

    def batch(number):
        account = create("users", email=f"crowd{number}@example.com", password="user-1234", passwordConfirm="user-1234")
        return ask_json(place.port, "POST", BATCH, {"requests": [account] + [update("open", id, json=1) for id in ids]})

    answers = []
    crowd = threading.Thread(target=lambda: answers.extend(at_once(80, [lambda number=number: batch(number) for number in range(80)])))
    begun = time.monotonic()
    crowd.start()
    time.sleep(3)
    assert crowd.is_alive()
    slowest = 0
    for _ in range(3):
        asked = time.monotonic()
        place.server.client().login("users", "user@example.com", PASSWORD)
        slowest = max(slowest, time.monotonic() - asked)
    crowd.join()
    print(f"80 batches took {time.monotonic() - begun:.1f} s, a login meanwhile {slowest:.1f} s at the most")
    assert slowest < 10, slowest
    assert {answer.status for answer in answers} <= {200, 503} and any(answer.status == 200 for answer in answers), answers
    for id in ids:
        root.delete(f"/api/collections/open/records/{id}")
