"""`rateLimits`, `trustedProxy`, `superuserIPs`: who may ask, and how often."""

from harness.client import wait_for
from harness.programs import EMAIL, PASSWORD
from harness.wire import ask, ask_json

from ..users import log_in, make_user

from .batch import notes


def limit(root, *rules, **more):
    root.patch("/api/settings", json={"rateLimits": {"enabled": True, "rules": list(rules), "excludedIPs": [], **more}})


def rule(label, requests=2, duration=3600, audience=""):
    return {"label": label, "maxRequests": requests, "duration": duration, "audience": audience}


def statuses(server, count=3, path="/api/collections/notes/records", headers=(), source="127.0.0.1"):
    return [ask(server.port, "GET", path, headers, source=source).status for _ in range(count)]


def requests_are_limited(server, root, sink):
    notes(root)
    limit(root, rule("notes:list", 2))
    assert statuses(server, 4) == [200, 200, 429, 429]
    assert statuses(server, 3, "/api/health") == [200] * 3
    limit(root, rule("/api/health", 1))
    assert statuses(server, 2, "/api/health") == [200, 429]
    root.patch("/api/settings", json={"rateLimits": {"enabled": False}})
    assert statuses(server, 4) == [200] * 4


def requests_are_limited_by_audience(server, root, sink):
    notes(root)
    make_user(root)
    token = {"Authorization": log_in(server)["token"]}
    limit(root, rule("notes:list", 1, audience="@guest"))
    assert statuses(server, 2) == [200, 429]
    assert statuses(server, 2, headers=token) == [200, 200]
    limit(root, rule("*:list", 1, audience="@auth"))
    assert statuses(server, 2, source="127.0.0.3", headers=token) == [200, 429]
    assert statuses(server, 2, source="127.0.0.4") == [200, 200]


def requests_are_limited_for_a_while(server, root, sink):
    notes(root)
    limit(root, rule("notes:list", 1, duration=3))
    assert 429 in statuses(server, 40), "forty requests in three seconds"
    wait_for(lambda: statuses(server, 1) == [200], 30, "the end of the limit")


def excluded_addresses_are_not_limited(server, root, sink):
    notes(root)
    limit(root, rule("notes:list", 1), excludedIPs=["127.0.0.5", "127.0.1.0/24"])
    assert statuses(server, 3, source="127.0.0.5") == [200] * 3
    assert statuses(server, 3, source="127.0.1.9") == [200] * 3
    assert statuses(server, 2) == [200, 429]


def a_proxy_tells_the_address(server, root, sink):
    headers = {"X-Forwarded-For": "10.1.1.1, 10.2.2.2"}
    seen = lambda: root.get("/api/health", headers=headers)["data"]["realIP"]  # noqa: E731
    assert seen() == "127.0.0.1"
    root.patch("/api/settings", json={"trustedProxy": {"headers": ["X-Forwarded-For"]}})
    assert seen() == "10.2.2.2"
    root.patch("/api/settings", json={"trustedProxy": {"useLeftmostIP": True}})
    assert seen() == "10.1.1.1"


def superusers_come_from_their_addresses(server, root, sink):
    root.patch("/api/settings", json={"superuserIPs": ["127.0.0.1"]})
    token = {"Authorization": root.token}
    assert ask(server.port, "GET", "/api/settings", token).status == 200
    assert ask(server.port, "GET", "/api/settings", token, source="127.0.0.2").status in (401, 403)
    login = {"identity": EMAIL, "password": PASSWORD}
    path = "/api/collections/_superusers/auth-with-password"
    elsewhere = ask_json(server.port, "POST", path, login, source="127.0.0.2")
    assert elsewhere.status in (400, 403) or ask(
        server.port, "GET", "/api/settings", {"Authorization": elsewhere.json()["token"]}, source="127.0.0.2"
    ).status in (401, 403)
    assert ask_json(server.port, "POST", path, login).status == 200
