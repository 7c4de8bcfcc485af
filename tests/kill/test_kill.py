"""SIGKILL at every named step of a backup and of a restore, then an ordinary start: all old or all new, and it says which.

The binary is built with the feature `failpoints`: with `BOSBASE_FAILPOINT=STEP` it kills itself when it reaches that step.
"""

import io
import json
import shutil
import signal
import time
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests

from harness.client import wait_for
from harness.jobs import ended, jobs
from harness.programs import BOSBASE_FAILPOINTS
from harness.sample import assert_same, content, make_application
from harness.server import Server

pytestmark = pytest.mark.ours

SKIPPED = ("_authOrigins",)


def steps(kind):
    """The steps that the binary itself names: a step that is added is tested without a word here."""
    lines = BOSBASE_FAILPOINTS.run("backup", "steps").stdout.split("\n")
    return [line.split()[-1] for line in lines if line.split()[:1] == [kind]]


def pytest_generate_tests(metafunc):
    for kind in ("create", "restore", "undo", "recover"):
        if f"{kind}_step" in metafunc.fixturenames:
            try:
                # An undo is a restore of what is staged already.
                names = steps("restore" if kind == "undo" else kind)
                names = names[names.index("restore-journaled") :] if kind == "undo" else names
            except (OSError, AssertionError, ValueError) as error:
                names = [pytest.param(None, id=f"no steps: {error}"[:100])]
            metafunc.parametrize(f"{kind}_step", names or [None])


@dataclass
class Prepared:
    directory: Path
    old: dict
    new: dict

    def copy(self, to):
        shutil.copytree(self.directory, to)
        return to


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """A data directory whose backup `new.zip` differs from its data in records, files, collections and settings."""
    directory = tmp_path_factory.mktemp("prepared") / "pb_data"
    with Server(BOSBASE_FAILPOINTS, directory) as server:
        root = server.root()
        make_application(root)
        new = content(root, SKIPPED)
        root.back_up("new.zip")
        root.delete("/api/collections/author_books")
        for book in root.records("books")[::2]:
            root.delete(f"/api/collections/books/records/{book['id']}")
        root.create("authors", {"name": "only in the old data"})
        root.create("books", {"title": "Newer"}, files=[("chapters", ("newer.txt", b"n" * 50_000))])
        root.patch("/api/settings", json={"meta": {"appName": "Old"}})
        old = content(root, SKIPPED)
        assert server.stop() == 0
    return Prepared(directory, old, new)


def is_same(one, other):
    try:
        assert_same(one, other)
    except AssertionError:
        return False
    return True


def die_at(step, server, trigger):
    """Runs `trigger` on a server that kills itself at `step`, which may also be at a later start; waits for its end."""
    assert step, "the binary names no steps"
    server.env["BOSBASE_FAILPOINT"] = step
    server.start(wait=False)
    try:
        server.wait_until_healthy()
        trigger(server)
    except (AssertionError, requests.RequestException) as error:
        if server.process.poll() is None and not isinstance(error, requests.RequestException):
            raise
    try:
        ended = server.wait_until_dead(30)
    except Exception:
        raise AssertionError(f"the step {step} is never reached:\n{server.log()}") from None
    assert ended == -signal.SIGKILL, f"exited {ended} instead of being killed at {step}:\n{server.log()}"
    del server.env["BOSBASE_FAILPOINT"]


def assert_backups_are_whole(server):
    """What is listed can be downloaded and read to its end; nothing else lies in the folder but what is hidden."""
    root = server.root()
    listed = root.backups()
    for key in listed:
        with zipfile.ZipFile(io.BytesIO(root.download(key))) as archive:
            assert archive.testzip() is None
        root.post(f"/api/backups/{key}/verify", headers={"Prefer": "wait=60"}, expect=(200, 204))
    lying = {path.name for path in (server.directory / "backups").iterdir() if not path.name.startswith(".")}
    assert lying == set(listed)
    debris = [path for path in (server.directory / "backups").iterdir() if path.name.startswith(".")]
    assert not [path for path in debris if path.is_file() and path.stat().st_size > 4096], debris
    return listed


def test_a_backup_killed_at_any_step_leaves_nothing_half_made(prepared, launch, tmp_path, create_step):
    server = Server(BOSBASE_FAILPOINTS, prepared.copy(tmp_path / "pb_data"), superuser=False)
    acknowledged = []

    def trigger(server):
        root = server.root()
        acknowledged.append(root.create("authors", {"name": "before"})["id"])
        root.post("/api/backups", json={"name": "killed.zip"}, expect=204)
        while True:  # Writers go on until the process is gone.
            acknowledged.append(root.create("authors", {"name": "meanwhile"}, expect=200)["id"])

    try:
        die_at(create_step, server, trigger)
        server.start()
        root = server.root()
        seen = content(root, SKIPPED)
        known = {record["id"] for record in seen["records"]["authors"]}
        assert set(acknowledged) <= known, "an acknowledged write is lost"
        # Nothing but those writes (one more may have been made and not acknowledged) is new.
        meanwhile = {record["id"] for record in seen["records"]["authors"] if record["name"] in ("before", "meanwhile")}
        assert len(meanwhile) <= len(acknowledged) + 1
        seen["records"]["authors"] = [record for record in seen["records"]["authors"] if record["id"] not in meanwhile]
        assert_same(seen, prepared.old)
        listed = assert_backups_are_whole(server)
        job = next(job for job in jobs(root) if job["key"] == "killed.zip")
        assert job["state"] != "running"
        if job["state"] == "succeeded":
            assert "killed.zip" in listed
        else:
            assert job["error"], job
        root.wait_until_idle(10)
        if "killed.zip" in listed:
            root.delete("/api/backups/killed.zip")
        root.back_up("killed.zip")
    finally:
        server.kill()


def test_a_restore_killed_at_any_step_is_all_old_or_all_new(prepared, tmp_path, restore_step):
    server = Server(BOSBASE_FAILPOINTS, prepared.copy(tmp_path / "pb_data"), superuser=False)
    try:
        die_at(restore_step, server, lambda one: one.root().post("/api/backups/new.zip/restore", expect=204))
        server.start()
        settle(server, prepared)
    finally:
        server.kill()


def test_a_restore_killed_at_any_step_and_again_while_it_recovers(prepared, tmp_path, restore_step):
    """The start after the kill is killed as well, at the same step, where it comes to it; then at each start once more."""
    server = Server(BOSBASE_FAILPOINTS, prepared.copy(tmp_path / "pb_data"), superuser=False)
    try:
        die_at(restore_step, server, lambda one: one.root().post("/api/backups/new.zip/restore", expect=204))
        server.env["BOSBASE_FAILPOINT"] = restore_step
        for _ in range(3):
            server.start(wait=False)
            wait_for(lambda: server.process.poll() is not None or healthy(server), 60, "a start or a death")
            server.kill()
        del server.env["BOSBASE_FAILPOINT"]
        server.start()
        settle(server, prepared)
    finally:
        server.kill()


@pytest.fixture(scope="module")
def restored(prepared, tmp_path_factory):
    """The same directory after a restore of `new.zip`: what it replaced is kept."""
    directory = prepared.copy(tmp_path_factory.mktemp("restored") / "pb_data")
    with Server(BOSBASE_FAILPOINTS, directory, superuser=False) as server:
        root = server.root()
        root.post("/api/backups/new.zip/restore", expect=204)
        assert ended(root, "restore")["state"] == "succeeded"
        assert server.stop() == 0
    return Prepared(directory, prepared.old, prepared.new)


def test_an_undo_killed_at_any_step_brings_the_old_data_back(restored, tmp_path, undo_step):
    """Every step is past the decision: the next start finishes it."""
    server = Server(BOSBASE_FAILPOINTS, restored.copy(tmp_path / "pb_data"), superuser=False)
    try:
        die_at(undo_step, server, lambda one: one.root().post("/api/backups/undo-restore", expect=204))
        server.start()
        root = server.root()
        assert_same(content(root, SKIPPED), restored.old)
        job = next(job for job in jobs(root) if job["kind"] == "undo")
        assert (job["key"], job["state"], job["error"]) == ("new.zip", "succeeded", "")
        assert root.get("/api/backups/status")["undo"]["kind"] == "undo"
        root.restore("new.zip")
        assert_same(content(server.root(), SKIPPED), restored.new)
    finally:
        server.kill()


@pytest.mark.parametrize("milliseconds", range(0, 600, 50))
def test_a_restore_killed_at_any_moment_is_all_old_or_all_new(prepared, tmp_path, milliseconds):
    """No named step: whatever the process does so long after it was asked to restore."""
    server = Server(BOSBASE_FAILPOINTS, prepared.copy(tmp_path / "pb_data"), superuser=False)
    try:
        root = server.start().root()
        root.post("/api/backups/new.zip/restore", expect=204)
        time.sleep(milliseconds / 1000)
        server.kill()
        server.start()
        settle(server, prepared)
    finally:
        server.kill()


def healthy(server):
    try:
        return requests.get(f"{server.url}/api/health", timeout=2).ok
    except requests.RequestException:
        return False


def settle(server, prepared):
    """After an ordinary start: all old or all new, told rightly, and the next restore works."""
    root = server.root()
    seen = content(root, SKIPPED)
    became_new, stayed_old = is_same(seen, prepared.new), is_same(seen, prepared.old)
    if not (became_new or stayed_old):
        assert_same(seen, prepared.old)
    name = root.get("/api/settings")["meta"]["appName"]
    assert name == ("Büchersammlung" if became_new else "Old"), "the settings are of the other data"
    job = next((job for job in jobs(root) if job["kind"] == "restore"), None)
    assert job, "the restore is not remembered"
    assert job["state"] == ("succeeded" if became_new else "failed"), json.dumps(job)
    assert became_new or job["error"], job
    assert "new.zip" in assert_backups_are_whole(server)
    root.wait_until_idle(10)
    root.create("authors", {"name": "life goes on"})
    root.restore("new.zip")
    assert_same(content(server.root(), SKIPPED), prepared.new)
    # And the same once more from a clean stop: nothing of the old journal is left to be obeyed.
    assert server.stop() == 0
    server.start()
    assert_same(content(server.root(), SKIPPED), prepared.new)


def test_a_recovery_killed_at_any_step_leaves_the_record_whole_or_gone(prepared, launch, tmp_path, recover_step):
    """The record with its files, or neither; the next start says nothing is amiss, and it can be brought back then."""
    server = Server(BOSBASE_FAILPOINTS, prepared.copy(tmp_path / "pb_data"), superuser=False)

    def body(books):
        return {"collection": "books", "ids": [book["id"] for book in books], "overwrite": True}

    def trigger(server):
        root = server.root()
        gone = root.get("/api/backups/new.zip/records/books", params={"state": "gone", "perPage": 1000})["items"]
        trigger.books = [item["record"] for item in gone]
        assert trigger.books
        # One that is there, with a file that nobody names once it is overwritten.
        there = root.get("/api/backups/new.zip/records/books", params={"state": "same"})["items"][0]["record"]
        trigger.changed = root.patch(f"/api/collections/books/records/{there['id']}", files=[("chapters+", ("later.txt", b"later"))])
        trigger.then = there
        root.post("/api/backups/new.zip/recover", json=body(trigger.books + [there]))

    try:
        die_at(recover_step, server, trigger)
        server.start()
        root = server.root()
        there = {record["id"] for record in root.records("books")}
        brought = [book for book in trigger.books if book["id"] in there]
        assert brought in ([], trigger.books), "some came back, and some did not"
        assert bool(brought) == (recover_step == "recover-committed")
        job = ended(root, "recover")
        assert job["state"] == "failed" and "Either all of its records came back, or none" in job["error"]
        for book in trigger.books:
            folder = server.directory / "storage" / book["collectionId"] / book["id"]
            assert brought or not folder.exists(), "a file of a record that did not come back was left"
        assert not list((server.directory / ".bosbase" / "opened").glob("*"))
        later = (set(trigger.changed["chapters"]) - set(trigger.then["chapters"])).pop()
        folder = server.directory / "storage" / trigger.then["collectionId"] / trigger.then["id"]
        overwritten = root.get(f"/api/collections/books/records/{trigger.then['id']}")
        assert overwritten == (trigger.then if brought else trigger.changed)
        assert (folder / later).exists() == (not brought), "a file that is named went, or one that nobody names stayed"
        root.post("/api/backups/new.zip/recover", json=body(trigger.books + [trigger.then]))
        assert {book["id"] for book in trigger.books} <= {record["id"] for record in root.records("books")}
        for book in trigger.books:
            for name in book["chapters"]:
                root.send("GET", f"/api/files/books/{book['id']}/{name}")
        assert server.stop() == 0
    finally:
        server.kill()
