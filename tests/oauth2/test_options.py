"""What a collection says about providers: what is accepted, stored, shown and offered."""

import hashlib
import base64
import json
from urllib.parse import parse_qsl, urlsplit

import pytest

USERS = "/api/collections/users"
WHOLE = {"name": "google", "clientId": "client-1", "clientSecret": "secret-1"}


@pytest.fixture
def server(launch):
    return launch()


@pytest.fixture
def root(server):
    return server.root()


def refused(root, providers, path=USERS, method="PATCH", **more):
    answer = root.send(method, path, json={"oauth2": {"enabled": True, "providers": providers}, **more}, expect=400).json()
    return answer["data"]["oauth2"]["providers"]


def codes(problems):
    if "code" in problems:
        return problems["code"]
    return {name: codes(problem) for name, problem in problems.items()}


def test_a_provider_is_stored_whole_and_shown_without_its_secret(server, root):
    changed = root.patch(USERS, json={"oauth2": {"enabled": True, "providers": [WHOLE]}})["oauth2"]
    assert changed["providers"] == [
        {
            "pkce": None,
            "name": "google",
            "clientId": "client-1",
            "authURL": "",
            "tokenURL": "",
            "userInfoURL": "",
            "displayName": "",
            "extra": {},
        }
    ]
    # Sent back as it is shown, it keeps its secret.
    root.patch(USERS, json={"oauth2": changed})
    assert root.get(USERS)["oauth2"] == changed
    server.stop()
    stored = json.loads(next(iter(server_options(server)))[0])["oauth2"]["providers"][0]
    assert stored["clientSecret"] == "secret-1"


def server_options(server):
    import sqlite3

    database = sqlite3.connect(f"file:{server.directory / 'data.db'}?mode=ro", uri=True)
    return database.execute("SELECT options FROM _collections WHERE name = 'users'").fetchall()


def test_what_can_be_no_provider_is_refused_by_part(root):
    assert codes(refused(root, [{}])) == {"0": dict.fromkeys(["name", "clientId", "clientSecret"], "validation_required")}
    assert codes(refused(root, [WHOLE, {**WHOLE, "name": "nobody"}])) == {"1": {"name": "validation_missing_provider"}}
    urls = {"authURL": "no url", "tokenURL": "/path", "userInfoURL": "http://"}
    assert codes(refused(root, [{**WHOLE, **urls}])) == {"0": dict.fromkeys(urls, "validation_is_url")}
    # Twice the same is told before all else.
    assert codes(refused(root, [WHOLE, {"name": "google"}, {}])) == {"1": {"name": "validation_duplicated_provider"}}
    root.patch(USERS, json={"oauth2": {"enabled": True, "providers": [{**WHOLE, "authURL": "http://localhost/a", "tokenURL": "example.com/t"}]}})
    # What is switched off is not looked at.
    root.patch(USERS, json={"oauth2": {"enabled": False, "providers": [{"name": "nobody"}]}})
    for broken in ([{"name": "oidc", "pkce": "yes"}], [{"name": 5}], "google", [{"name": "oidc", "extra": "x"}]):
        answer = root.patch(USERS, json={"oauth2": {"enabled": True, "providers": broken}}, expect=400)
        assert answer["data"] == {}


def test_the_same_holds_for_new_collections_and_imports(root):
    new = {"name": "members", "type": "auth"}
    assert codes(refused(root, [{**WHOLE, "name": "nobody"}], "/api/collections", "POST", **new)) == {
        "0": {"name": "validation_missing_provider"}
    }
    made = root.post("/api/collections", json={**new, "oauth2": {"enabled": True, "providers": [WHOLE]}})
    assert made["oauth2"]["mappedFields"] == {"id": "", "name": "", "username": "", "avatarURL": ""}
    root.send("PUT", "/api/collections/import", json={"collections": [{**made, "oauth2": {"enabled": True, "providers": [{"name": "x"}]}}]}, expect=400)


def test_each_provider_is_offered_with_a_secret_of_its_own(server, root):
    names = [provider["name"] for provider in root.get("/api/collections/meta/oauth2-providers")]
    assert len(names) == 32
    providers = [{**WHOLE, "name": name} for name in names]
    root.patch(USERS, json={"oauth2": {"enabled": True, "providers": providers}})
    answer = server.client().get(f"{USERS}/auth-methods")
    assert answer["oauth2"]["enabled"] is True
    # The older list, which has no logos.
    assert answer["authProviders"] == [{**one, "logo": ""} for one in answer["oauth2"]["providers"]]
    assert [one["name"] for one in answer["oauth2"]["providers"]] == names
    without_pkce = set()
    for one in answer["oauth2"]["providers"]:
        assert set(one) == {
            "name", "displayName", "logo", "state", "authURL", "authUrl", "codeVerifier", "codeChallenge", "codeChallengeMethod"
        }
        assert one["authUrl"] == one["authURL"] and one["authURL"].endswith("&redirect_uri=")
        assert len(one["state"]) == 30
        query = dict(parse_qsl(urlsplit(one["authURL"]).query))
        assert (query["client_id"], query["state"], query["response_type"]) == ("client-1", one["state"], "code")
        if one["codeVerifier"]:
            digest = hashlib.sha256(one["codeVerifier"].encode()).digest()
            assert one["codeChallenge"] == base64.urlsafe_b64encode(digest).rstrip(b"=").decode() == query["code_challenge"]
            assert one["codeChallengeMethod"] == query["code_challenge_method"] == "S256"
            assert len(one["codeVerifier"]) == 43
        else:
            without_pkce.add(one["name"])
            assert "code_challenge" not in query and one["codeChallengeMethod"] == ""
    assert without_pkce == {"bitbucket", "linear", "vk"}
    again = server.client().get(f"{USERS}/auth-methods")["oauth2"]["providers"]
    assert all(one["state"] != other["state"] for one, other in zip(again, answer["oauth2"]["providers"], strict=True))


def test_what_the_collection_says_goes_before_what_a_provider_is(server, root):
    own = {"displayName": "Our login", "authURL": "https://id.example/authorize?tenant=1", "pkce": False}
    root.patch(USERS, json={"oauth2": {"enabled": True, "providers": [{**WHOLE, **own}, {**WHOLE, "name": "vk", "pkce": True}]}})
    ours, vk = server.client().get(f"{USERS}/auth-methods")["oauth2"]["providers"]
    assert ours["displayName"] == "Our login" and ours["codeVerifier"] == ""
    assert ours["authURL"].startswith("https://id.example/authorize?tenant=1&client_id=client-1&")
    assert vk["codeVerifier"] and vk["displayName"] == "ВКонтакте"


def test_nothing_is_offered_where_it_is_off(server, root):
    root.patch(USERS, json={"oauth2": {"enabled": False, "providers": [WHOLE]}})
    answer = server.client().get(f"{USERS}/auth-methods")
    assert (answer["oauth2"], answer["authProviders"]) == ({"enabled": False, "providers": []}, [])


def test_the_providers_are_listed_for_superusers(server, root):
    listed = root.get("/api/collections/meta/oauth2-providers")
    assert {tuple(sorted(one)) for one in listed} == {("displayName", "logo", "name")}
    shown = {one["name"]: one["displayName"] for one in listed}
    assert (shown["gitea"], shown["twitter"], shown["oidc3"]) == ("Gitea/Forgejo", "X/Twitter", "OIDC")
    server.client().get("/api/collections/meta/oauth2-providers", expect=401)
