"""A backup taken while clients write, upload and delete is one point in time, and it holds every file that its records name."""

import io
import sqlite3
import threading
import time
import zipfile

import pytest
import requests

from harness.client import wait_for
from harness.sample import blob

pytestmark = pytest.mark.ours


class Clients:
    """Three clients that never pause: one counts up, two swap files."""

    def __init__(self, server):
        self.server, self.stopping, self.failures, self.slowest = server, threading.Event(), [], 0.0
        root = server.root()
        fields = [{"name": "n", "type": "number"}, {"name": "paper", "type": "file", "maxSelect": 1}]
        for name in ("counters", "papers"):
            root.post("/api/collections", json={"name": name, "type": "base", "fields": fields})
        self.threads = [threading.Thread(target=self.loop, args=(work,), daemon=True) for work in (self.count, self.swap, self.swap)]

    def loop(self, work):
        client = self.server.root()
        n = 0
        while not self.stopping.is_set():
            began = time.monotonic()
            try:
                work(client, n)
            except (AssertionError, requests.RequestException) as error:
                self.failures.append(repr(error))
                return
            self.slowest = max(self.slowest, time.monotonic() - began)
            n += 1

    def count(self, client, n):
        client.create("counters", {"n": n})

    def swap(self, client, n):
        made = client.create("papers", {"n": n}, files={"paper": (f"paper{n}.bin", blob(n, 30_000))})
        client.patch(f"/api/collections/papers/records/{made['id']}", files={"paper": (f"other{n}.bin", blob(n + 1, 30_000))})
        if n % 3:
            client.delete(f"/api/collections/papers/records/{made['id']}")

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        # On a busy machine the first backup was made before anybody had written anything.
        root = self.server.root()
        wait_for(lambda: root.records("papers") and root.records("counters"), 60, "the first writes")
        return self

    def __exit__(self, *_):
        self.stopping.set()
        for thread in self.threads:
            thread.join(30)


def test_records_and_files_agree_while_everything_changes(server, tmp_path):
    root = server.root()
    (server.directory / "storage" / "heavy").mkdir(parents=True)
    for n in range(10):
        (server.directory / "storage" / "heavy" / f"{n}.bin").write_bytes(blob(n, 10_000_000))
    with Clients(server) as clients:
        for n in range(4):
            root.back_up(f"moment_{n}.zip")
    assert not clients.failures, clients.failures[0]
    assert clients.slowest < 5, f"a writer waited {clients.slowest:.1f} s"
    for n in range(4):
        with zipfile.ZipFile(io.BytesIO(root.download(f"moment_{n}.zip"))) as archive:
            assert archive.testzip() is None
            names = set(archive.namelist())
            (tmp_path / f"{n}.db").write_bytes(archive.read("data.db"))
        database = sqlite3.connect(tmp_path / f"{n}.db")
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        counted = sorted(int(row[0]) for row in database.execute("SELECT n FROM counters"))
        assert counted == list(range(len(counted))), "an earlier write is missing beside a later one"
        identifier = database.execute("SELECT id FROM _collections WHERE name = 'papers'").fetchone()[0]
        named = [f"storage/{identifier}/{row[0]}/{row[1]}" for row in database.execute("SELECT id, paper FROM papers")]
        database.close()
        assert named and not set(named) - names, "a record of the snapshot names a file that is not in the archive"

    # What was deleted meanwhile is gone in the end, not kept for ever.
    root.restore("moment_3.zip")
    root = server.root()
    papers = root.records("papers")
    for paper in papers[:20]:
        assert len(root.send("GET", f"/api/files/papers/{paper['id']}/{paper['paper']}").content) == 30_000
