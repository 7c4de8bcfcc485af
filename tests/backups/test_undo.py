"""The way back from a restore: what it replaced is kept, told of, and put in place again on request."""

import datetime

import pytest
import requests

from harness.client import wait_for
from harness.jobs import ended, last_job
from harness.sample import assert_same, content, make_application
from harness.undo import clock_runs_ahead, let_expire

pytestmark = pytest.mark.ours

SKIPPED = ("_authOrigins",)


def undo(server):
    """Asks for it and waits for its end."""
    before = last_job(server.root())["id"]
    server.root().post("/api/backups/undo-restore", expect=204)
    undone = lambda: (job := last_job(server.root(), "undo")) and job["id"] != before and job["state"] != "running" and job  # noqa: E731
    return wait_for(undone, 60, "the undo", ignore=(requests.RequestException, AssertionError))


def test_a_restore_is_undone_and_the_undo_is_undone(server):
    root = server.root()
    assert root.get("/api/backups/status")["undo"] is None
    assert "nothing to undo" in root.post("/api/backups/undo-restore", expect=400)["message"]
    make_application(root)
    root.back_up("early.zip")
    early = content(root, SKIPPED)
    root.create("books", {"title": "Later"}, files=[("chapters", ("later.txt", b"l" * 50_000))])
    root.patch("/api/settings", json={"meta": {"appName": "Later"}})
    late = content(root, SKIPPED)
    root.post("/api/backups/early.zip/restore", expect=204)
    assert ended(root, "restore")["state"] == "succeeded"
    assert_same(content(server.root(), SKIPPED), early)
    told = server.root().get("/api/backups/status")["undo"]
    assert (told["kind"], told["key"]) == ("restore", "early.zip")
    kept = datetime.datetime.fromisoformat(told["expires"]) - datetime.datetime.fromisoformat(told["restored"])
    assert kept == datetime.timedelta(days=7)

    job = undo(server)
    assert (job["key"], job["state"], job["error"]) == ("early.zip", "succeeded", "")
    assert_same(content(server.root(), SKIPPED), late)
    assert server.root().get("/api/backups/status")["undo"]["kind"] == "undo"
    assert "early.zip" in server.root().backups()

    assert undo(server)["state"] == "succeeded"
    assert_same(content(server.root(), SKIPPED), early)


def test_what_an_undo_would_change_is_told_before(server):
    """An undo took away what was written since the restore, and nobody was told how much."""
    made = [{"name": "title", "type": "text"}, {"name": "created", "type": "autodate", "onCreate": True}]
    root = server.root()
    assert root.get("/api/backups/undo-restore") == {"undo": None, "comparison": None}
    books = root.post("/api/collections", json={"name": "books", "type": "base", "fields": made})
    deleted = [root.create("books", {"title": str(n)}) for n in range(3)]
    root.back_up("early.zip")
    for one in deleted:
        root.delete(f"/api/collections/books/records/{one['id']}")
    root.create("books", {"title": "kept"})
    root.patch("/api/settings", json={"meta": {"appName": "Kept"}})
    root.restore("early.zip")
    root = server.root()
    told = root.get("/api/backups/undo-restore")
    comparison = told["comparison"]
    (one,) = [one for one in comparison["collections"] if one["name"] == "books"]
    assert told["undo"] == root.get("/api/backups/status")["undo"]
    # The restore brought three back that are older than itself, and the undo takes them away again.
    assert (one["records"], one["recordsNow"], one["createdSince"], one["files"]) == (1, 3, 0, None)
    assert comparison["gone"] == {"collections": 0, "records": None, "atLeast": 2} and comparison["complete"]
    assert comparison["settings"] == ["meta"]

    root.patch("/api/collections/books", json={"fields": [*books["fields"], {"name": "score", "type": "number"}], "listRule": ""})
    for n in range(4):
        root.create("books", {"title": f"since {n}"})
    root.post("/api/collections", json={"name": "since", "type": "base", "fields": made})
    root.create("since", {"title": "a"})
    folder = next((server.directory / ".bosbase").glob("undo-*"))
    before = sorted(path.name for path in folder.iterdir())
    comparison = root.get("/api/backups/undo-restore")["comparison"]
    (one,) = [one for one in comparison["collections"] if one["name"] == "books"]
    assert (one["records"], one["recordsNow"], one["createdSince"]) == (1, 7, 4)
    assert one["changes"]["fields"] == [{"name": "score", "nameNow": "score", "fate": "goes"}] and one["changes"]["rules"] == ["listRule"]
    assert comparison["gone"] == {"collections": 1, "records": None, "atLeast": 7}
    assert sorted(path.name for path in folder.iterdir()) == before, "to look is to leave nothing"

    assert undo(server)["state"] == "succeeded"
    assert [one["title"] for one in server.root().records("books")] == ["kept"]
    # What cannot be read is not known.
    folder = next((server.directory / ".bosbase").glob("undo-*"))
    (folder / "data.db").write_bytes(b"x" * 5000)
    told = server.root().get("/api/backups/undo-restore")
    assert told["undo"]["kind"] == "undo" and told["comparison"] is None


def test_an_undo_waits_for_nobody(server):
    """While a backup is made it is refused, as everything else that wants the data as a whole."""
    root = server.root()
    root.back_up("one.zip")
    root.restore("one.zip")
    folder = server.directory / "storage" / "weight"
    folder.mkdir(parents=True)
    for n in range(30):
        with (folder / f"{n}.bin").open("wb") as file:
            file.truncate(20_000_000)
    root = server.root()
    ended(root, "restore")
    root.post("/api/backups", json={"name": "two.zip"}, expect=204)
    refused = root.post("/api/backups/undo-restore", expect=400)
    assert refused["message"].startswith("Try again later - another backup/restore process has already been started")
    root.wait_until_idle()


def test_what_has_expired_is_not_offered_and_is_removed(server):
    root = server.root()
    root.back_up("one.zip")
    root.restore("one.zip")
    ended(server.root(), "restore")
    assert server.stop() == 0
    assert list((server.directory / ".bosbase").glob("undo-*"))
    let_expire(server.directory)
    server.start()
    assert server.root().get("/api/backups/status")["undo"] is None
    server.root().post("/api/backups/undo-restore", expect=400)
    assert not list((server.directory / ".bosbase").glob("undo-*"))


def test_a_clock_that_runs_ahead_takes_nothing_away(server):
    """It was gone for good within a minute, or at the next start."""
    root = server.root()
    root.back_up("one.zip")
    marker = root.create_marker()
    root.restore("one.zip")
    ended(server.root(), "restore")
    assert server.stop() == 0
    clock_runs_ahead(server.directory)
    server.start()
    told = server.root().get("/api/backups/status")["undo"]
    left = datetime.datetime.fromisoformat(told["expires"]) - datetime.datetime.now(datetime.UTC)
    assert datetime.timedelta(days=6, hours=23) < left <= datetime.timedelta(days=7), told
    assert list((server.directory / ".bosbase").glob("undo-*"))
    assert undo(server)["state"] == "succeeded"
    assert marker in {record["email"] for record in server.root().records("_superusers")}


def test_data_that_cannot_be_opened_does_not_come_back(server):
    """What is served stays, and the job says why."""
    root = server.root()
    root.back_up("one.zip")
    root.create_marker()
    root.restore("one.zip")
    ended(server.root(), "restore")
    seen = content(server.root(), SKIPPED)
    (kept,) = (server.directory / ".bosbase").glob("undo-*/data.db")
    kept.write_bytes(b"garbage" * 10_000)
    job = undo(server)
    assert job["state"] == "failed" and "could not be opened" in job["error"], job
    assert_same(content(server.root(), SKIPPED), seen)
