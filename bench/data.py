"""The application that is backed up: made with PocketBase, so that both programs start from the very same files."""

import json
import random
import sqlite3

from harness.programs import POCKETBASE
from harness.server import Server

WORDS = "snapshot archive manifest retention staging journal lease recovery writer reader page record file user".split()

ROW = 4000
"""About so many bytes a row of the database takes, unless there are more files than such rows: each belongs to one."""


SMALLEST, LARGEST, SHAPE = 24_000, 32_000_000, 1.0
"""An app's files: their sizes in bytes, and the exponent of the Pareto law by which they spread. 3,500 of them take 0.66 GB."""

FILES_OF_APP, SIZE_OF_APP = 3500, 1.08e9


def make(directory, size, files=None):
    """Makes a data directory of about `size` bytes: half a database, half `files` files (of 5 MB each, unless told), each named by a
    record. Of the database half is random hexadecimal, of the files half are random bytes; the rest is text of few words."""
    files = files or max(1, int(size / 2 / 5_000_000))
    rows = max(files, int(size / 2 / ROW))
    row = int(size / 2 / rows)
    length = int(size / 2 / files)
    fill(directory, lambda chooser, n: text(chooser, n, row), rows, (length for _ in range(files)))


def make_app(directory):
    """Makes a data directory of 1.08 GB that is shaped like an app's: 3,500 files of 24 KB to 32 MB, sizes by a Pareto law, half of
    them of random bytes as pictures are; the rest is rows of 1 to 2 KB of words and JSON."""
    chooser = random.Random(2)
    sizes = [int(min(LARGEST, SMALLEST * chooser.paretovariate(SHAPE))) for _ in range(FILES_OF_APP)]
    left = SIZE_OF_APP - sum(sizes)
    assert left > 0, "the files take all of it"
    # A row of 1.5 KB takes a little more in its page.
    fill(directory, row_of_app, max(FILES_OF_APP, int(left / 1620)), sizes)


def fill(directory, row, rows, sizes):
    """Makes the collection `posts` of so many rows; `row` gives the text of one. The first rows have files of `sizes` bytes."""
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
    sizes = list(sizes)
    database = sqlite3.connect(directory / "data.db")
    with database:
        database.executemany(
            "INSERT INTO posts (id, text, n, file) VALUES (?, ?, ?, ?)",
            ((f"r{n:014}", row(chooser, n), n, f"file_{n}.bin" if n < len(sizes) else "") for n in range(rows)),
        )
    database.close()
    for n, length in enumerate(sizes):
        folder = directory / "storage" / made["id"] / f"r{n:014}"
        folder.mkdir(parents=True)
        (folder / f"file_{n}.bin").write_bytes(contents(chooser, n, length))


def row_of_app(chooser, n):
    """1 to 2 KB: a paragraph, and JSON as an app keeps it."""
    words = " ".join(chooser.choices(WORDS, k=chooser.randrange(60, 130)))
    state = {"author": f"user{chooser.randrange(5000)}", "score": chooser.random(), "tags": chooser.choices(WORDS, k=4)}
    items = [{"id": chooser.randbytes(8).hex(), "count": chooser.randrange(100)} for _ in range(chooser.randrange(8, 22))]
    return json.dumps({"n": n, "body": words, "state": state, "items": items})


def text(chooser, n, length):
    return " ".join(chooser.choices(WORDS, k=length // 8)) if n % 2 else chooser.randbytes(length // 2).hex()


def contents(chooser, n, length):
    block = min(length, 1 << 20)
    block = chooser.randbytes(block) if n % 2 else " ".join(chooser.choices(WORDS, k=block // 7 + 1)).encode()
    return (block * (length // len(block) + 1))[:length]
