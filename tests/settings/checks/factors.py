"""An auth collection's other ways to log in, and the alert about a login."""

from harness.client import wait_for

from ..honesty import not_yet, switch
from ..users import USER, USERS, log_in, make_user


def oauth2_works(server, root, sink):
    """What a login with a provider does, `tests/oauth2` tries."""
    provider = {"name": "github", "clientId": "id", "clientSecret": "secret"}
    mapped = {"id": "", "name": "name", "username": "", "avatarURL": ""}
    root.patch(USERS, json={"oauth2": {"enabled": True, "providers": [provider], "mappedFields": mapped}})
    offered = server.client().get(f"{USERS}/auth-methods")["oauth2"]
    assert offered["enabled"] and [one["name"] for one in offered["providers"]] == ["github"]
    assert offered["providers"][0]["authURL"].startswith("https://github.com/login/oauth/authorize?client_id=id&")


def a_second_factor_works_or_is_refused(server, root, sink):
    """Nobody may be locked out by a second factor that cannot be given."""
    make_user(root)
    otp = switch(root, USERS, {"otp": {"enabled": True}}, "otp")
    if not switch(root, USERS, {"otp": {"enabled": otp}, "mfa": {"enabled": True, "duration": 600, "rule": ""}}, "mfa"):
        assert log_in(server)["token"]
        return
    first = log_in(server, expect=(200, 401, 403))
    assert "mfaId" in first, f"a login with the first factor answers {first}: nobody can log in any more"


def one_time_passwords_work_or_are_refused(server, root, sink):
    make_user(root)
    root.patch("/api/settings", json={"smtp": {"enabled": True, "host": sink.host, "port": sink.port}})
    otp = {"enabled": True, "length": 9, "duration": 60, "emailTemplate": {"subject": "Code", "body": "<p>code={OTP}=</p>"}}
    if not switch(root, USERS, {"otp": otp}, "otp"):
        return
    asked = server.client().send("POST", f"{USERS}/request-otp", json={"email": USER}, expect=None)
    if asked.status_code != 200:
        return not_yet(server, "POST", f"{USERS}/request-otp", {"email": USER}, "otp")
    wait_for(lambda: sink.mails, 30, "the mail")
    code = sink.mails[-1].html.split("code=")[1].split("=")[0]
    assert len(code) == 9 and sink.mails[-1].subject == "Code"
    server.client().post(f"{USERS}/auth-with-otp", json={"otpId": asked.json()["otpId"], "password": code})


def a_new_place_is_told_of(server, root, sink):
    """The alert is on by itself: a login from another browser is mailed."""
    make_user(root)
    root.patch("/api/settings", json={"smtp": {"enabled": True, "host": sink.host, "port": sink.port}})
    template = {"subject": "Elsewhere", "body": "<p>seen elsewhere: {ALERT_INFO}</p>"}
    root.patch(USERS, json={"authAlert": {"enabled": True, "emailTemplate": template}})
    for browser in ("Firefox on Linux", "Safari on a phone"):
        log_in(server, headers={"User-Agent": browser})
    wait_for(lambda: sink.mails, 20, "a mail")
    assert sink.mails[-1].subject == "Elsewhere" and "seen elsewhere" in sink.mails[-1].html
