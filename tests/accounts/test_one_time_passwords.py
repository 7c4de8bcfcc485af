"""Logins with a code that is mailed, as with PocketBase."""

import contextlib
import re
import sqlite3
import statistics
import time

import pytest

from harness.client import wait_for

from .conftest import ours_and_pocketbase, use
from .test_mails import PASSWORD, USERS, account, answers, log_in, stored


def allow(root, **options):
    root.patch(USERS, json={"otp": {"enabled": True, "duration": 180, "length": 8, **options}})


def ask(client, email="user@example.com"):
    return client.post(f"{USERS}/request-otp", json={"email": email})["otpId"]


def code_of(mail):
    return re.search(r"\b\d{8}\b", mail.text).group()


def sent(root, otp):
    """The one-time password's record, once the mail server has taken it."""
    return wait_for(lambda: (one := root.get(f"/api/collections/_otps/records/{otp}"))["sentTo"] and one, 20, "the mail's end")


def test_a_code_logs_in_once_and_verifies_the_address(server, mailbox):
    root, client = use(server.root(), mailbox), server.client()
    made = account(root)
    allow(root)
    otp = ask(client)
    mail = mailbox.next(0)
    assert mail.recipients == ["user@example.com"] and mail.subject == "OTP for Acme"
    assert sent(root, otp)["sentTo"] == "user@example.com"
    body = {"otpId": otp, "password": code_of(mail)}
    answer = client.post(f"{USERS}/auth-with-otp", json=body)
    assert answer["record"]["id"] == made["id"] and answer["record"]["verified"] is True
    client.with_token(answer["token"]).post(f"{USERS}/auth-refresh")
    assert stored(root, made)["verified"] is True
    client.post(f"{USERS}/auth-with-otp", json=body, expect=400)
    root.get(f"/api/collections/_otps/records/{otp}", expect=404)
    # Somebody else may have registered the address, with a password of theirs.
    log_in(server, "user@example.com", PASSWORD, expect=400)


def test_a_verified_account_keeps_its_password(server, mailbox):
    root, client = use(server.root(), mailbox), server.client()
    account(root, verified=True)
    allow(root)
    body = {"otpId": ask(client), "password": code_of(mailbox.next(0))}
    client.post(f"{USERS}/auth-with-otp", json=body)
    log_in(server, "user@example.com", PASSWORD)


def test_a_code_is_over_after_its_time_and_belongs_to_its_collection(server, mailbox):
    root, client = use(server.root(), mailbox), server.client()
    account(root)
    allow(root, duration=10)
    root.post("/api/collections", json={"name": "clients", "type": "auth", "otp": {"enabled": True, "duration": 10, "length": 8}})
    body = {"otpId": ask(client), "password": code_of(mailbox.next(0))}
    client.post("/api/collections/clients/auth-with-otp", json=body, expect=400)
    time.sleep(11)
    client.post(f"{USERS}/auth-with-otp", json=body, expect=400)


def test_guesses_of_a_code_come_to_an_end(server, mailbox):
    root, client = use(server.root(), mailbox), server.client()
    account(root)
    allow(root)
    otp = ask(client)
    code = code_of(mailbox.next(0))
    guesses = [client.send("POST", f"{USERS}/auth-with-otp", json={"otpId": otp, "password": "0"}, expect=None).status_code for _ in range(6)]
    assert guesses == [400] * 5 + [429]
    client.post(f"{USERS}/auth-with-otp", json={"otpId": otp, "password": code}, expect=429)
    # Another code does not give more tries.
    client.post(f"{USERS}/auth-with-otp", json={"otpId": ask(client), "password": "0"}, expect=429)


@pytest.mark.ours
def test_many_clients_get_no_more_guesses_and_do_not_lock_the_owner_out(server, mailbox):
    root = use(server.root(), mailbox)
    account(root, verified=True)
    allow(root)
    root.patch("/api/settings", json={"trustedProxy": {"headers": ["X-Client"]}})

    def guess(number, otp, password="0"):
        headers = {"X-Client": f"10.0.0.{number}"}
        return server.client().send("POST", f"{USERS}/auth-with-otp", json={"otpId": otp, "password": password}, headers=headers, expect=None)

    otp = ask(server.client())
    code = code_of(mailbox.next(0))
    assert {guess(number, otp).status_code for number in range(6)} == {400}
    assert guess(7, otp, code).status_code == 400, "the code is gone after so many guesses"
    assert guess(7, ask(server.client()), code_of(mailbox.next(1))).status_code == 200


@pytest.mark.parametrize("over", [0, 120])
def test_ten_codes_are_mailed_and_no_more(server, mailbox, over):
    """A hundred that were over, and not yet cleaned up, hid those that were not."""
    root, client = use(server.root(), mailbox), server.client()
    made = account(root)
    allow(root)
    with contextlib.closing(sqlite3.connect(server.directory / "data.db", timeout=60)) as database, database:
        collection = database.execute("SELECT id FROM _collections WHERE name = 'users'").fetchone()[0]
        rows = ((f"old{n:012}", collection, made["id"], "2026-01-01 00:00:00.000Z") for n in range(over))
        insert = "INSERT INTO _otps (id, collectionRef, recordRef, password, created) VALUES (?, ?, ?, 'x', ?)"
        database.executemany(insert, rows)
    for _ in range(12):
        ask(client)
    wait_for(lambda: len(mailbox.mails) == 10, 20, "ten mails")
    time.sleep(0.5)
    assert len(mailbox.mails) == 10


def test_a_code_that_cannot_be_mailed_is_none(server):
    root, client = server.root(), server.client()
    account(root)
    allow(root)
    otp = ask(client)
    found = wait_for(lambda: root.get("/api/logs", params={"filter": 'message = "Failed to send OTP email"'})["items"], 20, "a line")[0]
    assert found["level"] == 8 and found["data"]["error"]
    assert found["data"]["collection"] == "users" and found["data"]["record"]
    root.get(f"/api/collections/_otps/records/{otp}", expect=404)


@pytest.mark.ours
def test_the_answer_takes_as_long_for_nobody(server):
    """Only the account's own code is hashed; whoever is not there must not be told by the missing time."""
    root, client = server.root(), server.client()
    account(root)
    allow(root)

    def took(email):
        begun = time.perf_counter()
        client.post(f"{USERS}/request-otp", json={"email": email})
        return time.perf_counter() - begun

    took("user@example.com")
    there, nobody = [], []
    for _ in range(9):
        there.append(took("user@example.com"))
        nobody.append(took("nobody@example.com"))
    # The hash is most of it: without it the ratio is 10.
    assert 1 / 3 < statistics.median(there) / statistics.median(nobody) < 3


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    with ours_and_pocketbase(tmp_path_factory) as servers:
        for server in servers:
            root = server.root()
            account(root)
            allow(root)
        yield servers


BODIES = [
    {},
    {"email": "x", "otpId": "x", "password": "x"},
    {"email": 5, "otpId": 5, "password": 5},
    {"email": None, "otpId": None, "password": None},
    {"email": "x" * 300 + "@example.com", "otpId": "x" * 300, "password": "x" * 72},
    {"otpId": "missing00000000", "password": "1"},
]


@pytest.mark.ours
@pytest.mark.parametrize("collection", ["users", "clients", "plain", "none", "_superusers"])
@pytest.mark.parametrize("path", ["request-otp", "auth-with-otp"])
def test_a_refusal_is_that_of_pocketbase(both, path, collection):
    for body in BODIES:
        ours, theirs = answers(both, f"/api/collections/{collection}/{path}", body)
        assert ours == theirs, body


@pytest.mark.ours
def test_nobody_is_answered_as_somebody(both):
    for server in both:
        answer = server.client().post(f"{USERS}/request-otp", json={"email": "nobody@example.com"})
        assert list(answer) == ["otpId"] and re.fullmatch(r"[a-z0-9]{15}", answer["otpId"])
