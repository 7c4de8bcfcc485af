"""Bytes, encodings, logs and files."""

from ..archive import AUXILIARY, DATA
from ..mutations.raw import encode_as
from .builders import files, header, named, pragma, sql


@named
def a_database_in_UTF_16(archive):
    encode_as(archive, DATA, "UTF-16le")


@named
def logs_in_UTF_16(archive):
    encode_as(archive, AUXILIARY, "UTF-16be")


pragma("pages of 512 bytes", "page_size = 512")
pragma("pages of 64 KiB", "page_size = 65536")
pragma("a database that shrinks by itself", "auto_vacuum = FULL")


header("a header that wants another program to write", 18, b"\3\2")
header("a header with reserved bytes", 20, b"\xff")
header("a header with a list of free pages that is none", 32, b"\0\0\0\2\0\0\0\x63")
header("a header with a schema of a format to come", 44, b"\0\0\0\7")
header("a header with an encoding that is none", 56, b"\0\0\0\5")
header("a header with odd versions", 60, b"\xff\xff\xff\xff\0\0\0\0\xff\xff\xff\xff")
header("a first page that is nonsense", 100, b"\xaa" * 1000)
header("a page of a tree that is nonsense", 8 * 4096, b"\xaa" * 4096)
header("logs that are nonsense", 4096, b"\xaa" * 4096, AUXILIARY)
header("logs without a header", 0, b"\xaa" * 100, AUXILIARY)

sql("no table of logs", "DROP TABLE _logs", database=AUXILIARY)
sql("logs without their columns", "ALTER TABLE _logs RENAME COLUMN data TO other", database=AUXILIARY)
sql(
    "logs that are a view",
    "ALTER TABLE _logs RENAME TO kept",
    "CREATE VIEW _logs AS SELECT * FROM kept",
    database=AUXILIARY,
)


files("storage that is a file", ("storage", b"x"))
files("empty logs", ("auxiliary.db", b""))
files("a write-ahead log that is nonsense", ("data.db-wal", b"\xaa" * 9000))
files(
    "a journal that wants to be rolled back", ("data.db-journal", b"\xd9\xd5\x05\xf9\x20\xa1\x63\xd7" + b"\xff" * 9000)
)
files("a foreign journal of a restore", (".bosbase/restore.journal", b"{}"))
files("hooks", ("pb_hooks/main.pb.js", b"while (true) {}"))


@named
def no_logs(archive):
    archive.path(AUXILIARY).unlink()


@named
def logs_that_are_the_data(archive):
    archive.file(AUXILIARY, archive.path(DATA).read_bytes())


@named
def logs_that_are_a_folder(archive):
    archive.path(AUXILIARY).unlink()
    archive.file("auxiliary.db/x", b"x")


@named
def a_write_ahead_log_that_takes_superusers_away(archive):
    """What is checked without it is not what is opened with it."""
    path = archive.path(DATA)
    before = path.read_bytes()
    with archive.open() as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA wal_autocheckpoint = 0")
        plain = path.read_bytes()
        connection.execute("DELETE FROM _collections WHERE name = '_superusers'")
        log = path.with_name("data.db-wal").read_bytes()
    assert before and log
    path.write_bytes(plain)
    archive.file("data.db-wal", log)


@named
def a_folder_of_a_record_that_is_a_file(archive):
    (identity,) = archive.rows("SELECT id FROM _collections WHERE name = 'notes'")[0]
    archive.file(f"storage/{identity}", b"x")
