"""Records of a backup that stand in each other's way, or in that of what is there now."""

import pytest

from harness.stream import Stream

from .library import file_of, make_library, recover, stored

pytestmark = pytest.mark.ours


@pytest.fixture
def root(server):
    root = server.root()
    make_library(root)
    return root


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
