"""The whole login with a real OpenID Connect provider, which is certified: npm oidc-provider."""

import re
import subprocess
from urllib.parse import parse_qsl, urljoin, urlsplit

import pytest
import requests

from harness.client import Client
from harness.programs import ROOT

from .provider import links

CALLBACK = "https://app.example/callback"
USERS = "/api/collections/users"


@pytest.fixture(scope="module")
def issuer():
    process = subprocess.Popen(
        ["node", str(ROOT / "tests/sdk/oidc.mjs"), CALLBACK], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    yield process.stdout.readline().strip()
    process.stdin.close()
    process.wait(30)


@pytest.fixture
def server(launch):
    return launch()


@pytest.fixture
def root(server, issuer):
    return enable(server.root(), issuer)


def enable(root, issuer, **more):
    config = {"name": "oidc", "clientId": "client-1", "clientSecret": "a-secret-of-some-length", "authURL": f"{issuer}/auth"}
    config |= {"tokenURL": f"{issuer}/token", "userInfoURL": f"{issuer}/me", **more}
    fields = [{**field, "required": False} if field["name"] == "email" else field for field in root.get(USERS)["fields"]]
    root.patch(USERS, json={"fields": fields, "oauth2": {"enabled": True, "providers": [config]}})
    return root


def invited(server):
    return server.client().get(f"{USERS}/auth-methods")["oauth2"]["providers"][0]


def visit(url, person):
    """Logs in there as a browser would; what the provider sends people back with."""
    browser = requests.Session()
    browser.trust_env = False
    target, form = url, None
    for _ in range(20):
        answer = browser.request("POST" if form else "GET", target, data=form, allow_redirects=False, timeout=30)
        if location := answer.headers.get("Location"):
            target, form = urljoin(target, location), None
            if target.startswith(CALLBACK):
                return dict(parse_qsl(urlsplit(target).query))
            continue
        prompt = re.search(r'name="prompt" value="(\w+)"', answer.text)
        assert answer.ok and prompt, f"{target} answered {answer.status_code}: {answer.text[:500]}"
        form = {"prompt": prompt[1], "login": person, "password": "any"} if prompt[1] == "login" else {"prompt": prompt[1]}
    raise AssertionError("the provider sends people in circles")


def log_in(server, invitation, returned, *, token=None, expect=200, **change):
    body = {"provider": "oidc", "code": returned["code"], "codeVerifier": invitation["codeVerifier"], "redirectURL": CALLBACK, **change}
    return Client(server.url, token).post(f"{USERS}/auth-with-oauth2", json=body, expect=expect)


def whole(server, person, **more):
    invitation = invited(server)
    returned = visit(invitation["authURL"] + CALLBACK, person)
    assert returned["state"] == invitation["state"]
    return log_in(server, invitation, returned, **more)


def test_somebody_new_and_known(server, root):
    made = whole(server, "jane")
    assert (made["meta"]["isNew"], made["meta"]["id"], made["meta"]["username"]) == (True, "jane", "jane")
    assert (made["record"]["email"], made["record"]["verified"], made["record"]["name"]) == ("jane@example.com", True, "jane Example")
    again = whole(server, "jane")
    assert (again["meta"]["isNew"], again["record"]["id"]) == (False, made["record"]["id"])
    other = whole(server, "joe")
    assert other["record"]["id"] != made["record"]["id"]
    assert sorted(link["providerId"] for link in links(root)) == ["jane", "joe"]
    assert whole(server, "unconfirmed")["record"]["email"] == ""


def test_an_account_that_is_logged_in_is_linked(server, root):
    root.create("users", {"email": "mine@example.com", "password": "first-password", "passwordConfirm": "first-password"})
    own = Client(server.url).login("users", "mine@example.com", "first-password")
    made = whole(server, "jane", token=own.token)
    assert (made["record"]["id"], made["record"]["email"]) == (own.auth["record"]["id"], "mine@example.com")


def test_a_code_is_good_once_and_with_its_verifier_alone(server, root):
    invitation = invited(server)
    returned = visit(invitation["authURL"] + CALLBACK, "jane")
    refused = log_in(server, invitation, returned, codeVerifier="w" * 43, expect=400)
    assert refused == {"data": {}, "message": "Failed to fetch OAuth2 token.", "status": 400}
    returned = visit(invitation["authURL"] + CALLBACK, "jane")
    log_in(server, invitation, returned, redirectURL="https://app.example/other", expect=400)
    returned = visit(invitation["authURL"] + CALLBACK, "jane")
    log_in(server, invitation, returned)
    log_in(server, invitation, returned, expect=400)
    log_in(server, invitation, {"code": "made-up"}, expect=400)


def test_a_wrong_secret_is_refused(server, root, issuer):
    enable(root, issuer, clientSecret="another-secret-of-some-length")
    whole(server, "jane", expect=400)
    assert root.records("users") == []


def test_a_login_without_a_user_info_endpoint_goes_by_the_identity_token(server, root, issuer):
    enable(root, issuer, userInfoURL="", extra={"jwksURL": f"{issuer}/jwks", "issuers": [issuer]})
    made = whole(server, "jane")
    assert (made["meta"]["id"], made["record"]["email"], made["meta"]["rawUser"]["iss"]) == ("jane", "jane@example.com", issuer)
    enable(root, issuer, userInfoURL="", extra={"jwksURL": f"{issuer}/jwks", "issuers": ["https://other.example"]})
    assert whole(server, "jane", expect=400)["message"] == "Failed to fetch OAuth2 user."
