"""Answers that are large, and clients that do not read them: 250 records of 500 KB are a list of 125 MB."""

import contextlib
import os
import resource
import sqlite3

import pytest

from harness.wire import Wire, ask

from .place import Place, assert_bounded, at_once, shape
from .routes import FILE, RECORD

pytestmark = pytest.mark.ours

RECORDS = "/api/collections/open/records"
SIZE, COUNT = 500_000, 250


@pytest.fixture(scope="module")
def shared_place(tmp_path_factory):
    """`open` with large records, each of another text, as its own visitors could have made them."""
    place = Place(tmp_path_factory.mktemp("answers") / "pb_data").refresh()
    assert place.server.stop() == 0
    with contextlib.closing(sqlite3.connect(place.server.directory / "data.db")) as database, database:
        rows = ((f"large{n:010}", os.urandom(SIZE // 2).hex()) for n in range(COUNT))
        database.executemany("INSERT INTO open (id, text, json, files, rel) VALUES (?, ?, 'null', '[]', '[]')", rows)
    (place.server.directory / "storage" / place.collection / RECORD / FILE).write_bytes(os.urandom(50 << 20))
    place.server.start()
    yield place
    place.server.kill()


QUERIES = {
    "all": "perPage=1000",
    "all of it, sorted by what is large": "perPage=1000&sort=text",
    "one, sorted by what is large": "perPage=1&sort=-text",
    "ids": "perPage=1000&fields=id",
    "excerpts": "perPage=1000&fields=text:excerpt(10)",
    "what contains": "perPage=1&filter=text~'zz'",
    "what is like itself": "perPage=1000&fields=id&filter=text~text",
}


@pytest.mark.parametrize("query, clients", [("all", 1), *((query, 8) for query in QUERIES)])
def test_a_list_of_large_records_takes_no_more_than_its_share(place, query, clients):
    with place.peak() as peak:
        answers = at_once(clients, [lambda: ask(place.port, "GET", f"{RECORDS}?{QUERIES[query]}")] * clients)
    assert_bounded(peak, f"a list, {query}, {clients} clients")
    for answer in answers:
        assert answer.status in (200, 400, 413, 429, 503), str(answer)[:300]
        assert not shape(answer), shape(answer)
        if answer.status == 200 and query == "ids":
            assert len(answer.json()["items"]) > COUNT


@pytest.mark.parametrize("path", [f"{RECORDS}?perPage=1000", f"/api/files/open/{RECORD}/{FILE}"])
def test_answers_that_nobody_reads_take_no_more_than_their_share(place, path):
    with contextlib.ExitStack() as stack, place.peak() as peak:
        for _ in range(40):
            stack.enter_context(Wire(place.port)).send("GET", path)
        # Other clients are answered meanwhile.
        for _ in range(20):
            assert ask(place.port, "GET", f"{RECORDS}/{RECORD}").status == 200
    assert_bounded(peak, "answers that nobody reads")


def test_requests_in_a_row_whose_answers_nobody_reads(place):
    request = f"GET {RECORDS}/large{1:010} HTTP/1.1\r\nHost: x\r\n\r\n".encode() * 200
    with contextlib.ExitStack() as stack, place.peak() as peak:
        for _ in range(60):
            stack.enter_context(Wire(place.port)).socket.sendall(request)
        for _ in range(20):
            assert ask(place.port, "GET", f"{RECORDS}/{RECORD}").status == 200
    assert_bounded(peak, "requests in a row")


def test_a_thousand_heads_that_never_end(place):
    """A server keeps as much of a head as it takes in at the most, for each connection."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    head = b"GET /api/health HTTP/1.1\r\nHost: x\r\nX-Long: " + b"x" * 380_000
    try:
        with contextlib.ExitStack() as stack, place.peak() as peak:
            for _ in range(min(1200, hard - 200)):
                wire = stack.enter_context(Wire(place.port))
                # A server may refuse it before the end, and may refuse connections of which there are too many.
                with contextlib.suppress(OSError):
                    wire.push(head)
            assert ask(place.port, "GET", "/api/health", source="127.0.0.2").status == 200
        assert_bounded(peak, "unfinished heads")
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
