"""Slow queries: a client that asks for one record, or comes from another address, does not wait behind them."""

import contextlib
import json
import os
import random
import sqlite3
import time
from pathlib import Path
from urllib.parse import quote

import pytest

from harness.client import wait_for
from harness.programs import BOSBASE
from harness.server import Server
from harness.wire import Wire, ask

from .place import OPEN, Place, assert_bounded, at_once, shape

pytestmark = pytest.mark.ours

PATIENT = 10
"""Seconds within which what costs nothing is answered, however busy the machine: a slow query may take 30."""

RECORDS = "/api/collections/nodes/records"
SLOW = f"{RECORDS}?filter=" + quote(" && ".join(["rel.rel.rel.rel.rel.rel.t != 'z0'"] * 14))


class Web(Place):
    """2,000 records that relate to five others each, at random."""

    def __init__(self, directory):
        self.server = Server(BOSBASE, directory).start()
        root = self.server.root()
        made = root.post("/api/collections", json={"name": "nodes", "type": "base", "fields": [{"name": "t", "type": "text"}], **OPEN})
        made["fields"].append({"name": "rel", "type": "relation", "collectionId": made["id"], "maxSelect": 10})
        root.patch("/api/collections/nodes", json={"fields": made["fields"]})
        assert self.server.stop() == 0
        chooser = random.Random(3)
        ids = [f"n{n:014}" for n in range(2000)]
        with contextlib.closing(sqlite3.connect(directory / "data.db")) as database, database:
            rows = ((one, f"t{n}", json.dumps(chooser.sample(ids, 5))) for n, one in enumerate(ids))
            database.executemany("INSERT INTO nodes (id, t, rel) VALUES (?, ?, ?)", rows)
        self.server.start()

    def view(self, **how):
        return ask(self.port, "GET", f"{RECORDS}/n{7:014}", patience=PATIENT, **how)

    def begin_slow(self, stack, count, source="127.0.0.1"):
        wires = [stack.enter_context(Wire(self.port, 120, source)) for _ in range(count)]
        for wire in wires:
            wire.send("GET", SLOW)
        return wires


@pytest.fixture
def web(tmp_path):
    made = Web(tmp_path / "web" / "pb_data")
    yield made
    made.server.kill()


def test_one_record_is_read_while_slow_lists_go_on(web):
    """Four of these filters kept everybody from reading anything for 30 seconds."""
    with contextlib.ExitStack() as stack, web.peak() as peak:
        slow = web.begin_slow(stack, 16)
        views = at_once(4, [web.view] * 40)
        assert {view.status for view in views} == {200}, [str(view) for view in views if view.status != 200][0]
        health = ask(web.port, "GET", "/api/health", patience=PATIENT)
        assert health.status == 200, health
        for wire in slow[:4]:
            answer = wire.answer()
            assert answer.status in (200, 400, 429, 503), answer
            assert not shape(answer)
    assert_bounded(peak, "slow filters")


def test_an_abandoned_list_ends(web):
    """Its client is gone, and yet it held one of few readers until its time was over."""
    with contextlib.ExitStack() as stack:
        slow = web.begin_slow(stack, 8)
        # A server that refuses them has nothing to abandon.
        under_way = lambda: busy(web.server.process.pid) > 0.2 or all(wire.is_answered() for wire in slow)  # noqa: E731
        wait_for(under_way, 20, "lists under way")
    cheap = ask(web.port, "GET", f"{RECORDS}?perPage=1", patience=PATIENT)
    assert cheap.status == 200, cheap
    wait_for(lambda: busy(web.server.process.pid) < 0.3, 15, "a server at rest", every=0.5)


def busy(pid, seconds=0.5):
    """How many processors a process keeps busy, measured for a moment."""
    before = processor_seconds(pid)
    time.sleep(seconds)
    return (processor_seconds(pid) - before) / seconds


def processor_seconds(pid):
    user, system = Path(f"/proc/{pid}/stat").read_text().rsplit(") ", 1)[1].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def test_lists_of_another_client_have_their_turn(web):
    """One address asks for thirty slow lists; another for a plain one, which must not wait for all of them."""
    with contextlib.ExitStack() as stack:
        web.begin_slow(stack, 30)
        lists = [ask(web.port, "GET", f"{RECORDS}?perPage=5", patience=2 * PATIENT, source="127.0.0.2") for _ in range(3)]
    assert {answer.status for answer in lists} == {200}, lists[0]


def test_an_ordinary_filter_over_relations_is_answered(web):
    """A limit of cost must leave what applications do: two and three relations deep, joined by and."""
    for filter in ("rel.t = 't1'", "rel.rel.t ?= 't1'", "rel.t = 't1' && rel.rel.t ?= 't2' && t != 'x'", "rel.rel.rel.t ?= 't1'"):
        answer = ask(web.port, "GET", f"{RECORDS}?perPage=5&filter={quote(filter)}")
        assert answer.status == 200, (filter, answer)


VIEWS = {
    "randomblob": "SELECT id, hex(randomblob(500000000)) AS x FROM nodes",
    "zeroblob": "SELECT id, zeroblob(900000000) AS x FROM nodes",
    "printf": "SELECT id, printf('%900000000d', 1) AS x FROM nodes",
    "replace": "SELECT id, replace(hex(zeroblob(100000)), '0', hex(zeroblob(2000))) AS x FROM nodes",
    "group_concat": "SELECT a.id, (SELECT group_concat(b.rel || c.rel) FROM nodes b, nodes c) AS x FROM nodes a",
    "endless": "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) AS id FROM n",
}


@pytest.fixture(scope="module")
def shared_web(tmp_path_factory):
    made = Web(tmp_path_factory.mktemp("views") / "pb_data")
    yield made
    made.server.kill()


@pytest.mark.parametrize("kind", VIEWS)
def test_a_superusers_view_stays_within_time_and_memory(shared_web, kind):
    shared_web.revive()
    root = shared_web.server.root()
    name = "view_" + kind.replace(" ", "_")
    with shared_web.peak() as peak:
        made = root.send("POST", "/api/collections", json={"name": name, "type": "view", "listRule": "", "viewQuery": VIEWS[kind]}, expect=None)
        assert made.status_code in (200, 400), made.text
        if made.status_code == 200:
            answers = at_once(4, [lambda: ask(shared_web.port, "GET", f"/api/collections/{name}/records?perPage=100")] * 4)
            assert all(answer.status in (200, 400, 413, 429, 503) and not shape(answer) for answer in answers) or peak.blown, answers[0]
    assert_bounded(peak, kind)
    assert shared_web.view().status == 200
