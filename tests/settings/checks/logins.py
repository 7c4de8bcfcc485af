"""An auth collection: who logs in, by what, for how long, and who manages whom."""

import base64
import json
import time

from ..users import USER, USERS, log_in, make_user


def a_rule_decides_who_logs_in(server, root, sink):
    user = make_user(root)
    root.patch(USERS, json={"authRule": "verified = true"})
    log_in(server, expect=(400, 403))
    root.patch(f"{USERS}/records/{user['id']}", json={"verified": True})
    log_in(server)


def a_rule_decides_who_manages(server, root, sink):
    make_user(root)
    other = make_user(root, "other@example.com")
    root.patch(USERS, json={"updateRule": "@request.auth.id != ''", "manageRule": None})
    as_user = server.client().with_token(log_in(server)["token"])
    change = {"password": "managed-1234", "passwordConfirm": "managed-1234"}
    as_user.patch(f"{USERS}/records/{other['id']}", json=change, expect=400)
    root.patch(USERS, json={"manageRule": f"@request.auth.email = '{USER}'"})
    as_user.patch(f"{USERS}/records/{other['id']}", json=change)
    server.client().login("users", "other@example.com", "managed-1234")


def password_logins_can_be_switched_off(server, root, sink):
    make_user(root)
    log_in(server)
    root.patch(USERS, json={"passwordAuth": {"enabled": False}})
    log_in(server, expect=403)


def a_login_goes_by_its_fields(server, root, sink):
    make_user(root, name="jane")
    users = root.get(USERS)
    root.patch(USERS, json={"indexes": [*users["indexes"], "CREATE UNIQUE INDEX `idx_name` ON `users` (`name`)"]})
    log_in(server, expect=400, identity="jane")
    root.patch(USERS, json={"passwordAuth": {"identityFields": ["name"]}})
    log_in(server, identity="jane")
    log_in(server, expect=400)


def a_token_lasts_as_long_as_it_is_said(server, root, sink):
    make_user(root)
    root.patch(USERS, json={"authToken": {"duration": 1234}, "fileToken": {"duration": 77}})
    token = log_in(server)["token"]
    left = lambda token: json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))["exp"] - time.time()  # noqa: E731
    assert 1234 - 60 < left(token) <= 1235
    assert 77 - 60 < left(server.client().with_token(token).file_token()) <= 78
