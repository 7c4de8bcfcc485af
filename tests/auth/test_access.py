"""Every endpoint without a token, with a user's, with an expired one, as a superuser; and the table of them is the router's.

What a caller may do beyond getting in (rules, validation) is tested elsewhere: here only 401, 403 and "let in" count.
"""

import re

import pytest

from harness.programs import BOSBASE, EMAIL, ORACLE_RUN, PASSWORD
from harness.server import Server
from harness.tokens import token

# Who is let in: `anyone`; `auth` a valid token of any auth record; `same` one of the very collection; `superuser`;
# `file` a superuser's file token in the query; `disabled` nobody, as long as the collection has that way to log in off;
# `rule` what the collection's rules say (null here: superusers only).
TABLE = [
    ("GET", "/api/health", "anyone"),
    ("HEAD", "/api/health", "anyone"),
    ("GET", "/api/settings", "superuser"),
    ("PATCH", "/api/settings", "superuser"),
    ("POST", "/api/settings/test/s3", "superuser"),
    ("POST", "/api/settings/test/email", "superuser"),
    ("POST", "/api/settings/test/webhook", "superuser"),
    ("GET", "/api/collections", "superuser"),
    ("POST", "/api/collections", "superuser"),
    ("GET", "/api/collections/{collection}", "superuser"),
    ("PATCH", "/api/collections/{collection}", "superuser"),
    ("DELETE", "/api/collections/{collection}", "superuser"),
    ("DELETE", "/api/collections/{collection}/truncate", "superuser"),
    ("PUT", "/api/collections/import", "superuser"),
    ("GET", "/api/collections/import", "superuser"),
    ("PATCH", "/api/collections/import", "superuser"),
    ("DELETE", "/api/collections/import", "superuser"),
    ("GET", "/api/collections/meta/scaffolds", "superuser"),
    ("GET", "/api/collections/{collection}/records", "rule"),
    ("POST", "/api/collections/{collection}/records", "rule"),
    ("GET", "/api/collections/{collection}/records/{id}", "rule"),
    ("PATCH", "/api/collections/{collection}/records/{id}", "rule"),
    ("DELETE", "/api/collections/{collection}/records/{id}", "rule"),
    ("GET", "/api/collections/{collection}/auth-methods", "anyone"),
    ("POST", "/api/collections/{collection}/auth-with-password", "anyone"),
    ("POST", "/api/collections/{collection}/auth-with-otp", "anyone"),
    ("POST", "/api/collections/{collection}/auth-with-oauth2", "anyone"),
    ("POST", "/api/collections/{collection}/request-otp", "anyone"),
    ("POST", "/api/collections/{collection}/auth-refresh", "same"),
    ("POST", "/api/collections/{collection}/impersonate/{id}", "superuser"),
    ("POST", "/api/collections/{collection}/request-otp", "disabled"),
    ("POST", "/api/collections/{collection}/auth-with-otp", "disabled"),
    ("POST", "/api/collections/{collection}/auth-with-oauth2", "disabled"),
    ("GET", "/api/files/{collection}/{id}/{file}", "anyone"),
    ("HEAD", "/api/files/{collection}/{id}/{file}", "anyone"),
    ("POST", "/api/files/token", "auth"),
    ("GET", "/api/realtime", "anyone"),
    ("POST", "/api/realtime", "anyone"),
    ("GET", "/api/logs", "superuser"),
    ("GET", "/api/logs/stats", "superuser"),
    ("GET", "/api/logs/{id}", "superuser"),
    ("GET", "/api/crons", "superuser"),
    ("POST", "/api/crons/{id}", "superuser"),
    ("GET", "/api/backups", "superuser"),
    ("POST", "/api/backups", "superuser"),
    ("POST", "/api/backups/upload", "superuser"),
    ("GET", "/api/backups/upload", "file"),
    ("DELETE", "/api/backups/upload", "superuser"),
    ("GET", "/api/backups/{key}", "file"),
    ("HEAD", "/api/backups/{key}", "file"),
    ("DELETE", "/api/backups/{key}", "superuser"),
    ("POST", "/api/backups/{key}/restore", "superuser"),
    ("GET", "/api/backups/status", "superuser"),
    ("GET", "/api/backups/undo-restore", "superuser"),
    ("POST", "/api/backups/undo-restore", "superuser"),
    ("POST", "/api/backups/cancel", "superuser"),
    ("GET", "/api/metrics", "superuser"),
    ("POST", "/api/backups/{key}/verify", "superuser"),
    ("GET", "/api/backups/{key}/content", "superuser"),
    ("GET", "/api/backups/{key}/records/{collection}", "superuser"),
    ("POST", "/api/backups/{key}/recover", "superuser"),
    ("GET", "/api/backups/jobs", "superuser"),
    ("POST", "/api/backups/preview-retention", "superuser"),
    ("POST", "/api/batch", "anyone"),
    ("GET", "/api/oauth2-redirect", "anyone"),
    ("POST", "/api/oauth2-redirect", "anyone"),
    ("GET", "/api/collections/meta/oauth2-providers", "superuser"),
    ("POST", "/api/collections/meta/dry-run-view", "superuser"),
    ("POST", "/api/settings/apple/generate-client-secret", "superuser"),
    ("POST", "/api/sql", "superuser"),
    ("DELETE", "/api/logs", "superuser"),
    ("POST", "/api/collections/{collection}/request-verification", "anyone"),
    ("POST", "/api/collections/{collection}/confirm-verification", "anyone"),
    ("POST", "/api/collections/{collection}/request-password-reset", "anyone"),
    ("POST", "/api/collections/{collection}/confirm-password-reset", "anyone"),
    ("POST", "/api/collections/{collection}/request-email-change", "same"),
    ("POST", "/api/collections/{collection}/confirm-email-change", "anyone"),
    ("GET", "/", "anyone"),
    ("GET", "/_", "anyone"),
    ("GET", "/_/", "anyone"),
    ("GET", "/_/{path}", "anyone"),
]
# PocketBase has a dashboard of its own, and nothing at /.
OURS_ALONE = {row[:2] for row in TABLE if row[1] == "/" or row[1].startswith("/_/")} | {("GET", "/api/metrics"), ("POST", "/api/settings/test/webhook"), ("GET", "/api/backups/undo-restore"), ("POST", "/api/backups/undo-restore"), ("POST", "/api/backups/cancel"), ("GET", "/api/backups/status"), ("POST", "/api/backups/{key}/verify"), ("GET", "/api/backups/{key}/content"), ("GET", "/api/backups/{key}/records/{collection}"), ("POST", "/api/backups/{key}/recover"), ("GET", "/api/backups/jobs"), ("POST", "/api/backups/preview-retention")}

NO_TOKEN = "The request requires valid record authorization token."
NOT_ALLOWED = "The authorized record is not allowed to perform this action."


class Place:
    """A server with a collection that only superusers may touch, and a token of every sort."""

    def __init__(self, server):
        self.server = server
        root = server.root()
        self.root_token = root.token
        self.root_file_token = root.file_token()
        root.post("/api/collections", json={"name": "closed", "type": "base", "fields": [{"name": "title", "type": "text"}]})
        password = {"password": "user-1234", "passwordConfirm": "user-1234"}
        user = root.create("users", {"email": "user@example.com", **password})
        as_user = server.client().login("users", "user@example.com", "user-1234")
        self.user_token, self.user_file_token = as_user.token, as_user.file_token()
        directory, superuser = server.directory, root.auth["record"]["id"]
        self.broken_tokens = {
            "expired superuser": token(directory, "_superusers", superuser, expires_in=-5),
            "expired user": token(directory, "users", user["id"], expires_in=-5),
            "a file token for an auth token": self.root_file_token,
            "wrong signature": self.root_token[:-6] + "AAAAAA",
            "no signature": ".".join([_none(), self.root_token.split(".")[1], ""]),
            "nonsense": "nonsense",
        }
        self.expired_file_token = token(directory, "_superusers", superuser, kind="file", expires_in=-5)

    def ask(self, method, path, authorization=None, access=None, query=None):
        filled = path.format(collection=_collection(path, access), id="missing00000000", file="missing.txt", key="missing.zip", path="some/page")
        body = {} if method in ("POST", "PATCH", "PUT") else None
        if path == "/api/backups" and method == "POST":
            body = {"name": "NOT VALID"}
        client = self.server.client()
        client.token = authorization
        answer = client.send(method, filled, json=body, params=query, expect=None, stream=True, timeout=20)
        message = "" if method == "HEAD" or path == "/api/realtime" and method == "GET" and answer.ok else answer.text
        answer.close()
        return answer.status_code, message


def _none():
    return "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0"  # {"alg":"none","typ":"JWT"}


def _collection(path, access):
    if access in ("same", "anyone", "disabled") or "impersonate" in path:
        return "users"
    return "closed" if "records" in path else "missing"


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    with Server(BOSBASE, tmp_path_factory.mktemp("access") / "pb_data") as server:
        yield Place(server)


def rows():
    return [row for row in TABLE if not (ORACLE_RUN and row[:2] in OURS_ALONE)]


@pytest.mark.parametrize(("method", "path", "access"), rows(), ids=[f"{row[0]} {row[1]}" for row in rows()])
def test_it_lets_in_only_whom_it_should(place, method, path, access):
    def refused(status, message, *asked, **more):
        got = place.ask(method, path, *asked, access=access, **more)
        assert got[0] == status, got
        assert method == "HEAD" or message in got[1], got

    def let_in(*asked, **more):
        got = place.ask(method, path, *asked, access=access, **more)
        switched_off = "The collection is not configured to allow" in got[1] or "Batch requests are not allowed." in got[1]
        assert switched_off or got[0] not in (401, 403, 405) and (got[0] < 500 or got[0] == 501), got

    if access == "anyone":
        let_in()
        for broken in place.broken_tokens.values():
            let_in(broken)
        let_in(place.user_token)
    elif access == "file":
        for query in (None, {"token": ""}, {"token": "nonsense"}, {"token": place.root_token}, {"token": place.expired_file_token}):
            refused(403, "", None, query=query)
            refused(403, "", place.root_token, query=query)
        refused(403, "", None, query={"token": place.user_file_token})
        let_in(None, query={"token": place.root_file_token})
        return
    elif access == "disabled":
        for any_token in (None, *place.broken_tokens.values(), place.user_token, place.root_token):
            refused(403, "The collection is not configured to allow", any_token)
        return
    elif access == "rule":
        closed = "Only superusers can perform this action."
        refused(403, closed)
        refused(403, closed, place.user_token)
        for broken in place.broken_tokens.values():
            refused(403, closed, broken)
    else:
        refused(401, NO_TOKEN)
        for broken in place.broken_tokens.values():
            refused(401, NO_TOKEN, broken)
        if access == "superuser":
            refused(403, NOT_ALLOWED, place.user_token)
        else:
            let_in(place.user_token)
    if access == "same":
        refused(403, "", place.root_token)
    else:
        let_in(place.root_token)
        let_in("Bearer " + place.root_token)


@pytest.mark.ours
def test_the_table_is_the_router():
    printed = BOSBASE.run("routes").stdout.split("\n")
    routed = {tuple(line.split()[:2]) for line in printed if line.strip()}

    def anonymous(rows):
        return {(method, re.sub(r"\{[^}]*\}", "{}", path)) for method, path in rows if method != "HEAD"}

    assert anonymous(routed) == anonymous(row[:2] for row in TABLE)


def test_a_deleted_or_changed_superusers_token_dies(place):
    root = place.server.root()
    password = {"password": "other-1234", "passwordConfirm": "other-1234"}
    other = root.create("_superusers", {"email": "other@example.com", **password})
    client = place.server.client().login("_superusers", "other@example.com", "other-1234")
    client.get("/api/settings")
    password = {"password": "changed-1234", "passwordConfirm": "changed-1234"}
    root.patch(f"/api/collections/_superusers/records/{other['id']}", json=password)
    client.get("/api/settings", expect=401)
    client.login("_superusers", "other@example.com", "changed-1234").get("/api/settings")
    root.delete(f"/api/collections/_superusers/records/{other['id']}")
    client.get("/api/settings", expect=401)


def test_the_last_superuser_cannot_be_deleted(place):
    root = place.server.root()
    only = root.records("_superusers")
    assert [record["email"] for record in only] == [EMAIL]
    root.delete(f"/api/collections/_superusers/records/{only[0]['id']}", expect=400)
    place.server.root(EMAIL, PASSWORD)


def test_an_unknown_path_or_method_is_a_json_404(place):
    for method, path in (("GET", "/api/nothing"), ("PUT", "/api/backups"), ("GET", "/api/backups/a/b/c")):
        status, body = place.ask(method, path)
        assert status == 404 and '"status":404' in body, (method, path, status, body)
