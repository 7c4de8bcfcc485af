"""`bosbase check DIR` says before the switch what works here, and changes nothing in the directory.

Who came from PocketBase learnt of hooks, triggers and files that were gone when the server had already upgraded the
database, or did not start.
"""

import contextlib
import hashlib
import json
import os
import shutil
import signal as signals
import sqlite3
import subprocess
import sys
import tempfile
import time

import pytest

from harness.client import wait_for
from harness.programs import BOSBASE, EMAIL, PASSWORD, POCKETBASE, POCKETBASE_0_23, POCKETBASE_0_30

pytestmark = pytest.mark.ours

KEY = "0123456789abcdef0123456789abcdef"
VERSIONS = pytest.mark.parametrize(
    "program", [POCKETBASE_0_23, POCKETBASE_0_30, POCKETBASE], ids=lambda program: program.name
)
SECTIONS = ("cannotServe", "toMend", "notHonoured", "differs", "works", "notes")


def state(directory):
    """Everything in a directory: names, kinds, modes, times, bytes."""
    found = {}
    for root, folders, files in os.walk(directory):
        for name in [".", *folders, *files]:
            path = os.path.join(root, name)
            stat = os.lstat(path)
            told = (stat.st_mode, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_size if name in files else 0)
            if name in files:
                with open(path, "rb") as file:
                    told += (hashlib.sha256(file.read()).hexdigest(),)
            found[path] = told
    return found


@contextlib.contextmanager
def unchanged(directory):
    before = state(directory)
    yield
    after = state(directory)
    assert after == before, {name: (before.get(name), after.get(name)) for name in before.keys() ^ after.keys()}


# Where PocketBase would have this machine send mails, it differs that nobody does, and nothing has code 0.
SENDMAIL = any(map(shutil.which, ("/usr/sbin/sendmail", "/usr/bin/sendmail", "sendmail")))


def check(directory, *flags, code, env=None):
    """The report as JSON, with the temporary folder held to be empty afterwards."""
    code = max(code, 1) if SENDMAIL else code
    with tempfile.TemporaryDirectory() as temporary:
        env = {"TMPDIR": temporary, **(env or {})}
        done = BOSBASE.run("check", directory, "--json", *flags, check=False, env=env)
        assert done.returncode == code, (done.stdout, done.stderr)
        assert os.listdir(temporary) == []
    report = json.loads(done.stdout)
    assert done.stdout.endswith("}\n")
    assert report["code"] == code and report["dir"] == str(directory)
    assert report["verdict"] == {0: "works", 1: "differs", 2: "cannotServe"}[code]
    assert all(isinstance(report[section], list) for section in SECTIONS)
    return report


def topics(report, section):
    return {finding["topic"] for finding in report[section]}


def text(report, section, topic):
    return "\n".join(finding["text"] for finding in report[section] if finding["topic"] == topic)


def stopped(launch, program, fill=None):
    """A data directory that `program` has made, filled and left."""
    server = launch(program)
    if fill:
        fill(server.root())
    server.stop()
    return server.directory


def with_files(root):
    fields = [{"name": "paper", "type": "file", "maxSelect": 1, "maxSize": 1000}]
    root.post("/api/collections", json={"name": "papers", "type": "base", "fields": fields})
    for number in range(3):
        root.create("papers", {}, files={"paper": (f"p{number}.txt", b"text")})


def uploaded(directory):
    found = (directory / "storage").glob("*/*/*.txt")
    return sorted(path for path in found if path.is_file())


def change(directory, *statements):
    with contextlib.closing(sqlite3.connect(directory / "data.db")) as connection:
        for statement in statements:
            connection.execute(statement)
        connection.commit()
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


@VERSIONS
def test_a_directory_of_each_pocketbase(program, launch):
    directory = stopped(launch, program, with_files)
    is_newest = program is POCKETBASE
    with unchanged(directory.parent):
        report = check(directory, code=0 if is_newest else 1)
    assert topics(report, "cannotServe") == topics(report, "toMend") == topics(report, "notHonoured") == set()
    works = topics(report, "works")
    assert {"integrity", "collections", "files", "settings", "superusers"} <= works, report
    assert "name: 3;" in text(report, "works", "files")
    assert ("version" in works) == is_newest
    assert ("normalize_indexes" in text(report, "differs", "version")) != is_newest
    # What was said is what a start does.
    server = launch(directory=directory)
    assert server.root().get("/api/collections/papers/records")["totalItems"] == 3


def test_what_is_said_to_people(launch):
    directory = stopped(launch, POCKETBASE)
    done = BOSBASE.run("check", directory)
    assert done.stdout.startswith(f"{directory} can be served here, and nothing differs.\n\nWorks\n- "), done.stdout
    assert done.stderr == "" and "{" not in done.stdout
    # --dir does as well, and the usual folder where nothing is named.
    assert BOSBASE.run("check", "--dir", directory).stdout.split("\n")[0] == done.stdout.split("\n")[0]
    (directory / "data.db").rename(directory / "other.db")
    done = BOSBASE.run("check", directory, check=False)
    assert done.returncode == 2 and f"There is no data.db in {directory}." in done.stdout
    for path, told in [(directory / "nothing", "There is no folder"), (directory / "other.db", f"{directory / 'other.db'} is no folder.")]:
        done = BOSBASE.run("check", path, check=False)
        assert done.returncode == 2 and told in done.stdout, done.stdout
    assert BOSBASE.run("check", directory, "--jsn", check=False).returncode == 2


@VERSIONS
def test_beside_a_running_server_its_last_commit_is_seen(program, launch):
    server = launch(program)
    root = server.root()
    with_files(root)
    before = state(server.directory)
    report = check(server.directory, code=0 if program is POCKETBASE else 1)
    assert "name: 3;" in text(report, "works", "files"), "they are in the write-ahead log alone"
    assert str(server.process.pid) in text(report, "notes", "server")
    after = state(server.directory)
    assert set(after) == set(before)
    untouched = [name for name in before if "data.db" not in name and "auxiliary.db" not in name]
    assert all(before[name] == after[name] for name in untouched)
    root.create("papers", {}, files={"paper": ("more.txt", b"text")})
    assert "name: 4;" in text(check(server.directory, code=report["code"]), "works", "files")


@VERSIONS
def test_a_killed_server_leaves_its_log_and_that_is_read(program, launch):
    server = launch(program)
    with_files(server.root())
    server.kill()
    directory = server.directory
    assert (directory / "data.db-wal").stat().st_size > 0
    with unchanged(directory):
        report = check(directory, code=0 if program is POCKETBASE else 1)
    assert "name: 3;" in text(report, "works", "files")
    # Nor where nothing could be written: the files' modes are no part of the copy's.
    for name in os.listdir(directory):
        if name.startswith("data.db"):
            (directory / name).chmod(0o400)
    with unchanged(directory):
        check(directory, code=report["code"])


WRITES = """
import sqlite3, sys, time
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("PRAGMA journal_mode=WAL")
number = 0
while True:
    number += 1
    connection.execute("BEGIN")
    for table in ("one", "two"):
        connection.execute(f"INSERT INTO {table} VALUES (?, randomblob(3000))", (number,))
        connection.execute(f"DELETE FROM {table} WHERE number < ?", (number - 200,))
    connection.execute("COMMIT")
    if number % 100 == 0:
        connection.execute("PRAGMA wal_checkpoint(PASSIVE)")
        print(number, flush=True)
        # Long enough that a copy is made meanwhile at times, however slow the machine is.
        time.sleep(number % 7 / 2)
"""


def test_a_copy_made_while_somebody_writes_is_of_one_moment(launch, tmp_path):
    """Pages of two moments would fail the check of integrity."""
    directory = stopped(launch, POCKETBASE)
    change(directory, "CREATE TABLE one (number, bytes)", "CREATE TABLE two (number UNIQUE, bytes)")
    writer = subprocess.Popen([sys.executable, "-c", WRITES, str(directory / "data.db")], stdout=subprocess.PIPE, text=True)
    try:
        assert writer.stdout.readline()
        looked = 0
        for _ in range(8):
            done = BOSBASE.run("check", directory, "--json", check=False, env={"TMPDIR": str(tmp_path)})
            report = json.loads(done.stdout)
            if "unreadable" in topics(report, "cannotServe"):
                assert "writes to it all the time" in text(report, "cannotServe", "unreadable"), report
                continue
            looked += 1
            assert report["code"] == 0 and "integrity" in topics(report, "works"), report
        assert looked > 0 and writer.poll() is None
    finally:
        writer.kill()
        writer.wait()
    assert not list(tmp_path.glob("bosbase-check-*"))


@pytest.mark.parametrize("signal", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_a_check_that_is_ended_leaves_no_copy(launch, tmp_path, signal):
    """The copy holds all that the data does, password hashes too, and stayed in the folder for temporary files."""
    directory = stopped(launch, POCKETBASE)
    change(directory, "CREATE TABLE large (bytes)", "INSERT INTO large VALUES (zeroblob(200000000))")
    command = [str(BOSBASE.path), "check", str(directory)]
    process = subprocess.Popen(command, env={**os.environ, "TMPDIR": str(tmp_path)}, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    wait_for(lambda: list(tmp_path.glob("bosbase-check-*")), 30, "the copy", every=0.002)
    process.send_signal(getattr(signals, signal))
    said = process.communicate(timeout=60)[1]
    assert process.returncode == 130 and "copy of the databases is removed" in said, said
    assert not list(tmp_path.glob("bosbase-check-*"))


def test_hooks_migrations_and_static_files(launch):
    directory = stopped(launch, POCKETBASE)
    for folder, name in (("pb_hooks", "main.pb.js"), ("pb_migrations", "1700000001_one.js"), ("pb_public", "index.html")):
        (directory.parent / folder).mkdir()
        (directory.parent / folder / name).write_text("migrate((app) => {}, (app) => {})" if "pb_m" in folder else "")
    with unchanged(directory.parent):
        report = check(directory, code=1)
    assert topics(report, "notHonoured") == {"hooks", "migrations"}
    assert str(directory.parent / "pb_public") in text(report, "notes", "public")
    assert "main.pb.js" in text(report, "notHonoured", "hooks") and "--ignore-hooks" in text(report, "notHonoured", "hooks")
    assert "1700000001_one.js" in text(report, "notHonoured", "migrations")
    flags = ["--dir", directory, "--migrationsDir", directory.parent / "pb_migrations"]
    POCKETBASE.run("migrate", "up", *flags)
    assert topics(check(directory, code=1), "notHonoured") == {"hooks"}


def test_what_is_broken_is_told_and_left(launch):
    def fill(root):
        with_files(root)
        root.post("/api/collections", json={"name": "gone", "type": "base", "fields": [{"name": "a", "type": "text"}]})
        index = "CREATE INDEX `idx_a` ON `less` (`a`)"
        fields = [{"name": "a", "type": "text"}, {"name": "b", "type": "text"}]
        root.post("/api/collections", json={"name": "less", "type": "base", "fields": fields, "indexes": [index]})

    directory = stopped(launch, POCKETBASE, fill)
    change(
        directory,
        "DROP TABLE gone",
        "DROP INDEX idx_a",
        "ALTER TABLE less DROP COLUMN b",
        "ALTER TABLE papers ADD COLUMN foreign_one TEXT",
        "CREATE TRIGGER watch AFTER INSERT ON papers BEGIN SELECT 1; END",
    )
    first, *others = uploaded(directory)
    first.unlink()
    with unchanged(directory):
        report = check(directory, code=1)
    broken = text(report, "toMend", "collections")
    assert '"gone"' in broken and '"b"' in broken, broken
    assert "idx_a" in text(report, "differs", "collections") and "foreign_one" in text(report, "differs", "collections")
    assert "watch" in text(report, "notHonoured", "triggers")
    assert "collections" not in topics(report, "works")
    files = text(report, "toMend", "files")
    assert files.startswith("1 of 3 uploaded files") and first.name in files and others[0].name not in files
    # `users` has a field of files: a start serves the rest.
    change(directory, "DROP TABLE users")
    with unchanged(directory):
        report = check(directory, code=1)
    assert "Not all records could be asked" in text(report, "toMend", "files") and "files" not in topics(report, "works")
    launch(directory=directory)


def test_damaged_databases(launch):
    directory = stopped(launch, POCKETBASE, with_files)
    log, data = directory / "auxiliary.db", directory / "data.db"
    log.write_bytes(b"\x5a" * 8192)
    with unchanged(directory):
        report = check(directory, code=1)
    assert topics(report, "differs") == {"log"} and topics(report, "toMend") == set()
    whole = data.read_bytes()
    data.write_bytes(whole[: len(whole) // 2])
    with unchanged(directory):
        report = check(directory, code=2)
    assert "integrity" in topics(report, "toMend") and "integrity" not in topics(report, "works")
    data.write_bytes(b"none at all" * 1000)
    with unchanged(directory):
        check(directory, code=2)
    data.unlink()
    with contextlib.closing(sqlite3.connect(data)) as connection:
        connection.execute("CREATE TABLE other (a)")
        connection.commit()
    with unchanged(directory):
        report = check(directory, code=2)
    assert "not the database of a PocketBase application" in text(report, "cannotServe", "database")


def test_encrypted_settings_want_their_key(launch):
    env, flags = {"APP_KEY": KEY}, ["--encryptionEnv=APP_KEY"]
    server = launch(POCKETBASE, flags=flags, env=env, superuser=False)
    server.stop()
    POCKETBASE.run("superuser", "upsert", EMAIL, PASSWORD, "--dir", server.directory, *flags, env=env)
    with unchanged(server.directory):
        report = check(server.directory, code=2)
        assert "--encryptionEnv" in text(report, "cannotServe", "settings")
        other = check(server.directory, *flags, env={"APP_KEY": KEY[::-1]}, code=2)
        told = text(other, "cannotServe", "settings")
        assert "another key" in told and "give the key that they were encrypted with" in told
        assert KEY not in json.dumps([report, other])
        assert "settings" in topics(check(server.directory, *flags, env=env, code=0), "works")


def test_superusers_providers_and_options(launch):
    def fill(root):
        provider = {"name": "google", "clientId": "id", "clientSecret": "very-secret"}
        root.patch("/api/collections/users", json={"oauth2": {"enabled": True, "providers": [provider]}, "otp": {"enabled": True}})

    directory = stopped(launch, POCKETBASE, fill)
    report = check(directory, code=1)
    assert "google" in text(report, "works", "oauth2") and "very-secret" not in json.dumps(report)
    assert "one-time passwords" in text(report, "notHonoured", "options")
    change(directory, "UPDATE _collections SET options = replace(options, '\"google\"', '\"nobody-knows\"')")
    report = check(directory, code=1)
    assert "nobody-knows" in text(report, "notHonoured", "oauth2") and "oauth2" not in topics(report, "works")
    addresses = "json_set(value, '$.superuserIPs', json('[\"203.0.113.9\"]'))"
    change(directory, f"UPDATE _params SET value = {addresses} WHERE id = 'settings'")
    assert "203.0.113.9" in text(check(directory, code=1), "toMend", "superusers")
    change(directory, "DELETE FROM _superusers")
    with unchanged(directory):
        report = check(directory, code=1)
    assert "there is none" in text(report, "toMend", "superusers")


def test_mails_and_files_that_go_another_way(launch, tmp_path):
    """That the machine's sendmail is asked no more was told as something good to know, though it differs."""
    directory = stopped(launch, POCKETBASE)
    if not SENDMAIL:
        assert "settings.smtp" in text(check(directory, code=0), "notes", "mails")
    program = tmp_path / "bin" / "sendmail"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    report = check(directory, code=1, env={"PATH": f"{program.parent}:{os.environ['PATH']}"})
    assert topics(report, "differs") == {"mails"} and "sendmail send them on this machine" in text(report, "differs", "mails")
    with_server = """json_set(value, '$.smtp.enabled', json('true'), '$.smtp.host', 'mail.example.com')"""
    change(directory, f"UPDATE _params SET value = {with_server} WHERE id = 'settings'")
    report = check(directory, code=0, env={"PATH": f"{program.parent}:{os.environ['PATH']}"})
    assert "mail.example.com" in text(report, "works", "mails")
    bucket = {"enabled": True, "bucket": "b", "region": "r", "endpoint": "http://127.0.0.1:9", "accessKey": "k", "secret": "very-secret"}
    change(directory, f"UPDATE _params SET value = json_set(value, '$.s3', json('{json.dumps(bucket)}')) WHERE id = 'settings'")
    report = check(directory, code=1)
    assert f"files take-over --dir {directory}" in text(report, "differs", "files") and "very-secret" not in json.dumps(report)
    assert "which was not asked" in text(report, "notes", "files")


def test_a_program_of_its_own_in_go(launch):
    directory = stopped(launch, POCKETBASE)
    change(directory, "INSERT INTO _migrations (file, applied) VALUES ('1700000000_mine.go', 1), ('1700000001_mine.js', 1)")
    report = check(directory, code=1)
    assert "1700000000_mine.go" in text(report, "notHonoured", "version") and "mine.js" not in json.dumps(report)


def test_a_copy_that_can_not_be_made(launch):
    directory = stopped(launch, POCKETBASE)
    with unchanged(directory):
        done = BOSBASE.run("check", directory, "--json", check=False, env={"TMPDIR": str(directory / "missing")})
    assert done.returncode == 2, done
    assert "TMPDIR" in text(json.loads(done.stdout), "cannotServe", "unreadable")


def test_no_lock_is_waited_for_and_none_taken(launch):
    server = launch(POCKETBASE)
    with contextlib.closing(sqlite3.connect(server.directory / "data.db", isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        began = time.monotonic()
        check(server.directory, code=0)
        assert time.monotonic() - began < 8, "a connection waits ten seconds for a lock"
        connection.execute("ROLLBACK")
    server.stop()
    ours = launch(directory=server.directory)
    check(server.directory, code=0)
    ours.root().get("/api/settings")
