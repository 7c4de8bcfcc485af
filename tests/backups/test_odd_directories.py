"""Links, files that can't be read, archives with bytes behind their end, keys that are missing: told beforehand, and of one file one warning."""

import os
import shutil
import sqlite3

import pytest

from harness.archives import repacked, run_sql
from harness.client import wait_for
from harness.jobs import ended, last_job
from harness.programs import BOSBASE, POCKETBASE

pytestmark = pytest.mark.ours

KEY = "0123456789abcdef0123456789abcdef"


def note(root, name="paper.txt"):
    if not any(found["name"] == "notes" for found in root.get("/api/collections?perPage=500")["items"]):
        root.post(
            "/api/collections",
            json={"name": "notes", "type": "base", "fields": [{"name": "paper", "type": "file", "maxSelect": 2, "maxSize": 1 << 20}]},
        )
    return root.create("notes", {}, files={"paper": (name, b"x" * 1000)})


def stored(server, record):
    return server.directory / "storage" / record["collectionId"] / record["id"] / record["paper"][0]


@pytest.mark.parametrize("name", ("storage", "data.db", "auxiliary.db"))
def test_a_restore_is_refused_where_it_would_replace_a_link(server, tmp_path, name):
    """The link was moved away, and a folder or file put in its place."""
    root = server.root()
    note(root)
    root.back_up("one.zip")
    assert server.stop() == 0
    target = tmp_path / "elsewhere" / name
    target.parent.mkdir()
    (server.directory / name).rename(target)
    (server.directory / name).symlink_to(target)
    done = BOSBASE.run("backup", "restore", "one.zip", "--dir", server.directory, check=False)
    assert done.returncode != 0 and f"{name} is a symbolic link" in done.stderr and len(done.stderr.strip().split("\n")) == 1, done.stderr
    server.start()
    refused = server.root().post("/api/backups/one.zip/restore", expect=400)
    assert f"{name} is a symbolic link" in refused["message"]
    assert (server.directory / name).is_symlink() and target.exists()
    assert not list((server.directory / ".bosbase").glob("staging-*"))


def test_a_linked_folder_of_a_collection_is_not_replaced_and_no_undo_takes_one_away(server, tmp_path):
    root = server.root()
    record = note(root)
    root.back_up("one.zip")
    folder = server.directory / "storage" / record["collectionId"]
    shutil.move(folder, tmp_path / "folder")
    folder.symlink_to(tmp_path / "folder")
    assert "is a symbolic link" in root.post("/api/backups/one.zip/restore", expect=400)["message"]
    folder.unlink()
    shutil.move(tmp_path / "folder", folder)
    root.restore("one.zip")
    ended(server.root(), "restore")
    storage = server.directory / "storage"
    shutil.move(storage, tmp_path / "storage")
    storage.symlink_to(tmp_path / "storage")
    assert "is a symbolic link" in server.root().post("/api/backups/undo-restore", expect=400)["message"]
    assert storage.is_symlink() and server.root().get("/api/backups/status")["undo"]


@pytest.mark.parametrize("kind", ("link", "dangling link", "pipe", "folder"))
def test_one_file_that_cannot_be_read_is_one_warning(server, tmp_path, kind):
    """Every backup failed, and its status said that something went wrong."""
    root = server.root()
    whole, odd = note(root), note(root, "odd.txt")
    path = stored(server, odd)
    path.unlink()
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    else:
        (tmp_path / "target").write_bytes(b"y")
        path.symlink_to(tmp_path / ("target" if kind == "link" else "nowhere"))
    root.back_up("one.zip")
    job = last_job(root, "create")
    assert job["state"] == "succeeded" and job["warning"].count(odd["paper"][0]) == 1, job
    assert whole["paper"][0] not in job["warning"] and job["warning"].startswith("1 file "), job
    # It counts: an earlier backup that holds the file does not make way for this one.
    assert root.backups()["one.zip"]["missing"] == 1 and root.backups()["one.zip"]["proven"]


def test_a_row_that_another_program_wrote_oddly_fails_no_backup(server):
    """Every backup failed of an id that was no text, and of a table without row numbers."""
    root = server.root()
    odd, whole = note(root), note(root)
    assert server.stop() == 0
    database = server.directory / "data.db"
    connection = sqlite3.connect(database)
    definition = connection.execute("SELECT sql FROM sqlite_master WHERE name = 'notes'").fetchone()[0]
    connection.close()
    run_sql(
        database,
        "ALTER TABLE notes RENAME TO former",
        f"{definition} WITHOUT ROWID",
        "INSERT INTO notes SELECT * FROM former",
        "DROP TABLE former",
        f"UPDATE notes SET id = CAST('no text' AS BLOB) WHERE id = '{odd['id']}'",
    )
    server.start()
    root = server.root()
    root.back_up("one.zip")
    job = last_job(root, "create")
    assert job["state"] == "succeeded" and "no text" in job["warning"] and whole["paper"][0] not in job["warning"], job


def test_a_key_that_is_missing_is_told_before_anything_is_moved(launch, tmp_path):
    server = launch(env={"THE_KEY": KEY}, flags=("--encryptionEnv", "THE_KEY"), superuser=False)
    BOSBASE.run("superuser", "upsert", "root@example.com", "correct-horse-1", "--dir", server.directory, "--encryptionEnv", "THE_KEY", env={"THE_KEY": KEY})
    server.root().back_up("one.zip")
    archive = server.directory / "backups" / "one.zip"
    other = launch()
    other.root().upload(archive)
    other.root().post("/api/backups/one.zip/restore", expect=204)
    job = ended(other.root(), "restore")
    assert job["state"] == "failed" and "encrypted" in job["error"] and "--encryptionEnv" in job["error"], job
    # And from the command line, into nothing.
    fresh = tmp_path / "fresh" / "pb_data"
    BOSBASE.run("backup", "import", archive, "--dir", fresh)
    done = BOSBASE.run("backup", "restore", "one.zip", "--dir", fresh, check=False)
    assert done.returncode != 0 and "--encryptionEnv" in done.stderr and not (fresh / "data.db").exists(), done.stderr
    done = BOSBASE.run("backup", "restore", "one.zip", "--dir", fresh, "--encryptionEnv", "THE_KEY", env={"THE_KEY": KEY})
    assert "where there was no data" in done.stdout and "replaced data" not in done.stdout


BEHIND = {
    "a few bytes": b"more",
    "padding": b"\0" * 512,
    "a signature": b"-----BEGIN SIGNATURE-----\n" * 100,
    "what looks like an end": b"PK\x05\x06 is not one",
    "as much as can be": b"\0" * 60_000,
}


@pytest.mark.parametrize("kind", BEHIND)
def test_bytes_behind_an_archive_are_no_part_of_it(server, oracle, tmp_path, kind):
    """PocketBase takes such an archive, and it was refused here as no ZIP."""
    root = server.root()
    note(root)
    root.back_up("one.zip")
    padded = tmp_path / "padded.zip"
    padded.write_bytes(repacked(server.directory / "backups" / "one.zip", tmp_path / "plain.zip", lambda _, content: content).read_bytes() + BEHIND[kind])
    oracle.root().upload(padded)
    root.upload(padded)
    root.post("/api/backups/padded.zip/verify", headers={"Prefer": "wait=60"}, expect=204)
    root.restore("padded.zip")
    assert ended(server.root(), "restore")["state"] == "succeeded"
    assert len(server.root().records("notes")) == 1


def test_another_server_on_the_same_directory_is_noticed(launch, tmp_path):
    """PocketBase takes none of our locks: both went on beside each other, and a restore mixed their data."""
    ours = launch()
    ours.root().back_up("one.zip")
    assert ours.root().get("/api/backups/status")["otherServers"] == []
    # It comes later: that can be told, no more.
    theirs = launch(POCKETBASE, directory=ours.directory, superuser=False)
    told = ours.root().get("/api/backups/status")["otherServers"]
    assert [one["pid"] for one in told] == [theirs.process.pid] and "pocketbase" in told[0]["program"], told
    assert ours.stop() == 0
    # It was there before.
    for command in (("serve", "--http", "127.0.0.1:0"), ("backup", "restore", "one.zip")):
        done = BOSBASE.run(*command, "--dir", ours.directory, check=False)
        assert done.returncode != 0 and str(theirs.process.pid) in done.stderr and "Stop it first" in done.stderr, done.stderr
        assert len(done.stderr.strip().split("\n")) == 1, done.stderr
    theirs.kill()
    ours.start()
    assert wait_for(lambda: ours.root().get("/api/backups/status")["otherServers"] == [], 10, "it to be gone")


def test_the_health_check_says_when_writes_fail(launch):
    """It called itself healthy while every write failed."""
    server = launch(largest_file=4 << 20)
    root = server.root()
    root.post("/api/collections", json={"name": "texts", "type": "base", "fields": [{"name": "text", "type": "text", "max": 1 << 20}]})
    assert root.get("/api/health")["message"] == "API is healthy." and "writesFail" not in root.get("/api/health")["data"]
    statuses = []
    while len(statuses) < 100 and statuses[-1:] in ([], [200]):
        answer = root.send("POST", "/api/collections/texts/records", json={"text": "x" * 300_000}, expect=None)
        statuses.append(answer.status_code)
    assert statuses[-1] >= 500, statuses
    told = server.client().get("/api/health")
    assert told["message"] == "API is healthy, but writes fail." and told["data"] == {}, told
    assert root.get("/api/health")["data"]["writesFail"]
