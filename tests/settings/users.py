"""The user of these tests."""

USERS = "/api/collections/users"
USER, USER_PASSWORD = "user@example.com", "user-1234"


def make_user(root, email=USER, **more):
    return root.create("users", {"email": email, "password": USER_PASSWORD, "passwordConfirm": USER_PASSWORD, **more})


def log_in(server, expect=200, collection="users", identity=USER, headers=None):
    path, body = f"/api/collections/{collection}/auth-with-password", {"identity": identity, "password": USER_PASSWORD}
    return server.client().send("POST", path, json=body, headers=headers, expect=expect).json()
