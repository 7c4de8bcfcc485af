"""Records of a backup that stand in each other's way, or in that of what is there now."""

import sqlite3
from contextlib import closing

import pytest

from harness.stream import Stream

from .library import file_of, recover, stored

pytestmark = [pytest.mark.ours, pytest.mark.usefixtures("library")]


def test_what_others_hold_blocks_all_of_it(root):
    ada, bob = root.create("authors", {"name": "Ada"}), root.create("authors", {"name": "Bob"})
    root.back_up("one.zip")
    for one in (ada, bob):
        root.delete(f"/api/collections/authors/records/{one['id']}")
    thief = root.create("authors", {"name": "Ada"})
    refused = recover(root, "one.zip", collection="authors", ids=[bob["id"], ada["id"]], expect=400)
    assert "Another record of authors has the same name" in refused["message"] and refused["status"] == 400
    assert root.records("authors") == [thief]
    dry = recover(root, "one.zip", collection="authors", ids=[bob["id"], ada["id"]], dryRun=True)
    assert {one["id"]: one["action"] for one in dry["records"]} == {ada["id"]: "blocked", bob["id"]: "added"}


def test_records_that_swapped_what_an_index_keeps_unique_come_back_together(server, root):
    """SQLite asks the index at each row: the first of two that swapped their names was refused, though in the end none was taken."""
    ada, bob, cyd, dan = (root.create("authors", {"name": name}) for name in ("Ada", "Bob", "Cyd", "Dan"))
    bystander = root.create("authors", {"name": "Eve"})
    root.back_up("one.zip")
    before = stored(server, "authors")

    def rename(record, name):
        root.patch(f"/api/collections/authors/records/{record['id']}", json={"name": name})

    # Ada and Bob swapped; Cyd has the name of Dan, who is gone.
    rename(ada, "between")
    rename(bob, "Ada")
    rename(ada, "Bob")
    root.delete(f"/api/collections/authors/records/{dan['id']}")
    rename(cyd, "Dan")
    ids = [one["id"] for one in (dan, ada, bob, cyd)]
    asked = {"collection": "authors", "overwrite": True}
    # One of them alone finds its name taken.
    alone = recover(root, "one.zip", ids=[ada["id"]], expect=400, **asked)
    assert "Another record of authors has the same name" in alone["message"]
    dry = recover(root, "one.zip", ids=ids, dryRun=True, **asked)
    assert (dry["added"], dry["changed"], dry["blocked"]) == (1, 3, 0)
    assert root.get(f"/api/collections/authors/records/{bob['id']}")["name"] == "Ada"
    with Stream(root, "authors/*") as stream:
        done = recover(root, "one.zip", ids=ids, **asked)
        heard = [stream.next()[1] for _ in ids]
    assert {(one["action"], one["record"]["name"]) for one in heard} == {("create", "Dan"), ("update", "Ada"), ("update", "Bob"), ("update", "Cyd")}
    assert {one["id"]: one["action"] for one in done["records"]} == dict(zip(ids, ("added", "changed", "changed", "changed")))
    assert stored(server, "authors") == before
    # Those that were there have kept their places in the table.
    assert [one["id"] for one in root.records("authors", sort="@rowid")] == [one["id"] for one in (ada, bob, cyd, bystander, dan)]


def swap_names(root, one, other):
    """Renames two records to what the other is called."""
    for record, name in ((one, "between"), (other, one["name"]), (one, other["name"])):
        root.patch(f"/api/collections/{record['collectionName']}/records/{record['id']}", json={"name": name})


def beside(server, *statements):
    """What another program does in the database, and reads last."""
    with closing(sqlite3.connect(server.directory / "data.db", timeout=30)) as data, data:
        data.execute("PRAGMA foreign_keys = ON")
        for statement in statements:
            rows = data.execute(statement).fetchall()
    return rows


@pytest.mark.parametrize("action", ["ON DELETE CASCADE", "ON DELETE SET NULL", "", "DEFERRABLE INITIALLY DEFERRED"])
def test_rows_of_other_tables_stay_where_records_swapped_what_is_unique(server, root, action):
    """Records that had swapped names were deleted and inserted again, and the rows that refer to them went with them."""
    ada, bob = root.create("authors", {"name": "Ada"}), root.create("authors", {"name": "Bob"})
    made = f"CREATE TABLE theirs (n INTEGER PRIMARY KEY, author TEXT REFERENCES authors(id) {action})"
    referring = beside(server, made, "INSERT INTO theirs (author) SELECT id FROM authors", "SELECT * FROM theirs")
    assert sorted(author for _, author in referring) == sorted([ada["id"], bob["id"]])
    root.back_up("one.zip")
    before = stored(server, "authors")
    swap_names(root, ada, bob)
    asked = {"collection": "authors", "ids": [ada["id"], bob["id"]], "overwrite": True}
    assert recover(root, "one.zip", dryRun=True, **asked)["changed"] == 2
    assert recover(root, "one.zip", **asked)["changed"] == 2
    assert stored(server, "authors") == before and beside(server, "SELECT * FROM theirs") == referring


def test_a_reference_to_what_changes_blocks_it_and_says_so(server, root):
    """The whole call, also one that only tries, was refused without a word about the record."""
    ada, bob, cyd = (root.create("authors", {"name": name}) for name in ("Ada", "Bob", "Cyd"))
    root.back_up("one.zip")
    swap_names(root, ada, bob)
    root.patch(f"/api/collections/authors/records/{cyd['id']}", json={"name": "other"})
    before = stored(server, "authors")
    beside(server, "CREATE TABLE theirs (author TEXT REFERENCES authors(name))", "INSERT INTO theirs SELECT name FROM authors")
    asked = {"collection": "authors", "ids": [ada["id"], bob["id"], cyd["id"]], "overwrite": True}
    dry = recover(root, "one.zip", dryRun=True, **asked)
    reasons = {one["id"]: (one["action"], one["reason"]) for one in dry["records"]}
    refuses = "The table of authors in the database refuses what its collection allows: FOREIGN KEY constraint failed."
    assert reasons[cyd["id"]] == ("blocked", refuses)
    for one, other in ((ada, bob), (bob, ada)):
        action, reason = reasons[one["id"]]
        named, _, rest = reason.removeprefix("Another record of authors has the same name. If that is ").partition(" of authors: ")
        assert action == "blocked" and rest.startswith("the table in the database takes nothing in its place"), reason
        assert set(named.split(" or ")) == {other["id"], cyd["id"]}, reason
    refused = recover(root, "one.zip", expect=400, **asked)
    assert "Another record of authors" in refused["message"] or refuses in refused["message"]
    assert stored(server, "authors") == before
    # A reference that follows is no obstacle.
    beside(server, "DROP TABLE theirs", "CREATE TABLE theirs (author TEXT REFERENCES authors(name) ON UPDATE CASCADE)", "INSERT INTO theirs VALUES ('Ada')")
    recover(root, "one.zip", **asked)
    # Ada was called Bob.
    assert beside(server, "SELECT author FROM theirs") == [("Bob",)]


def refer(server, collection, field, target):
    """Another program has a column of a collection's table follow one of another."""
    (table,) = beside(server, f"SELECT sql FROM sqlite_schema WHERE type = 'table' AND name = '{collection}'")
    indexes = beside(server, f"SELECT sql FROM sqlite_schema WHERE type = 'index' AND tbl_name = '{collection}' AND sql IS NOT NULL")
    made = table[0].rstrip().removesuffix(")") + f", FOREIGN KEY (`{field}`) REFERENCES {target} ON UPDATE CASCADE)"
    copy = (f"CREATE TEMP TABLE kept AS SELECT * FROM {collection}", f"DROP TABLE {collection}", made, f"INSERT INTO {collection} SELECT * FROM kept")
    with closing(sqlite3.connect(server.directory / "data.db", timeout=30)) as data, data:
        for statement in (*copy, *(index for (index,) in indexes)):
            data.execute(statement)
        assert data.execute("PRAGMA foreign_key_check").fetchall() == []


def test_a_record_that_follows_another_is_as_it_was_in_the_end(server, root):
    """It was written before the one that it names gave up the name for a moment, went along with that, and was said to be back."""
    authors = root.get("/api/collections/authors")["id"]
    author = {"name": "author", "type": "relation", "collectionId": authors, "cascadeDelete": True, "maxSelect": 1}
    root.post("/api/collections", json={"name": "notes", "type": "base", "fields": [author, {"name": "by", "type": "text"}]})
    ada, bob, cyd = (root.create("authors", {"name": name}) for name in ("Ada", "Bob", "Cyd"))
    note = root.create("notes", {"author": ada["id"], "by": "Ada"})
    root.back_up("one.zip")
    before = stored(server, "authors"), stored(server, "notes")
    root.delete(f"/api/collections/authors/records/{ada['id']}")
    for one, name in ((bob, "Ada"), (cyd, "Bob")):
        root.patch(f"/api/collections/authors/records/{one['id']}", json={"name": name})
    refer(server, "notes", "by", "authors(name)")
    done = recover(root, "one.zip", collection="authors", ids=[ada["id"], bob["id"], cyd["id"]], overwrite=True, children=True)
    assert {one["id"]: one["action"] for one in done["records"]} == {ada["id"]: "added", bob["id"]: "changed", cyd["id"]: "changed", note["id"]: "added"}
    assert (stored(server, "authors"), stored(server, "notes")) == before


PEOPLE = {"name": "people", "type": "base", "fields": [{"name": "name", "type": "text"}, {"name": "boss", "type": "text"}], "indexes": ["CREATE UNIQUE INDEX idx_people ON people (name)"]}


def test_a_record_that_is_said_to_be_as_it_was_is_so_in_the_end(server, root):
    root.post("/api/collections", json=PEOPLE)
    ada, bob, cyd = (root.create("people", {"name": name, "boss": boss}) for name, boss in (("Ada", "Ada"), ("Bob", "Ada"), ("Cyd", "Cyd")))
    root.back_up("one.zip")
    before = stored(server, "people")
    swap_names(root, ada, cyd)
    refer(server, "people", "boss", "people(name)")
    done = recover(root, "one.zip", collection="people", ids=[ada["id"], bob["id"], cyd["id"]], overwrite=True)
    assert {one["id"]: one["action"] for one in done["records"]} == {ada["id"]: "changed", bob["id"]: "left", cyd["id"]: "changed"}
    assert stored(server, "people") == before


def test_a_record_that_a_reference_takes_away_again_blocks_all(server, root):
    root.post("/api/collections", json=PEOPLE)
    people = (("Bob", "Ada"), ("Xena", "Xena"), ("Ada", "Ada"))
    # Bob is looked at before what he names is renamed.
    bob, ada, cyd = (root.create("people", {"id": f"{n}" * 15, "name": name, "boss": boss}) for n, (name, boss) in enumerate(people, 1))
    root.back_up("one.zip")
    for one, values in ((cyd, {"name": "Zoe", "boss": "Zoe"}), (ada, {"name": "Ada", "boss": "Ada"})):
        root.patch(f"/api/collections/people/records/{one['id']}", json=values)
    refer(server, "people", "boss", "people(name)")
    before = stored(server, "people")
    asked = {"collection": "people", "ids": [bob["id"], ada["id"]], "overwrite": True}
    dry = recover(root, "one.zip", dryRun=True, **asked)
    told = {one["id"]: (one["action"], one["reason"]) for one in dry["records"]}
    assert told[bob["id"]] == ("blocked", "The table of people in the database refuses what its collection allows: FOREIGN KEY constraint failed."), told
    recover(root, "one.zip", expect=400, **asked)
    assert stored(server, "people") == before


def test_a_new_record_takes_no_place_in_the_table_from_one_that_is_there(server, root):
    """The place of the record that was made last was free while its name moved, and the one that came back took it."""
    cyd, bob, ada = (root.create("authors", {"id": letter * 15, "name": name}) for letter, name in (("c", "Z"), ("b", "Y"), ("a", "X")))
    root.back_up("one.zip")
    before = stored(server, "authors")
    root.delete(f"/api/collections/authors/records/{ada['id']}")
    root.patch(f"/api/collections/authors/records/{bob['id']}", json={"name": "X"})
    root.patch(f"/api/collections/authors/records/{cyd['id']}", json={"name": "Y"})
    done = recover(root, "one.zip", collection="authors", ids=[ada["id"], bob["id"], cyd["id"]], overwrite=True)
    assert (done["added"], done["changed"], done["blocked"]) == (1, 2, 0)
    assert stored(server, "authors") == before
    assert [one["name"] for one in root.records("authors", sort="@rowid")] == ["Z", "Y", "X"]


def test_what_conditions_and_expressions_keep_unique_is_swapped_back(server, root):
    fields = [{"name": "name", "type": "text"}, {"name": "team", "type": "text"}, {"name": "leads", "type": "bool"}, {"name": "stands_in", "type": "bool"}]
    indexes = [
        "CREATE UNIQUE INDEX idx_people_name ON people (lower(name))",
        "CREATE UNIQUE INDEX idx_people_leads ON people (team) WHERE leads = TRUE",
        "CREATE UNIQUE INDEX idx_people_stands_in ON people (team) WHERE stands_in = TRUE",
    ]
    root.post("/api/collections", json={"name": "people", "type": "base", "fields": fields, "indexes": indexes})
    ada = root.create("people", {"name": "Ada", "team": "t", "leads": True})
    bob = root.create("people", {"name": "Bob", "team": "t", "stands_in": True})
    root.back_up("one.zip")
    before = stored(server, "people")
    swap_names(root, ada, bob)
    for one, roles in ((ada, {"leads": False}), (bob, {"stands_in": False, "leads": True}), (ada, {"stands_in": True})):
        root.patch(f"/api/collections/people/records/{one['id']}", json=roles)
    done = recover(root, "one.zip", collection="people", ids=[ada["id"], bob["id"]], overwrite=True)
    assert done["changed"] == 2 and stored(server, "people") == before


def test_a_record_that_stays_keeps_its_name_though_others_swapped_theirs(root):
    ada, bob, cyd = (root.create("authors", {"name": name}) for name in ("Ada", "Bob", "Cyd"))
    root.back_up("one.zip")
    for one, name in ((cyd, "other"), (ada, "between"), (bob, "Ada"), (ada, "Cyd")):
        root.patch(f"/api/collections/authors/records/{one['id']}", json={"name": name})
    root.create("authors", {"name": "Bob"})
    before = root.records("authors")
    ids = [ada["id"], bob["id"], cyd["id"]]
    dry = recover(root, "one.zip", collection="authors", ids=ids, overwrite=True, dryRun=True)
    assert {one["id"]: one["action"] for one in dry["records"]} == {ada["id"]: "changed", bob["id"]: "blocked", cyd["id"]: "changed"}
    refused = recover(root, "one.zip", collection="authors", ids=ids, overwrite=True, expect=400)
    assert "Another record of authors has the same name" in refused["message"] and root.records("authors") == before


def test_accounts_that_swapped_their_addresses_come_back_and_log_in_again(server, root):
    accounts = [
        root.create("users", {"email": f"{name}@example.com", "password": f"{name}-12345", "passwordConfirm": f"{name}-12345"}) for name in ("ada", "bob")
    ]
    root.back_up("one.zip")
    for one, name in zip([*accounts, accounts[0]], ("between", "ada", "bob")):
        root.patch(f"/api/collections/users/records/{one['id']}", json={"email": f"{name}@example.com"})
    session = server.client().login("users", "ada@example.com", "bob-12345")
    done = recover(root, "one.zip", collection="users", ids=[one["id"] for one in accounts], overwrite=True)
    assert done["changed"] == 2
    session.post("/api/collections/users/auth-refresh", expect=401)
    for name in ("ada", "bob"):
        server.client().login("users", f"{name}@example.com", f"{name}-12345")


def test_what_is_left_keeps_nothing_from_coming_back(root):
    """One that is there, and whose required relation of then leads nowhere now, is left; the others come back."""
    authors = root.get("/api/collections/authors")["id"]
    author = {"name": "author", "type": "relation", "collectionId": authors, "maxSelect": 1, "required": True}
    optional = {"name": "reader", "type": "relation", "collectionId": authors, "maxSelect": 1}
    root.post("/api/collections", json={"name": "papers", "type": "base", "fields": [author, optional]})
    ada, bob = root.create("authors", {"name": "Ada"}), root.create("authors", {"name": "Bob"})
    moved = root.create("papers", {"author": ada["id"]})
    gone = root.create("papers", {"author": bob["id"]})
    cut = root.create("papers", {"author": bob["id"], "reader": ada["id"]})
    root.back_up("one.zip")
    root.patch(f"/api/collections/papers/records/{moved['id']}", json={"author": bob["id"]})
    root.delete(f"/api/collections/authors/records/{ada['id']}")
    root.delete(f"/api/collections/papers/records/{gone['id']}")
    done = recover(root, "one.zip", collection="papers", filter="id != ''")
    actions = {one["id"]: (one["action"], one["reason"]) for one in done["records"]}
    assert actions[gone["id"]] == ("added", "") and actions[moved["id"]][0] == "left"
    assert actions[cut["id"]] == ("left", "It is there as it was, but for what its relations named and that is gone.")
    # To overwrite it is another matter.
    assert "requires the relation author" in recover(root, "one.zip", collection="papers", ids=[moved["id"]], overwrite=True, expect=400)["message"]


def test_a_file_of_now_is_not_given_up_for_one_that_nobody_has(server, root):
    ada = root.create("authors", {"name": "Ada"}, files=[("picture", ("old.txt", b"old"))])
    folder = server.directory / "storage" / ada["collectionId"] / ada["id"]
    (folder / ada["picture"][0]).unlink()
    root.back_up("one.zip")
    now = root.patch(f"/api/collections/authors/records/{ada['id']}", data={"name": "Ada"}, files=[("picture", ("new.txt", b"new"))])
    dry = recover(root, "one.zip", collection="authors", ids=[ada["id"]], overwrite=True, dryRun=True)
    assert (dry["blocked"], dry["records"][0]["action"]) == (1, "blocked") and ada["picture"][0] in dry["records"][0]["reason"]
    recover(root, "one.zip", collection="authors", ids=[ada["id"]], overwrite=True, expect=400)
    assert root.get(f"/api/collections/authors/records/{ada['id']}") == now and file_of(root, now, now["picture"][0]) == b"new"
    # One that is gone comes back all the same, and says what it lacks.
    root.delete(f"/api/collections/authors/records/{ada['id']}")
    done = recover(root, "one.zip", collection="authors", ids=[ada["id"]])
    assert (done["added"], done["records"][0]["missingFiles"]) == (1, ada["picture"])
