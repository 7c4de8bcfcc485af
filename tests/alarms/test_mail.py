"""Mails: what PocketBase's settings mean by a mail server, and `POST /api/settings/test/email` beside the real PocketBase."""

import base64
import json
import re
import threading
import time

import pytest

from harness.client import wait_for
from harness.programs import BOSBASE, POCKETBASE

from .sink import PASSWORD, USERNAME, Silent, Sink

TEST = "/api/settings/test/email"
TEMPLATES = ["verification", "password-reset", "email-change", "otp", "login-alert"]

REFUSED = [
    {},
    {"email": "bad", "template": "nope", "collection": "nope"},
    {"email": "x@example.com", "template": ""},
    {"email": "x@example.com", "template": "verification", "collection": "x" * 256},
    {"email": "x@example.com", "template": "verification", "collection": "_mfas"},
    {"email": "x" * 250 + "@example.com", "template": "otp"},
    {"email": 1, "template": "verification"},
    {"email": None, "template": None, "collection": None},
]


@pytest.fixture
def both(launch, sink):
    """A superuser of ours and one of the real PocketBase, whose mails go to the same sink."""
    roots = []
    for program in (BOSBASE, POCKETBASE):
        root = launch(program).root()
        root.patch("/api/settings", json={"smtp": sink.settings(), "meta": {"appName": "Ä & Sons", "senderName": 'Ä, "x"'}})
        roots.append(root)
    return roots


def mail_of(root, sink, **request):
    before = len(sink.mails)
    root.post(TEST, json=request, expect=204)
    assert len(sink.mails) == before + 1
    return sink.mails[-1]


def body(mail):
    """What is within `<body>`, the token and the time aside."""
    inner = re.search(r"<body>(.*)</body>", mail.html, re.S).group(1)
    return " ".join(_without(inner).split())


def lines(mail):
    return [" ".join(line.split()) for line in _without(mail.text).split("\n") if line.strip()]


def _without(text):
    return re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}Z", "TIME", re.sub(r"eyJ[\w-]+\.[\w-]+\.[\w-]+", "TOKEN", text))


def claims(mail):
    payload = re.search(r"eyJ[\w-]+\.([\w-]+)\.", mail.html).group(1)
    found = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return {**found, "exp": None, "collectionId": None}


@pytest.mark.ours
@pytest.mark.parametrize("request_body", REFUSED, ids=lambda one: json.dumps(one)[:50])
def test_what_cannot_be_sent_is_refused_as_by_pocketbase(both, request_body):
    ours, theirs = (root.send("POST", TEST, json=request_body, expect=400).json() for root in both)
    assert ours == theirs


@pytest.mark.ours
@pytest.mark.parametrize("collection", ["", "users"])
@pytest.mark.parametrize("template", TEMPLATES)
def test_a_template_is_mailed_as_by_pocketbase(both, sink, template, collection):
    ours, theirs = (mail_of(root, sink, email="x@example.com", template=template, collection=collection) for root in both)
    for header in ("subject", "from", "to"):
        assert ours.message[header] == theirs.message[header]
    assert (ours.sender, ours.recipients, ours.hello) == (theirs.sender, theirs.recipients, theirs.hello)
    assert body(ours) == body(theirs)
    assert lines(ours) == lines(theirs)
    if template not in ("otp", "login-alert"):
        assert claims(ours) == claims(theirs)


@pytest.mark.ours
def test_every_placeholder_is_filled_as_by_pocketbase(both, sink):
    names = ["APP_NAME", "APP_URL", "TOKEN", "OTP", "OTP_ID", "ALERT_INFO"]
    names += [f"RECORD:{name}" for name in ("id", "name", "email", "password", "tokenKey", "avatar", "nope", "verified", "created", "collectionId")]
    text = " ".join(f"{{{name}}}" for name in names)
    template = {"subject": "S {APP_NAME} {OTP} {RECORD:name}", "body": f"<p>{text} {{TOKEN}}</p>"}
    changes = {"otp": {"emailTemplate": template}, "authAlert": {"emailTemplate": template}}
    changes["verificationTemplate"] = changes["resetPasswordTemplate"] = changes["confirmEmailChangeTemplate"] = {
        **template,
        "body": template["body"] + '<a class="btn" href="{APP_URL}/{TOKEN}">go</a>',
    }
    for root in both:
        root.patch("/api/collections/users", json=changes)
    for template in TEMPLATES:
        ours, theirs = (mail_of(root, sink, email="x@example.com", template=template, collection="users") for root in both)
        assert ours.subject == theirs.subject
        assert body(ours) == body(theirs)


@pytest.mark.ours
def test_without_a_mail_server_nothing_is_sent_and_it_says_so(server):
    refused = server.root().post(TEST, json={"email": "x@example.com", "template": "otp"}, expect=400)
    assert "settings.smtp.enabled is off" in refused["message"] and refused["data"] == {}


@pytest.mark.ours
@pytest.mark.parametrize("encryption", [None, "starttls", "tls"])
@pytest.mark.parametrize("method", ["PLAIN", "LOGIN", ""])
def test_it_logs_in_and_encrypts_as_the_settings_say(launch, authority, stopping, encryption, method):
    sink = stopping(Sink(encryption=encryption, context=authority.context, login=True, mechanisms=[method or "PLAIN"]))
    server = launch(env=authority.environment)
    root = server.root()
    smtp = sink.settings(username=USERNAME, password=PASSWORD, authMethod=method, tls=encryption == "tls", localName="app.example.com")
    root.patch("/api/settings", json={"smtp": smtp})
    mail = mail_of(root, sink, email="x@example.com", template="otp")
    assert (mail.encrypted, mail.login, mail.hello) == (encryption is not None, USERNAME, "app.example.com")
    assert sink.logins == [(method or "PLAIN", USERNAME, PASSWORD)]
    wrong = "wröng-password-9"
    root.patch("/api/settings", json={"smtp": {"password": wrong}})
    refused = root.post(TEST, json={"email": "x@example.com", "template": "otp"}, expect=400)
    assert "535" in refused["message"], refused
    assert wrong not in str(refused)
    assert wrong not in server.log(last=10**6) and PASSWORD not in server.log(last=10**6)


@pytest.mark.ours
def test_a_server_that_offers_no_such_login_is_told_apart_from_a_wrong_password(server, stopping):
    sink = stopping(Sink(login=True, mechanisms=["PLAIN"]))
    root = server.root()
    root.patch("/api/settings", json={"smtp": sink.settings(username=USERNAME, password=PASSWORD, authMethod="LOGIN")})
    refused = root.post(TEST, json={"email": "x@example.com", "template": "otp"}, expect=400)
    assert "offers no login by LOGIN" in refused["message"], refused
    assert not sink.logins


@pytest.mark.ours
@pytest.mark.parametrize("encryption", ["starttls", "tls"])
def test_a_server_that_nobody_vouches_for_gets_no_mail(server, authority, stopping, encryption):
    sink = stopping(Sink(encryption=encryption, context=authority.context, login=True))
    root = server.root()
    root.patch("/api/settings", json={"smtp": sink.settings(username=USERNAME, password=PASSWORD, tls=encryption == "tls")})
    refused = root.post(TEST, json={"email": "x@example.com", "template": "otp"}, expect=400)
    assert "certificate" in refused["message"], refused
    assert not sink.mails and not sink.logins


@pytest.mark.ours
def test_a_password_does_not_leave_the_machine_in_the_clear(server, stopping):
    """As PocketBase: who takes STARTTLS out of what a server offers must not be sent the password for it."""
    sink = stopping(Sink(login=True, host="127.0.0.2"))
    root = server.root()
    root.patch("/api/settings", json={"smtp": sink.settings(username=USERNAME, password=PASSWORD)})
    refused = root.post(TEST, json={"email": "x@example.com", "template": "otp"}, expect=400)
    assert "not encrypted" in refused["message"], refused
    assert not sink.mails and not sink.logins


@pytest.mark.ours
def test_nobody_there_and_a_refused_address_are_told(server, stopping):
    sink = stopping(Sink(refuse=["x@example.com"]))
    root = server.root()
    root.patch("/api/settings", json={"smtp": sink.settings()})
    refused = root.post(TEST, json={"email": "x@example.com", "template": "otp"}, expect=400)
    assert "no such mailbox" in refused["message"]
    root.patch("/api/settings", json={"smtp": {"port": 1}})
    refused = root.post(TEST, json={"email": "x@example.com", "template": "otp"}, expect=400)
    assert refused["message"].startswith("Failed to send the test email. Raw error: \n") and "refused" in refused["message"]


@pytest.mark.ours
def test_a_mail_server_that_says_nothing_does_not_hold_up_the_end(server, stopping):
    """Only for as long as any request may go on; the mail itself would take a minute."""
    silent = stopping(Silent())
    root = server.root()
    root.patch("/api/settings", json={"smtp": {"enabled": True, "host": "127.0.0.1", "port": silent.port}})

    def ask():
        try:
            root.send("POST", TEST, json={"email": "x@example.com", "template": "verification"})
        except OSError:
            pass  # The server ended.

    asking = threading.Thread(target=ask)
    asking.start()
    wait_for(lambda: silent.taken, 30, "the mail to be under way")
    begun = time.monotonic()
    assert server.stop(90) == 0 and time.monotonic() - begun < 35
    asking.join()
