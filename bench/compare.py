#!/usr/bin/env python3
"""bosbase beside PocketBase on the same data: create, download, restore, memory, and what writers and readers feel meanwhile.

    tests/.cache/venv/bin/python bench/compare.py --gb 0.1 --json bench/result.json

Half the data is a database, half is files; half of each does not shrink. Numbers of one run compare with each other only.
Needs a release build of bosbase (`cargo build --release`) and the environment that `./check` makes.
"""

import argparse
import json
import os
import random
import shutil
import sqlite3
import statistics
import sys
import tempfile
import threading
import time
from pathlib import Path

import requests

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from harness.client import wait_for  # noqa: E402
from harness.jobs import ended  # noqa: E402
from harness.programs import POCKETBASE, ROOT, Program  # noqa: E402
from harness.server import Server  # noqa: E402

WORDS = "snapshot archive manifest retention staging journal lease recovery writer reader page record file user".split()
REQUESTS_PER_SECOND = 50


def make_data(directory, size):
    """An application of about `size` bytes, made with PocketBase, so that both start from the very same files."""
    with Server(POCKETBASE, directory) as server:
        made = server.root().post(
            "/api/collections",
            json={
                "name": "posts",
                "type": "base",
                "createRule": "",
                "viewRule": "",
                "fields": [{"name": "text", "type": "text", "max": 100_000}, {"name": "n", "type": "number"}],
            },
        )
        server.stop()
    chooser = random.Random(1)
    rows, row = int(size / 2 / 4000), 4000
    database = sqlite3.connect(directory / "data.db")
    with database:
        database.executemany(
            "INSERT INTO posts (id, text, n) VALUES (?, ?, ?)",
            (
                (
                    f"r{n:014}",
                    " ".join(chooser.choices(WORDS, k=row // 8)) if n % 2 else chooser.randbytes(row // 2).hex(),
                    n,
                )
                for n in range(rows)
            ),
        )
    database.close()
    count = max(1, int(size / 2 / 5_000_000))
    for n in range(count):
        folder = directory / "storage" / made["id"] / f"r{n:014}"
        folder.mkdir(parents=True)
        block = chooser.randbytes(1 << 20) if n % 2 else (" ".join(chooser.choices(WORDS, k=150_000)).encode())
        (folder / f"file_{n}.bin").write_bytes((block * 6)[: int(size / 2 / count)])


class Memory(threading.Thread):
    """The largest anonymous memory of a process, sampled every 20 ms."""

    def __init__(self, pid):
        super().__init__(daemon=True)
        self.pid, self.peak, self.stopping = pid, 0, threading.Event()

    def run(self):
        while not self.stopping.wait(0.02):
            self.peak = max(self.peak, anonymous(self.pid))

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stopping.set()
        self.join()


def anonymous(pid):
    try:
        with open(f"/proc/{pid}/status") as status:
            return next((int(line.split()[1]) * 1024 for line in status if line.startswith("RssAnon:")), 0)
    except OSError:
        return 0


class Clients(threading.Thread):
    """Sends one kind of request at a steady rate over one connection; keeps how long each took, in milliseconds."""

    def __init__(self, server):
        super().__init__(daemon=True)
        self.client, self.took, self.stopping = server.client(), [], threading.Event()

    def run(self):
        next_at = time.monotonic()
        while not self.stopping.is_set():
            began = time.monotonic()
            self.request()
            self.took.append((time.monotonic() - began) * 1000)
            next_at += 1 / REQUESTS_PER_SECOND
            time.sleep(max(0, next_at - time.monotonic()))

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stopping.set()
        self.join()

    def quantiles(self):
        took = sorted(self.took)
        return {"p50": took[len(took) // 2], "p99": took[int(len(took) * 0.99)], "max": took[-1], "count": len(took)}


class Writers(Clients):
    """Creates records."""

    def request(self):
        self.client.post("/api/collections/posts/records", json={"text": "written meanwhile", "n": 1})


class Readers(Clients):
    """Reads single records, here and there."""

    def request(self):
        self.client.get(f"/api/collections/posts/records/r{random.randrange(1000):014}")


def download(server, root, key):
    began = time.monotonic()
    answer = root.send("GET", f"/api/backups/{key}", params={"token": root.file_token()}, stream=True)
    size = sum(len(block) for block in answer.iter_content(1 << 20))
    return size, time.monotonic() - began


def list_many(directory, root):
    """How long it takes to list 1,000 backups, the newest among them, in milliseconds; the median of 20."""
    backup = directory / "backups" / "bench.zip"
    for n in range(999):
        os.link(backup, directory / "backups" / f"many_{n}.zip")
    took = []
    for _ in range(20):
        began = time.monotonic()
        assert len(root.backups()) == 1000
        took.append((time.monotonic() - began) * 1000)
    return statistics.median(took)


def measure(program, source, home):
    directory = home / program.name / "pb_data"
    shutil.copytree(source, directory)
    server = Server(program, directory, superuser=False)
    with server:
        root = server.root()
        pid = server.process.pid
        result = {"idle_memory_mib": anonymous(pid) / 2**20}
        with Writers(server) as writers, Readers(server) as readers:
            time.sleep(5)
        result["writers_idle_ms"], result["readers_idle_ms"] = writers.quantiles(), readers.quantiles()

        with Memory(pid) as memory, Writers(server) as writers, Readers(server) as readers:
            began = time.monotonic()
            root.post("/api/backups", json={"name": "bench.zip"}, expect=204, timeout=600)
            wait_for(lambda: "bench.zip" in root.backups(), 600, "the backup", every=0.01)
            result["create_s"] = time.monotonic() - began
            if program is not POCKETBASE:
                job = ended(root, "create", 600)
                assert job["state"] == "succeeded", job
                result["proven_s"] = time.monotonic() - began
            root.wait_until_idle(600)
        result["create_memory_mib"] = memory.peak / 2**20
        result["writers_during_create_ms"], result["readers_during_create_ms"] = writers.quantiles(), readers.quantiles()
        result["archive_mb"] = root.backups()["bench.zip"]["size"] / 1e6

        with Memory(pid) as memory:
            size, took = download(server, root, "bench.zip")
        result["download_mb_per_s"] = size / took / 1e6
        result["download_memory_mib"] = memory.peak / 2**20

        marker, refused = root.create_marker(), 0
        with Memory(pid) as memory:
            began = time.monotonic()
            root.post("/api/backups/bench.zip/restore", expect=204, timeout=600)
            while True:
                try:
                    if root.marker_is_gone(marker):
                        break
                except requests.RequestException:
                    refused += 1
                time.sleep(0.01)
                if time.monotonic() - began > 600:
                    raise AssertionError("the restore does not end")
            result["restore_s"] = time.monotonic() - began
        result["restore_memory_mib"] = memory.peak / 2**20
        result["restore_refused_connections"] = refused
        result["list_1000_ms"] = list_many(directory, root)
    shutil.rmtree(directory.parent)
    return result


ROWS = [
    ("create until listed, s", lambda one: one["create_s"]),
    ("create until proven, s", lambda one: one.get("proven_s", float("nan"))),
    ("archive, MB", lambda one: one["archive_mb"]),
    ("restore until served, s", lambda one: one["restore_s"]),
    ("connections refused in a restore", lambda one: one["restore_refused_connections"]),
    ("download, MB/s", lambda one: one["download_mb_per_s"]),
    ("memory idle, MiB", lambda one: one["idle_memory_mib"]),
    ("memory in create, MiB", lambda one: one["create_memory_mib"]),
    ("memory in download, MiB", lambda one: one["download_memory_mib"]),
    ("memory in restore, MiB", lambda one: one["restore_memory_mib"]),
    ("writers idle p50, ms", lambda one: one["writers_idle_ms"]["p50"]),
    ("writers idle p99, ms", lambda one: one["writers_idle_ms"]["p99"]),
    ("writers in create p50, ms", lambda one: one["writers_during_create_ms"]["p50"]),
    ("writers in create p99, ms", lambda one: one["writers_during_create_ms"]["p99"]),
    ("writers in create max, ms", lambda one: one["writers_during_create_ms"]["max"]),
    ("readers idle p50, ms", lambda one: one["readers_idle_ms"]["p50"]),
    ("readers idle p99, ms", lambda one: one["readers_idle_ms"]["p99"]),
    ("readers in create p50, ms", lambda one: one["readers_during_create_ms"]["p50"]),
    ("readers in create p99, ms", lambda one: one["readers_during_create_ms"]["p99"]),
    ("readers in create max, ms", lambda one: one["readers_during_create_ms"]["max"]),
    ("1,000 backups listed, ms", lambda one: one["list_1000_ms"]),
]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gb", type=float, default=0.1, help="size of the data in gigabytes (default 0.1)")
    parser.add_argument("--rounds", type=int, default=1, help="rounds of each; the median counts (default 1)")
    parser.add_argument("--bin", type=Path, default=ROOT / "target" / "release" / "bosbase", help="the bosbase binary")
    parser.add_argument("--json", type=Path, help="where to write the numbers")
    parser.add_argument("--dir", type=Path, default=None, help="where to put the data meanwhile (default: the temporary folder)")
    given = parser.parse_args()
    if not given.bin.exists():
        parser.error(f"{given.bin} is not there: cargo build --release")
    ours = Program("bosbase", given.bin.resolve())
    home = Path(tempfile.mkdtemp(prefix="bosbase-bench-", dir=given.dir))
    results = {ours.name: [], POCKETBASE.name: []}
    try:
        make_data(home / "source" / "pb_data", given.gb * 1e9)
        for _ in range(given.rounds):
            for program in (ours, POCKETBASE):
                results[program.name].append(measure(program, home / "source" / "pb_data", home))
    finally:
        shutil.rmtree(home, ignore_errors=True)

    print(f"{given.gb} GB of data, {REQUESTS_PER_SECOND} writes/s and reads/s meanwhile, {given.rounds} round(s), {os.cpu_count()} cores\n")
    names = list(results)
    print(f"| {'':34} | " + " | ".join(f"{name:>18}" for name in names) + " |")
    print(f"| {'-' * 34} | " + " | ".join("-" * 17 + ":" for _ in names) + " |")
    for label, value in ROWS:
        cells = (statistics.median(value(one) for one in results[name]) for name in names)
        print(f"| {label:34} | " + " | ".join(f"{cell:18.1f}" for cell in cells) + " |")
    if given.json:
        given.json.write_text(json.dumps({"gb": given.gb, "cores": os.cpu_count(), "results": results}, indent=2) + "\n")


if __name__ == "__main__":
    main()
