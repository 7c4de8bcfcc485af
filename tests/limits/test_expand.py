"""`expand` multiplies: thirty records relate to forty, and these to forty of 100 KB.

That is five gigabytes, of which `fields=id` shows one kilobyte.
"""

import contextlib
import json
import sqlite3
from urllib.parse import quote

import pytest

from harness.programs import BOSBASE
from harness.server import Server
from harness.wire import Stream, ask, ask_json

from .place import OPEN, Place, assert_bounded, at_once, shape

pytestmark = pytest.mark.ours

TOPS, MIDS, LEAVES, LEAF = 30, 40, 40, 100_000

ERRORS = {400, 413, 429, 503}


def identifier(kind, n):
    return f"{kind}{n:014}"


class Tree(Place):
    """All `tops` relate to all `mids`, and these to all `leaves`. A small one of each relates to the next."""

    def __init__(self, directory):
        self.server = Server(BOSBASE, directory).start()
        root, below = self.server.root(), None
        for name in ("leaves", "mids", "tops"):
            fields = [{"name": "text", "type": "text", "max": 1_000_000}]
            if below:
                fields.append({"name": "rel", "type": "relation", "collectionId": below["id"], "maxSelect": 100})
            below = root.post("/api/collections", json={"name": name, "type": "base", "fields": fields, **OPEN})
        assert self.server.stop() == 0
        with contextlib.closing(sqlite3.connect(directory / "data.db")) as database, database:
            database.executemany("INSERT INTO leaves (id, text) VALUES (?, ?)", ((identifier("l", n), "x" * LEAF) for n in range(LEAVES)))
            leaves = json.dumps([identifier("l", n) for n in range(LEAVES)])
            database.executemany("INSERT INTO mids (id, text, rel) VALUES (?, '', ?)", ((identifier("m", n), leaves) for n in range(MIDS)))
            mids = json.dumps([identifier("m", n) for n in range(MIDS)])
            database.executemany("INSERT INTO tops (id, text, rel) VALUES (?, '', ?)", ((identifier("t", n), mids) for n in range(TOPS)))
            small = "small0000000000"
            database.execute("INSERT INTO leaves (id, text) VALUES (?, 'leaf')", (small,))
            database.execute("INSERT INTO mids (id, text, rel) VALUES (?, 'mid', ?)", (small, json.dumps([small])))
            database.execute("INSERT INTO tops (id, text, rel) VALUES (?, 'top', ?)", (small, json.dumps([small])))
        self.server.start()

    def refresh(self):
        """All records are there already."""
        self.revive()
        return self


@pytest.fixture(scope="module")
def shared_tree(tmp_path_factory):
    tree = Tree(tmp_path_factory.mktemp("expand") / "pb_data")
    yield tree
    tree.server.kill()


@pytest.fixture
def tree(shared_tree):
    return shared_tree.refresh()


QUERIES = {
    "of a list": "tops/records?expand=rel.rel&fields=id",
    "of a list, more fields": "tops/records?expand=rel.rel&fields=id,expand.rel.id",
    "of one record": f"tops/records/{identifier('t', 0)}?expand=rel.rel&fields=id",
    "twice": "tops/records?expand=rel.rel,rel.rel&fields=id",
    "the other way": "leaves/records?expand=mids_via_rel.tops_via_rel.rel.rel&fields=id",
    "to and fro": "tops/records?expand=rel.tops_via_rel.rel.rel&fields=id",
    "of a list, all of it": "tops/records?expand=rel.rel",
    "of one record, all of it": f"tops/records/{identifier('t', 0)}?expand=rel.rel",
}


@pytest.mark.parametrize("clients", [1, 8])
@pytest.mark.parametrize("query", QUERIES)
def test_expanding_takes_no_gigabytes(tree, query, clients):
    path = f"/api/collections/{QUERIES[query]}"
    with tree.peak() as peak:
        answers = at_once(clients, [lambda: ask(tree.port, "GET", path)] * clients)
    assert_bounded(peak, f"expand {query}, {clients} clients")
    for answer in answers:
        assert answer.status in {200} | ERRORS, answer
        assert not shape(answer), shape(answer)
        if answer.status == 200 and "fields=id" in path and "," not in path:
            told = answer.json()
            items = told.get("items", [told])
            assert items and all(set(item) == {"id"} for item in items)
    assert tree.serves()


def test_events_expand_within_the_same_bounds(tree):
    """A subscription's options expand, too, once for each who listens."""
    streams = [Stream(tree.port) for _ in range(20)]
    options = quote(json.dumps({"query": {"expand": "rel.rel", "fields": "id"}}))
    for stream in streams:
        assert stream.subscribe([f"tops/*?options={options}"]).status == 204
    with tree.peak() as peak:
        saved = ask_json(tree.port, "PATCH", f"/api/collections/tops/records/{identifier('t', 1)}", {"text": "changed"})
        if not peak.blown:
            assert saved.status == 200, saved
            for stream in streams:
                stream.until(rb'"action":"update"')
    assert_bounded(peak, "events with expand")


def test_an_ordinary_expand_is_answered_in_full(tree):
    path = "/api/collections/tops/records/small0000000000?expand=rel.rel"
    answers = at_once(8, [lambda: ask(tree.port, "GET", path)] * 40)
    for answer in answers:
        assert answer.status == 200, answer
        assert answer.json()["expand"]["rel"][0]["expand"]["rel"][0]["text"] == "leaf"


def test_a_saved_record_may_answer_with_its_expansion(tree):
    """Creating and changing answer with `expand`, too."""
    with tree.peak() as peak:
        path = f"/api/collections/tops/records/{identifier('t', 2)}?expand=rel.rel&fields=id"
        answers = at_once(8, [lambda: ask_json(tree.port, "PATCH", path, {"text": "again"})] * 8)
    assert_bounded(peak, "changes with expand")
    assert all(answer.status in {200} | ERRORS and not shape(answer) for answer in answers), answers[0]
