"""Apple: who somebody is stands in the identity token, the name comes once and with the redirect, and the secret is
signed."""

import base64
import json
import time
from urllib.parse import urlencode

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from harness.stream import Stream

from .id_tokens import Key, claims
from .internet import Answer
from .provider import Provider

ISSUER = "https://appleid.apple.com"
SECRET = "/api/settings/apple/generate-client-secret"


@pytest.fixture(scope="module")
def key():
    return Key()


@pytest.fixture
def apple(internet, root, key):
    provider = Provider(internet, "apple", origin=f"{ISSUER}/auth", authURL="", tokenURL="", userInfoURL="")
    internet.answers[f"{ISSUER}/auth/keys"] = {"keys": [key.jwk]}
    provider.token["id_token"] = key.sign(claims(iss=ISSUER, name=None, email_verified="true"))
    return provider.enable(root)


def test_who_somebody_is_stands_in_the_token(server, apple):
    made = apple.log_in(server)
    assert (made["meta"]["id"], made["meta"]["email"], made["meta"]["name"]) == ("1001", "jane@example.com", "")


@pytest.mark.parametrize("change", [{"iss": "https://id.example"}, {"aud": "x"}, {"exp": None}, {"exp": 1}], ids=str)
def test_a_token_of_somebody_else_is_refused(server, apple, key, change):
    apple.token["id_token"] = key.sign(claims(**{"iss": ISSUER, **change}))
    assert apple.log_in(server, expect=400)["message"] == "Failed to fetch OAuth2 user."


def test_a_token_that_apple_did_not_sign_is_refused(server, apple):
    apple.token["id_token"] = Key().sign(claims(iss=ISSUER))
    assert apple.log_in(server, expect=400)["message"] == "Failed to fetch OAuth2 user."


def test_the_name_comes_with_the_redirect(server, apple):
    user = json.dumps({"name": {"firstName": "Jane", "lastName": "Doe"}, "email": "jane@example.com"})
    with Stream(server.client(), "@oauth2") as stream:
        form = {"state": stream.id, "code": "code-1", "user": user}
        answer = server.client().send("POST", "/api/oauth2-redirect", data=form, expect=303, allow_redirects=False)
        assert answer.headers["Location"] == "../_/#/auth/oauth2-redirect-success"
        assert stream.next() == ("@oauth2", {"state": stream.id, "code": "code-1"})
    made = apple.log_in(server)
    assert (made["meta"]["name"], made["record"]["name"]) == ("Jane Doe", "Jane Doe")
    # Once.
    assert apple.log_in(server)["meta"]["name"] == ""


def generate_key():
    private = ec.generate_private_key(ec.SECP256R1())
    pem = private.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return private, pem.decode()


def test_the_secret_is_signed(root):
    private, pem = generate_key()
    body = {"clientId": "com.example.web", "teamId": "T" * 10, "keyId": "K" * 10, "privateKey": f"\n{pem}\n", "duration": 600}
    secret = root.post(SECRET, json=body)["secret"]
    head, middle, signature = secret.split(".")
    decode = lambda part: base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))  # noqa: E731
    assert json.loads(decode(head)) == {"alg": "ES256", "kid": "K" * 10, "typ": "JWT"}
    told = json.loads(decode(middle))
    assert abs(told.pop("iat") - time.time()) < 60
    assert abs(told.pop("exp") - time.time() - 600) < 60
    assert told.pop("aud") in ([ISSUER], ISSUER)
    assert told == {"sub": "com.example.web", "iss": "T" * 10}
    raw = decode(signature)
    numbers = [int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big")]
    private.public_key().verify(encode_dss_signature(*numbers), f"{head}.{middle}".encode(), ec.ECDSA(hashes.SHA256()))


def test_a_secret_of_nonsense_is_refused(server, root):
    server.client().post(SECRET, json={}, expect=401)
    answer = root.post(SECRET, json={}, expect=400)
    assert answer["message"] == "Invalid client secret data."
    assert {name: problem["code"] for name, problem in answer["data"].items()} == dict.fromkeys(
        ["clientId", "teamId", "keyId", "privateKey", "duration"], "validation_required"
    )
    wrong = {"clientId": "c", "teamId": "T", "keyId": "K" * 11, "privateKey": "no key", "duration": 15777001}
    answer = root.post(SECRET, json=wrong, expect=400)
    assert {name: problem["code"] for name, problem in answer["data"].items()} == {
        "teamId": "validation_length_invalid",
        "keyId": "validation_length_invalid",
        "privateKey": "validation_match_invalid",
        "duration": "validation_max_less_equal_than_required",
    }
    answer = root.post(SECRET, json={**wrong, "teamId": "T" * 10, "keyId": "K" * 10, "duration": -1}, expect=400)
    assert answer["data"]["duration"]["code"] == "validation_min_greater_equal_than_required"
    pem = "-----BEGIN PRIVATE KEY-----\nbm90aGluZw==\n-----END PRIVATE KEY-----"
    answer = root.post(SECRET, json={**wrong, "teamId": "T" * 10, "keyId": "K" * 10, "privateKey": pem, "duration": 1}, expect=400)
    assert answer["data"] == {} and answer["message"].startswith("Failed to generate client secret")
