"""`backup …` on a stopped data directory, and beside a running server."""

import fcntl
import json
import os
import shutil
import subprocess
import zipfile

import pytest

from harness.client import wait_for
from harness.programs import BOSBASE, POCKETBASE
from harness.sample import assert_same, blob, content, make_application
from harness.server import Server

pytestmark = pytest.mark.ours

SKIPPED = ("_authOrigins",)


def backup(directory, *arguments, check=True):
    return BOSBASE.run("backup", *arguments, "--dir", directory, check=check)


@pytest.fixture
def stopped(server):
    """A stopped server with an application, and what it showed."""
    make_application(server.root())
    server.seen = content(server.root(), SKIPPED)
    assert server.stop() == 0
    return server


@pytest.mark.parametrize("words", ["list", "verify x.zip", "restore x.zip", "delete x.zip", "export x.zip y.zip", "take-over", "extract x.zip users --filter 1=1"])
def test_without_the_key_of_the_settings_no_place_is_looked_at(tmp_path, words):
    """A bucket that the settings name was passed over, and old backups of the data directory were shown as if they were all."""
    directory, key = tmp_path / "pb_data", {"A_KEY": "0123456789abcdef0123456789abcdef"}
    flags = ("--encryptionEnv", "A_KEY", "--dir", directory)
    BOSBASE.run("superuser", "upsert", "a@example.com", "1234567890", *flags, env=key)
    BOSBASE.run("backup", "create", "x.zip", *flags, env=key)
    list_them = lambda env, *more: BOSBASE.run("backup", "list", "--dir", directory, *more, env=env, check=False)  # noqa: E731
    assert "x.zip" in list_them(key, "--encryptionEnv", "A_KEY").stdout
    local = list_them({"BOSBASE_BACKUPS_S3_ENABLED": "false"})
    assert "x.zip" in local.stdout and local.returncode == 0
    before = {path: path.read_bytes() for path in directory.rglob("*.zip")}
    for env, more in [({}, ()), ({"A_KEY": "f" * 32}, ("--encryptionEnv", "A_KEY"))]:
        refused = BOSBASE.run("backup", *words.split(), "--dir", directory, *more, env=env, check=False, cwd=tmp_path)
        assert refused.returncode == 1 and not refused.stdout, refused
        assert refused.stderr.startswith("Error: The settings are encrypted") and refused.stderr.count("\n") == 1, refused.stderr
    assert {path: path.read_bytes() for path in directory.rglob("*.zip")} == before


@pytest.mark.parametrize("words", ["undo", "create"])
def test_what_needs_all_settings_offers_no_way_without_their_key(tmp_path, words):
    """It named a way around the key, which led to an undo that failed."""
    directory, key = tmp_path / "pb_data", {"A_KEY": "0123456789abcdef0123456789abcdef"}
    flags = ("--encryptionEnv", "A_KEY", "--dir", directory)
    BOSBASE.run("superuser", "upsert", "a@example.com", "1234567890", *flags, env=key)
    for command in (("create", "x.zip"), ("restore", "x.zip")):
        BOSBASE.run("backup", *command, *flags, env=key)
    before = (directory / ".bosbase" / "jobs.json").read_bytes()
    for env in ({}, {"BOSBASE_BACKUPS_S3_ENABLED": "false"}):
        refused = BOSBASE.run("backup", words, "--dir", directory, env=env, check=False)
        assert refused.returncode == 1 and "they are encrypted" in refused.stderr and "BOSBASE_BACKUPS_S3" not in refused.stderr, refused
    assert (directory / ".bosbase" / "jobs.json").read_bytes() == before, "a job failed of it"


def test_a_restore_of_what_is_no_backup_is_told_by_its_name(stopped):
    directory = stopped.directory
    (directory / "backups").mkdir(exist_ok=True)
    (directory / "backups" / "bad.zip").write_bytes(b"no archive")
    for name, told in (("none.zip", "There is no backup none.zip. See: bosbase backup list."), ("bad.zip", "bad.zip can't be restored: The file is not a ZIP")):
        refused = backup(directory, "restore", name, check=False)
        assert refused.returncode == 1 and refused.stderr.startswith(f"Error: {told}"), refused


def test_a_second_restore_takes_nothing_away_unasked(stopped, tmp_path):
    """Two restores in a panic left nothing of the data before the first, without a word."""
    directory, gone = stopped.directory, "can't be brought back any more"
    for name in ("x.zip", "y.zip"):
        backup(directory, "create", name)
    assert gone not in backup(directory, "restore", "x.zip").stdout
    before = {path: path.read_bytes() for path in directory.rglob("undo*") if path.is_file()}
    refused = backup(directory, "restore", "y.zip", check=False)
    assert refused.returncode == 1 and not refused.stdout and refused.stderr.count("\n") == 1, refused
    assert "the restore of x.zip replaced" in refused.stderr and "backup undo --dir" in refused.stderr and "restore y.zip --yes" in refused.stderr
    assert before and {path: path.read_bytes() for path in directory.rglob("undo*") if path.is_file()} == before
    # Beside a server, which restores without asking, the same is said before.
    stopped.start()
    beside = backup(directory, "restore", "y.zip", check=False).stderr
    assert "A server is using" in beside and "the restore of x.zip replaced" in beside and "POST /api/backups/undo-restore" in beside, beside
    assert stopped.stop() == 0
    # What was replaced comes back, and then the right one can be restored; the undo took away what the first restored.
    backup(directory, "undo")
    refused = backup(directory, "restore", "y.zip", check=False)
    # Another undo would bring the wrong one back: it is told with the condition.
    assert refused.returncode == 1 and "the last undo took away" in refused.stderr and "If the data here now is the right one, go on: bosbase backup restore y.zip --yes" in refused.stderr, refused
    told = backup(directory, "restore", "y.zip", "--yes").stdout
    assert gone in told and "the last undo" in told, told
    # Into an empty directory: nothing was there that could be lost.
    backup(directory, "export", "y.zip", tmp_path / "y.zip")
    fresh = tmp_path / "fresh"
    backup(fresh, "import", tmp_path / "y.zip")
    assert "where there was no data" in backup(fresh, "restore", "y.zip").stdout
    assert gone not in backup(fresh, "restore", "y.zip").stdout
    stopped.start()
    root = stopped.root()
    root.restore("x.zip")
    job = next(job for job in root.get("/api/backups/status")["jobs"] if job["kind"] == "restore")
    assert job["key"] == "x.zip" and job["state"] == "succeeded" and "the restore of y.zip" in job["warning"], job


def test_a_server_of_another_version_of_this_program_is_no_other_program(server, tmp_path):
    """The program was replaced while its server ran, and the command said to end that server."""
    upgraded = tmp_path / "bosbase"
    shutil.copy(BOSBASE.path, upgraded)
    done = subprocess.run([upgraded, "backup", "status", "--dir", server.directory], capture_output=True, text=True, timeout=60)
    assert done.stdout.startswith("There is no backup.") and "nother program" not in done.stdout, done
    # PocketBase on a copy is one, and would be on this directory.
    copy = tmp_path / "copy" / "pb_data"
    copy.mkdir(parents=True)
    for name in ("data.db", "auxiliary.db"):
        shutil.copy(server.directory / name, copy / name)
    with Server(POCKETBASE, copy, superuser=False):
        done = subprocess.run([upgraded, "backup", "status", "--dir", copy], capture_output=True, text=True, timeout=60)
        assert "To do: Another program uses the data directory: " in done.stdout, done


def test_uploaded_files_without_a_database_are_data_as_well(stopped):
    """A lost database, and files newer than any backup: the first restore put them aside, and the second deleted them without a word."""
    directory = stopped.directory
    backup(directory, "create", "x.zip")
    for name in ("data.db", "auxiliary.db"):
        (directory / name).unlink()
    upload = directory / "storage" / "acme" / "newer" / "photo.png"
    upload.parent.mkdir(parents=True)
    upload.write_bytes(b"newer than the backup")
    backup(directory, "restore", "x.zip")
    kept = lambda: [path for path in directory.rglob("photo.png") if path.read_bytes() == b"newer than the backup"]  # noqa: E731
    assert len(kept()) == 1 and not upload.exists()
    refused = backup(directory, "restore", "x.zip", check=False)
    assert refused.returncode == 1 and "the restore of x.zip replaced" in refused.stderr and len(kept()) == 1, refused
    assert "can't be brought back any more" in backup(directory, "restore", "x.zip", "--yes").stdout and not kept()


def test_a_command_says_whether_the_data_is_safe(stopped):
    directory = stopped.directory

    def said(starts, *more):
        done = backup(directory, "status", check=False)
        assert done.returncode == 1 and done.stdout.startswith(starts) and all(text in done.stdout for text in more), done.stdout
        return done.stdout

    said("There is no backup.", "newest proven  none", "schedule       0 3 * * *", "Nobody is told when a backup fails")
    backup(directory, "create", "x.zip")
    here = "The data is safe from mistakes, but not from the loss of this machine."
    said(here, "x.zip, 20", "proven", "backups        1 in ", "undo           nothing to undo")
    stopped.start()
    stopped.root().patch("/api/settings", json={"backups": {"cron": ""}})
    assert stopped.stop() == 0
    said("The data can be brought back to a backup made ", "schedule       none", "To do: The schedule of backups was switched off")
    backup(directory, "restore", "x.zip")
    said(here, "undo           the restore of x.zip, until 20")
    ledger = directory / ".bosbase" / "alarms.json"
    known = json.loads(ledger.read_text())
    long_ago = {**known, "promise": {"cron": "0 3 * * *", "since": "2020-01-01T00:00:00Z"}}
    ledger.write_text(json.dumps(long_ago))
    # A failure that a later backup made good is over, though no server has seen that one.
    trouble = {"told": [1], "error": "The disk was full.", "reached": []}
    ledger.write_text(json.dumps({**long_ago, "troubles": {"create": trouble}}))
    said("Backups are failing.", "To do: The last backup failed: The disk was full.")
    backup(directory, "create", "y.zip")
    said(here, "y.zip, 20")
    backup(directory, "delete", "y.zip")
    # A server that has been off for three months has told nobody.
    archive = directory / "backups" / "x.zip"
    long = archive.stat().st_mtime - 90 * 86400
    os.utime(archive, (long, long))
    backup(directory, "verify", "x.zip")
    said("Backups are failing. The newest proven one was made 90 days ago.", "To do: The newest proven backup is of 20")
    ledger.write_text(json.dumps(known))
    undo = directory / ".bosbase" / "undo.json"
    record = undo.read_bytes()
    undo.write_bytes(b"rotten")
    said("The data can be brought back", "To do: What an undo would bring back can't be read", "undo           nothing to undo")
    undo.write_bytes(record)
    # A broken backup is none, and a broken database hides no good one.
    with open(directory / "data.db", "r+b") as file:
        file.write(b"x" * 4096)
    said("The data can be brought back", "schedule       not known", "To do: The schedule and the alarms are not known")
    path = directory / "backups" / "x.zip"
    damaged = bytearray(path.read_bytes())
    damaged[len(damaged) // 3] ^= 0xFF
    path.write_bytes(damaged)
    assert backup(directory, "verify", "x.zip", check=False).returncode == 1
    said("No backup is proven.", "newest proven  none")


def test_a_database_that_can_not_be_read_leaves_the_directory_and_says_so(stopped):
    directory = stopped.directory
    backup(directory, "create", "x.zip")
    with open(directory / "data.db", "r+b") as file:
        file.write(b"x" * 4096)
    listed = backup(directory, "list")
    assert "x.zip" in listed.stdout and "taken to be in" in listed.stderr
    backup(directory, "restore", "x.zip")
    assert "taken to be in" not in backup(directory, "list").stderr


def test_a_stopped_application_is_backed_up_lost_and_restored(stopped, tmp_path):
    directory = stopped.directory
    backup(directory, "create", "by_hand.zip")
    assert "by_hand.zip" in backup(directory, "list").stdout
    backup(directory, "verify", "by_hand.zip")
    backup(directory, "export", "by_hand.zip", tmp_path / "taken.zip")
    assert zipfile.ZipFile(tmp_path / "taken.zip").testzip() is None

    stopped.start()
    root = stopped.root()
    for book in root.records("books"):
        root.delete(f"/api/collections/books/records/{book['id']}")
    assert stopped.stop() == 0

    backup(directory, "delete", "by_hand.zip")
    assert "by_hand.zip" not in backup(directory, "list").stdout
    backup(directory, "import", tmp_path / "taken.zip")
    assert "taken.zip" in backup(directory, "list").stdout
    backup(directory, "restore", "taken.zip")
    stopped.start()
    assert_same(content(stopped.root(), SKIPPED), stopped.seen)
    assert "taken.zip" in stopped.root().backups()


def test_a_restore_is_undone_on_a_stopped_directory_and_beside_a_server_it_tells_the_way(stopped):
    directory = stopped.directory
    assert "nothing to undo" in backup(directory, "undo", check=False).stderr
    backup(directory, "create", "early.zip")
    stopped.start()
    for book in stopped.root().records("books"):
        stopped.root().delete(f"/api/collections/books/records/{book['id']}")
    late = content(stopped.root(), SKIPPED)
    refused = backup(directory, "undo", check=False)
    assert refused.returncode == 1 and "undo-restore" in refused.stderr
    assert stopped.stop() == 0
    assert "backup undo" in backup(directory, "restore", "early.zip").stdout
    assert "early.zip is back" in backup(directory, "undo").stdout
    stopped.start()
    assert_same(content(stopped.root(), SKIPPED), late)
    assert stopped.stop() == 0
    again = backup(directory, "undo", check=False)
    assert again.returncode == 1 and "is an undo, after the restore of early.zip" in again.stderr and "leave it so" in again.stderr and "backup undo --yes" in again.stderr, again
    backup(directory, "undo", "--yes")
    stopped.start()
    assert_same(content(stopped.root(), SKIPPED), stopped.seen)


DAMAGES = {
    "no database at all": lambda path: path.unlink(),
    "garbage in the header": lambda path: overwrite(path, 0, b"garbage" * 20),
    "garbage behind the first page": lambda path: overwrite(path, 4096, b"\xff" * 40_960),
    "cut in half": lambda path: os.truncate(path, path.stat().st_size // 2),
    "empty": lambda path: os.truncate(path, 0),
}


def overwrite(path, at, what):
    with path.open("r+b") as file:
        file.seek(at)
        file.write(what)


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
@pytest.mark.parametrize("database", ["data.db", "auxiliary.db"])
def test_a_damaged_database_keeps_nobody_from_the_backups(stopped, tmp_path, database, damage):
    """All these commands opened the database first and failed of what they are there to mend."""
    directory = stopped.directory
    backup(directory, "create", "good.zip")
    damage(directory / database)
    assert "good.zip" in backup(directory, "list").stdout
    backup(directory, "verify", "good.zip")
    backup(directory, "export", "good.zip", tmp_path / "taken.zip")
    backup(directory, "restore", "good.zip")
    stopped.start()
    assert_same(content(stopped.root(), SKIPPED), stopped.seen)


@pytest.mark.parametrize("arguments", [("list",), ("create",), ("verify", "a.zip"), ("restore", "a.zip"), ("undo",), ("delete", "a.zip")])
def test_a_mistyped_directory_is_told_of_and_not_made(tmp_path, arguments):
    told = backup(tmp_path / "typo", *arguments, check=False)
    assert told.returncode == 1
    assert "There is no data directory" in told.stderr
    assert not (tmp_path / "typo").exists()


def test_a_backup_without_a_name_gets_one(stopped):
    backup(stopped.directory, "create")
    assert "pb_backup_" in backup(stopped.directory, "list").stdout


def test_a_restore_waits_for_whoever_removes_uploaded_files(stopped):
    """A command that had opened the data before may be at it: what the restore counts on would be gone afterwards."""
    directory = stopped.directory
    backup(directory, "create", "all.zip")
    with open(directory / ".bosbase" / "files.lock", "a") as lock:
        fcntl.flock(lock, fcntl.LOCK_SH)
        restoring = subprocess.Popen([BOSBASE.path, "backup", "restore", "all.zip", "--dir", directory], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            with pytest.raises(subprocess.TimeoutExpired):
                restoring.wait(3)
            assert not (directory / ".bosbase" / "restore.journal").exists(), "it has begun"
            fcntl.flock(lock, fcntl.LOCK_UN)
            assert restoring.wait(60) == 0
        finally:
            restoring.kill()
    stopped.start()
    assert_same(content(stopped.root(), SKIPPED), stopped.seen)


def test_a_fresh_directory_takes_in_an_archive_and_serves_it(stopped, launch, tmp_path):
    backup(stopped.directory, "create", "moving.zip")
    backup(stopped.directory, "export", "moving.zip", tmp_path / "moving.zip")
    elsewhere = tmp_path / "elsewhere" / "pb_data"
    backup(elsewhere, "import", tmp_path / "moving.zip")
    backup(elsewhere, "restore", "moving.zip")
    moved = launch(BOSBASE, elsewhere, superuser=False)
    assert_same(content(moved.root(), SKIPPED), stopped.seen)


@pytest.mark.parametrize(
    "arguments",
    [
        ("create", "NOT VALID"),
        ("create", "taken.zip"),
        ("verify", "missing.zip"),
        ("restore", "missing.zip"),
        ("delete", "missing.zip"),
        ("delete", "../data.db"),
        ("export", "missing.zip", "out.zip"),
        ("import", "missing.zip"),
    ],
    ids=" ".join,
)
def test_what_cannot_be_done_is_told_in_a_line(arguments, tmp_path):
    directory = tmp_path / "pb_data"
    BOSBASE.superuser(directory)
    backup(directory, "create", "taken.zip")
    done = backup(directory, *arguments, check=False)
    assert done.returncode not in (0, 101)
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    assert (directory / "data.db").exists()


def test_a_damaged_backup_fails_its_verification(stopped):
    backup(stopped.directory, "create", "hurt.zip")
    path = stopped.directory / "backups" / "hurt.zip"
    archive = bytearray(path.read_bytes())
    archive[len(archive) // 3] ^= 0x55
    path.write_bytes(archive)
    done = backup(stopped.directory, "verify", "hurt.zip", check=False)
    assert done.returncode not in (0, 101) and done.stderr.strip(), done
    assert backup(stopped.directory, "restore", "hurt.zip", check=False).returncode not in (0, 101)
    stopped.start()
    assert_same(content(stopped.root(), SKIPPED), stopped.seen)


def test_beside_a_running_server_all_works_but_a_restore_which_tells_the_way(server):
    make_application(server.root())
    directory = server.directory
    backup(directory, "create", "beside.zip")
    assert "beside.zip" in server.root().backups()
    backup(directory, "verify", "beside.zip")
    refused = backup(directory, "restore", "beside.zip", check=False)
    assert refused.returncode not in (0, 101)
    assert "/restore" in refused.stderr or "stop" in refused.stderr.lower(), refused.stderr
    assert len(server.root().records("books")) == 12
    backup(directory, "delete", "beside.zip")
    assert "beside.zip" not in server.root().backups()


def test_the_command_line_and_the_server_do_not_work_at_the_same_time(server):
    """One lease for all processes: while the server makes a backup, the command line is told to wait."""
    root = server.root()
    folder = server.directory / "storage" / "weight"
    folder.mkdir(parents=True)
    for n in range(40):
        (folder / f"{n}.bin").write_bytes(blob(n, 10_000_000))
    root.post("/api/backups", json={"name": "long.zip"}, expect=204)
    wait_for(lambda: not root.get("/api/health")["data"]["canBackup"], 5, "a running backup", every=0.005)
    refused = backup(server.directory, "create", "second.zip", check=False)
    assert refused.returncode not in (0, 101) and "another" in refused.stderr.lower(), (refused.stdout, refused.stderr)
    root.wait_until_idle()
    assert set(root.backups()) == {"long.zip"}


def test_output_in_a_pipe_is_plain_lines(stopped):
    done = backup(stopped.directory, "create", "plain.zip")
    assert "\x1b" not in done.stdout + done.stderr and "\r" not in done.stdout + done.stderr
