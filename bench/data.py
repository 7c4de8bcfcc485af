"""The application that is backed up: made with PocketBase, so that both programs start from the very same files."""

import random
import sqlite3

from harness.programs import POCKETBASE
from harness.server import Server

WORDS = "snapshot archive manifest retention staging journal lease recovery writer reader page record file user".split()

ROW = 4000
"""About so many bytes a row of the database takes, unless there are more files than such rows: each belongs to one."""


def make(directory, size, files=None):
    """Makes a data directory of about `size` bytes: half a database, half `files` files (of 5 MB each, unless told), each named by a
    record. Of the database half is random hexadecimal, of the files half are random bytes; the rest is text of few words."""
    files = files or max(1, int(size / 2 / 5_000_000))
    rows = max(files, int(size / 2 / ROW))
    row = int(size / 2 / rows)
    with Server(POCKETBASE, directory) as server:
        made = server.root().post(
            "/api/collections",
            json={
                "name": "posts",
                "type": "base",
                "createRule": "",
                "viewRule": "",
                "fields": [{"name": "text", "type": "text", "max": 100_000}, {"name": "n", "type": "number"}]
                + [{"name": "file", "type": "file", "maxSelect": 1, "maxSize": 100_000_000_000}],
            },
        )
        server.stop()
    chooser = random.Random(1)
    database = sqlite3.connect(directory / "data.db")
    with database:
        database.executemany(
            "INSERT INTO posts (id, text, n, file) VALUES (?, ?, ?, ?)",
            ((f"r{n:014}", text(chooser, n, row), n, f"file_{n}.bin" if n < files else "") for n in range(rows)),
        )
    database.close()
    length = int(size / 2 / files)
    for n in range(files):
        folder = directory / "storage" / made["id"] / f"r{n:014}"
        folder.mkdir(parents=True)
        (folder / f"file_{n}.bin").write_bytes(contents(chooser, n, length))


def text(chooser, n, length):
    return " ".join(chooser.choices(WORDS, k=length // 8)) if n % 2 else chooser.randbytes(length // 2).hex()


def contents(chooser, n, length):
    block = min(length, 1 << 20)
    block = chooser.randbytes(block) if n % 2 else " ".join(chooser.choices(WORDS, k=block // 7 + 1)).encode()
    return (block * (length // len(block) + 1))[:length]
