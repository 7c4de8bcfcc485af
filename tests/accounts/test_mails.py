"""Verification, password reset and email change: by mail, as with PocketBase."""

import contextlib
import re
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from alarms.sink import Silent
from harness.client import wait_for
from harness.tokens import token as forged

from .conftest import ours_and_pocketbase, use

PASSWORD, NEW = "user-1234", "another-5678"
USERS = "/api/collections/users"


def token_of(mail):
    found = set(re.findall(r"eyJ[\w-]+\.[\w-]+\.[\w-]+", mail.html))
    assert len(found) == 1
    return found.pop()


def account(root, email="user@example.com", **values):
    return root.create("users", {"email": email, "password": PASSWORD, "passwordConfirm": PASSWORD, **values})


def log_in(server, email, password, expect=200):
    body = {"identity": email, "password": password}
    return server.client().post(f"{USERS}/auth-with-password", json=body, expect=expect)


def stored(root, made):
    return root.get(f"{USERS}/records/{made['id']}")


def quiet(mailbox, count, seconds=1.0):
    """Nothing more is mailed."""
    time.sleep(seconds)
    assert len(mailbox.mails) == count


def test_an_address_is_verified(server, mailbox):
    root, client = use(server.root(), mailbox), server.client()
    made = account(root)
    client.post(f"{USERS}/request-verification", json={"email": "user@example.com"}, expect=204)
    mail = mailbox.next(0)
    assert mail.recipients == ["user@example.com"] and mail.subject == "Verify your Acme email"
    assert "http://app.example/_/#/auth/confirm-verification/" in mail.html
    session = log_in(server, "user@example.com", PASSWORD)["token"]
    token = token_of(mail)
    client.post(f"{USERS}/confirm-verification", json={"token": token}, expect=204)
    assert stored(root, made)["verified"] is True
    # Neither the login nor the mailed token ends by that.
    client.with_token(session).post(f"{USERS}/auth-refresh")
    client.post(f"{USERS}/confirm-verification", json={"token": token}, expect=204)
    client.post(f"{USERS}/request-verification", json={"email": "user@example.com"}, expect=204)
    quiet(mailbox, 1)


@pytest.mark.ours
def test_links_begin_with_one_slash(server, mailbox):
    root = use(server.root(), mailbox)
    root.patch("/api/settings", json={"meta": {"appURL": "http://app.example/"}})
    account(root)
    server.client().post(f"{USERS}/request-verification", json={"email": "user@example.com"}, expect=204)
    assert "http://app.example/_/#/auth/" in mailbox.next(0).html


def test_a_lost_password_is_replaced(server, mailbox):
    root, client = use(server.root(), mailbox), server.client()
    made = account(root)
    session = log_in(server, "user@example.com", PASSWORD)["token"]
    client.post(f"{USERS}/request-password-reset", json={"email": "user@example.com"}, expect=204)
    mail = mailbox.next(0)
    assert mail.recipients == ["user@example.com"] and mail.subject == "Reset your Acme password"
    body = {"token": token_of(mail), "password": NEW, "passwordConfirm": NEW}
    client.post(f"{USERS}/confirm-password-reset", json=body, expect=204)
    assert stored(root, made)["verified"] is True, "who reads the mail owns the address"
    log_in(server, "user@example.com", NEW)
    log_in(server, "user@example.com", PASSWORD, expect=400)
    client.with_token(session).post(f"{USERS}/auth-refresh", expect=401)
    client.post(f"{USERS}/confirm-password-reset", json=body, expect=400)
    # Who has done it may ask again at once.
    client.post(f"{USERS}/request-password-reset", json={"email": "user@example.com"}, expect=204)
    assert token_of(mailbox.next(1)) != body["token"]


def test_an_address_is_changed(server, mailbox):
    root = use(server.root(), mailbox)
    made = account(root)
    session = log_in(server, "user@example.com", PASSWORD)["token"]
    client = server.client().with_token(session)
    client.post(f"{USERS}/request-email-change", json={"newEmail": "new@example.com"}, expect=204)
    mail = mailbox.next(0)
    assert mail.recipients == ["new@example.com"] and mail.subject == "Confirm your Acme new email address"
    assert stored(root, made)["email"] == "user@example.com"
    body = {"token": token_of(mail), "password": PASSWORD}
    server.client().post(f"{USERS}/confirm-email-change", json={**body, "password": "wrong-1234"}, expect=400)
    server.client().post(f"{USERS}/confirm-email-change", json=body, expect=204)
    now = stored(root, made)
    assert (now["email"], now["verified"]) == ("new@example.com", True)
    client.post(f"{USERS}/auth-refresh", expect=401)
    log_in(server, "new@example.com", PASSWORD)
    server.client().post(f"{USERS}/confirm-email-change", json=body, expect=400)


@pytest.mark.parametrize("path", ["request-verification", "request-password-reset"])
def test_an_account_is_mailed_once_in_two_minutes_and_nobody_learns_of_it(server, mailbox, path):
    root, client = use(server.root(), mailbox), server.client()
    account(root)
    account(root, "second@example.com")
    client.post(f"{USERS}/{path}", json={"email": "user@example.com"}, expect=204)
    mailbox.next(0)
    for _ in range(3):
        client.post(f"{USERS}/{path}", json={"email": "user@example.com"}, expect=204)
    client.post(f"{USERS}/{path}", json={"email": "nobody@example.com"}, expect=204)
    quiet(mailbox, 1)
    client.post(f"{USERS}/{path}", json={"email": "second@example.com"}, expect=204)
    assert mailbox.next(1).recipients == ["second@example.com"]


def test_a_collection_without_passwords_forgets_the_one_that_was_set_before(server, mailbox):
    """Whoever registered an address that is not theirs must not have a password for it later."""
    root, client = use(server.root(), mailbox), server.client()
    account(root)
    root.patch(USERS, json={"passwordAuth": {"enabled": False}})
    client.post(f"{USERS}/request-verification", json={"email": "user@example.com"}, expect=204)
    client.post(f"{USERS}/confirm-verification", json={"token": token_of(mailbox.next(0))}, expect=204)
    client.post(f"{USERS}/request-password-reset", json={"email": "user@example.com"}, expect=400)
    root.patch(USERS, json={"passwordAuth": {"enabled": True}})
    log_in(server, "user@example.com", PASSWORD, expect=400)


def test_without_a_mail_server_the_reason_is_in_the_log(server):
    root, client = server.root(), server.client()
    account(root)
    session = log_in(server, "user@example.com", PASSWORD)["token"]
    for path, words in [("request-verification", "verification"), ("request-password-reset", "password reset")]:
        client.post(f"{USERS}/{path}", json={"email": "user@example.com"}, expect=204)
        line = {"filter": f'message = "Failed to send {words} email"'}
        found = wait_for(lambda line=line: root.get("/api/logs", params=line)["items"], 20, "a line of the log")[0]
        assert found["level"] == 8 and found["data"]["error"]
    answer = client.with_token(session).send("POST", f"{USERS}/request-email-change", json={"newEmail": "new@example.com"}, expect=400)
    assert answer.json() == {"status": 400, "message": "Failed to request email change.", "data": {}}


@pytest.mark.ours
def test_a_mailed_token_is_used_once_also_at_the_same_moment(server):
    """Four requests with one token all answered 204, and the last one to commit won."""
    made = account(server.root())
    token = forged(server.directory, "users", made["id"], kind="passwordReset", extra={"email": "user@example.com"})

    def reset(number):
        body = {"token": token, "password": f"password-{number}", "passwordConfirm": f"password-{number}"}
        return server.client().send("POST", f"{USERS}/confirm-password-reset", json=body, expect=None)

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(reset, range(4)))
    assert sorted(answer.status_code for answer in answers) == [204, 400, 400, 400]
    assert all(answer.json()["data"]["token"]["code"] == "validation_invalid_token" for answer in answers if answer.status_code == 400)
    winner = [answer.status_code for answer in answers].index(204)
    log_in(server, "user@example.com", f"password-{winner}")


@pytest.mark.ours
def test_a_mail_server_that_hangs_keeps_nobody_else_waiting(server):
    """Each request for another address held one of the threads that all others need."""
    root = server.root()
    account(root)
    silent = Silent()
    try:
        root.patch("/api/settings", json={"smtp": {"enabled": True, "host": "127.0.0.1", "port": silent.port}})
        token = log_in(server, "user@example.com", PASSWORD)["token"]

        def change(number):
            body = {"newEmail": f"new{number}@example.com"}
            client = server.client().with_token(token)
            with contextlib.suppress(requests.RequestException):
                return client.send("POST", f"{USERS}/request-email-change", json=body, expect=None, timeout=15).status_code

        with ThreadPoolExecutor(100) as pool:
            asked = [pool.submit(change, number) for number in range(100)]
            time.sleep(2)
            begun = time.monotonic()
            log_in(server, "user@example.com", PASSWORD)
            root.patch("/api/settings", json={"meta": {"appName": "Here"}})
            assert time.monotonic() - begun < 10
            assert 503 in {one.result() for one in asked}
    finally:
        silent.stop()


@pytest.mark.ours
def test_guesses_of_a_password_with_a_stolen_token_come_to_an_end(server):
    made = account(server.root())
    claims = {"newEmail": "new@example.com", "email": "user@example.com"}
    stolen = forged(server.directory, "users", made["id"], kind="emailChange", extra=claims)
    client = server.client()
    statuses = [
        client.send("POST", f"{USERS}/confirm-email-change", json={"token": stolen, "password": f"guess-{n}"}, expect=None).status_code
        for n in range(15)
    ]
    assert statuses[0] == 400 and statuses[-1] == 429


PATHS = [
    "request-verification",
    "confirm-verification",
    "request-password-reset",
    "confirm-password-reset",
    "request-email-change",
    "confirm-email-change",
]

BODIES = [
    {},
    {"email": "x"},
    {"email": 5, "token": 5, "newEmail": 5},
    {"email": None, "token": None, "password": None},
    {"email": "x" * 300 + "@example.com", "newEmail": "x" * 300 + "@example.com", "token": "x" * 300},
    {"email": "nobody@example.com", "newEmail": "user@example.com", "token": "a.b.c", "password": "x"},
    {"newEmail": "second@example.com", "password": "x" * 300, "passwordConfirm": "y" * 300},
    {"newEmail": "USER@example.com", "password": "short", "passwordConfirm": "short"},
]

TOKENS = [
    ("auth", {}),
    ("verification", {}),
    ("verification", {"email": "other@example.com"}),
    ("verification", {"email": "user@example.com", "exp": 1}),
    ("passwordReset", {"email": "user@example.com", "exp": 1}),
    ("passwordReset", {"email": "other@example.com"}),
    ("emailChange", {"email": "user@example.com"}),
    ("emailChange", {"email": "user@example.com", "newEmail": "second@example.com"}),
    ("emailChange", {"email": "user@example.com", "newEmail": "third@example.com", "exp": 1}),
    ("emailChange", {"email": "user@example.com", "newEmail": "third@example.com"}),
]


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    """Ours and the real PocketBase, with the same accounts."""
    with ours_and_pocketbase(tmp_path_factory) as servers:
        for server in servers:
            root = server.root()
            server.account = account(root, id="user00000000001")
            account(root, "second@example.com")
        yield servers


def answers(both, path, body, who=None):
    """What each program says to the same request."""
    found = []
    for server in both:
        client = server.client()
        if who == "user":
            client = client.with_token(log_in(server, "user@example.com", PASSWORD)["token"])
        elif who == "root":
            client = server.root()
        sent = body(server) if callable(body) else body
        answer = client.send("POST", path, json=sent, expect=None)
        found.append((answer.status_code, answer.json() if answer.content else None))
    return found


@pytest.mark.ours
@pytest.mark.parametrize("who", [None, "user", "root"])
@pytest.mark.parametrize("collection", ["users", "clients", "plain", "none", "_superusers"])
@pytest.mark.parametrize("path", PATHS)
def test_a_refusal_is_that_of_pocketbase(both, path, collection, who):
    for body in BODIES if collection in ("users", "_superusers") else BODIES[:1]:
        ours, theirs = answers(both, f"/api/collections/{collection}/{path}", body, who)
        assert ours == theirs, body


@pytest.mark.ours
@pytest.mark.parametrize("collection", ["users", "clients"])
@pytest.mark.parametrize("path", [path for path in PATHS if path.startswith("confirm")])
def test_a_token_is_refused_as_by_pocketbase(both, path, collection):
    for kind, claims in TOKENS:
        if collection == "users" and (kind, path) in (("passwordReset", "confirm-password-reset"), ("emailChange", "confirm-email-change")):
            password = "" if "exp" not in claims else PASSWORD
        else:
            password = PASSWORD

        def body(server, kind=kind, claims=claims, password=password):
            signed = forged(server.directory, "users", "user00000000001", kind=kind, extra=claims)
            return {"token": signed, "password": password, "passwordConfirm": password}

        ours, theirs = answers(both, f"/api/collections/{collection}/{path}", body)
        assert ours == theirs and ours[0] >= 400, (kind, claims)
