"""A restore is confirmed when a start did everything with its data; data that a start can't serve makes way for the old."""

import json
import shutil

import pytest

from harness.archives import repacked, run_sql, with_sql
from harness.client import wait_for
from harness.jobs import ended, last_job
from harness.programs import BOSBASE, BOSBASE_FAILPOINTS, EMAIL, PASSWORD
from harness.server import Server

pytestmark = pytest.mark.ours

OPTIONS = "UPDATE _collections SET options = json_set(options, {}) WHERE name = '_superusers'"
SETTINGS = "UPDATE _params SET value = json_set(value, {}) WHERE id = 'settings'"
# Data that no start can serve: the restore is refused.
UNFIT = {
    "no collection of superusers": ["DELETE FROM _collections WHERE name = '_superusers'"],
    "no table of superusers": ["DROP TABLE _superusers"],
    "no collection and no table of superusers": ["DELETE FROM _collections WHERE name = '_superusers'", "DROP TABLE _superusers"],
    "superusers that can't log in": ["UPDATE _collections SET type = 'base' WHERE name = '_superusers'"],
    "a column of the superusers is missing": ["DROP INDEX IF EXISTS idx_tokenKey_pbc_3142635823", "ALTER TABLE _superusers DROP COLUMN verified"],
    "superusers in capitals": ["UPDATE _collections SET name = '_SUPERUSERS' WHERE name = '_superusers'"],
    "no secret": [OPTIONS.format("'$.authToken.secret', ''")],
    "an option of another type": [OPTIONS.format("'$.otp', json('false')")],
    "a password that costs without end": ["UPDATE _collections SET fields = replace(fields, '\"cost\":0', '\"cost\":31') WHERE name = 'users'"],
    "a table that is missing": ["DROP TABLE users"],
    "settings that can't be read": ["UPDATE _params SET value = 'garbage' WHERE id = 'settings'"],
}
# Data that is served although nobody can log in, and what the outcome says of it.
LOCKED = {
    "no superuser": (["DELETE FROM _superusers"], "there is none"),
    "no password": (["UPDATE _superusers SET password = ''"], "none has a password and a token key"),
    "password logins off": ([OPTIONS.format("'$.passwordAuth.enabled', json('false')")], "logins by password are switched off"),
    "no identity field": ([OPTIONS.format("'$.passwordAuth.identityFields', json('[]')")], "names no field"),
    "authRule null": ([OPTIONS.format("'$.authRule', NULL")], "authRule of _superusers is null"),
    "an authRule that admits nobody": ([OPTIONS.format("'$.authRule', 'id = \"nobody\"'")], "admits none"),
    "a second factor": ([OPTIONS.format("'$.mfa.enabled', json('true')")], "more than a password"),
    "tokens that are over at once": ([OPTIONS.format("'$.authToken.duration', 0")], "no duration"),
    "other addresses": ([SETTINGS.format("'$.superuserIPs', json('[\"203.0.113.7\"]')")], "superuserIPs): 203.0.113.7"),
}


# Data that was refused or that nobody could log in to, and that is mended when it is opened.
MENDED = {
    "a trigger that refuses writes": ["CREATE TRIGGER t BEFORE INSERT ON _params BEGIN SELECT RAISE(ABORT, 'no'); END"],
    "no unique index": ["UPDATE _collections SET indexes = '[]' WHERE name = '_superusers'"],
}


def changed(server, tmp_path, statements, extra=()):
    """Uploads a backup of the data as it is, with some SQL run on it."""
    root = server.root()
    root.back_up("whole.zip")
    path = repacked(server.directory / "backups" / "whole.zip", tmp_path / "changed.zip", with_sql(*statements), extra)
    root.upload(path, "changed.zip")
    return root


def remembered(server, kind):
    """The last job of this kind, as no superuser can ask for it."""
    jobs = json.loads((server.directory / ".bosbase" / "jobs.json").read_text())
    return next((job for job in jobs if job["kind"] == kind), None)


def assert_refused(server, root):
    root.post("/api/backups/changed.zip/restore", expect=204)
    job = ended(root, "restore")
    assert job["state"] == "failed" and job["error"], job
    # The very process that was asked: nothing was tried with it.
    assert root.get("/api/settings")["meta"]
    assert not list((server.directory / ".bosbase").glob("staging-*"))
    return job["error"]


@pytest.mark.parametrize("case", UNFIT)
def test_data_that_no_start_can_serve_is_refused_before_anything_is_moved(server, tmp_path, case):
    """It was confirmed, and no start after it came to its end."""
    root = changed(server, tmp_path, UNFIT[case])
    error = assert_refused(server, root)
    assert "can't be" in error or "superusers" in error or "cannot be used" in error, error


@pytest.mark.parametrize("name", ("storage", "storage/pbc_3142635823", "storage/_pb_users_auth_"))
def test_a_file_in_place_of_a_folder_of_uploaded_files_is_refused(server, tmp_path, name):
    root = changed(server, tmp_path, [], [(name, b"not a folder")])
    assert f"{name} is a file" in assert_refused(server, root).lower().replace(name.lower(), name)


@pytest.mark.parametrize("case", LOCKED)
def test_that_nobody_can_log_in_is_told_with_the_outcome_and_undone_from_the_command_line(server, tmp_path, case):
    statements, why = LOCKED[case]
    root = changed(server, tmp_path, statements)
    marker = root.create_marker()
    root.post("/api/backups/changed.zip/restore", expect=204)
    told = wait_for(lambda: (job := remembered(server, "restore")) and job["state"] != "running" and job, 60, "the end of the restore")
    assert told["state"] == "succeeded" and why in told["warning"] and "bosbase backup undo --dir" in told["warning"], told
    wrong = {"identity": marker, "password": "marker-1234"}
    server.client().post("/api/collections/_superusers/auth-with-password", json=wrong, expect=(400, 403))
    assert server.stop() == 0
    said = BOSBASE.run("backup", "undo", "--dir", server.directory).stdout
    assert "The data before the restore of changed.zip is back" in said
    server.start()
    job = last_job(server.root(), "restore")
    assert job["state"] == "succeeded" and why in job["warning"], job
    assert last_job(server.root(), "undo")["state"] == "succeeded"


@pytest.mark.parametrize("case", MENDED)
def test_what_can_be_mended_is_and_the_data_is_served(server, tmp_path, case):
    root = changed(server, tmp_path, MENDED[case])
    root.restore("changed.zip")
    root = server.root()
    assert last_job(root, "restore")["state"] == "succeeded"
    root.patch("/api/settings", json={"meta": {"appName": "Mended"}})
    root.create("_superusers", {"email": EMAIL, "password": PASSWORD, "passwordConfirm": PASSWORD}, expect=400)


def test_addresses_that_were_in_force_before_are_no_news(server):
    """Each restore warned of them."""
    root = server.root()
    root.patch("/api/settings", json={"superuserIPs": ["127.0.0.0/8"]})
    root.back_up("one.zip")
    root.restore("one.zip")
    assert ended(server.root(), "restore")["warning"] == ""


def test_the_command_line_says_that_nobody_can_log_in(server, tmp_path):
    changed(server, tmp_path, LOCKED["no superuser"][0])
    assert server.stop() == 0
    said = BOSBASE.run("backup", "restore", "changed.zip", "--dir", server.directory).stdout
    assert "Restored changed.zip" in said and "there is none" in said and "bosbase backup undo --dir" in said
    # Nobody is there to unlock.
    assert "bosbase superuser upsert EMAIL PASSWORD --dir" in said and "unlock" not in said
    server.start()
    assert "There is no superuser yet" in server.log()
    assert server.stop() == 0
    BOSBASE.run("backup", "undo", "--dir", server.directory)
    server.start()
    server.root()


def test_a_start_that_fails_after_it_opened_the_data_brings_the_old_back(launch, tmp_path):
    """The restore was confirmed as soon as its databases were open; what failed after that failed at every start."""
    server = launch(env={"BOSBASE_SUPERUSER_EMAIL": "no address", "BOSBASE_SUPERUSER_PASSWORD": "correct-horse-1"})
    root = changed(server, tmp_path, LOCKED["no superuser"][0])
    root.create_marker()
    root.post("/api/backups/changed.zip/restore", expect=204)
    wait_for(lambda: remembered(server, "restore")["state"] != "running", 60, "the end of the restore")
    root = server.root()
    job = last_job(root, "restore")
    assert job["state"] == "failed" and "old data was kept" in job["error"] and "email" in job["error"], job
    assert len(root.records("_superusers")) == 2
    assert server.process.poll() is None, "the same process goes on"
    root.back_up("after.zip")


def test_data_that_is_damaged_after_it_was_staged_makes_way_for_the_old(tmp_path):
    """Everything that a start does is asked of the data once more by the start that puts it in place."""
    with Server(BOSBASE_FAILPOINTS, tmp_path / "pb_data") as server:
        server.root().back_up("whole.zip")
        marker = server.root().create_marker()
        assert server.stop() == 0
        server.env["BOSBASE_FAILPOINT"] = "restore-journaled"
        server.start().root().post("/api/backups/whole.zip/restore", expect=204)
        assert server.wait_until_dead() < 0
        del server.env["BOSBASE_FAILPOINT"]
        copy = tmp_path / "copy"
        shutil.copytree(server.directory, copy)
        (staged,) = (server.directory / ".bosbase").glob("staging-*/data.db")
        run_sql(staged, *UNFIT["no collection of superusers"])
        root = server.start().root()
        job = last_job(root, "restore")
        assert job["state"] == "failed" and "no collection _superusers" in job["error"], job
        assert marker in {record["email"] for record in root.records("_superusers")}
        assert not list((server.directory / ".bosbase").glob("undo-*"))
        assert server.stop() == 0
    # And a command that finishes it.
    (staged,) = (copy / ".bosbase").glob("staging-*/data.db")
    run_sql(staged, *UNFIT["no collection of superusers"])
    BOSBASE.run("superuser", "upsert", EMAIL, PASSWORD, "--dir", copy)
    with Server(BOSBASE, copy, superuser=False) as server:
        root = server.root()
        assert last_job(root, "restore")["state"] == "failed"
        assert marker in {record["email"] for record in root.records("_superusers")}


def test_a_start_that_hangs_with_restored_data_makes_way_for_the_old(tmp_path):
    """Nothing watched over it: the server neither served nor ended."""
    with Server(BOSBASE_FAILPOINTS, tmp_path / "pb_data") as server:
        server.env = {"BOSBASE_HANGPOINT": f"start-opened@{tmp_path / 'hung'}", "BOSBASE_LONGEST_START_SECONDS": "5"}
        hung = tmp_path / "hung"
        hung.touch()
        assert server.stop() == 0
        root = server.start().root()
        root.back_up("whole.zip")
        marker = root.create_marker()
        hung.unlink()
        root.post("/api/backups/whole.zip/restore", expect=204)
        wait_for(hung.exists, 60, "the start with the restored data")
        root = server.root()
        job = last_job(root, "restore")
        assert job["state"] == "failed" and "longer than 5 seconds" in job["error"], job
        assert marker in {record["email"] for record in root.records("_superusers")}
