"""What a backup holds, and what a restore of it would change, before anybody decides."""

import json
import sqlite3
import threading
import time
from datetime import datetime, timedelta

import pytest

from harness.client import wait_for
from harness.jobs import last_job
from harness.programs import BOSBASE, POCKETBASE

pytestmark = pytest.mark.ours

FIELDS = [
    {"name": "title", "type": "text"},
    {"name": "paper", "type": "file", "maxSelect": 5, "maxSize": 1 << 20},
    {"name": "created", "type": "autodate", "onCreate": True},
    {"name": "updated", "type": "autodate", "onCreate": True, "onUpdate": True},
]


def make_papers(root, name="papers", fields=FIELDS):
    return root.post("/api/collections", json={"name": name, "type": "base", "fields": fields})


def content(root, key, expect=200, **params):
    return root.get(f"/api/backups/{key}/content", params=params, expect=expect)


def named(answer, name):
    (one,) = [each for each in answer["collections"] if each["name"] == name]
    return one


def verify(root, key, expect=204):
    return root.post(f"/api/backups/{key}/verify", headers={"Prefer": "wait=60"}, expect=expect)


def test_what_it_holds_is_told_with_its_proof(root):
    papers = make_papers(root)
    for n in range(3):
        root.create("papers", {"title": str(n)}, files=[("paper", ("a.txt", b"x" * 100)), ("paper", ("b.txt", b"y" * 11))])
    root.post("/api/collections", json={"name": "titles", "type": "view", "viewQuery": "SELECT id, title FROM papers"})
    root.create("users", {"email": "a@example.com", "password": "12345678", "passwordConfirm": "12345678"})
    size = root.back_up("one.zip")["size"]
    told = content(root, "one.zip")
    assert (told["key"], told["size"], told["known"], told["unknown"], told["counted"]) == ("one.zip", size, True, "", True)
    assert named(told, "papers") == {
        "id": papers["id"], "name": "papers", "type": "base", "system": False, "records": 3, "files": 6, "fileBytes": 333,
    }  # fmt: skip
    assert (named(told, "users")["records"], named(told, "users")["type"]) == (1, "auth")
    assert (named(told, "titles")["records"], named(told, "titles")["type"]) == (None, "view")
    assert named(told, "_superusers")["system"] and named(told, "_superusers")["records"] == 1
    assert told["files"] == {"count": 6, "bytes": 333}
    assert [one["name"] for one in told["databases"]] == ["data.db", "auxiliary.db"]
    assert all(one["size"] % 4096 == 0 and one["size"] > 0 for one in told["databases"])
    assert told["program"].startswith("bosbase ") and told["format"] == 1 and told["moreCollections"] == 0
    assert told["proofDepth"] == "databases" and told["proven"] and told["proofError"] == "" and told["missing"] == 0
    # The file system's clock may be some milliseconds behind.
    created, modified = (datetime.fromisoformat(told[name].replace("Z", "+00:00")) for name in ("created", "modified"))
    assert 0 <= told["age"] < 120 and created <= modified + timedelta(seconds=1) and "comparison" not in told
    assert content(root, "one.zip", fields="known,collections.name")["collections"][0].keys() == {"name"}
    assert content(root, "nowhere.zip", expect=404)["status"] == 404
    assert content(root, "one.zip", compare="perhaps", expect=400)["status"] == 400


def test_it_is_told_without_reading_the_backup(server, root):
    """It is what the proof wrote down: the archive may be on a medium that is far away."""
    root.back_up("one.zip")
    before = content(root, "one.zip")
    archive = server.directory / "backups" / "one.zip"
    stat = archive.stat()
    # The same length, time and file, with nothing in it.
    with open(archive, "r+b") as file:
        file.write(bytes(stat.st_size))
    import os

    os.utime(archive, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    after = content(root, "one.zip")
    assert {**after, "age": 0} == {**before, "age": 0}


def test_an_upload_says_that_nobody_looked_into_it_until_it_is_verified(server, root):
    make_papers(root)
    root.create("papers", {"title": "a"}, files=[("paper", ("a.txt", b"abc"))])
    root.back_up("one.zip")
    root.upload(server.directory / "backups" / "one.zip", "two.zip")
    told = content(root, "two.zip", compare="true")
    assert (told["known"], told["counted"], told["collections"], told["files"]) == (False, False, [], None)
    assert "Verify it" in told["unknown"] and told["comparison"] is None and told["proven"] == ""
    verify(root, "two.zip")
    told = content(root, "two.zip")
    assert told["known"] and named(told, "papers")["records"] == 1 and told["files"] == {"count": 1, "bytes": 3}


def test_one_that_is_broken_says_so(server, root):
    root.back_up("one.zip")
    whole = (server.directory / "backups" / "one.zip").read_bytes()
    (server.directory / "backups" / "two.zip").write_bytes(whole[:3000] + bytes(300) + whole[3300:])
    verify(root, "two.zip", expect=400)
    told = content(root, "two.zip")
    assert not told["known"] and "did not pass its last proof" in told["unknown"] and told["proofError"]


def test_pocketbases_backups_too(launch, tmp_path):
    oracle = launch(POCKETBASE)
    theirs = oracle.root()
    make_papers(theirs)
    for n in range(4):
        theirs.create("papers", {"title": str(n)}, files=[("paper", ("a.txt", b"x" * 10))])
    theirs.post("/api/backups", json={"name": "theirs.zip"}, expect=204)
    path = tmp_path / "theirs.zip"
    path.write_bytes(theirs.download("theirs.zip"))
    ours = launch(BOSBASE)
    root = ours.root()
    root.upload(path)
    verify(root, "theirs.zip")
    told = content(root, "theirs.zip", compare="1")
    assert (named(told, "papers")["records"], named(told, "papers")["files"], told["files"]["bytes"]) == (4, 4, 40)
    assert (told["program"], told["format"], told["created"]) == ("", None, "")
    assert named(told["comparison"], "papers")["fate"] == "returns"
    # When it was taken nobody knows, so nobody knows what was made since.
    assert named(told["comparison"], "users")["createdSince"] is None
    # What it says in its own way is no change.
    root.restore("theirs.zip")
    comparison = content(ours.root(), "theirs.zip", compare="1")["comparison"]
    changed = {one["name"]: one["changes"] for one in comparison["collections"]}
    assert all(not (one["fields"] or one["rules"] or one["indexes"] or one["options"]) for one in changed.values()), changed
    assert comparison["settings"] == []


def test_what_is_known_goes_with_its_backup(server, root):
    folder = server.directory / ".bosbase" / "contents"
    root.back_up("one.zip")
    root.back_up("two.zip")
    assert len(list(folder.iterdir())) == 2
    root.delete("/api/backups/one.zip")
    assert len(list(folder.iterdir())) == 1
    assert content(root, "one.zip", expect=404)
    # Another of the same name is another.
    make_papers(root)
    root.back_up("one.zip")
    assert named(content(root, "one.zip"), "papers")["records"] == 0
    # What was removed behind the server's back is forgotten at the next proof.
    (server.directory / "backups" / "two.zip").unlink()
    verify(root, "one.zip")
    assert len(list(folder.iterdir())) == 1


def test_what_is_known_survives_a_restart_and_a_restore(server, root):
    make_papers(root)
    root.create("papers", {"title": "a"})
    root.back_up("one.zip")
    before = content(root, "one.zip")
    server.stop()
    server.start()
    assert {**content(root, "one.zip"), "age": 0} == {**before, "age": 0}
    root.restore("one.zip")
    assert {**content(server.root(), "one.zip"), "age": 0} == {**before, "age": 0}


def test_a_restore_is_held_against_now(root):
    make_papers(root)
    plain = [{"name": "title", "type": "text"}]
    make_papers(root, "undated", plain)
    make_papers(root, "dropped", plain)
    make_papers(root, "early", plain)
    kept = [root.create("papers", {"title": str(n)}, files=[("paper", ("a.txt", b"x" * 10))]) for n in range(4)]
    root.create("undated", {"title": "a"})
    root.create("dropped", {"title": "a"})
    time.sleep(0.01)
    root.back_up("one.zip")
    time.sleep(0.01)
    root.delete("/api/collections/dropped")
    root.patch("/api/collections/early", json={"name": "late"})
    root.delete(f"/api/collections/papers/records/{kept[0]['id']}")
    root.patch(f"/api/collections/papers/records/{kept[1]['id']}", json={"title": "changed"})
    for n in range(3):
        root.create("papers", {"title": f"new {n}"}, files=[("paper", ("b.txt", b"y" * 5))])
    make_papers(root, "since")
    root.create("since", {"title": "a"})
    root.create("since", {"title": "b"})

    comparison = content(root, "one.zip", compare="true")["comparison"]
    papers = named(comparison, "papers")
    assert (papers["fate"], papers["records"], papers["recordsNow"]) == ("stays", 4, 6)
    assert (papers["createdSince"], papers["changedSince"]) == (3, 1)
    assert papers["files"] == {"count": 4, "bytes": 40} and papers["filesNow"] == {"count": 6, "bytes": 45}
    since, dropped, early = named(comparison, "since"), named(comparison, "dropped"), named(comparison, "early")
    assert (since["fate"], since["records"], since["recordsNow"], since["files"]) == ("goes", None, 2, None)
    assert (dropped["fate"], dropped["records"], dropped["recordsNow"], dropped["nameNow"]) == ("returns", 1, None, None)
    assert (early["fate"], early["nameNow"]) == ("stays", "late")
    undated = named(comparison, "undated")
    assert (undated["createdSince"], undated["records"], undated["recordsNow"]) == (None, 1, 1)
    # Of those without dates nobody knows how many were made since.
    assert comparison["gone"] == {"collections": 1, "records": None, "atLeast": 5}
    assert comparison["complete"] and comparison["files"] == {"count": 6, "bytes": 45}
    assert [one["name"] for one in comparison["databases"]] == ["data.db", "auxiliary.db"]

    for name in ("undated", "late"):
        root.delete(f"/api/collections/{name}")
    assert content(root, "one.zip", compare="true")["comparison"]["gone"] == {"collections": 1, "records": 5, "atLeast": 5}
    root.restore("one.zip")
    after = content(root, "one.zip", compare="true")["comparison"]
    assert after["gone"] == {"collections": 0, "records": None, "atLeast": 0}
    assert all(one["fate"] == "stays" for one in after["collections"])


def test_what_is_counted_is_of_now_whenever_it_is_asked(root):
    make_papers(root)
    root.back_up("one.zip")
    for n in range(5):
        assert named(content(root, "one.zip", compare="true")["comparison"], "papers")["recordsNow"] == n
        root.create("papers", {"title": str(n)})


def test_a_collection_whose_id_leads_elsewhere_is_counted_nowhere(server, root):
    """A restored database may say anything of itself: no file beyond the folder of the uploads is looked at."""
    make_papers(root)
    root.back_up("one.zip")
    outside = server.directory.parent / "outside" / "record"
    outside.mkdir(parents=True)
    (outside / "secret.txt").write_bytes(b"x" * 777_777)
    server.stop()
    with sqlite3.connect(server.directory / "data.db") as data:
        data.execute("UPDATE _collections SET id = '../../outside' WHERE name = 'papers'")
    data.close()
    server.start()
    comparison = content(root, "one.zip", compare="true")["comparison"]
    assert "777777" not in json.dumps(comparison)


def test_writers_do_not_wait_for_the_comparison(server, root):
    """Counting reads, and a reader keeps no writer waiting: while many records are counted, several are made."""
    make_papers(root)
    root.back_up("one.zip")
    server.stop()
    with sqlite3.connect(server.directory / "data.db") as data:
        data.execute(
            "INSERT INTO papers (id, title, created, updated) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 400000) "
            "SELECT printf('m%014d', i), 'many', '2020-01-01 00:00:00.000Z', '2020-01-01 00:00:00.000Z' FROM n"
        )
    data.close()
    server.start()
    root = server.root()
    stop, ended = threading.Event(), []

    def write():
        writer = root.with_token(root.token)
        while not stop.is_set():
            writer.create("papers", {"title": "x"})
            ended.append(time.monotonic())

    writing = threading.Thread(target=write)
    writing.start()
    counted = []
    try:
        for _ in range(5):
            begun = time.monotonic()
            comparison = content(root, "one.zip", compare="true")["comparison"]
            counted.append((begun, time.monotonic()))
    finally:
        stop.set()
        writing.join()
    meanwhile = [sum(begun < at < end for at in ended) for begun, end in counted]
    # Of one that waits until a count is over, one ends with it.
    assert sum(meanwhile) > 2 * len(counted), meanwhile
    assert named(comparison, "papers")["recordsNow"] > 400_000


def test_the_history_has_figures_of_every_job(server, root):
    assert root.get("/api/backups/jobs") == {"page": 1, "perPage": 30, "totalItems": 0, "totalPages": 0, "items": []}
    size = root.back_up("one.zip")["size"]
    verify(root, "one.zip")
    root.upload(server.directory / "backups" / "one.zip", "two.zip")
    (server.directory / "backups" / "bad.zip").write_bytes((server.directory / "backups" / "one.zip").read_bytes()[:-9])
    verify(root, "bad.zip", expect=400)
    page = root.get("/api/backups/jobs")
    told = [(one["kind"], one["key"], one["state"], one["size"]) for one in page["items"]]
    assert told == [
        ("verify", "bad.zip", "failed", size - 9),
        ("upload", "two.zip", "succeeded", size),
        ("verify", "one.zip", "succeeded", size),
        ("create", "one.zip", "succeeded", size),
    ]
    made = page["items"][-1]
    job = last_job(root, "create")
    assert (made["id"], made["started"], made["finished"]) == (job["id"], job["started"], job["finished"])
    assert 0 <= made["duration"] < 60_000 and made["bytes"] == job["bytesDone"] > 0 and job["size"] == size
    assert page["totalItems"] == 4
    only = root.get("/api/backups/jobs", params={"kind": "verify", "perPage": 1, "page": 2, "fields": "key"})
    assert (only["items"], only["totalItems"], only["totalPages"]) == ([{"key": "one.zip"}], 2, 2)
    assert "There is no kind of job called nothing" in root.get("/api/backups/jobs?kind=nothing", expect=400)["message"]
    root.get("/api/backups/jobs?page=x", expect=400)


def test_the_figures_go_back_further_than_the_history(server, root):
    root.back_up("one.zip")
    for _ in range(55):
        verify(root, "one.zip")
    assert len(root.get("/api/backups/status")["jobs"]) == 50
    assert root.get("/api/backups/jobs")["totalItems"] == 56
    # A restore ends in the next process.
    root.restore("one.zip")
    wait_for(lambda: root.get("/api/backups/jobs")["items"][0]["kind"] == "restore", 30, "the restore's figures")
    restored = root.get("/api/backups/jobs")["items"][0]
    assert restored["state"] == "succeeded" and restored["size"] == root.backups()["one.zip"]["size"]
    # What a version without figures left is told from the history.
    server.stop()
    (server.directory / ".bosbase" / "figures.json").unlink()
    server.start()
    assert root.get("/api/backups/jobs")["totalItems"] == 50


def test_what_changes_besides_records_is_named(server, root):
    """A restore took fields, rules and settings away, and nothing had said so."""
    fields = [*FIELDS, {"name": "old", "type": "number"}, {"name": "body", "type": "text"}]
    papers = make_papers(root, fields=fields)
    indexed = ["CREATE INDEX `by_title` ON `papers` (`title`)", "CREATE INDEX `by_old` ON `papers` (`old`)"]
    papers = root.patch("/api/collections/papers", json={"indexes": indexed, "listRule": ""})
    make_papers(root, "same")
    root.back_up("one.zip")
    comparison = content(root, "one.zip", compare="true")["comparison"]
    nothing = {"fields": [], "rules": [], "indexes": [], "options": [], "more": 0}
    assert {json.dumps(one["changes"], sort_keys=True) for one in comparison["collections"]} == {json.dumps(nothing, sort_keys=True)}
    assert comparison["settings"] == []

    left = [one for one in papers["fields"] if one["name"] != "old"]
    for one in left:
        if one["name"] == "body":
            one["name"] = "text"
        if one["name"] == "title":
            one["max"] = 7
    left.append({"name": "score", "type": "number"})
    changed = {"fields": left, "indexes": ["CREATE UNIQUE INDEX `by_title` ON `papers` (`title`)"], "listRule": None, "createRule": ""}
    root.patch("/api/collections/papers", json=changed)
    root.patch("/api/collections/users", json={"passwordAuth": {"enabled": False}, "manageRule": "id = @request.auth.id"})
    root.patch("/api/settings", json={"meta": {"appName": "Other"}, "smtp": {"password": "hunter2"}})
    make_papers(root, "since")
    answer = content(root, "one.zip", compare="true")
    comparison = answer["comparison"]
    assert named(comparison, "papers")["changes"] == {
        "fields": [
            {"name": "title", "nameNow": "title", "fate": "changes"},
            {"name": "body", "nameNow": "text", "fate": "changes"},
            {"name": "score", "nameNow": "score", "fate": "goes"},
            {"name": "old", "nameNow": None, "fate": "returns"},
        ],
        "rules": ["createRule", "listRule"],
        "indexes": [
            {"name": "by_title", "nameNow": "by_title", "fate": "changes"},
            {"name": "by_old", "nameNow": None, "fate": "returns"},
        ],
        "options": [],
        "more": 0,
    }  # fmt: skip
    users = named(comparison, "users")["changes"]
    assert (users["rules"], users["options"], users["fields"]) == (["manageRule"], ["passwordAuth"], [])
    assert named(comparison, "same")["changes"] == nothing and named(comparison, "since")["changes"] is None
    assert sorted(comparison["settings"]) == ["meta", "smtp"]
    assert "hunter2" not in json.dumps(answer)
    assert not [one for one in (server.directory / ".bosbase" / "contents").iterdir() if b"hunter2" in one.read_bytes()]

    root.restore("one.zip")
    after = content(server.root(), "one.zip", compare="true")["comparison"]
    assert {json.dumps(one["changes"], sort_keys=True) for one in after["collections"]} == {json.dumps(nothing, sort_keys=True)}
    assert after["settings"] == []


def test_of_an_earlier_versions_summary_it_is_not_known_until_it_is_verified(server, root):
    make_papers(root)
    root.back_up("one.zip")
    (path,) = (server.directory / ".bosbase" / "contents").iterdir()
    kept = json.loads(path.read_bytes())
    del kept["content"]["definitions"]
    # As that version wrote them: one print of each section.
    kept["content"]["settings"] = {"key": kept["content"]["settings"]["key"], "sections": {"meta": "0011223344556677"}}
    path.write_text(json.dumps(kept))
    comparison = content(root, "one.zip", compare="true")["comparison"]
    assert named(comparison, "papers")["changes"] is None and comparison["settings"] is None
    assert named(comparison, "papers")["records"] == named(comparison, "papers")["recordsNow"], "the rest is read"
    verify(root, "one.zip")
    comparison = content(root, "one.zip", compare="true")["comparison"]
    assert named(comparison, "papers")["changes"]["fields"] == [] and comparison["settings"] == []
