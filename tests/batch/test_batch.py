"""`POST /api/batch`: several changes of records, all of them or none. The same is asked of PocketBase."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from harness.client import wait_for
from harness.programs import BOSBASE
from harness.server import Server
from harness.stream import Stream

from .application import EMAIL, OF_A_TEAM, PASSWORD, create, delete, make, named, refused, send, update, uploads, upsert

ID = "chosenbyourself"


class Place:
    def __init__(self, server):
        self.server, self.root, self.guest = server, server.root(), server.client()
        make(self.root)
        self.user = server.client().login("users", EMAIL, PASSWORD)

    @property
    def everybody(self):
        return {"guest": self.guest, "user": self.user, "superuser": self.root}

    def teams(self):
        return {team["name"]: team for team in self.root.records("teams")}

    def post(self, id):
        return self.root.get(f"/api/collections/posts/records/{id}")


@pytest.fixture(scope="module")
def shared_place(tmp_path_factory):
    with Server(BOSBASE, tmp_path_factory.mktemp("batch") / "pb_data") as server:
        yield Place(server)


@pytest.fixture
def place(shared_place):
    for collection in ("posts", "teams", "notes"):
        shared_place.root.delete(f"/api/collections/{collection}/truncate")
    return shared_place


WHO = ["guest", "user", "superuser"]


@pytest.mark.parametrize("who", WHO)
def test_each_request_is_answered_in_order(place, who):
    client = place.everybody[who]
    answers = send(client, create("teams", name="a"), upsert("teams", id=ID, name="b"), update("teams", ID, "?fields=name", name="c"), upsert("teams", id=ID, n=7), delete("teams", ID))
    assert [answer["status"] for answer in answers] == [200, 200, 200, 200, 204]
    assert [sorted(answer) for answer in answers] == [["body", "status"]] * 5
    assert answers[0]["body"]["name"] == "a" and answers[0]["body"]["collectionName"] == "teams"
    assert answers[1]["body"]["id"] == ID
    assert answers[2]["body"] == {"name": "c"}
    assert (answers[3]["body"]["name"], answers[3]["body"]["n"]) == ("c", 7)
    assert answers[4]["body"] is None
    assert list(place.teams()) == ["a"]


BAD = {
    "a value that is missing": (create("teams", name=""), 400, ("name", "validation_required")),
    "a record that is missing": (update("teams", "missing00000000", name="x"), 404, None),
    "one to be deleted that is missing": (delete("teams", "missing00000000"), 404, None),
    "a collection that is missing": (create("nope", name="x"), 404, None),
    "a value that is taken": (create("teams", name="x", code="taken"), 400, ("code", "validation_not_unique")),
    "a relation to nothing": (create("posts", team="missing00000000"), 400, None),
}


@pytest.mark.parametrize("who", WHO)
@pytest.mark.parametrize("at", [0, 1, 2])
@pytest.mark.parametrize("bad", BAD)
def test_one_that_is_refused_undoes_all(place, who, at, bad):
    request, status, code = BAD[bad]
    taken = place.root.create("teams", {"name": "there", "code": "taken"})
    batch = [create("teams", name="1"), delete("teams", taken["id"]) if "taken" not in bad else update("teams", taken["id"], n=1), create("teams", name="2")]
    batch[at:at] = [request]
    refused(place.everybody[who], *batch, at=at, status=status, code=code)
    teams = place.teams()
    assert list(teams) == ["there"] and teams["there"]["n"] == 0


def test_rules_hold_for_each_request(place):
    closed = [create("notes", text="x"), update("notes", "missing00000000", text="x"), delete("notes", "missing00000000"), upsert("notes", text="x")]
    for who in ("guest", "user"):
        for request in closed:
            inner = refused(place.everybody[who], create("teams", name="a"), request, at=1, status=403)
            assert inner["message"] == "Only superusers can perform this action."
    assert place.teams() == {}
    answers = send(place.root, create("notes", text="x"), upsert("notes", id=ID, text="y"), update("notes", ID, text="z"), delete("notes", ID))
    assert [answer["status"] for answer in answers] == [200, 200, 200, 204]


def test_a_request_sees_what_those_before_it_wrote(place):
    guest = place.guest
    parent, child = send(guest, create("teams", id=ID, name="parent", open=True), create("posts", "?expand=team&fields=id,expand.team.name", title="child", team=ID))
    assert child["body"]["expand"] == {"team": {"name": "parent"}}
    refused(guest, update("teams", ID, open=False), create("posts", title="late", team=ID), at=1, status=400)
    refused(guest, update("teams", ID, open=False), update("posts", child["body"]["id"], title="late"), at=1, status=404)
    refused(guest, update("teams", ID, open=False), delete("posts", child["body"]["id"]), at=1, status=404)
    refused(guest, delete("teams", ID), create("posts", title="orphan", team=ID), at=1, status=400)
    refused(guest, create("teams", name="a", code="same"), create("teams", name="b", code="same"), at=1, status=400, code=("code", "validation_not_unique"))
    refused(guest, delete("teams", ID), delete("teams", ID), at=1, status=404)
    assert place.teams()[parent["body"]["name"]]["open"] is True
    answers = send(guest, *[update("teams", ID, **{"n+": 2})] * 5)
    assert [answer["body"]["n"] for answer in answers] == [2, 4, 6, 8, 10]
    answers = send(guest, upsert("teams", id="other0000000000", name="made"), upsert("teams", id="other0000000000", name="changed"), delete("teams", "other0000000000"), upsert("teams", id="other0000000000", name="anew"))
    assert [answer["status"] for answer in answers] == [200, 200, 204, 200]
    assert place.teams()["anew"]["id"] == "other0000000000"


def test_an_answer_shows_what_was_there_when_its_turn_came(place):
    answers = send(place.root, create("teams", id=ID, name="before", open=True), create("posts", "?expand=team", team=ID), update("teams", ID, name="after"), create("posts", "?expand=team", team=ID))
    assert [answers[at]["body"]["expand"]["team"]["name"] for at in (1, 3)] == ["before", "after"]
    assert answers[0]["body"]["name"] == "before"


def test_the_last_superuser_stays(place):
    root = place.root
    only = root.auth["record"]["id"]
    second = {"email": "second@example.com", "password": "root-12345", "passwordConfirm": "root-12345"}
    refused(root, create("teams", name="x"), delete("_superusers", only), at=1, status=400)
    refused(root, create("_superusers", id="superuser000000", **second), delete("_superusers", "superuser000000"), delete("_superusers", only), at=2, status=400)
    assert place.teams() == {} and [one["id"] for one in root.records("_superusers")] == [only]


def test_passwords_are_set_and_proven_within_a_batch(place):
    account = {"email": "new@example.com", "password": "first-123", "passwordConfirm": "first-123"}
    change = lambda old, new: update("users", "account00000000", oldPassword=old, password=new, passwordConfirm=new)  # noqa: E731
    rule = place.root.get("/api/collections/users")["updateRule"]
    place.root.patch("/api/collections/users", json={"updateRule": ""})
    try:
        made = create("users", id="account00000000", **account)
        refused(place.guest, made, change("wrong-123", "second-12"), create("teams", name="x"), at=1, status=400, code=("oldPassword", "validation_invalid_old_password"))
        assert "new@example.com" not in {one["email"] for one in place.root.records("users")}
        refused(place.guest, made, change("first-123", "second-12"), create("teams", name=""), at=2, status=400)
        send(place.guest, made, change("first-123", "second-12"), change("second-12", "third-123"))
        for password, status in (("first-123", 400), ("second-12", 400), ("third-123", 200)):
            login = {"identity": "new@example.com", "password": password}
            place.guest.post("/api/collections/users/auth-with-password", json=login, expect=status)
        send(place.root, delete("users", "account00000000"))
    finally:
        place.root.patch("/api/collections/users", json={"updateRule": rule})


# --- files ------------------------------------------------------------------------------------------------------------


def file(contents, name="a paper.txt"):
    return (name, contents.encode())


def contents(place, post, field="files"):
    names = post[field] if isinstance(post[field], list) else [post[field]]
    url = f"/api/files/posts/{post['id']}"
    return [place.guest.send("GET", f"{url}/{name}").text for name in names]


def test_files_come_with_their_requests(place):
    send(place.root, create("teams", id=ID, name="t", open=True))
    batch = [create("posts", title="none", team=ID), create("posts", title="two", team=ID), create("posts", title="one", team=ID)]
    files = [("requests.1.files", file("1")), ("requests[2].file", file("3")), ("requests[1].files", file("2")), ("requests.9.file", file("nobody's")), ("requests.0.title", file("no file field"))]
    answers = [answer["body"] for answer in send(place.guest, *batch, files=files)]
    assert [(post["file"] != "", len(post["files"])) for post in answers] == [(False, 0), (False, 2), (True, 0)]
    assert sorted(contents(place, answers[1])) == ["1", "2"] and contents(place, answers[2], "file") == ["3"]
    assert answers[0]["title"] == "", "a file stands in place of the value"
    assert uploads(place.server) == named(place.root)
    changed = send(place.guest, update("posts", answers[1]["id"], **{"files-": answers[1]["files"][:1]}), update("posts", answers[2]["id"]), delete("posts", answers[0]["id"]),
                   files=[("requests.0.files+", file("more")), ("requests.1.file", file("replaced"))])
    assert len(changed[0]["body"]["files"]) == 2 and contents(place, changed[1]["body"], "file") == ["replaced"]
    wait_for(lambda: uploads(place.server) == named(place.root), 20, "files that go")


@pytest.mark.parametrize("who", WHO)
def test_a_refused_batch_leaves_no_files(place, who):
    send(place.root, create("teams", id=ID, name="t", open=True))
    (kept,) = send(place.root, create("posts", id="kept00000000000", team=ID), files=[("requests.0.file", file("kept"))])
    before = uploads(place.server)
    batch = [create("posts", team=ID), update("posts", kept["body"]["id"], file=None), delete("posts", kept["body"]["id"]), create("posts", team="missing00000000")]
    refused(place.everybody[who], *batch, at=3, status=400, files=[("requests.0.file", file("a")), ("requests.0.files", file("b")), ("requests.3.file", file("c"))])
    assert uploads(place.server) == before and contents(place, place.post(kept["body"]["id"]), "file") == ["kept"]


def test_a_file_that_is_gone_by_the_end_of_its_batch_is_gone(place):
    send(place.root, create("teams", id=ID, name="t", open=True))
    batch = [
        create("posts", id="one000000000000", team=ID), update("posts", "one000000000000", file=None),
        create("posts", id="two000000000000", team=ID), delete("posts", "two000000000000"),
        create("posts", id="three0000000000", team=ID), update("posts", "three0000000000"),
    ]
    send(place.guest, *batch, files=[("requests.0.file", file("1")), ("requests.2.files", file("2")), ("requests.4.file", file("3")), ("requests.5.file", file("4"))])
    assert contents(place, place.post("three0000000000"), "file") == ["4"]
    wait_for(lambda: uploads(place.server) == named(place.root), 20, "files that go")
    assert len(uploads(place.server)) == 1


# --- what follows, and others meanwhile -------------------------------------------------------------------------------


def test_events_come_after_the_commit_in_the_order_of_the_requests(place):
    send(place.root, create("teams", id=ID, name="there"))
    with Stream(place.guest, "teams/*") as stream:
        refused(place.guest, create("teams", name="never"), update("teams", ID, name="never"), delete("teams", ID), create("teams"), at=3, status=400)
        send(place.guest, create("teams", name="new"), update("teams", ID, name="changed"), delete("teams", ID), create("teams", name="last"))
        heard = [stream.next()[1] for _ in range(4)]
        assert not stream.heard()
    told = [(event["action"], event["record"]["name"]) for event in heard]
    assert told == [("create", "new"), ("update", "changed"), ("delete", "changed"), ("create", "last")]


@pytest.mark.ours
def test_who_hears_of_a_deletion_is_decided_on_what_its_batch_left(place):
    """Who could see a post before saw in its deletion what it became when its team was closed."""
    teams = place.root.get("/api/collections/teams")
    fields = [{"name": "title", "type": "text"}, {"name": "team", "type": "relation", "collectionId": teams["id"], "maxSelect": 1}]
    place.root.post("/api/collections", json={"name": "inner", "type": "base", "fields": fields, "listRule": OF_A_TEAM, "viewRule": OF_A_TEAM})
    try:
        send(place.root, create("teams", id=ID, name="t", open=True), create("inner", id=ID, title="open", team=ID))
        with Stream(place.guest, "inner/*", "teams/*") as guest, Stream(place.root, "inner/*") as root:
            send(place.root, update("teams", ID, open=False), update("inner", ID, title="closed"), delete("inner", ID))
            assert guest.next()[1]["record"]["open"] is False
            told = [root.next()[1] for _ in range(2)]
            assert [(event["action"], event["record"]["title"]) for event in told] == [("update", "closed"), ("delete", "closed")]
            assert not guest.heard()
    finally:
        place.root.delete("/api/collections/inner")


@pytest.mark.ours
def test_what_a_batch_makes_and_deletes_is_told_in_full(place):
    """PocketBase says nothing of it."""
    with Stream(place.guest, "teams/*") as stream:
        send(place.guest, create("teams", id=ID, name="brief"), delete("teams", ID))
        assert [stream.next()[1]["action"] for _ in range(2)] == ["create", "delete"]
        assert not stream.heard()


@pytest.mark.ours
def test_batches_that_come_together_all_count(place):
    """PocketBase forgets single changes that come between others."""
    send(place.root, create("teams", id=ID, name="counted"))
    with ThreadPoolExecutor(8) as pool:
        ten = lambda _: send(place.server.client(), *[update("teams", ID, **{"n+": 1})] * 10)  # noqa: E731
        one = lambda _: place.server.client().patch(f"/api/collections/teams/records/{ID}", json={"n+": 1})  # noqa: E731
        list(pool.map(lambda at: (ten if at % 2 else one)(at), range(40)))
    assert place.teams()["counted"]["n"] == 220


def test_upserts_of_the_same_record_by_many_make_one(place):
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda at: send(place.server.client(), upsert("teams", id=ID, name=f"by {at}"), update("teams", ID, **{"n+": 1})), range(24)))
    (team,) = place.root.records("teams")
    assert team["n"] == 24


def test_nobody_sees_half_of_a_batch(place):
    send(place.root, create("teams", id=ID, name="a"), create("teams", id="other0000000000", name="a"))
    stopping, seen = threading.Event(), []

    def look():
        client = place.server.client()
        while not stopping.is_set():
            names = {team["name"] for team in client.records("teams")}
            seen.append(len(names))

    reader = threading.Thread(target=look)
    reader.start()
    try:
        for n in range(40):
            send(place.guest, update("teams", ID, name=f"n{n}"), update("teams", "other0000000000", name=f"n{n}"))
    finally:
        stopping.set()
        reader.join()
    assert len(seen) > 3 and set(seen) == {1}


@pytest.mark.ours
def test_a_batch_has_one_form_whatever_client_sends_it(place):
    """A form without files, and one whose payload comes last."""
    send(place.root, create("teams", id=ID, name="t", open=True))
    parts = [("requests.0.file", ("a.txt", b"first")), ("@jsonPayload", (None, '{"requests":[{"method":"POST","url":"/api/collections/posts/records","body":{"team":"%s"}}]}' % ID))]
    answer = requests.post(f"{place.server.url}/api/batch", files=parts, timeout=60)
    assert answer.status_code == 200 and contents(place, answer.json()[0]["body"], "file") == ["first"]


@pytest.mark.ours
def test_what_no_batch_can_do_is_refused_wherever_it_stands(place):
    """PocketBase answers 500 where it is not the first."""
    for request in ({"method": "GET", "url": "/api/health"}, {"method": "POST", "url": "/api/batch"}, {"method": "PATCH", "url": "/api/collections/teams/records"}):
        for at in (0, 1):
            batch = [create("teams", name="a"), create("teams", name="b")]
            batch[at] = request
            inner = refused(place.guest, *batch, at=at, status=400)
            assert inner["message"] == "Something went wrong while processing your request."
    assert place.teams() == {}
