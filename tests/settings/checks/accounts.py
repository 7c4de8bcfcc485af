"""An auth collection's mails to its users: a new password, a new address, a verified address."""

import base64
import json
import time

from harness.client import wait_for

from ..honesty import switch
from ..users import USER, USERS, log_in, make_user


def sent_or_not_yet(server, root, sink, path, change, body, token=None):
    """A mail of the template with a token of the duration comes, or the route says 501."""
    make_user(root)
    root.patch("/api/settings", json={"smtp": {"enabled": True, "host": sink.host, "port": sink.port}})
    if not switch(root, USERS, change, *list(change)[:1]):
        return
    client = server.client().with_token(log_in(server)["token"])
    answer = client.send("POST", f"{USERS}/{path}", json=body, expect=None)
    assert answer.status_code in (204, 501), f"{path} answers {answer.status_code} {answer.text}: neither does it work nor does it say 501"
    if answer.status_code == 204:
        wait_for(lambda: sink.mails, 30, "the mail")
        assert sink.mails[-1].subject == "Changed"
        token = sink.mails[-1].html.split("token=")[1].split("=")[0]
        assert json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))["exp"] - time.time() <= 100


def template(token, mail):
    return {token: {"duration": 99}, mail: {"subject": "Changed", "body": "<p>token={TOKEN}=</p>"}}


def passwords_are_reset_or_it_is_said_that_they_are_not(server, root, sink):
    sent_or_not_yet(server, root, sink, "request-password-reset", template("passwordResetToken", "resetPasswordTemplate"), {"email": USER})


def addresses_are_changed_or_it_is_said_that_they_are_not(server, root, sink):
    change = template("emailChangeToken", "confirmEmailChangeTemplate")
    sent_or_not_yet(server, root, sink, "request-email-change", change, {"newEmail": "new@example.com"})


def addresses_are_verified_or_it_is_said_that_they_are_not(server, root, sink):
    sent_or_not_yet(server, root, sink, "request-verification", template("verificationToken", "verificationTemplate"), {"email": USER})
