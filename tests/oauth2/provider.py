"""A provider that answers as it is told, and logins with it."""

from harness.client import Client

from .internet import Answer

ID = "https://id.example"
CALLBACK = "https://app.example/callback"
VERIFIER = "v" * 43
TOKEN = {"access_token": "access-1", "token_type": "bearer", "refresh_token": "refresh-1", "expires_in": 3600}


class Provider:
    """An OpenID provider of the made-up internet. `profile` is what its user info endpoint says."""

    def __init__(self, internet, name="oidc", origin=ID, **config):
        self.internet, self.name, self.origin = internet, name, origin
        self.profile = {"sub": "1001", "name": "Jane Doe", "email": "jane@example.com", "email_verified": True}
        self.token = dict(TOKEN)
        self.config = {
            "name": name,
            "clientId": "client-1",
            "clientSecret": "secret-1",
            "authURL": f"{origin}/authorize",
            "tokenURL": f"{origin}/token",
            "userInfoURL": f"{origin}/me",
            **config,
        }
        internet.answers[self.key("/token")] = lambda _: Answer(self.token)
        internet.answers[self.key("/me")] = lambda _: Answer(self.profile)

    def key(self, path):
        """By which `Internet.answers` knows a path of this provider."""
        return path if self.origin == self.internet.url else self.origin + path

    def enable(self, root, collection="users", optional_email=True, **more):
        """Switches OAuth2 on; `more` are other options of the collection."""
        change = {"oauth2": {"enabled": True, "providers": [self.config], "mappedFields": more.pop("mapped", {})}, **more}
        if optional_email:
            fields = root.get(f"/api/collections/{collection}")["fields"]
            change["fields"] = [{**field, "required": False} if field["name"] == "email" else field for field in fields]
        root.patch(f"/api/collections/{collection}", json=change)
        return self

    def log_in(self, server, *, token=None, collection="users", expect=200, query="", **more):
        body = {"provider": self.name, "code": "code-1", "codeVerifier": VERIFIER, "redirectURL": CALLBACK, **more}
        client = Client(server.url, token)
        return client.post(f"/api/collections/{collection}/auth-with-oauth2{query}", json=body, expect=expect)


def links(root, **wanted):
    """The external auths, as far as they say who is linked with whom."""
    found = root.records("_externalAuths", sort="created")
    return [
        {key: link[key] for key in ("collectionRef", "recordRef", "provider", "providerId")}
        for link in found
        if all(link[key] == value for key, value in wanted.items())
    ]


def make_user(root, email="jane@example.com", password="first-password", **more):
    return root.create("users", {"email": email, "password": password, "passwordConfirm": password, **more})
