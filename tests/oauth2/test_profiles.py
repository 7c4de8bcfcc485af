"""What each provider says of somebody, as its public documentation shows it, and what becomes of it. The unit tests of
the product read the same file."""

import json

import pytest

from harness.programs import ORACLE_RUN, ROOT

from .internet import Answer
from .provider import CALLBACK, VERIFIER, TOKEN

CASES = json.loads((ROOT / "crates/app/src/oauth2/profiles.json").read_text())


@pytest.fixture(scope="module")
def places(tmp_path_factory):
    """One server for all cases."""
    from harness.programs import BOSBASE
    from harness.server import Server

    from .internet import Internet

    folder = tmp_path_factory.mktemp("profiles")
    with Internet(folder) as internet, Server(BOSBASE, folder / "home" / "pb_data", env=internet.environment) as server:
        root = server.root()
        fields = root.get("/api/collections/users")["fields"]
        optional = [{**field, "required": False} if field["name"] == "email" else field for field in fields]
        root.patch("/api/collections/users", json={"fields": optional})
        yield internet, server, root


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case['provider']}: {case['case']}")
def test_a_profile_is_read_as_the_provider_means_it(places, case):
    if ORACLE_RUN and case.get("ours"):
        pytest.skip(case["ours"])
    internet, server, root = places
    root.delete("/api/collections/users/truncate")
    name = case["provider"]
    config = {"name": name, "clientId": "client-1", "clientSecret": "secret-1", **case.get("config", {})}
    changed = root.patch("/api/collections/users", json={"oauth2": {"enabled": True, "providers": [config], "mappedFields": {}}})
    assert "secret-1" not in json.dumps(changed)
    internet.answers.clear()
    internet.asked.clear()
    internet.answers |= {url: Answer(body) for url, body in case["answers"].items()}
    internet.answers[case["asks"]["token"]] = Answer({**TOKEN, **case.get("token", {})})
    body = {"provider": name, "code": "code-1", "codeVerifier": VERIFIER, "redirectURL": CALLBACK}
    answer = server.client().send("POST", "/api/collections/users/auth-with-oauth2", json=body, expect=None)
    if case["profile"] is None:
        assert answer.status_code == 400, answer.text
        assert answer.json() == {"data": {}, "message": "Failed to fetch OAuth2 user.", "status": 400}
        return
    assert answer.status_code == 200, answer.text
    meta = answer.json()["meta"]
    assert {key: meta[key] for key in case["profile"]} == case["profile"]
    assert meta["avatarUrl"] == meta["avatarURL"]
    assert (meta["accessToken"], meta["refreshToken"], meta["isNew"]) == ("access-1", "refresh-1", True)
    assert len(meta["expiry"]) == len("2026-11-30 16:55:37.492Z")
    main = next(iter(case["answers"].values()))
    assert meta["rawUser"] == {**main, **case.get("raw", {})}
    # What was asked of the provider, and with what.
    token, *others = internet.asked
    pkce = {"code_verifier": VERIFIER} if case["asks"].get("pkce", True) else {}
    assert token.form == {"code": "code-1", "grant_type": "authorization_code", "redirect_uri": CALLBACK, **pkce}
    assert token.headers["authorization"] == "Basic Y2xpZW50LTE6c2VjcmV0LTE="
    assert [asked.url for asked in others] == case["asks"].get("urls", list(case["answers"]))
    asked = others[0]
    assert asked.headers["authorization"] == "Bearer access-1"
    assert asked.query == case["asks"].get("query", {})
    for name, value in case["asks"].get("headers", {}).items():
        assert asked.headers[name.lower()] == value
    assert (json.loads(asked.body) if asked.body else None) == case["asks"].get("body")
