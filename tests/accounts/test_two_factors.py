"""Logins that take two factors, as with PocketBase."""

import pytest

from harness.programs import BOSBASE, POCKETBASE

from .conftest import use
from .test_mails import PASSWORD, USERS, account, log_in
from .test_one_time_passwords import allow, ask, code_of, sent

WAY = f"{USERS}/auth-with-password"


def want_two(root, **options):
    allow(root)
    root.patch(USERS, json={"mfa": {"enabled": True, "duration": 600, "rule": "", **options}})


def password(client, *, session=None, expect=401, email="user@example.com", **rest):
    body = {"identity": email, "password": PASSWORD, **({"mfaId": session} if session else {})}
    return client.post(WAY, json=body, expect=expect, **rest)


def test_a_password_and_a_code_log_in(server, mailbox):
    root, client = use(server.root(), mailbox), server.client()
    made = account(root, verified=True)
    want_two(root)
    first = password(client)
    assert list(first) == ["mfaId"]
    session = first["mfaId"]
    # The same factor twice is one.
    assert "different" in password(client, session=session, expect=400)["message"]
    code = {"otpId": ask(client), "password": code_of(mailbox.next(0))}
    answer = client.post(f"{USERS}/auth-with-otp", json={**code, "mfaId": session})
    assert answer["record"]["id"] == made["id"]
    client.with_token(answer["token"]).post(f"{USERS}/auth-refresh")
    root.get(f"/api/collections/_mfas/records/{session}", expect=404)
    second = {"otpId": ask(client), "password": code_of(mailbox.next(1))}
    client.post(f"{USERS}/auth-with-otp", json={**second, "mfaId": session}, expect=400)


def test_a_code_and_then_a_password_log_in_too(server, mailbox):
    root, client = use(server.root(), mailbox), server.client()
    # One that is not verified keeps its password: it is the second factor.
    account(root)
    want_two(root)
    otp = ask(client)
    code = {"otpId": otp, "password": code_of(mailbox.next(0))}
    sent(root, otp)
    session = client.post(f"{USERS}/auth-with-otp", json=code, expect=401)["mfaId"]
    answer = client.post(f"{WAY}?mfaId={session}", json={"identity": "user@example.com", "password": PASSWORD})
    assert answer["token"]


def test_a_session_is_its_own_accounts_and_ends(server, mailbox):
    root, client = use(server.root(), mailbox), server.client()
    account(root, verified=True)
    account(root, "second@example.com", verified=True)
    want_two(root, duration=600)
    session = password(client)["mfaId"]
    code = {"otpId": ask(client, "second@example.com"), "password": code_of(mailbox.next(0))}
    assert client.post(f"{USERS}/auth-with-otp", json={**code, "mfaId": session}, expect=400)["message"] == "Invalid MFA session."
    code = {"otpId": ask(client), "password": code_of(mailbox.next(1))}
    missing = client.post(f"{USERS}/auth-with-otp", json={**code, "mfaId": "missing00000000"}, expect=400)
    assert missing["message"] == "Invalid or expired MFA session."


def test_a_rule_says_who_needs_two(server, mailbox):
    root = use(server.root(), mailbox)
    account(root, verified=True)
    account(root, "second@example.com")
    want_two(root, rule="verified = true")
    password(server.client())
    log_in(server, "second@example.com", PASSWORD)


@pytest.mark.ours
@pytest.mark.parametrize("options", [{"otp": False}, {"rule": "no.such ="}, {"duration": 0}, {"duration": 5}, {"rule": "verified = true"}])
def test_what_may_be_set_is_what_pocketbase_takes(launch, options):
    found = []
    for program in (BOSBASE, POCKETBASE):
        root = launch(program).root()
        otp = {"enabled": options.get("otp", True), "duration": 180, "length": 8}
        mfa = {"enabled": True, "duration": 600, "rule": "", **{name: options[name] for name in options if name != "otp"}}
        answer = root.send("PATCH", USERS, json={"otp": otp, "mfa": mfa}, expect=None)
        found.append((answer.status_code, answer.json().get("data")))
    assert found[0] == found[1]


@pytest.mark.ours
def test_what_is_offered_is_what_pocketbase_offers(launch):
    found = []
    for program in (BOSBASE, POCKETBASE):
        server = launch(program)
        root = server.root()
        methods = [server.client().get(f"{USERS}/auth-methods")]
        want_two(root)
        methods.append(server.client().get(f"{USERS}/auth-methods"))
        found.append(methods)
    assert found[0] == found[1]
