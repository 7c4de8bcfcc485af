"""Requests of anybody are logged: that must not fill the disk, nor take the room that deleting and settings need."""

import contextlib
import sqlite3

import pytest

from fulldisk.conftest import small_disk  # noqa: F401
from harness.client import wait_for
from harness.jobs import last_job
from harness.programs import BOSBASE
from harness.sampler import Sampler
from harness.server import Server
from harness.wire import Wire

from .place import at_once

pytestmark = pytest.mark.ours

LOG_LIMIT = 64 << 20
"""The most bytes of the log on disk, with SQLite's files beside it."""

SLACK = 8 << 20
"""Room for a write-ahead log that is just being folded in, bytes."""

REQUESTS = 4800
HEADERS = {"User-Agent": "a" * 8000, "Referer": "http://example.com/" + "r" * 8000}


class LogSize(Sampler):
    """The most bytes that the log takes on disk, sampled every 50 ms."""

    def __init__(self, directory):
        super().__init__()
        self.directory, self.most = directory, 0

    def now(self):
        return sum(path.stat().st_size for path in self.directory.glob("auxiliary.db*"))

    def run(self):
        while not self.stopping.wait(0.05):
            self.most = max(self.most, self.now())


def flood(server, requests=REQUESTS):
    """Asks for what is not there, by long addresses."""

    def ask():
        with Wire(server.port) as wire:
            for n in range(requests // 8):
                answer = wire.ask("GET", f"/api/collections/{n}{'x' * 4000}/records?{'q' * 12_000}", HEADERS)
                assert answer.status in (404, 429, 503), answer

    at_once(8, [ask] * 8)


def test_a_flood_of_requests_does_not_fill_the_disk(launch):
    """31,776 requests in twelve seconds wrote 481 MiB."""
    server = launch()
    root = server.root()
    with LogSize(server.directory) as size:
        flood(server)
        root = server.root()
        root.get("/api/collections/the-last-one", expect=404)
        newest = lambda: root.get("/api/logs?sort=-created&perPage=50")["items"]  # noqa: E731
        wait_for(lambda: any("the-last-one" in str(line["data"].get("url")) for line in newest()), 60, "the last line")
    assert size.most < LOG_LIMIT + SLACK, f"the log took {size.most >> 20} MiB"
    lines = root.get("/api/logs", params={"perPage": 20, "filter": "data.status = 404"})["items"]
    assert lines, "nothing was logged"
    longest = max(len(str(line)) for line in lines)
    assert longest < 8000, f"a line of the log has {longest} characters"


def test_a_flood_on_a_small_disk_leaves_room_for_what_frees_it(tmp_path, small_disk):  # noqa: F811
    """Deletes, settings and the log's own cleaning failed, and a backup failed without a job that says so."""
    disk = small_disk(tmp_path / "disk", 100)
    with Server(BOSBASE, disk.path / "pb_data") as server:
        root = server.root()
        fields = [{"name": "text", "type": "text", "max": 1_000_000}]
        root.post("/api/collections", json={"name": "notes", "type": "base", "fields": fields})
        made = [root.create("notes", {"text": "x" * 100_000})["id"] for _ in range(20)]
        disk.fill(leave=30 << 20)
        flood(server, 2400)
        root = server.root()  # its connection of before is too old by now
        root.delete(f"/api/collections/notes/records/{made[0]}")
        root.patch("/api/settings", json={"meta": {"appName": "Still here"}})
        root.post("/api/crons/__pbLogsCleanup__", expect=204)
        root.create("notes", {"text": "there is room for data"})
        started = root.send("POST", "/api/backups", json={"name": "small.zip"}, expect=None)
        root.wait_until_idle()
        root.wait_until_proven("small.zip")
        job = last_job(root, "create")
        assert job and job["key"] == "small.zip", f"no job is recorded: {started.status_code} {started.text}"
        assert job["state"] == "succeeded" or job["error"], job
        assert disk.free() > 0


def test_the_log_goes_on_after_a_cleanup(server):
    """A cleanup left a long write-ahead log, whose length kept every further line away until the next start."""
    root = server.root()
    with contextlib.closing(sqlite3.connect(server.directory / "auxiliary.db", timeout=60)) as database, database:
        rows = ((f"o{n:014}", "x" * 500) for n in range(30_000))
        insert = "INSERT INTO _logs (id, level, message, data, created) VALUES (?, 0, ?, '{}', '2026-01-01 00:00:00.000Z')"
        database.executemany(insert, rows)
    root.post("/api/crons/__pbLogsCleanup__", expect=204)
    wait_for(lambda: root.get("/api/logs", params={"filter": "created < '2026-02-01'"})["totalItems"] == 0, 60, "the cleanup")
    line = {"filter": "data.url ~ 'nobody-asks-for-this'"}

    def one_more():
        # Lines are dropped until the write-ahead log of the cleanup is folded in.
        server.client().send("GET", "/api/nobody-asks-for-this", expect=404)
        return root.get("/api/logs", params=line)["totalItems"]

    wait_for(one_more, 60, "a line after the cleanup")
