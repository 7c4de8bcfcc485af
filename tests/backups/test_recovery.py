"""Single records out of a backup: looked at beside those of now, and brought back with their files, and nothing else touched."""

import json

import pytest

from harness.client import wait_for
from harness.jobs import last_job
from harness.programs import BOSBASE, POCKETBASE
from harness.stream import Stream

from .library import file_of, listed, make_library, recover, stored

pytestmark = [pytest.mark.ours, pytest.mark.usefixtures("library")]


def test_a_deleted_record_comes_back_as_it_was_with_its_files(server, root):
    ada = root.create(
        "authors", {"name": "Ada", "secret": "s"}, files=[("picture", ("one.png", b"1" * 5000)), ("picture", ("two.bin", b"22"))]
    )
    other = root.create("authors", {"name": "Bob"})
    before = stored(server, "authors")
    root.back_up("one.zip")
    first, second = ada["picture"]
    root.delete(f"/api/collections/authors/records/{ada['id']}")
    root.send("GET", f"/api/files/authors/{ada['id']}/{first}", expect=404)

    told = listed(root, "one.zip", "authors")
    assert {item["record"]["name"]: (item["state"], item["changed"]) for item in told["items"]} == {
        "Ada": ("gone", []), "Bob": ("same", []),
    }  # fmt: skip
    assert told["collectionNow"] == "authors" and told["collection"]["name"] == "authors" and told["totalItems"] == 2
    (gone,) = listed(root, "one.zip", "authors", state="gone")["items"]
    assert gone["record"] == ada and gone["record"]["secret"] == "s"

    dry = recover(root, "one.zip", collection="authors", ids=[ada["id"]], dryRun=True)
    assert (dry["dryRun"], dry["added"], dry["files"], dry["fileBytes"]) == (True, 1, 2, 5002)
    assert listed(root, "one.zip", "authors", state="gone")["totalItems"] == 1

    done = recover(root, "one.zip", collection="authors", ids=[ada["id"]])
    (one,) = done["records"]
    assert (one["action"], one["files"], one["missingFiles"], one["child"]) == ("added", [first, second], [], False)
    assert root.get(f"/api/collections/authors/records/{ada['id']}") == ada
    assert stored(server, "authors") == before
    assert file_of(root, ada, first) == b"1" * 5000 and file_of(root, ada, second) == b"22"
    assert root.get(f"/api/collections/authors/records/{other['id']}") == other
    again = recover(root, "one.zip", collection="authors", ids=[ada["id"]])
    assert (again["added"], again["left"], again["records"][0]["reason"]) == (0, 1, "It is there as it was.")
    # It goes again as any other, and takes its files along.
    root.delete(f"/api/collections/authors/records/{ada['id']}")
    assert not (server.directory / "storage" / ada["collectionId"] / ada["id"]).exists()


def test_the_history_tells_what_was_brought_back_and_what_was_refused(server, root):
    """A record that was brought back stood in no history: nobody could say later who had put it there."""
    ada, bob = root.create("authors", {"name": "Ada"}), root.create("authors", {"name": "Bob"})
    root.back_up("one.zip")
    for one in (ada, bob):
        root.delete(f"/api/collections/authors/records/{one['id']}")
    ids = [ada["id"], bob["id"]]
    recover(root, "one.zip", collection="authors", ids=ids, dryRun=True)
    assert last_job(root, "recover") is None, "a dry run changes nothing, and is no job"
    with Stream(root, "@backups") as stream:
        recover(root, "one.zip", collection="authors", ids=ids)
        told = [stream.next()[1] for _ in range(2)]
    assert [(one["kind"], one["state"]) for one in told] == [("recover", "running"), ("recover", "succeeded")]
    done = last_job(root, "recover")
    assert (done["key"], done["state"], done["records"], done["error"]) == ("one.zip", "succeeded", 2, "") and done["finished"]
    assert root.get("/api/backups/jobs", params={"kind": "recover"})["items"][0]["id"] == done["id"]
    root.delete(f"/api/collections/authors/records/{ada['id']}")
    root.create("authors", {"name": "Ada"})
    recover(root, "one.zip", collection="authors", ids=ids, expect=400)
    refused = last_job(root, "recover")
    assert refused["state"] == "failed" and "Another record of authors has the same name" in refused["error"] and "records" not in refused
    server.stop()
    server.start()
    assert [job["id"] for job in root.get("/api/backups/status")["jobs"][:2]] == [refused["id"], done["id"]]
    # Its answer said it: nobody is told by mail.
    assert root.get("/api/backups/status")["alarms"]["troubles"] == []


def test_children_come_along_when_asked_for(server, root):
    ada = root.create("authors", {"name": "Ada"})
    books = [
        root.create("books", {"title": str(n), "author": ada["id"], "data": {"n": [n]}}, files=[("text", (f"{n}.txt", b"x" * n))])
        for n in range(1, 4)
    ]
    for book in books:
        for n in range(3):
            root.create("chapters", {"n": n, "book": book["id"]})
    elsewhere = root.create("books", {"title": "no author"})
    before = {name: root.records(name) for name in ("authors", "books", "chapters")}
    root.back_up("one.zip")
    root.delete(f"/api/collections/authors/records/{ada['id']}")
    assert [len(root.records(name)) for name in ("authors", "books", "chapters")] == [0, 1, 0]

    # A chapter alone has nowhere to go, and says what it lacks.
    chapter = before["chapters"][0]
    refused = recover(root, "one.zip", collection="chapters", ids=[chapter["id"]], expect=400)
    assert chapter["book"] in refused["message"] and "requires the relation book" in refused["message"]
    assert refused["data"]["ids"]["code"] == "validation_record_blocked" and root.records("chapters") == []
    dry = recover(root, "one.zip", collection="chapters", filter="n >= 0", dryRun=True)
    assert (dry["blocked"], dry["added"]) == (9, 0)
    # A book alone comes back without its author, and says so.
    alone = recover(root, "one.zip", collection="books", ids=[books[0]["id"]])
    assert alone["childrenLeft"] == 3, "its chapters went with it, and nobody asked for them"
    alone = alone["records"][0]
    assert alone["lostRelations"] == {"author": [ada["id"]]}
    assert root.get(f"/api/collections/books/records/{books[0]['id']}")["author"] == ""
    root.delete(f"/api/collections/books/records/{books[0]['id']}")

    done = recover(root, "one.zip", collection="authors", ids=[ada["id"]], children=True)
    assert (done["added"], done["left"], done["files"], done["blocked"], done["childrenLeft"]) == (1 + 3 + 9, 0, 3, 0, 0)
    # What is there did not go.
    assert recover(root, "one.zip", collection="authors", ids=[ada["id"]])["childrenLeft"] == 0
    # What is gone comes back also from below what is there.
    root.delete(f"/api/collections/chapters/records/{chapter['id']}")
    assert recover(root, "one.zip", collection="authors", ids=[ada["id"]])["childrenLeft"] == 1
    again = recover(root, "one.zip", collection="authors", ids=[ada["id"]], children=True)
    assert (again["added"], again["left"], again["childrenLeft"]) == (1, 1, 0)
    assert {name: root.records(name) for name in before} == before
    assert [one["child"] for one in done["records"]] == [False] + [True] * 12
    assert {name: root.records(name) for name in before} == before
    assert file_of(root, books[2], books[2]["text"]) == b"xxx"
    assert root.get(f"/api/collections/books/records/{elsewhere['id']}") == elsewhere


def test_who_named_a_record_and_does_not_any_more_is_told(server, root):
    """A deletion empties relations that do not cascade. The record came back, and nobody heard that its likes did not name it."""
    root.post("/api/collections", json={"name": "likes", "type": "base", "fields": [
        {"name": "one", "type": "relation", "collectionId": root.get("/api/collections/authors")["id"], "maxSelect": 1},
        {"name": "many", "type": "relation", "collectionId": root.get("/api/collections/authors")["id"], "maxSelect": 5},
    ]})  # fmt: skip
    ada, bob = (root.create("authors", {"name": name}) for name in ("Ada", "Bob"))
    likes = [
        root.create("likes", {"one": ada["id"]}),
        root.create("likes", {"many": [bob["id"], ada["id"]]}),
        root.create("likes", {"one": bob["id"], "many": [bob["id"]]}),
        root.create("likes", {"one": ada["id"]}),
    ]
    before = root.records("likes")
    root.back_up("one.zip")
    root.delete(f"/api/collections/authors/records/{ada['id']}")
    # One that is gone by itself names nobody, and one that was changed by hand does.
    root.delete(f"/api/collections/likes/records/{likes[3]['id']}")
    dry = recover(root, "one.zip", collection="authors", ids=[ada["id"]], dryRun=True)
    lost = sorted(({"collection": "likes", "id": likes[n]["id"], "field": field} for n, field in ((0, "one"), (1, "many"))), key=lambda one: one["id"])
    assert dry["lostReferences"] == lost and dry["childrenLeft"] == 0
    # It was never gone: whoever does not name it any more does not want to.
    assert recover(root, "one.zip", collection="authors", ids=[bob["id"]])["lostReferences"] == []
    told = BOSBASE.run("backup", "extract", "one.zip", "authors", ada["id"], "--into", "live", "--dir", str(server.directory)).stderr
    ids = sorted(one["id"] for one in lost)
    assert f"Note: 2 records of likes named these, and not any more. To put them back as in the backup, by which what was changed in them since is lost: bosbase backup extract one.zip likes {' '.join(ids)} --into live --overwrite --dir {server.directory}.\n" in told
    assert recover(root, "one.zip", collection="likes", ids=[one["id"] for one in likes], overwrite=True)["lostReferences"] == []
    assert root.records("likes") == before


def test_what_is_there_is_left_unless_it_is_to_be_overwritten(server, root):
    ada = root.create("authors", {"name": "Ada"}, files=[("picture", ("one.txt", b"one"))])
    root.back_up("one.zip")
    now = root.patch(f"/api/collections/authors/records/{ada['id']}", data={"name": "Eve"}, files=[("picture", ("two.txt", b"two"))])
    assert len(now["picture"]) == 1 and now["picture"] != ada["picture"]
    (item,) = listed(root, "one.zip", "authors", state="changed")["items"]
    assert item["changed"] == ["name", "picture", "updated"] and item["record"]["name"] == "Ada"
    left = recover(root, "one.zip", collection="authors", ids=[ada["id"]])
    assert (left["left"], left["records"][0]["action"], left["records"][0]["fields"]) == (1, "left", ["name", "picture", "updated"])
    assert root.get(f"/api/collections/authors/records/{ada['id']}") == now
    done = recover(root, "one.zip", collection="authors", ids=[ada["id"]], overwrite=True)
    assert (done["changed"], done["files"]) == (1, 1)
    assert root.get(f"/api/collections/authors/records/{ada['id']}") == ada
    assert file_of(root, ada, ada["picture"][0]) == b"one"
    folder = server.directory / "storage" / ada["collectionId"] / ada["id"]
    wait_for(lambda: not (folder / now["picture"][0]).exists(), 10, "the file that nobody names is removed")


def test_a_file_that_is_missing_comes_back_to_its_record(server, root):
    ada = root.create("authors", {"name": "Ada"}, files=[("picture", ("one.txt", b"one"))])
    root.back_up("one.zip")
    path = server.directory / "storage" / ada["collectionId"] / ada["id"] / ada["picture"][0]
    path.unlink()
    done = recover(root, "one.zip", collection="authors", ids=[ada["id"]])
    assert (done["changed"], done["files"], done["records"][0]["files"]) == (1, 1, ada["picture"])
    assert path.read_bytes() == b"one" and root.get(f"/api/collections/authors/records/{ada['id']}") == ada


def test_an_account_logs_in_as_before(server, root):
    user = root.create("users", {"email": "a@example.com", "password": "first-12345", "passwordConfirm": "first-12345", "name": "A"})
    session = server.client().login("users", "a@example.com", "first-12345")
    links = root.create("_externalAuths", {
        "collectionRef": user["collectionId"], "recordRef": user["id"], "provider": "google", "providerId": "g1",
    })  # fmt: skip
    root.back_up("one.zip")
    root.delete(f"/api/collections/users/records/{user['id']}")
    done = recover(root, "one.zip", collection="users", ids=[user["id"]], children=True)
    assert {one["collection"] for one in done["records"]} >= {"users", "_externalAuths"}
    assert [one["id"] for one in root.records("_externalAuths")] == [links["id"]]
    server.client().login("users", "a@example.com", "first-12345")
    # Its sessions were not ended but by the deletion.
    session.post("/api/collections/users/auth-refresh")

    root.patch(f"/api/collections/users/records/{user['id']}", json={"password": "other-12345", "passwordConfirm": "other-12345"})
    newer = server.client().login("users", "a@example.com", "other-12345")
    recover(root, "one.zip", collection="users", ids=[user["id"]], overwrite=True)
    server.client().login("users", "a@example.com", "first-12345")
    # The password is another: neither the tokens from before it was changed nor those of since are good.
    for ended in (session, newer):
        ended.post("/api/collections/users/auth-refresh", expect=401)


def test_subscribers_hear_of_ordinary_changes(root):
    ada = root.create("authors", {"name": "Ada"})
    bob = root.create("authors", {"name": "Bob"})
    root.back_up("one.zip")
    root.delete(f"/api/collections/authors/records/{ada['id']}")
    root.patch(f"/api/collections/authors/records/{bob['id']}", json={"name": "Eve"})
    with Stream(root, "authors/*") as stream:
        recover(root, "one.zip", collection="authors", ids=[ada["id"], bob["id"]], overwrite=True, dryRun=True)
        recover(root, "one.zip", collection="authors", ids=[ada["id"], bob["id"]], overwrite=True)
        heard = [stream.next()[1] for _ in range(2)]
    assert {(one["action"], one["record"]["name"]) for one in heard} == {("create", "Ada"), ("update", "Bob")}


def test_collections_that_changed_since(root):
    ada = root.create("authors", {"name": "Ada", "secret": "s"})
    book = root.create("books", {"title": "T", "author": ada["id"], "data": [1], "place": {"lon": 1.5, "lat": 2}})
    root.back_up("one.zip")
    root.delete(f"/api/collections/authors/records/{ada['id']}")
    authors = root.get("/api/collections/authors")
    fields = [field for field in authors["fields"] if field["name"] != "secret"]
    for field in fields:
        if field["name"] == "name":
            field["name"] = "label"
    fields.append({"name": "rank", "type": "number"})
    indexes = ["CREATE UNIQUE INDEX idx_authors_label ON writers (label)"]
    root.patch("/api/collections/authors", json={"name": "writers", "fields": fields, "indexes": indexes})
    told = listed(root, "one.zip", "authors")
    assert told["collectionNow"] == "writers" and told["items"][0]["state"] == "gone"
    done = recover(root, "one.zip", collection="authors", ids=[ada["id"]])
    assert done["records"][0]["lostFields"] == ["secret"] and done["records"][0]["collection"] == "writers"
    (one,) = root.records("writers")
    assert (one["id"], one["label"], one["rank"], one["created"]) == (ada["id"], "Ada", 0, ada["created"])

    root.delete("/api/collections/chapters")
    root.delete("/api/collections/titles")
    root.delete("/api/collections/books")
    assert listed(root, "one.zip", "books")["collectionNow"] == ""
    assert listed(root, "one.zip", "books", state="gone")["totalItems"] == 1
    refused = recover(root, "one.zip", collection="books", ids=[book["id"]], expect=400)
    assert "books is not there any more" in refused["message"]


def test_lists_are_filtered_sorted_and_paged(root):
    for n in range(25):
        root.create("authors", {"name": f"n{n:02}"})
    gone = [one for n, one in enumerate(root.records("authors", sort="name")) if n % 2]
    root.back_up("one.zip")
    for one in gone:
        root.delete(f"/api/collections/authors/records/{one['id']}")
    names = [item["record"]["name"] for item in listed(root, "one.zip", "authors", sort="-name", perPage=3, page=2)["items"]]
    assert names == ["n21", "n20", "n19"]
    page = listed(root, "one.zip", "authors", sort="-name", perPage=5, page=2, state="gone", filter="name < 'n20'")
    assert (page["page"], page["perPage"], page["totalItems"], page["totalPages"]) == (2, 5, 10, 2)
    assert [item["record"]["name"] for item in page["items"]] == ["n09", "n07", "n05", "n03", "n01"]
    assert listed(root, "one.zip", "authors", skipTotal=1)["totalItems"] == -1
    assert listed(root, "one.zip", "authors", fields="record.name", perPage=1)["items"][0].keys() == {"record"}
    # The collection is longer than most records.
    assert "collection" not in listed(root, "one.zip", "authors", fields="record.name")
    picked = listed(root, "one.zip", "authors", fields="state,collection.name", perPage=1)
    assert (picked["collection"], picked["collectionNow"], picked["items"]) == ({"name": "authors"}, "authors", [{"state": "same"}])


def test_records_of_a_view_are_looked_at_and_never_brought_back(root):
    book = root.create("books", {"title": "T"})
    root.back_up("one.zip")
    (item,) = listed(root, "one.zip", "titles")["items"]
    assert (item["state"], item["changed"], item["record"]["title"]) == (None, [], "T")
    assert "view" in listed(root, "one.zip", "titles", state="gone", expect=400)["message"]
    assert "view" in recover(root, "one.zip", collection="titles", ids=[book["id"]], expect=400)["message"]


def test_a_collection_may_have_fields_and_ids_of_its_own(root):
    fields = [
        {"name": "id", "type": "text", "primaryKey": True, "required": True, "system": True, "min": 1, "max": 30, "pattern": "^[A-Za-z0-9]+$"},
        {"name": "tokenKey", "type": "text"},
    ]
    root.post("/api/collections", json={"name": "odd", "type": "base", "fields": fields})
    root.create("odd", {"id": "CaseId", "tokenKey": "precious"})
    root.create("odd", {"id": "stays", "tokenKey": "precious"})
    root.back_up("one.zip")
    root.delete("/api/collections/odd/records/CaseId")
    root.create("odd", {"id": "caseid"})
    assert "upper and lower case" in recover(root, "one.zip", collection="odd", ids=["CaseId"], expect=400)["message"]
    root.patch("/api/collections/odd/records/stays", json={"tokenKey": "lost"})
    (item,) = listed(root, "one.zip", "odd", state="changed")["items"]
    assert item["changed"] == ["tokenKey"]
    recover(root, "one.zip", collection="odd", ids=["stays"], overwrite=True)
    assert root.get("/api/collections/odd/records/stays")["tokenKey"] == "precious"


def test_children_without_a_collection_are_left(root):
    ada = root.create("authors", {"name": "Ada"})
    root.create("books", {"title": "T", "author": ada["id"]})
    authors = root.get("/api/collections/authors")["id"]
    link = {"name": "author", "type": "relation", "collectionId": authors, "maxSelect": 1, "cascadeDelete": True}
    root.post("/api/collections", json={"name": "prizes", "type": "base", "fields": [link]})
    prize = root.create("prizes", {"author": ada["id"]})
    root.back_up("one.zip")
    root.delete(f"/api/collections/authors/records/{ada['id']}")
    root.delete("/api/collections/prizes")
    done = recover(root, "one.zip", collection="authors", ids=[ada["id"]], children=True)
    assert (done["added"], done["left"], done["blocked"]) == (2, 1, 0)
    (left,) = [one for one in done["records"] if one["action"] == "left"]
    assert left["id"] == prize["id"] and "prizes is not there any more" in left["reason"]


def test_what_the_records_are_now_counts_as_well(root):
    """Records that were small in the backup and are large now took a gigabyte."""
    root.post("/api/collections", json={"name": "grown", "type": "base", "fields": [{"name": "t", "type": "text", "max": 5_000_000}]})
    made = [root.create("grown", {"t": "x"}) for _ in range(40)]
    root.back_up("one.zip")
    for one in made:
        root.patch(f"/api/collections/grown/records/{one['id']}", json={"t": "y" * 2_000_000})
    assert listed(root, "one.zip", "grown", perPage=100, expect=400)["status"] == 400
    page = listed(root, "one.zip", "grown", perPage=5, state="changed")
    assert page["totalItems"] == 40 and len(page["items"]) == 5
    assert recover(root, "one.zip", collection="grown", filter="id != ''", dryRun=True)["left"] == 40


def test_what_is_refused(root):
    ada = root.create("authors", {"name": "Ada"})
    root.back_up("one.zip")
    for params, where in (({"filter": "nope ="}, "authors"), ({"sort": "nope"}, "authors"), ({"state": "lost"}, "authors"), ({"page": "x"}, "authors")):
        assert listed(root, "one.zip", where, expect=400, **params)["status"] == 400
    assert listed(root, "one.zip", "nowhere", expect=404)["status"] == 404
    assert listed(root, "nowhere.zip", "authors", expect=404)["status"] == 404
    assert listed(root, "..%2f..%2fdata.db", "authors", expect=404)["status"] == 404
    good = {"collection": "authors", "ids": [ada["id"]]}
    for bad in (
        {}, {"collection": "authors"}, {**good, "filter": "id != ''"}, {**good, "ids": "a"}, {**good, "ids": [1]}, {**good, "ids": [""]},
        {**good, "dryrun": True}, {**good, "overwrite": "yes"}, {**good, "dryRun": 1}, {**good, "collection": 3}, {**good, "collection": "c" * 300},
        {**good, "ids": ["nobody"]}, {**good, "ids": ["a" * 300]}, {"collection": "titles", "ids": ["x"]},
        {"collection": "authors", "filter": "nope ="},
    ):  # fmt: skip
        answer = recover(root, "one.zip", expect=400, **bad)
        assert set(answer) == {"status", "message", "data"} and answer["status"] == 400, bad
    assert recover(root, "one.zip", collection="nowhere", ids=["a"], expect=404)["status"] == 404
    assert recover(root, "nowhere.zip", expect=404, **good)["status"] == 404
    many = [f"r{n:014}" for n in range(6000)]
    assert recover(root, "one.zip", collection="authors", ids=many, expect=400)["status"] == 400


def test_too_much_at_once_is_refused(server, root):
    root.post("/api/collections", json={"name": "large", "type": "base", "fields": [{"name": "t", "type": "text", "max": 5_000_000}]})
    for n in range(5):
        root.create("large", {"t": str(n) * 4_000_000})
    root.post("/api/collections", json={"name": "many", "type": "base", "fields": [{"name": "n", "type": "number"}]})
    rows = "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 5001) INSERT INTO many (id, n) SELECT printf('r%014d', n), n FROM c"
    root.post("/api/sql", json={"query": rows})
    root.back_up("one.zip")
    for name in ("large", "many"):
        refused = recover(root, "one.zip", collection=name, filter="id != ''", dryRun=True, expect=400)
        assert "too much at once" in refused["message"], refused
    all_but_one = recover(root, "one.zip", collection="many", filter="n <= 5000", dryRun=True)
    assert all_but_one["left"] == 5000


def test_broken_and_foreign_backups_are_refused(server, root, tmp_path):
    root.create("authors", {"name": "Ada"})
    root.back_up("one.zip")
    archive = server.directory / "backups" / "one.zip"
    content = bytearray(archive.read_bytes())
    # Bytes of the database: it lies first.
    for at in range(200, min(len(content) // 2, 6000), 97):
        content[at] ^= 0xFF
    (server.directory / "backups" / "broken.zip").write_bytes(content)
    answer = listed(root, "broken.zip", "authors", expect=400)
    assert answer["status"] == 400 and answer["message"]
    assert not list((server.directory / ".bosbase" / "opened").glob("*")), "what could not be opened was left behind"
    listed(root, "one.zip", "authors")
    assert len([path for path in (server.directory / ".bosbase" / "opened").iterdir() if path.is_dir()]) == 1
    assert server.stop() == 0
    assert not list((server.directory / ".bosbase" / "opened").glob("*"))


def test_a_backup_by_pocketbase_is_a_source(launch, tmp_path):
    theirs = launch(POCKETBASE, tmp_path / "theirs")
    root = theirs.root()
    make_library(root)
    ada = root.create("authors", {"name": "Ada", "secret": "s"}, files=[("picture", ("one.txt", b"from PocketBase"))])
    book = root.create("books", {"title": "T", "author": ada["id"]})
    user = root.create("users", {"email": "a@example.com", "password": "first-12345", "passwordConfirm": "first-12345"})
    root.post("/api/backups", json={"name": "theirs.zip"}, expect=204)
    for collection, one in (("authors", ada), ("users", user)):
        root.delete(f"/api/collections/{collection}/records/{one['id']}")
    assert theirs.stop() == 0

    ours = launch(BOSBASE, tmp_path / "theirs", superuser=False)
    root = ours.root()
    done = recover(root, "theirs.zip", collection="authors", ids=[ada["id"]], children=True)
    assert (done["added"], done["files"]) == (2, 1)
    assert root.get(f"/api/collections/authors/records/{ada['id']}") == ada
    assert root.get(f"/api/collections/books/records/{book['id']}")["author"] == ada["id"]
    answer = root.send("GET", f"/api/files/authors/{ada['id']}/{ada['picture'][0]}")
    assert answer.content == b"from PocketBase"
    recover(root, "theirs.zip", collection="users", filter="email = 'a@example.com'")
    ours.client().login("users", "a@example.com", "first-12345")


def test_the_command_line_takes_records_out(server, root, tmp_path):
    ada = root.create("authors", {"name": "Ada"}, files=[("picture", ("one.txt", b"one"))])
    root.create("books", {"title": "T", "author": ada["id"]})
    root.back_up("one.zip")
    root.delete(f"/api/collections/authors/records/{ada['id']}")
    run = lambda *arguments, **how: BOSBASE.run("backup", "extract", "one.zip", *arguments, "--dir", str(server.directory), **how)  # noqa: E731
    printed = run("authors", ada["id"])
    assert json.loads(printed.stdout) == [ada] and printed.stdout.endswith("]\n")
    assert printed.stderr == "Note: 1 more record of the backup belongs to these. To take all of them along: --children.\n"
    assert run("books", "--filter", "title = 'T'").stderr == ""
    assert {one["collectionName"] for one in json.loads(run("authors", ada["id"], "--children").stdout)} == {"authors", "books"}
    out = tmp_path / "out"
    said = run("authors", "--filter", "name = 'Ada'", "--into", str(out)).stdout
    assert "Wrote 1 record and 1 file" in said
    assert json.loads((out / "authors.json").read_text()) == [ada]
    assert (out / "authors" / ada["id"] / ada["picture"][0]).read_bytes() == b"one"
    for arguments, words in (
        (("authors", ada["id"], "--into", str(out)), "is not empty"),
        (("nowhere", "x"), "There is no collection nowhere"),
        (("authors", "nobody"), "has no record nobody"),
        (("authors", ada["id"], "--dry-run"), "add --into live"),
    ):
        failed = run(*arguments, check=False)
        assert failed.returncode == 1 and words in failed.stderr and failed.stderr.count("\n") == 1, failed
    assert run("authors", "--filter", "", check=False).returncode == 2
    # Beside the running server, which serves it at once.
    assert "Nothing was changed. It would be: added 1" in run("authors", ada["id"], "--into", "live", "--dry-run").stdout
    assert "1 more record that belongs to these is gone." in run("authors", ada["id"], "--into", "live", "--dry-run").stderr
    assert "Added 1" in run("authors", ada["id"], "--into", "live").stdout
    assert root.get(f"/api/collections/authors/records/{ada['id']}") == ada and file_of(root, ada, ada["picture"][0]) == b"one"
    # And without one.
    root.delete(f"/api/collections/authors/records/{ada['id']}")
    assert server.stop() == 0
    assert "Added 2" in run("authors", ada["id"], "--into", "live", "--children").stdout
    server.start()
    root = server.root()
    assert root.get(f"/api/collections/authors/records/{ada['id']}") == ada and len(root.records("books")) == 1
