"""A deletion that takes many large records along, while somebody listens.

What went along was kept whole until all listeners were told, several times over: 1,500 records of 300 KB cost 945 MB.
"""

import contextlib
import os
import sqlite3

import pytest

from batch.application import delete
from harness.wire import Stream, ask, ask_json

from .place import OPEN, Place, assert_bounded, at_once

pytestmark = pytest.mark.ours

SIZE, COUNT, PARENTS = 300_000, 1_000, 8
LARGE = 5_000_000


@pytest.fixture(scope="module")
def shared_place(tmp_path_factory):
    """`parents` and their `children`, which go with them."""
    place = Place(tmp_path_factory.mktemp("deletions") / "pb_data")
    root = place.server.root()
    parents = root.post("/api/collections", json={"name": "parents", "type": "base", **OPEN})
    fields = [
        {"name": "text", "type": "text", "max": LARGE},
        {"name": "of", "type": "relation", "collectionId": parents["id"], "maxSelect": 1, "cascadeDelete": True},
        {"name": "near", "type": "relation", "collectionId": parents["id"], "maxSelect": 1},
    ]
    root.post("/api/collections", json={"name": "children", "type": "base", "fields": fields, **OPEN})
    yield place
    place.server.kill()


def fill(place):
    """Each parent has its children, and as many records as are theirs only in passing lose a relation."""
    assert place.server.stop() == 0
    with contextlib.closing(sqlite3.connect(place.server.directory / "data.db")) as database, database:
        database.execute("DELETE FROM parents")
        database.execute("DELETE FROM children")
        database.executemany("INSERT INTO parents (id) VALUES (?)", ((parent(n),) for n in range(PARENTS)))
        rows = ((f"child{n:010}", os.urandom(SIZE // 2).hex(), parent(n % PARENTS), parent((n + 1) % PARENTS)) for n in range(COUNT))
        database.executemany("INSERT INTO children (id, text, of, near) VALUES (?, ?, ?, ?)", rows)
    place.server.start()


def parent(number):
    return f"parent{number:09}"


def single(number):
    return f"single{number:09}"


def left(place):
    return ask(place.port, "GET", "/api/collections/children/records?perPage=1").json()["totalItems"]


@pytest.mark.parametrize("clients", [1, PARENTS])
def test_a_deletion_that_takes_much_along_takes_no_more_than_its_share(place, clients):
    fill(place)
    with contextlib.ExitStack() as stack, place.peak() as peak:
        stream = stack.enter_context(contextlib.closing(Stream(place.port)))
        assert stream.subscribe(["parents/*", "children/*"]).status == 204
        paths = [f"/api/collections/parents/records/{parent(n)}" for n in range(PARENTS)]
        answers = at_once(clients, [lambda path=path: ask(place.port, "DELETE", path) for path in paths])
        assert left(place) == 0
    assert [answer.status for answer in answers] == [204] * PARENTS
    assert_bounded(peak, f"{clients} deletions at once")


@pytest.mark.parametrize("clients", [1, PARENTS])
@pytest.mark.parametrize("listening", [True, False])
def test_batches_of_deletions_take_no_more_than_their_share(place, clients, listening):
    """Of each deletion in a batch as much was kept as of one by itself: five batches took 1,560 MB."""
    fill(place)
    each = 40
    with contextlib.closing(sqlite3.connect(place.server.directory / "data.db")) as database, database:
        rows = ((single(n), os.urandom(LARGE // 2).hex()) for n in range(clients * each))
        database.executemany("INSERT INTO children (id, text) VALUES (?, ?)", rows)
    place.server.root().patch("/api/settings", json={"batch": {"enabled": True, "timeout": 60}})

    def batch(number):
        singles = [delete("children", single(number * each + n)) for n in range(each)]
        return {"requests": singles + [delete("parents", parent(n)) for n in range(number, PARENTS, clients)]}

    with contextlib.ExitStack() as stack, place.peak() as peak:
        if listening:
            stream = stack.enter_context(contextlib.closing(Stream(place.port)))
            assert stream.subscribe(["parents/*", "children/*"]).status == 204
        bodies = [batch(number) for number in range(clients)]
        answers = at_once(clients, [lambda body=body: ask_json(place.port, "POST", "/api/batch", body) for body in bodies])
        assert left(place) == 0
    print(f"{clients} batches, {'one listens' if listening else 'nobody listens'}: {peak}")
    assert [answer.status for answer in answers] == [200] * clients, answers
    assert_bounded(peak, f"{clients} batches of deletions at once")


def test_emptying_a_collection_takes_no_more_than_its_share(place):
    fill(place)
    root = place.server.root()
    with contextlib.ExitStack() as stack, place.peak() as peak:
        stream = stack.enter_context(contextlib.closing(Stream(place.port)))
        assert stream.subscribe(["children/*"]).status == 204
        root.send("DELETE", "/api/collections/children/truncate", expect=204)
        assert left(place) == 0
    assert_bounded(peak, "emptying a collection")
