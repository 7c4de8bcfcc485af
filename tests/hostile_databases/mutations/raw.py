"""Bytes of the database files, how they are laid out, and other files in the archive."""

import os
import sqlite3

from ..archive import AUXILIARY, DATA
from .places import Impossible


def a_database(unpacked, random):
    database = random.choice([DATA, DATA, DATA, AUXILIARY])
    path = unpacked.path(database)
    if not path.is_file() or path.stat().st_size < 4096:
        raise Impossible
    return database, path.stat().st_size


def flip_bytes(unpacked, random):
    database, size = a_database(unpacked, random)
    for _ in range(random.choice([1, 1, 2, 10])):
        unpacked.patch(database, random.randrange(size), random.randbytes(random.choice([1, 1, 2, 8, 100])))


def flip_page_header(unpacked, random):
    """The first bytes of a page: its kind, its cells, where they are."""
    database, size = a_database(unpacked, random)
    unpacked.patch(database, random.randrange(1, size // 4096) * 4096 + random.randrange(16), random.randbytes(1))


def flip_header(unpacked, random):
    database, _ = a_database(unpacked, random)
    at, length = random.choice(
        [
            (16, 2),
            (18, 1),
            (19, 1),
            (20, 1),
            (21, 1),
            (24, 4),
            (28, 4),
            (32, 4),
            (36, 4),
            (40, 4),
            (44, 4),
            (48, 4),
            (52, 4),
            (56, 4),
            (60, 4),
            (64, 4),
            (68, 4),
            (92, 4),
            (96, 4),
        ]
    )
    content = random.choice(
        [
            b"\0" * length,
            b"\xff" * length,
            random.randbytes(length),
            (1).to_bytes(length, "big"),
            (3).to_bytes(length, "big"),
        ]
    )
    unpacked.patch(database, at, content)


def swap_pages(unpacked, random):
    database, size = a_database(unpacked, random)
    one, other = random.sample(range(1, size // 4096), 2)
    content = unpacked.path(database).read_bytes()
    unpacked.patch(database, one * 4096, content[other * 4096 : other * 4096 + 4096])
    if random.random() < 0.5:
        unpacked.patch(database, other * 4096, content[one * 4096 : one * 4096 + 4096])


def cut(unpacked, random):
    database, size = a_database(unpacked, random)
    length = random.choice([size // 4096 // 2 * 4096, size - 1, size - 4096, 4096, 100, random.randrange(size)])
    os.truncate(unpacked.path(database), length)
    unpacked.told(f"{database}: cut to {length}")


def pragma(unpacked, random):
    database = random.choice([DATA, DATA, AUXILIARY])
    statement, vacuum = random.choice([
        ("user_version = -1", False), ("application_id = 2147483647", False), ("schema_version = -1", False), ("page_size = 512", True), ("page_size = 65536", True),
        ("page_size = 1024", True), ("auto_vacuum = FULL", True), ("auto_vacuum = INCREMENTAL", True), ("default_cache_size = -1", False), ("legacy_file_format = ON", True),
    ])  # fmt: skip
    with unpacked.open(database) as connection:
        connection.execute(f"PRAGMA {statement}")
        if vacuum:
            connection.execute("VACUUM")
    unpacked.told(f"{database}: PRAGMA {statement}" + ("; VACUUM" if vacuum else ""))


def encode(unpacked, random):
    """The same database in another encoding of its text."""
    database, name = random.choice([DATA, AUXILIARY]), random.choice(["UTF-16le", "UTF-16be"])
    encode_as(unpacked, database, name)


def encode_as(unpacked, database, name):
    path = unpacked.path(database)
    made = path.with_suffix(".made")
    new = sqlite3.connect(made, isolation_level=None)
    try:
        new.execute(f"PRAGMA encoding = '{name}'")
        with unpacked.open(database) as old:
            script = [line for line in old.iterdump() if "sqlite_stat" not in line and not line.startswith("ANALYZE")]
        new.executescript("\n".join(script))
    finally:
        new.close()
    made.replace(path)
    unpacked.told(f"{database}: in {name}")


def odd_file(unpacked, random):
    name = random.choice([
        "data.db-wal", "data.db-shm", "data.db-journal", "auxiliary.db-wal", "auxiliary.db-journal", "storage", "storage/x", "auxiliary.db", "auxiliary.db/x", "data.db-wal/x",
        ".bosbase/restore.journal", ".bosbase/jobs.json", ".bosbase/serve.lock", ".bosbase/undo-x/data.db", "backups/x.zip", "backups", "pb_hooks/x.pb.js", "pb_migrations/1_x.js",
        "types.d.ts", "logs.db", "storage/notes/x/y", ".notify/x",
    ])  # fmt: skip
    if unpacked.path(name).is_dir() and name != "storage":
        raise Impossible
    if name.startswith("auxiliary.db/"):
        unpacked.path("auxiliary.db").unlink(missing_ok=True)
    if name.startswith("storage/") and unpacked.path("storage").is_file():
        raise Impossible
    content = random.choice(
        [
            b"",
            b"x",
            b"\0" * 5000,
            b"SQLite format 3\0" + bytes(84),
            random.randbytes(9000),
            unpacked.path(DATA).read_bytes(),
        ]
    )
    unpacked.file(name, content)


def no_auxiliary(unpacked, random):
    unpacked.path(AUXILIARY).unlink()
    unpacked.told("no auxiliary.db")
