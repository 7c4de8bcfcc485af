"""What one program takes for a backup, its way out and in again, and a restore, and what its clients feel meanwhile."""

import os
import random
import shutil
import statistics
import time

import requests

from clients import Readers, Writers, WritersOnTime
from harness.client import wait_for
from harness.jobs import ended
from harness.memory import Watch, anonymous
from harness.multipart import Multipart
from harness.programs import POCKETBASE
from harness.sampler import Sampler
from harness.server import Server

KEYS = ["bench.zip", "b.zip", "c.zip"]
"""So many backups are made: of one of 1 GB, the slowest of the hundred requests meanwhile would be their p99."""

SETTLING_SECONDS = 10

LONGEST = 1800
"""Seconds after which something that does not end is given up."""


class Spare(Sampler):
    """The most room on the file system that is taken while it watches, bytes, sampled every 10 ms; others must not write there."""

    def __init__(self, directory):
        super().__init__()
        self.directory, self.most = directory, 0
        self.before = self.taken()

    def taken(self):
        return shutil.disk_usage(self.directory).used

    def run(self):
        while not self.stopping.wait(0.01):
            self.most = max(self.most, self.taken() - self.before)


def upload(server, root, path, name):
    body = Multipart(path, name)
    began = time.monotonic()
    answer = requests.post(
        f"{server.url}/api/backups/upload",
        data=body,
        headers={"Authorization": root.token, "Content-Type": body.content_type},
        timeout=LONGEST,
    )
    assert answer.status_code == 204, answer.text
    return time.monotonic() - began


def download(root, key, target):
    began = time.monotonic()
    answer = root.send("GET", f"/api/backups/{key}", params={"token": root.file_token()}, stream=True)
    with open(target, "wb") as file:
        size = sum(file.write(block) for block in answer.iter_content(1 << 20))
    assert size == root.backups()[key]["size"]


def download_speed(root, key):
    """Bytes a second of a download that is thrown away."""
    began = time.monotonic()
    answer = root.send("GET", f"/api/backups/{key}", params={"token": root.file_token()}, stream=True)
    size = sum(len(block) for block in answer.iter_content(1 << 20))
    return size / (time.monotonic() - began)


def restore(server, root, key):
    """Restores and asks all the while for a record that the backup does not hold: how long until it is gone, the longest time
    without an answer, both in seconds, and how many requests failed."""
    client = server.client()
    marker = client.post("/api/collections/posts/records", json={"text": "written after the backup", "n": 2})["id"]
    url, session = f"{server.url}/api/collections/posts/records/{marker}", requests.Session()
    failed, pause = 0, 0
    began = time.monotonic()
    root.post(f"/api/backups/{key}/restore", expect=204, timeout=LONGEST)
    answered = time.monotonic()
    while True:
        try:
            status = session.get(url, timeout=60).status_code
            now = time.monotonic()
            pause, answered = max(pause, now - answered), now
            if status == 404:
                break
            failed += status != 200
        except requests.RequestException:
            failed += 1
        assert time.monotonic() - began < LONGEST, "the restore does not end"
        time.sleep(0.005)
    return time.monotonic() - began, pause, failed


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
    for n in range(999):
        (directory / "backups" / f"many_{n}.zip").unlink()
    return statistics.median(took)


def measure(program, source, home, *, idle_seconds=5):
    """Everything, with a copy of the data directory `source`."""
    directory = home / program.name / "pb_data"
    shutil.copytree(source, directory)
    os.sync()
    # Disks, and file systems that tell them what was freed, go on for a while, and commits wait for them.
    time.sleep(SETTLING_SECONDS)
    with Server(program, directory, superuser=False) as server:
        root, pid = server.root(), server.process.pid
        result = {"data_mb": sum(path.stat().st_size for path in directory.rglob("*") if path.is_file()) / 1e6}
        result["idle_memory_mib"] = anonymous(pid) / 2**20
        with Writers(server) as writers, Readers(server) as readers:
            until = time.monotonic() + idle_seconds
            while time.monotonic() < until:
                # As whoever waits for a backup does, at some cost to the others.
                root.backups()
                time.sleep(0.05)
        result["writers_idle_ms"], result["readers_idle_ms"] = writers.quantiles(), readers.quantiles()

        creating, proving = [], []
        with Watch(pid) as memory, Writers(server) as writers, Readers(server) as readers:
            for key in KEYS:
                began = time.monotonic()
                root.post("/api/backups", json={"name": key}, expect=204, timeout=LONGEST)
                wait_for(lambda: key in root.backups(), LONGEST, "the backup", every=0.05)  # noqa: B023
                listed = time.monotonic()
                if program is not POCKETBASE:
                    job = ended(root, "create", LONGEST)
                    assert job["state"] == "succeeded" and job["key"] == key, job
                root.wait_until_idle(LONGEST)
                creating.append((began, listed))
                proving.append((listed, time.monotonic()))
        result["create_s"] = statistics.median(listed - began for began, listed in creating)
        if program is not POCKETBASE:
            result["proven_s"] = statistics.median(ended - began for (began, _), (_, ended) in zip(creating, proving, strict=True))
        result["create_memory_mib"] = memory.peak / 2**20
        for name, clients in [("writers", writers), ("readers", readers)]:
            result[f"{name}_during_create_ms"] = clients.quantiles(creating)
            result[f"{name}_during_proof_ms"] = clients.quantiles(proving)
        for key in KEYS[1:]:
            root.delete(f"/api/backups/{key}")
        result["archive_mb"] = root.backups()["bench.zip"]["size"] / 1e6

        os.sync()
        with Spare(directory) as spare:
            root.post("/api/backups", json={"name": "spare.zip"}, expect=204, timeout=LONGEST)
            wait_for(lambda: "spare.zip" in root.backups(), LONGEST, "the backup", every=0.05)
            root.wait_until_proven("spare.zip", LONGEST)
        result["spare_disk_mb"] = spare.most / 1e6 - root.backups()["spare.zip"]["size"] / 1e6
        root.delete("/api/backups/spare.zip")

        with Watch(pid) as memory:
            result["download_mb_per_s"] = max(download_speed(root, "bench.zip") for _ in range(3)) / 1e6
        result["download_memory_mib"] = memory.peak / 2**20
        kept = home / "kept.zip"
        download(root, "bench.zip", kept)
        with Watch(pid) as memory:
            result["upload_s"] = upload(server, root, kept, "again.zip")
        result["upload_memory_mib"] = memory.peak / 2**20
        kept.unlink()
        root.delete("/api/backups/again.zip")
        result["list_1000_ms"] = list_many(directory, root)

        with Watch(pid) as memory:
            result["restore_s"], pause, result["restore_failed_requests"] = restore(server, root, "bench.zip")
        result["restore_pause_ms"] = pause * 1000
        result["restore_memory_mib"] = memory.peak / 2**20
    shutil.rmtree(directory.parent)
    return result


def measure_busy(program, source, home, *, idle_seconds=10):
    """The same with clients that go on all the time: writes on time, and a reader. The first download and the first restore count."""
    directory = home / program.name / "pb_data"
    shutil.copytree(source, directory)
    os.sync()
    time.sleep(SETTLING_SECONDS)
    with Server(program, directory, superuser=False) as server:
        root, pid = server.root(), server.process.pid
        result = {"data_mb": sum(path.stat().st_size for path in directory.rglob("*") if path.is_file()) / 1e6}
        with WritersOnTime(server) as writers, Readers(server) as readers:
            time.sleep(idle_seconds)
        result["writers_idle_ms"], result["readers_idle_ms"] = writers.quantiles(), readers.quantiles()

        with Watch(pid) as memory, WritersOnTime(server) as writers, Readers(server) as readers:
            began = time.monotonic()
            root.post("/api/backups", json={"name": "bench.zip"}, expect=204, timeout=LONGEST)
            wait_for(lambda: "bench.zip" in root.backups(), LONGEST, "the backup", every=0.05)
            listed = time.monotonic()
            result["download_mb_per_s"] = download_speed(root, "bench.zip") / 1e6
            downloaded = time.monotonic()
            root.wait_until_idle(LONGEST)
            if program is not POCKETBASE:
                root.wait_until_proven("bench.zip", LONGEST)
            proven = time.monotonic()
        result["create_s"], result["memory_mib"] = listed - began, memory.peak / 2**20
        result["archive_mb"] = root.backups()["bench.zip"]["size"] / 1e6
        for name, clients in [("writers", writers), ("readers", readers)]:
            result[f"{name}_during_create_ms"] = clients.quantiles([(began, listed)])
            result[f"{name}_during_download_ms"] = clients.quantiles([(listed, downloaded)])
            result[f"{name}_during_proof_ms"] = clients.quantiles([(downloaded, proven)])
        result["writers_failed"] = writers.failed
        with WritersOnTime(server) as writers:
            result["restore_s"], pause, result["restore_failed_requests"] = restore(server, root, "bench.zip")
        result["restore_pause_ms"], result["restore_writers_failed"] = pause * 1000, writers.failed
    shutil.rmtree(directory.parent)
    return result
