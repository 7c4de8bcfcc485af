"""`settings.rateLimits` is enforced as PocketBase does; where it is off, wrong passwords are limited and right ones are not.

Rate limits were stored, shown as on, and not enforced: 99 guesses of a superuser's password in eight seconds.
"""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from harness.programs import EMAIL, PASSWORD

LOGIN = "/api/collections/_superusers/auth-with-password"


def rule(label, requests=2, seconds=60, audience=""):
    return {"label": label, "maxRequests": requests, "duration": seconds, "audience": audience}


@pytest.fixture
def root(server):
    root = server.root()
    for name in ("a", "b"):
        root.post(
            "/api/collections",
            json={"name": name, "type": "base", "listRule": "", "viewRule": "", "createRule": "", "fields": []},
        )
    return root


@pytest.fixture
def limit(root):
    def limit(*rules, **more):
        settings = {"enabled": True, "rules": list(rules), "excludedIPs": [], **more}
        root.patch("/api/settings", json={"rateLimits": settings})

    return limit


def asked(client, method, path, times=4, **rest):
    return [client.send(method, path, expect=None, **rest).status_code for _ in range(times)]


LIST_A, LIST_B = "/api/collections/a/records", "/api/collections/b/records"


def test_a_path_is_limited_for_each_route_and_collection(server, limit):
    client = server.client()
    limit(rule("/api/"))
    assert asked(client, "GET", "/api/health") == [200, 200, 429, 429]
    assert asked(client, "GET", LIST_A) == [200, 200, 429, 429]
    assert asked(client, "GET", LIST_B) == [200, 200, 429, 429]
    assert asked(client, "GET", f"{LIST_A}/x") == [404, 404, 429, 429]
    assert asked(client, "GET", "/api/collections") == [429] * 4, "no collection's own: counted with health"
    assert asked(client, "GET", "/elsewhere") == [404] * 4
    assert asked(client, "GET", "/api/collections/none/records") == [404] * 4


def test_the_answer(server, limit):
    client = server.client()
    limit(rule("/api/health", 1, 30))
    asked(client, "GET", "/api/health", 1)
    answer = client.send("GET", "/api/health", expect=429)
    assert answer.json() == {"data": {}, "message": "Too Many Requests.", "status": 429}


@pytest.mark.ours
def test_the_answer_says_when_to_come_again(server, limit):
    client = server.client()
    limit(rule("/api/health", 1, 30))
    asked(client, "GET", "/api/health", 1)
    # A page of another origin may read it, too.
    answer = client.send("GET", "/api/health", expect=429, headers={"Origin": "https://app.example"})
    assert 1 <= int(answer.headers["Retry-After"]) <= 30
    assert answer.headers["Access-Control-Expose-Headers"].lower() == "retry-after"


@pytest.mark.ours
def test_who_comes_again_when_the_answer_says_is_let_through(server, limit):
    client = server.client()
    limit(rule("/api/health", 1, 3))
    while (answer := client.send("GET", "/api/health", expect=None)).status_code != 429:
        pass
    time.sleep(int(answer.headers["Retry-After"]))
    client.send("GET", "/api/health", expect=200)


@pytest.mark.parametrize(
    "rules, method, path, statuses",
    [
        ([rule("/api/", 1), rule("a:list", 3)], "GET", LIST_A, [200, 200, 200, 429]),
        ([rule("/api/", 1), rule("/api/collections/", 3)], "GET", LIST_A, [200, 429, 429, 429]),
        ([rule("*:list", 2), rule("a:list", 3)], "GET", LIST_A, [200, 200, 200, 429]),
        ([rule("*:list")], "GET", LIST_A, [200, 200, 429, 429]),
        ([rule("*:list")], "GET", f"{LIST_A}/x", [404] * 4),
        ([rule("a:view")], "GET", f"{LIST_A}/x", [404, 404, 429, 429]),
        ([rule("a:create")], "POST", LIST_A, [200, 200, 429, 429]),
        ([rule("a:update")], "PATCH", f"{LIST_A}/x", [403, 403, 429, 429]),
        ([rule("a:delete")], "DELETE", f"{LIST_A}/x", [403, 403, 429, 429]),
        ([rule(LIST_A)], "GET", LIST_A, [200, 200, 429, 429]),
        ([rule(LIST_A)], "GET", f"{LIST_A}/x", [404] * 4),
        ([rule(f"GET {LIST_A}")], "GET", LIST_A, [200, 200, 429, 429]),
        ([rule(f"GET {LIST_A}")], "POST", LIST_A, [200] * 4),
        ([rule("GET /api/collections/")], "GET", LIST_A, [200, 200, 429, 429]),
        ([rule("a")], "GET", LIST_A, [200] * 4),
        ([rule("*:file")], "GET", "/api/files/a/b/c", [404, 404, 429, 429]),
        ([rule("*:auth")], "POST", LOGIN, [400, 400, 429, 429]),
        ([rule("_superusers:authWithPassword")], "POST", LOGIN, [400, 400, 429, 429]),
        ([rule("*:auth")], "POST", "/api/collections/_superusers/auth-refresh", [401] * 4),
        ([rule("*:authRefresh")], "POST", "/api/collections/_superusers/auth-refresh", [401, 401, 429, 429]),
        ([rule("*:listAuthMethods")], "GET", "/api/collections/users/auth-methods", [200, 200, 429, 429]),
        ([rule("/api/health", audience="@auth")], "GET", "/api/health", [200] * 4),
        ([rule("/api/health", audience="@guest")], "GET", "/api/health", [200, 200, 429, 429]),
        ([rule("/api/health")], "HEAD", "/api/health", [200, 200, 429, 429]),
    ],
)
def test_which_rule_a_request_falls_under(server, limit, rules, method, path, statuses):
    limit(*rules)
    body = {"json": {"identity": "nobody@example.com", "password": "wrong"}} if method in ("POST", "PATCH") else {}
    assert asked(server.client(), method, path, **body) == statuses


def test_superusers_and_excluded_addresses_are_not_limited(server, root, limit):
    limit(rule("/api/", 1))
    assert asked(root, "GET", "/api/health") == [200] * 4
    for excluded in ("127.0.0.1", "127.0.0.0/8"):
        limit(rule("/api/", 1), excludedIPs=[excluded])
        assert asked(server.client(), "GET", "/api/health") == [200] * 4


def test_every_change_of_settings_lets_everybody_begin_anew(server, root, limit):
    limit(rule("/api/health"))
    assert asked(server.client(), "GET", "/api/health") == [200, 200, 429, 429]
    root.patch("/api/settings", json={"nope": 1})
    assert asked(server.client(), "GET", "/api/health") == [200, 200, 429, 429]
    root.patch("/api/settings", json={"meta": {"appName": ""}}, expect=400)
    assert asked(server.client(), "GET", "/api/health") == [429] * 4


def test_accounts_are_limited_by_rules_for_accounts(server, root, limit):
    root.create("users", {"email": "ann@example.com", "password": "ann-12345", "passwordConfirm": "ann-12345"})
    ann = server.client().login("users", "ann@example.com", "ann-12345")
    limit(rule("/api/health", 2, audience="@auth"), rule("/api/health", 3, audience="@guest"))
    assert asked(ann, "GET", "/api/health") == [200, 200, 429, 429]
    assert asked(server.client(), "GET", "/api/health") == [200, 200, 200, 429]


def test_a_trusted_proxy_tells_clients_apart(server, root, limit):
    limit(rule("/api/health"))
    client = server.client()
    as_told = lambda address: client.send(  # noqa: E731
        "GET", "/api/health", expect=None, headers={"X-Forwarded-For": address}
    ).status_code
    assert [as_told(f"10.0.0.{number}") for number in range(4)] == [200, 200, 429, 429], "nobody trusts the header yet"
    root.patch("/api/settings", json={"trustedProxy": {"headers": ["X-Forwarded-For"], "useLeftmostIP": False}})
    assert [as_told(f"10.0.1.{number % 2}") for number in range(6)] == [200] * 4 + [429] * 2
    assert as_told("9.9.9.9, 10.0.1.1") == 429, "what a client adds to the left is not the proxy's word"


# --- where the settings limit nothing ---------------------------------------------------------------------------------


def guess(client, identity=EMAIL, password="wrong", address="10.0.0.1"):
    return client.send(
        "POST",
        LOGIN,
        json={"identity": identity, "password": password},
        headers={"X-Forwarded-For": address},
        expect=None,
    )


@pytest.fixture
def behind_proxy(server):
    server.root().patch("/api/settings", json={"trustedProxy": {"headers": ["X-Forwarded-For"], "useLeftmostIP": False}})
    return server


@pytest.mark.ours
@pytest.mark.parametrize("identity", [EMAIL, "nobody@example.com"])
def test_after_ten_wrong_passwords_an_address_waits(behind_proxy, identity):
    client = behind_proxy.client()
    begun = time.monotonic()
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: guess(client, identity), range(60)))
    passed = time.monotonic() - begun
    statuses = [answer.status_code for answer in answers]
    # One more for each ten seconds that a slow machine takes.
    assert 10 <= statuses.count(400) <= 11 + passed / 10, statuses
    refused = [answer for answer in answers if answer.status_code == 429]
    assert len(refused) + statuses.count(400) == 60
    assert all(1 <= int(answer.headers["Retry-After"]) <= 10 for answer in refused)
    # Nobody else is: neither from another address, nor another account.
    assert guess(client, EMAIL, PASSWORD, "10.0.0.2").status_code == 200
    assert guess(client, "other@example.com").status_code == 400


@pytest.mark.ours
def test_a_login_is_let_through_when_the_answer_says(server):
    # 9.97 seconds were told as 9.
    client = server.client()
    while (answer := guess(client)).status_code != 429:
        assert answer.status_code == 400
    assert answer.json() == {"data": {}, "message": "Too Many Requests.", "status": 429}
    time.sleep(int(answer.headers["Retry-After"]))
    assert guess(client).status_code == 400


@pytest.mark.ours
def test_a_burst_of_right_logins_passes(behind_proxy):
    client = behind_proxy.client()
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: guess(client, EMAIL, PASSWORD), range(100)))
    assert {answer.status_code for answer in answers} == {200}


@pytest.mark.ours
def test_many_addresses_that_guess_lock_nobody_out(behind_proxy):
    client = behind_proxy.client()
    with ThreadPoolExecutor(20) as pool:
        list(pool.map(lambda number: guess(client, address=f"10.1.{number % 30}.1"), range(120)))
    assert guess(client, EMAIL, PASSWORD, "10.0.0.9").status_code == 200


@pytest.mark.ours
def test_a_stolen_token_does_not_find_the_password_out(server):
    root = server.root()
    root.patch("/api/collections/users", json={"updateRule": "id = @request.auth.id"})
    made = root.create("users", {"email": "ann@example.com", "password": "ann-12345", "passwordConfirm": "ann-12345"})
    ann = server.client().login("users", "ann@example.com", "ann-12345")
    body = {"oldPassword": "guess", "password": "new-12345", "passwordConfirm": "new-12345"}
    statuses = asked(ann, "PATCH", f"/api/collections/users/records/{made['id']}", 14, json=body)
    assert statuses[:10] == [400] * 10 and statuses[-1] == 429, statuses
