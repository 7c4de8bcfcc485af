"""Providers that say who somebody is in an identity token: generic OpenID Connect without a user info endpoint."""

import time

import pytest

from .id_tokens import Key, claims
from .internet import Answer
from .provider import Provider


@pytest.fixture(scope="module")
def key():
    return Key()


@pytest.fixture
def provider(internet, root, key):
    provider = Provider(internet, userInfoURL="", extra={"jwksURL": "https://id.example/keys", "issuers": ["https://id.example"]})
    internet.answers["https://id.example/keys"] = {"keys": [Key(kid="other").jwk, key.jwk]}
    return provider.enable(root)


def log_in(server, provider, token, expect=200):
    provider.token["id_token"] = token
    return provider.log_in(server, expect=expect)


def test_the_claims_are_the_profile(server, provider, key):
    made = log_in(server, provider, key.sign(claims()))
    assert (made["meta"]["id"], made["meta"]["email"], made["meta"]["name"]) == ("1001", "jane@example.com", "Jane Doe")
    assert made["meta"]["rawUser"]["iss"] == "https://id.example"
    assert log_in(server, provider, key.sign(claims(aud=["other", "client-1"])))["meta"]["isNew"] is False
    # Clocks differ a little.
    log_in(server, provider, key.sign(claims(iat=int(time.time()) + 200)))


@pytest.mark.parametrize(
    "change",
    [
        {"aud": "somebody-else"},
        {"aud": None},
        {"iss": "https://evil.example"},
        {"iss": None},
        {"exp": -1000},
        {"nbf": 1000},
        {"iat": 1000},
        {"sub": 5},
    ],
    ids=str,
)
def test_claims_that_are_not_for_us_are_refused(server, provider, key, change):
    # Times are told from now on.
    change = {name: int(time.time()) + value if name in ("exp", "nbf", "iat") else value for name, value in change.items()}
    answer = log_in(server, provider, key.sign(claims(**change)), expect=400)
    assert answer == {"data": {}, "message": "Failed to fetch OAuth2 user.", "status": 400}


def test_a_signature_that_is_not_the_providers_is_refused(server, root, internet, provider, key):
    def refused(token):
        answer = log_in(server, provider, token, expect=400)
        assert answer == {"data": {}, "message": "Failed to fetch OAuth2 user.", "status": 400}

    good = key.sign(claims())
    refused(Key().sign(claims()))
    refused(Key(kid="unknown").sign(claims()))
    refused(key.sign(claims(), kid=None))
    refused(good[:-10] + "AAAAAAAAAA")
    refused(good.rsplit(".", 1)[0] + ".")
    # Signed with what is public, or not at all.
    refused(key.sign(claims(), alg="none"))
    refused(key.sign(claims(), alg="HS256"))
    refused("nonsense")
    refused("")
    refused(good * 200)
    for answer in (Answer({"keys": []}), Answer("no", 500), Answer(b"no json"), Answer({"keys": [{"kid": "key-1"}]})):
        internet.answers["https://id.example/keys"] = answer
        refused(good)
    assert root.records("users") == []


def test_a_login_without_an_identity_token_is_refused(server, provider):
    provider.token.pop("id_token", None)
    answer = provider.log_in(server, expect=400)
    assert answer == {"data": {}, "message": "Failed to fetch OAuth2 user.", "status": 400}


@pytest.mark.parametrize("algorithm", [pytest.param("ES256", marks=pytest.mark.ours), "EdDSA"])
def test_keys_of_other_kinds_are_accepted(server, root, internet, algorithm):
    key = Key(algorithm)
    internet.answers["https://id.example/keys"] = {"keys": [key.jwk]}
    provider = Provider(internet, userInfoURL="", extra={"jwksURL": "https://id.example/keys"}).enable(root)
    assert log_in(server, provider, key.sign(claims()))["meta"]["id"] == "1001"
    log_in(server, provider, Key(algorithm).sign(claims()), expect=400)


def test_without_a_place_of_keys_the_connection_is_the_proof(server, root, internet):
    provider = Provider(internet, userInfoURL="").enable(root)
    assert log_in(server, provider, Key().sign(claims(iss="anybody")))["meta"]["id"] == "1001"
    log_in(server, provider, Key().sign(claims(exp=int(time.time()) - 200, nbf=int(time.time()) + 200)))
    log_in(server, provider, Key().sign(claims(aud="somebody-else")), expect=400)
    log_in(server, provider, Key().sign(claims(exp=int(time.time()) - 1000)), expect=400)
