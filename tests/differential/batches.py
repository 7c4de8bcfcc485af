"""Batches that are said to both servers: good ones, wrong ones and odd ones, by a superuser, a user and nobody."""

import json

PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360000002000001e221bc330000000049454e44ae426082"
)
AUTODATES = [
    {"name": "created", "type": "autodate", "onCreate": True, "onUpdate": False},
    {"name": "updated", "type": "autodate", "onCreate": True, "onUpdate": True},
]
OPEN = {"listRule": "", "viewRule": "", "createRule": "", "updateRule": "", "deleteRule": ""}
ID, OTHER = "chosenbyourself", "anotherofmyown0"


def text(name, **rest):
    return {"name": name, "type": "text", **rest}


def create(collection, body, query="", **rest):
    return {"method": "POST", "url": f"/api/collections/{collection}/records{query}", "body": body, **rest}


def upsert(collection, body, query="", **rest):
    return {"method": "PUT", "url": f"/api/collections/{collection}/records{query}", "body": body, **rest}


def update(collection, id, body, query="", **rest):
    return {"method": "PATCH", "url": f"/api/collections/{collection}/records/{id}{query}", "body": body, **rest}


def delete(collection, id, query="", **rest):
    return {"method": "DELETE", "url": f"/api/collections/{collection}/records/{id}{query}", **rest}


def enable(t, **settings):
    t.say("PATCH", "/api/settings", {"batch": {"enabled": True, "maxRequests": 50, "timeout": 10, **settings}})


def batch(t, *requests, by="root", **rest):
    return t.say("POST", "/api/batch", {"requests": list(requests)}, by=by, **rest)


def stored(t, *collections):
    for name in collections:
        sort = {"teams": "name,code", "members": "nick"}.get(name, "title")
        t.say("GET", f"/api/collections/{name}/records", params={"sort": sort, "perPage": 200})


def application(t):
    """Open teams; posts whose rules look at their team, at the request and at accounts; closed notes; members that are accounts."""
    teams = t.say("POST", "/api/collections", {"name": "teams", "type": "base", **OPEN, "fields": [text("name", required=True), {"name": "open", "type": "bool"}, text("code")],
                                               "indexes": ["CREATE UNIQUE INDEX `idx_code` ON `teams` (`code`) WHERE `code` != ''"]})
    t.say("POST", "/api/collections", {
        "name": "posts", "type": "base", "listRule": "", "viewRule": "",
        "createRule": "team.open = true || @request.auth.id != ''", "updateRule": "team.open = true", "deleteRule": "team.open = true && title != 'stays'",
        "fields": [
            text("title", required=True, max=40), {"name": "n", "type": "number"}, text("hidden", hidden=True),
            {"name": "team", "type": "relation", "collectionId": teams["id"], "maxSelect": 1},
            {"name": "others", "type": "relation", "collectionId": teams["id"], "maxSelect": 5},
            {"name": "file", "type": "file", "maxSelect": 1, "maxSize": 2000}, {"name": "files", "type": "file", "maxSelect": 3, "mimeTypes": ["image/png"]}, *AUTODATES,
        ],
    })
    t.say("POST", "/api/collections", {"name": "notes", "type": "base", "fields": [text("title")]})
    t.say("POST", "/api/collections", {"name": "looks", "type": "base", **OPEN, "fields": [text("title")],
                                       "createRule": "@request.context = 'batch' && @request.method = 'POST' && @request.query.q = 'yes' && @request.headers.x_own = 'mine' && @request.body.title = 'a'",
                                       "updateRule": "@request.context = 'batch' && @request.method = 'PATCH' && @collection.teams.name ?= @request.body.title"})
    t.say("POST", "/api/collections", {"name": "members", "type": "auth", **OPEN, "fields": [text("nick")], "createRule": "", "manageRule": "@request.auth.nick = 'boss'"})
    t.say("POST", "/api/collections", {"name": "views", "type": "view", "listRule": "", "viewQuery": "SELECT id, name FROM teams"})
    return teams


def user(t, nick="one", email="user@example.com"):
    account = {"email": email, "password": "user-1234", "passwordConfirm": "user-1234", "nick": nick, "verified": True}
    made = t.say("POST", "/api/collections/members/records", account, label=f"makes {nick}")
    login = t.say("POST", "/api/collections/members/auth-with-password", {"identity": email, "password": "user-1234"}, by="nobody", label=f"logs {nick} in")
    return made["id"], login["token"]


def batches_that_are_switched_off(t):
    for by in ("root", "nobody"):
        batch(t, create("users", {}), by=by)
        t.say("POST", "/api/batch", by=by, data="{bad", headers={"Content-Type": "application/json"})
    enable(t)
    batch(t, create("users", {}))
    t.say("PATCH", "/api/settings", {"batch": {"enabled": False}})
    batch(t, create("users", {}))


def batches_that_are_no_batches(t):
    enable(t, maxRequests=3)
    application(t)
    say = lambda data, kind="application/json": t.say("POST", "/api/batch", label=f"{kind}: {data}", data=data, headers={"Content-Type": kind})  # noqa: E731
    for body in ({}, {"requests": None}, {"requests": []}, {"requests": {}}, {"requests": "x"}, {"requests": [1]}, {"requests": ["x"]}, {"requests": [[]]}, {"requests": [{}]}):
        t.say("POST", "/api/batch", body)
    for data in ("", "{bad", "[]", "null", "1", '{"requests":[{"method":"POST"'):
        say(data)
    say("requests=1", "application/x-www-form-urlencoded")
    say("x", "text/plain")
    for one in (
        {"method": "POST"}, {"url": "/a"}, {"method": "post", "url": "/api/collections/teams/records"}, {"method": "NOPE", "url": "/a"}, {"method": "", "url": ""},
        {"method": "POST", "url": "a" * 2001}, create("teams", {"name": "a"}, "?" + "a" * 1968), {"method": 1, "url": "/a"}, {"method": "POST", "url": 1},
        {"method": "POST", "url": "/api/collections/teams/records", "body": "x"}, {"method": "POST", "url": "/api/collections/teams/records", "body": [1]},
        {"method": "POST", "url": "/api/collections/teams/records", "headers": {"a": 1}}, {"method": "POST", "url": "/api/collections/teams/records", "headers": "x"},
        {"method": "POST", "url": "/api/collections/teams/records", "body": None, "headers": None}, {"method": None, "url": None},
    ):
        batch(t, create("teams", {"name": "a"}), one)
    batch(t, *[create("teams", {"name": "a"})] * 4)
    batch(t, {}, {"method": "GET"}, {"url": "/x"}, {})
    batch(t, *[create("teams", {"name": "a"})] * 3, label="three")
    stored(t, "teams")


def urls_that_lead_nowhere(t):
    enable(t)
    application(t)
    # Behind another request PocketBase calls one that it does not know a fault of its own: 500.
    for method, url in (
        ("GET", "/api/collections/teams/records"), ("GET", "/api/health"), ("POST", "/api/collections/teams/records/"), ("POST", "api/collections/teams/records"),
        ("POST", "/api/collections//records"), ("POST", "/api/collections/teams/record"), ("POST", "/api/collections/teams"), ("POST", "/api/collections"), ("POST", "/api/batch"),
        ("PATCH", "/api/collections/teams/records"), ("PATCH", "/api/collections/teams/records/"), ("PATCH", "/api/collections/teams/records/a/b"),
        ("DELETE", "/api/collections/teams/records"), ("DELETE", "/api/collections/teams"), ("PUT", "/api/collections/teams/records/a"), ("PUT", "/api/collections/import"),
        ("POST", "http://127.0.0.1/api/collections/teams/records"), ("POST", "/api/collections/users/auth-with-password"), ("POST", "/api/settings"),
        ("POST", "/api/backups"), ("POST", "/_/"), ("DELETE", "/api/collections/teams/truncate"),
    ):
        for by in ("root", "nobody"):
            batch(t, {"method": method, "url": url, "body": {"name": "x"}}, create("teams", {"name": "behind"}), by=by)
    for method, url in (
        ("POST", "/api/collections/nope/records"), ("PATCH", "/api/collections/nope/records/a"),
        ("PUT", "/api/collections/nope/records"), ("DELETE", "/api/collections/nope/records/a"), ("POST", "/api/collections/views/records"), ("PUT", "/api/collections/views/records"),
        ("PATCH", "/api/collections/views/records/a"), ("DELETE", "/api/collections/views/records/a"), ("PATCH", "/api/collections/teams/records/missing00000000"),
        ("DELETE", "/api/collections/teams/records/missing00000000"), ("POST", "/api/collections/te%61ms/records"),
    ):
        for by in ("root", "nobody"):
            batch(t, create("teams", {"name": "before"}), {"method": method, "url": url, "body": {"name": "x"}}, by=by)
    stored(t, "teams")


def batches_of_a_superuser(t):
    enable(t)
    application(t)
    team = batch(t, create("teams", {"name": "first", "open": True}))[0]["body"]["id"]
    batch(t, create("posts", {"title": "p", "team": team, "hidden": "h"}, "?expand=team"), create("posts", {"title": "q"}, "?fields=title,n"), create("notes", {"title": "n"}))
    batch(t, upsert("teams", {"id": ID, "name": "made"}), upsert("teams", {"id": ID, "name": "changed"}), update("teams", ID, {"name": "again"}, "?fields=name"), upsert("teams", {"name": "no id"}), upsert("teams", {"id": "", "name": "empty id"}))
    batch(t, update("teams", ID, {"name": ""}))
    batch(t, delete("teams", ID), delete("teams", ID))
    batch(t, delete("teams", ID), upsert("teams", {"id": ID, "name": "anew"}), label="deleted and made anew")
    batch(t, create("teams", {"name": "x"}), create("teams", {}), create("teams", {"name": "y"}))
    batch(t, create("teams", {}), create("teams", {}))
    batch(t, create("posts", {"title": "q", "team": "missing00000000"}))
    batch(t, create("posts", {"title": "t" * 41, "n": "x", "others": [team, "missing00000000"]}))
    batch(t, create("teams", {"name": "a", "code": "same"}), create("teams", {"name": "b", "code": "same"}), label="a clash within")
    batch(t, create("teams", {"name": "a", "code": "same"}), label="no clash")
    batch(t, create("teams", {"name": "b", "code": "same"}), label="a clash with what is there")
    batch(t, create("teams", {"id": ID, "name": "taken"}), label="an id that is taken")
    batch(t, create("teams", {"id": "another00000000", "name": "one"}), create("teams", {"id": "another00000000", "name": "two"}), label="one id twice")
    batch(t, create("teams", {"name": "a"}, "?fields=name:excerpt("), label="fields that are none")
    batch(t, create("teams", {"name": "a"}, "?fields=name:excerpt(1,true)"), label="an excerpt")
    batch(t, create("teams", {"name": "a"}, "?expand=nope&fields=*"), label="an expand that is none")
    stored(t, "teams", "posts", "notes")


def batches_that_see_what_they_wrote(t):
    enable(t)
    application(t)
    batch(t, create("teams", {"id": ID, "name": "parent", "open": True}), create("posts", {"title": "child", "team": ID}, "?expand=team"), by="nobody", label="a parent and its child")
    batch(t, update("teams", ID, {"open": False}), create("posts", {"title": "late", "team": ID}), by="nobody", label="a rule that says otherwise by then")
    batch(t, create("posts", {"title": "early", "team": ID}, "?expand=team"), update("teams", ID, {"name": "renamed"}), create("posts", {"title": "after", "team": ID}, "?expand=team"), by="nobody", label="an expand shows what is there then")
    batch(t, create("teams", {"id": "second000000000", "name": "second", "open": True}), create("posts", {"id": "post00000000000", "title": "one", "team": "second000000000"}),
          update("posts", "post00000000000", {"title": "two", "n+": 2}), update("posts", "post00000000000", {"n+": 3}), delete("posts", "post00000000000"), by="nobody", label="made, changed, deleted")
    batch(t, create("teams", {"id": "third0000000000", "name": "third", "open": True}), create("posts", {"id": "post00000000001", "title": "stays", "team": "third0000000000"}),
          delete("posts", "post00000000001"), by="nobody", label="made, and not for deleting")
    batch(t, create("looks", {"id": "look00000000000", "title": "x"}), create("teams", {"name": "named now"}), update("looks", "look00000000000", {"title": "named now"}), label="@collection")
    batch(t, create("teams", {"name": "z"}), update("looks", "look00000000000", {"title": "nobody"}), by="nobody")
    batch(t, create("teams", {"name": "z"}), update("looks", "look00000000000", {"title": "z"}), by="nobody")
    batch(t, create("teams", {"id": "fourth000000000", "name": "with posts", "open": True}), create("posts", {"title": "p", "team": "fourth000000000", "others": [ID, "fourth000000000"]}),
          delete("teams", "fourth000000000"), label="a relation that is taken out")
    stored(t, "teams", "posts", "looks")


def batches_and_their_requests(t):
    """What rules see of the request: its own method, query and headers; the account is that of the batch."""
    enable(t)
    application(t)
    id, token = user(t)
    own = {"headers": {"X-Own": "mine"}}
    for by in ("root", "nobody", token):
        batch(t, create("looks", {"title": "a"}, "?q=yes", **own), by=by, label="as the rule wants it")
        batch(t, create("looks", {"title": "a"}, "?q=no", **own), by=by, label="another query")
        batch(t, create("looks", {"title": "a"}, "?q=yes"), by=by, label="no header")
        batch(t, create("looks", {"title": "a"}, "?q=yes", **own), create("looks", {"title": "b"}, "?q=yes", **own), by=by, label="another body")
        batch(t, create("looks", {"title": "a"}, "?q=yes"), by=by, label="the header of the batch", headers={"X-Own": "mine"})
        batch(t, create("looks", {"title": "a"}, "?q=yes", headers={"X-Own": "other"}), by=by, label="one header instead of another", headers={"X-Own": "mine"})
        batch(t, upsert("looks", {"title": "a"}, "?q=yes", **own), by=by, label="an upsert that creates")
        batch(t, create("posts", {"title": "by a user"}), by=by, label="a rule that looks at the account")
        batch(t, create("posts", {"title": "x", "hidden": "h"}, headers={"Authorization": t.root.token}), by=by, label="a token among the headers")
        batch(t, create("notes", {"title": "x"}), by=by, label="closed")
        batch(t, update("notes", "missing00000000", {}), by=by, label="closed and missing")
        batch(t, delete("notes", "missing00000000"), by=by, label="closed, missing and to be deleted")
    stored(t, "looks", "posts", "notes")


def batches_of_accounts(t):
    enable(t, timeout=30)
    application(t)
    account = lambda nick, **rest: {"email": f"{nick}@example.com", "password": "user-1234", "passwordConfirm": "user-1234", "nick": nick, **rest}  # noqa: E731
    id, token = user(t)
    boss, boss_token = user(t, "boss", "boss@example.com")
    batch(t, create("members", account("a")), create("members", account("b")), by="nobody")
    batch(t, create("members", account("c")), create("members", account("c")), by="nobody", label="one address twice")
    batch(t, create("members", account("d")), create("members", account("e", passwordConfirm="x")), by="nobody", label="a confirmation that is none")
    batch(t, create("members", account("d", password="x", passwordConfirm="x")), by="nobody", label="a short password")
    batch(t, create("members", account("d", verified=True)), by="nobody", label="verified by oneself")
    batch(t, update("members", id, {"nick": "renamed"}), update("members", boss, {"nick": "boss"}), by=token)
    new = {"password": "new-12345", "passwordConfirm": "new-12345"}
    batch(t, update("members", id, new), by=token, label="no old password")
    batch(t, update("members", id, {**new, "oldPassword": "wrong"}), by=token, label="a wrong old password")
    batch(t, create("teams", {"name": "x"}), update("members", id, {**new, "oldPassword": "wrong"}), create("teams", {}), by=token, label="a wrong old password before something else")
    batch(t, update("members", id, {**new, "oldPassword": "user-1234"}), create("teams", {}), by=token, label="a right one before something else")
    batch(t, update("members", id, {**new, "oldPassword": "user-1234"}), update("members", id, {"password": "third-123", "passwordConfirm": "third-123", "oldPassword": "new-12345"}), by=token, label="twice")
    for password in ("user-1234", "new-12345", "third-123"):
        t.say("POST", "/api/collections/members/auth-with-password", {"identity": "user@example.com", "password": password}, by="nobody")
    batch(t, create("members", account("f", id=ID)), update("members", ID, {**new, "oldPassword": "user-1234"}), by="nobody", label="made and changed")
    batch(t, create("members", account("g", id="account00000000")), update("members", "account00000000", {**new, "oldPassword": "wrong"}), by="nobody", label="made and changed with a wrong one")
    batch(t, update("members", id, {"email": "other@example.com"}), by=token, label="another address")
    batch(t, update("members", id, {"email": "other@example.com", **new, "verified": False}), by=boss_token, label="another address by who manages")
    batch(t, delete("members", id), create("members", account("user")), label="an address that became free")
    batch(t, create("_superusers", {"email": "x@example.com", "password": "root-12345", "passwordConfirm": "root-12345"}), by="nobody")
    batch(t, create("_superusers", {"email": "x@example.com", "password": "root-12345", "passwordConfirm": "root-12345"}))
    for one in t.say("GET", "/api/collections/_superusers/records", label="superusers")["items"]:
        if one["email"] != "x@example.com":
            batch(t, create("teams", {"name": "with superusers"}), *[delete("_superusers", each["id"]) for each in t.say("GET", "/api/collections/_superusers/records", label="superusers")["items"]], label="all superusers")
    stored(t, "members", "teams")


def passwords_that_an_index_keeps_apart(t):
    """Hashes are computed beside the transaction; what stands for them meanwhile is no other's."""
    enable(t)
    fields = [{"name": "secret", "type": "password", "cost": 4}, {"name": "n", "type": "number", "required": True}]
    t.say("POST", "/api/collections", {"name": "keys", "type": "base", **OPEN, "fields": fields, "indexes": ["CREATE UNIQUE INDEX i ON keys (secret)"]})
    key = lambda **body: create("keys", body, "?fields=n")  # noqa: E731
    for requests in ([key(n=1, secret="one"), key(n=2, secret="two")], [key(n=1, secret="one"), key(n=2, secret="two"), key(secret="three")], [key(n=3, secret="same"), key(n=4, secret="same")], [key(n=5), key(n=6)]):
        batch(t, *requests)


def batches_with_files(t):
    enable(t)
    application(t)
    tell = lambda requests, files, label, by="root": t.say(  # noqa: E731
        "POST", "/api/batch", by=by, label=label, data={"@jsonPayload": json.dumps({"requests": requests})}, files=files
    )
    png, note = ("picture.png", PNG), ("note.txt", b"hello")
    made = tell([create("posts", {"title": "a"}), create("posts", {"title": "b"}), create("posts", {"id": ID, "title": "c"})],
                [("requests.0.file", note), ("requests.0.files", png), ("requests.0.files", png), ("requests[2].files", png)], "files of both names")
    post = made[0]["body"]
    tell([update("posts", post["id"], {"files-": post["files"][0]})], [("requests.0.file", ("other.txt", b"other"))], "one goes, one is replaced")
    tell([update("posts", post["id"], {})], [("requests.0.files+", png)], "one more")
    tell([update("posts", post["id"], {"files": [post["files"][1]]})], [("requests.0.files", png)], "in place of what was named")
    tell([update("posts", post["id"], {"title": "x"})], [("requests.0.title", note)], "a file for a text")
    tell([create("posts", {"title": "x"})], [("requests.0.files", note)], "another type")
    tell([create("posts", {"title": "x"})], [("requests.0.files", png)] * 4, "too many")
    tell([create("posts", {"title": "x"})], [("requests.0.file", ("big.txt", b"x" * 3000))], "too large a file")
    tell([create("posts", {"title": "x"}), create("posts", {})], [("requests.0.file", note), ("requests.1.file", note)], "the second is refused")
    tell([create("posts", {"title": "y"})], [("requests.7.file", note), ("requests.00.file", note), ("file", note), ("requests.0", note)], "files for nobody")
    tell([create("posts", {"title": "z"})], [], "no files")
    tell([upsert("posts", {"id": ID, "title": "upserted"}), upsert("posts", {"id": "new000000000000", "title": "made"})], [("requests.0.file", note), ("requests.1.file", note)], "upserts")
    tell([update("posts", ID, {"files": []}), delete("posts", "new000000000000")], [], "files go")
    tell([create("posts", {"id": "brief0000000000", "title": "brief"}), update("posts", "brief0000000000", {"file": None}), delete("posts", "brief0000000000")], [("requests.0.file", note)], "a file that goes at once")
    tell([create("posts", {"title": "by nobody"})], [("requests.0.file", note)], "nobody", "nobody")
    t.say("POST", "/api/batch", label="a payload that is none", data={"@jsonPayload": "{bad"}, files=[("requests.0.file", note)])
    t.say("POST", "/api/batch", label="no payload", data={"x": "y"}, files=[("requests.0.file", note)])
    t.say("POST", "/api/batch", label="requests as a value", data={"requests": "x"}, files=[("requests.0.file", note)])
    for post in t.say("GET", "/api/collections/posts/records", params={"sort": "title,created"})["items"]:
        for name in [post["file"], *post["files"]]:
            if name:
                t.say("GET", f"/api/files/posts/{post['id']}/{name}", by="nobody")


def batches_that_are_limited(t):
    enable(t, maxBodySize=400)
    teams = application(t)
    batch(t, create("teams", {"name": "small"}))
    batch(t, create("teams", {"name": "x" * 400}), label="too large")
    t.say("POST", "/api/batch", label="too large, a form", data={"@jsonPayload": "{}"}, files=[("requests.0.file", ("a", b"x" * 1000))])
    enable(t, maxBodySize=0)
    rules = [{"label": "teams:create", "maxRequests": 3, "duration": 600}, {"label": "*:update", "maxRequests": 2, "duration": 600}, {"label": "/api/collections/looks/records", "maxRequests": 1, "duration": 600}]
    t.say("PATCH", "/api/settings", {"rateLimits": {"enabled": True, "rules": rules}})
    batch(t, create("teams", {"name": "1"}), create("teams", {"name": "2"}), by="nobody", label="two")
    batch(t, create("teams", {"name": "3"}), create("teams", {"name": "4"}), by="nobody", label="one too many")
    batch(t, create("teams", {"name": "5"}), by="nobody", label="still too many")
    batch(t, *[create("teams", {"name": "s"})] * 5, label="superusers are not counted")
    t.say("POST", "/api/collections/teams/records", {"name": "by itself"}, by="nobody", label="what comes by itself is counted by itself")
    batch(t, upsert("teams", {"id": ID, "name": "made"}), by="nobody", label="an upsert that creates")
    batch(t, upsert("teams", {"id": ID, "name": "made"}), label="made by a superuser")
    batch(t, upsert("teams", {"id": ID, "name": "x"}), upsert("teams", {"id": ID, "name": "y"}), upsert("teams", {"id": ID, "name": "z"}), by="nobody", label="upserts that change")
    batch(t, update("teams", ID, {"name": "w"}), by="nobody", label="changes are used up")
    batch(t, create("looks", {"title": "a"}, "?q=1"), by="nobody", label="by the path")
    batch(t, create("looks", {"title": "a"}), by="nobody", label="by the path, again")
    # The requests before an upsert tell what it will do, whatever spelling names the collection.
    rules = [{"label": "*:update", "maxRequests": 1, "duration": 601}]
    t.say("PATCH", "/api/settings", {"rateLimits": {"enabled": True, "rules": rules}})
    spellings = [upsert(name, {"id": OTHER, "name": "x"}) for name in ("Teams", "teams", "TEAMS", teams["id"])]
    batch(t, create("teams", {"id": OTHER, "name": "x"}), *spellings, by="nobody", label="upserts that change what was just made")
    rules = [{"label": "*:create", "maxRequests": 2, "duration": 602}]
    t.say("PATCH", "/api/settings", {"rateLimits": {"enabled": True, "rules": rules}})
    batch(t, *[delete("teams", ID), upsert("teams", {"id": ID, "name": "x"})] * 4, by="nobody", label="upserts of what was just deleted")
    stored(t, "teams")


SCENARIOS = [
    batches_that_are_switched_off, batches_that_are_no_batches, urls_that_lead_nowhere, batches_of_a_superuser, batches_that_see_what_they_wrote,
    batches_and_their_requests, batches_of_accounts, passwords_that_an_index_keeps_apart, batches_with_files, batches_that_are_limited,
]
