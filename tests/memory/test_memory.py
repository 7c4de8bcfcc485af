"""Two gigabytes of data are backed up, uploaded, downloaded and restored with the process below 128 MiB of its own memory."""

import hashlib
import os
import sqlite3
import time

import pytest
import requests

from harness.jobs import ended, last_job
from harness.memory import Watch
from harness.multipart import Multipart
from harness.programs import BOSBASE
from harness.server import Server

pytestmark = pytest.mark.ours

LIMIT = 128 << 20
FILES, FILE_SIZE = 30, 50 << 20
ROWS, ROW_SIZE = 30_000, 20_000  # 600 MB of database


def check(watch, what):
    print(f"{what}: peak {watch.peak / 2**20:.1f} MiB of anonymous memory in {watch.samples} samples")
    assert watch.samples > 3, "hardly sampled"
    assert watch.peak < LIMIT, f"{what}: {watch.peak / 2**20:.1f} MiB"


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A server on two gigabytes that hardly shrink: most in files, a good part in the database."""
    directory = tmp_path_factory.mktemp("memory") / "pb_data"
    server = Server(BOSBASE, directory).start()
    root = server.root()
    made = root.post(
        "/api/collections",
        json={"name": "blobs", "type": "base", "fields": [{"name": "text", "type": "text", "max": 10_000_000}]},
    )
    assert server.stop() == 0
    database = sqlite3.connect(directory / "data.db")
    with database:
        database.executemany(
            "INSERT INTO blobs (id, text) VALUES (?, ?)",
            ((f"r{n:014}", os.urandom(ROW_SIZE // 2).hex()) for n in range(ROWS)),
        )
    database.close()
    folder = directory / "storage" / made["id"] / "record000000000"
    folder.mkdir(parents=True)
    for n in range(FILES):
        with open(folder / f"file_{n}.bin", "wb") as file:
            for _ in range(FILE_SIZE >> 20):
                file.write(os.urandom(1 << 20))
    server.start()
    yield server, folder
    server.kill()


def test_create(place):
    server, _ = place
    with Watch(server.process.pid) as watch:
        server.root().back_up("big.zip", 240)
    check(watch, "create")
    size = server.root().backups()["big.zip"]["size"]
    assert size > 1.8e9, size
    assert last_job(server.root(), "create")["state"] == "succeeded"


def test_download_and_upload(place, tmp_path):
    server, _ = place
    root = server.root()
    target = tmp_path / "big.zip"
    with Watch(server.process.pid) as watch:
        answer = root.send("GET", "/api/backups/big.zip", params={"token": root.file_token()}, stream=True)
        digest = hashlib.blake2b()
        with open(target, "wb") as file:
            for block in answer.iter_content(1 << 20):
                file.write(block)
                digest.update(block)
    check(watch, "download")
    assert target.stat().st_size == root.backups()["big.zip"]["size"]

    body = Multipart(target, "again.zip")
    with Watch(server.process.pid) as watch:
        answer = requests.post(
            f"{server.url}/api/backups/upload",
            data=body,
            headers={"Authorization": root.token, "Content-Type": body.content_type},
            timeout=300,
        )
    assert answer.status_code == 204, answer.text
    check(watch, "upload")
    target.unlink()
    assert root.backups()["again.zip"]["size"] == root.backups()["big.zip"]["size"]
    root.delete("/api/backups/big.zip")


def test_restore(place):
    server, folder = place
    digests = {path.name: hashlib.blake2b(path.read_bytes()).hexdigest() for path in folder.iterdir()}
    for path in list(folder.iterdir())[:5]:
        path.unlink()
    root = server.root()
    root.delete("/api/collections/blobs/records/r00000000000000")
    with Watch(server.process.pid) as watch:
        root.post("/api/backups/again.zip/restore", expect=204, timeout=240)
        job = ended(server.root(), "restore", 240)
        time.sleep(0.5)
    assert job["state"] == "succeeded", job
    check(watch, "restore")
    assert {path.name: hashlib.blake2b(path.read_bytes()).hexdigest() for path in folder.iterdir()} == digests
    root = server.root()
    assert root.get("/api/collections/blobs/records/r00000000000000")["id"] == "r00000000000000"
    assert root.get("/api/collections/blobs/records", params={"perPage": 1})["totalItems"] == ROWS
