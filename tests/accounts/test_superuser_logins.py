"""Superusers who log in with a one-time password, or with two factors; and the way back where no mail arrives."""

import re

import pytest

from harness.programs import BOSBASE, EMAIL, PASSWORD

from .conftest import use
from .test_one_time_passwords import code_of

SUPERUSERS = "/api/collections/_superusers"
ON, OFF = {"enabled": True}, {"enabled": False}


def typed(server, email=EMAIL, check=True):
    """What `superuser otp` says: the id, the password and for how many seconds it is good."""
    done = BOSBASE.run("superuser", "otp", email, "--dir", server.directory, check=check)
    if not check:
        return done
    assert f'Successfully created OTP for superuser "{email}":' in done.stdout
    return tuple(re.search(rf"{name}:\s+(\w+)", done.stdout)[1] for name in ("Id", "Pass", "Valid"))


def with_password(client, email=EMAIL, expect=200, **more):
    body = {"identity": email, "password": PASSWORD, **more}
    return client.post(f"{SUPERUSERS}/auth-with-password", json=body, expect=expect)


def with_code(client, code, expect=200, **more):
    body = {"otpId": code[0], "password": code[1], **more}
    return client.post(f"{SUPERUSERS}/auth-with-otp", json=body, expect=expect)


def test_a_code_of_the_command_line_is_good_once(server):
    root, client = server.root(), server.client()
    refused = typed(server, check=False)
    assert refused.returncode != 0 and "not enabled" in refused.stderr + refused.stdout
    root.patch(SUPERUSERS, json={"otp": {**ON, "length": 10}})
    for email in ("nobody@example.com", "none"):
        assert typed(server, email, check=False).returncode != 0
    code = typed(server)
    assert re.fullmatch(r"\d{10}", code[1]) and code[2] == "180s"
    with_code(client, (code[0], "0000000000"), expect=400)
    session = with_code(client, code, expect=401)["mfaId"]
    with_code(client, code, expect=400)
    assert root.records("_otps") == []
    answer = with_password(client, mfaId=session)
    assert answer["record"]["email"] == EMAIL
    client.with_token(answer["token"]).get("/api/settings")


def test_two_factors_let_a_superuser_in_and_one_does_not(server):
    root, client = server.root(), server.client()
    root.patch(SUPERUSERS, json={"otp": ON, "mfa": ON})
    session = with_password(client, expect=401)["mfaId"]
    # The same factor twice is one.
    assert "different" in with_password(client, mfaId=session, expect=400)["message"]
    answer = with_code(client, typed(server), mfaId=session)
    client.with_token(answer["token"]).get("/api/settings")


def test_a_code_alone_makes_nobody_a_superuser_and_a_password_stays_good(server):
    """What would let in who reads a mailbox, or nobody at all, is not taken."""
    root = server.root()
    for sent, otp, mfa in (
        ({"otp": ON}, True, True),
        ({"mfa": OFF}, True, True),
        ({"mfa": OFF, "otp": OFF}, False, False),
        ({"passwordAuth": OFF}, False, False),
        ({"passwordAuth": OFF, "oauth2": ON}, False, False),
        ({"otp": ON, "passwordAuth": OFF}, True, True),
        ({"mfa": OFF, "otp": OFF}, False, False),
    ):
        now = root.patch(SUPERUSERS, json=sent)
        assert (now["otp"]["enabled"], now["mfa"]["enabled"]) == (otp, mfa), sent
        assert now["passwordAuth"]["enabled"] is True and now["oauth2"]["enabled"] is False, sent
    for sent in ({"mfa": ON}, {"otp": ON, "mfa": ON, "passwordAuth": OFF}):
        error = root.patch(SUPERUSERS, json=sent, expect=400)["data"]
        assert error["mfa"]["enabled"]["code"] == "validation_mfa_not_enough_auths", sent
    server.root()


def test_a_mailed_code_is_a_second_factor(server, mailbox):
    root, client = use(server.root(), mailbox), server.client()
    root.create("_superusers", {"email": "second@example.com", "password": PASSWORD, "passwordConfirm": PASSWORD})
    root.patch(SUPERUSERS, json={"otp": ON})
    for seen, email in enumerate((EMAIL, "second@example.com")):
        for _ in range(2 if seen else 1):
            otp = client.post(f"{SUPERUSERS}/request-otp", json={"email": email})["otpId"]
            session = with_code(client, (otp, code_of(mailbox.next(len(mailbox.mails)))), expect=401)["mfaId"]
            assert with_password(client, email, mfaId=session)["record"]["email"] == email


@pytest.mark.ours
def test_nobody_is_locked_out_without_a_mail_server(server):
    """A second factor for superusers could not be switched on, since nobody had a second one."""
    root = server.root()
    root.patch(SUPERUSERS, json={"otp": ON, "mfa": ON})
    server.stop()
    server.start()
    # The start says what is the matter, and how to get in.
    said = server.log()
    assert "bosbase superuser otp EMAIL makes one" in said, said
    client = server.client()
    session = with_password(client, expect=401)["mfaId"]
    with_code(client, typed(server), mfaId=session)
    server.stop()
    # And back, without any of that.
    assert "mfa is off" in BOSBASE.run("superuser", "unlock", "--dir", server.directory).stdout
    assert "not enabled" in typed(server, check=False).stderr
    server.start()
    server.root()


@pytest.mark.ours
def test_a_code_is_made_where_there_is_data_and_told_nowhere_else(server, tmp_path):
    nowhere = tmp_path / "nowhere"
    done = BOSBASE.run("superuser", "otp", EMAIL, "--dir", nowhere, check=False)
    assert done.returncode == 1 and not nowhere.exists()
    root = server.root()
    root.patch(SUPERUSERS, json={"otp": ON})
    code = typed(server)
    assert code[1] not in server.log(last=1 << 20)
    [kept] = root.records("_otps")
    assert kept["id"] == code[0] and kept["recordRef"] == root.auth["record"]["id"] and not kept["sentTo"]
    # As often as one likes: who types this may do everything.
    for _ in range(12):
        code = typed(server)
    with_code(server.client(), code, expect=401)
