"""What ends a login, held against each way in which one is used: a request, a file token, an open event stream.

Event streams outlived their session: after a new token secret, a changed `authRule`, a deletion from the command line or the
token's expiry they went on telling, `@backups` included.
"""

import time

import pytest

from harness.client import wait_for
from harness.programs import BOSBASE, EMAIL, ORACLE_RUN
from harness.stream import Stream
from harness.tokens import token

NEW_PASSWORD = {"password": "another-1234", "passwordConfirm": "another-1234"}
SECRET = {"secret": "s" * 50, "duration": 3600}
# What ends: a request's token, a file token, an open stream. Where a token stays good it does in PocketBase, too.
ENDS = {
    "nothing": (False, False, False),
    "a new secret of the auth tokens": (True, False, True),
    "a new secret of the file tokens": (False, True, False),
    "a new password": (True, True, True),
    "an authRule that admits nobody": (False, False, True),
    # A rule that is new, or another, renews the secret of the auth tokens.
    "an authRule that does not admit the account": (True, False, True),
    "a change that the authRule does not admit": (False, False, True),
    "expiry": (True, True, True),
    "a deletion": (True, True, True),
}
OF_SUPERUSERS = {
    "nothing": (False, False, False),
    "a new secret of the auth tokens": (True, False, True),
    "a new password": (True, True, True),
    "expiry": (True, True, True),
    "a deletion": (True, True, True),
    "a deletion from the command line": (True, True, True),
    "a new password from the command line": (True, True, True),
    "addresses that superusers may come from": (True, True, True),
}


class Place:
    """A server with a witness, who is never logged out, and a collection that everybody who is logged in may read."""

    def __init__(self, server):
        self.server = server
        self.root = server.root()
        anybody = "@request.auth.id != ''"
        rules = {"listRule": anybody, "viewRule": anybody, "createRule": anybody}
        file = {"name": "file", "type": "file", "maxSelect": 1, "protected": True}
        fields = [{"name": "title", "type": "text"}, file]
        self.root.post("/api/collections", json={"name": "notes", "type": "base", "fields": fields, **rules})
        self.root.post("/api/collections", json={"name": "members", "type": "auth", "fields": [{"name": "title", "type": "text"}]})
        _, self.witness = self.account("users", "witness")
        self.note = self.witness.create("notes", {"title": "a"}, files={"file": ("a.txt", b"text", "text/plain")})

    def account(self, collection, name):
        email = f"{name}@example.com"
        password = {"password": "user-12345", "passwordConfirm": "user-12345"}
        record = self.root.create(collection, {"email": email, **password})
        return record, self.server.client().login(collection, email, "user-12345")

    def may_ask(self, client):
        return client.send("GET", f"/api/collections/notes/records/{self.note['id']}", expect=None).status_code == 200

    def may_read(self, file_token):
        path = f"/api/files/notes/{self.note['id']}/{self.note['file']}"
        return self.server.client().send("GET", path, params={"token": file_token}, expect=None).status_code == 200

    def end(self, how, collection, record, client):
        options = f"/api/collections/{collection}"
        if how == "a new secret of the auth tokens":
            self.root.patch(options, json={"authToken": SECRET})
            if collection == "_superusers":
                self.root.login("_superusers", EMAIL, "correct-horse-1")
        elif how == "a new secret of the file tokens":
            self.root.patch(options, json={"fileToken": SECRET})
        elif how == "a new password":
            self.root.patch(f"{options}/records/{record['id']}", json=NEW_PASSWORD)
        elif how == "a new password from the command line":
            BOSBASE.superuser(self.server.directory, record["email"], "another-1234")
        elif how == "an authRule that admits nobody":
            self.root.patch(options, json={"authRule": None})
        elif how == "an authRule that does not admit the account":
            self.root.patch(options, json={"authRule": "title = 'let in'"})
        elif how == "a change that the authRule does not admit":
            self.root.patch(f"{options}/records/{record['id']}", json={"title": "locked"})
        elif how == "a deletion":
            self.root.delete(f"{options}/records/{record['id']}")
        elif how == "a deletion from the command line":
            BOSBASE.run("superuser", "delete", record["email"], "--dir", self.server.directory)
        elif how == "addresses that superusers may come from":
            self.root.patch("/api/settings", json={"superuserIPs": ["10.0.0.0/8"]})
        elif how == "expiry":
            wait_for(lambda: not self.may_ask(client), 60, "the token's expiry")

    def tell(self, witness, subject):
        """Says something that both would hear; returns whether the subject heard it, and whether its stream ended."""
        said = [self.witness.create("notes", {"title": str(time.time_ns())})["id"] for _ in range(2)]
        for one in said:
            assert witness.next()[1]["record"]["id"] == one
        heard = []
        while (event := subject.next()) is not None:
            heard.append(event[1]["record"]["id"])
            if heard == said:
                return True, False
        return bool(heard), True




@pytest.fixture
def place(launch):
    return Place(launch())


def short_lived(place, collection, record):
    """A client and a file token that end by themselves; long enough for a busy machine to subscribe."""
    make = lambda kind: token(place.server.directory, collection, record["id"], kind=kind, expires_in=8)  # noqa: E731
    return place.server.client().with_token(make("auth")), make("file")


def hold(place, how, collection, expected):
    if how == "a change that the authRule does not admit":
        place.root.patch(f"/api/collections/{collection}", json={"authRule": "title != 'locked'"})
    record, client = place.account(collection, "subject")
    file_token = client.file_token()
    if how == "expiry":
        client, file_token = short_lived(place, collection, record)
    with Stream(place.witness, "notes/*") as witness, Stream(client, "notes/*") as subject:
        assert place.may_ask(client) and place.may_read(file_token)
        assert place.tell(witness, subject) == (True, False), "before"
        place.end(how, collection, record, client)
        if how == "expiry":
            wait_for(lambda: not place.may_read(file_token), 60, "the file token's expiry")
        ended = not place.may_ask(client), not place.may_read(file_token)
        assert ended == expected[:2], f"a request's token, a file token: ended {ended}"
        if ORACLE_RUN:
            return
        if how == "a deletion":
            # As in PocketBase the stream carries on, as a guest's.
            said = [place.witness.create("notes", {"title": "after"})["id"] for _ in range(3)]
            for one in said:
                assert witness.next()[1]["record"]["id"] == one
            assert not [event for event in subject.heard() if event and event[1]["record"]["id"] in said]
        else:
            assert place.tell(witness, subject) == (not expected[2], expected[2])
            if expected[2] and not expected[0]:
                # The token is still good for requests; a stream is not opened anew with it.
                with Stream(place.server.client()) as again:
                    again.client = client
                    again.subscribe("notes/*", expect=403)


@pytest.mark.parametrize("how", ENDS)
def test_a_login_of_a_user_ends_everywhere(place, how):
    hold(place, how, "members", ENDS[how])


@pytest.mark.parametrize("how", OF_SUPERUSERS)
def test_a_login_of_a_superuser_ends_everywhere(place, how):
    hold(place, how, "_superusers", OF_SUPERUSERS[how])


@pytest.mark.ours
@pytest.mark.parametrize("how", ["a new secret of the auth tokens", "a new password", "a deletion", "a deletion from the command line", "expiry"])
def test_backups_are_followed_by_superusers_that_are_logged_in_alone(place, how):
    record, client = place.account("_superusers", "subject")
    if how == "expiry":
        client, _ = short_lived(place, "_superusers", record)
    with Stream(client, "@backups") as subject:
        place.root.post("/api/backups", json={"name": "first.zip"}, expect=204)
        assert subject.next()[1]["key"] == "first.zip"
        place.root.wait_until_proven("first.zip")
        place.root.wait_until_idle()
        place.end(how, "_superusers", record, client)
        place.root.post("/api/backups", json={"name": "second.zip"}, expect=204)
        place.root.wait_until_proven("second.zip")
        place.root.wait_until_idle()
        late = [event for event in subject.heard() if event and event[1]["key"] == "second.zip"]
        assert not late, "it heard of a backup after its login had ended"
