"""Logins with a provider: who is new, who is known, and who is refused."""

import pytest

from harness.client import Client

from .internet import Answer
from .provider import CALLBACK, VERIFIER, Provider, links, make_user

PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360000002000001e221bc330000000049454e44ae426082"
)


@pytest.fixture
def provider(internet, root):
    return Provider(internet).enable(root)


def test_a_new_user_is_made_and_found_again(server, root, provider):
    first = provider.log_in(server)
    assert first["meta"]["isNew"] is True
    record = first["record"]
    assert (record["email"], record["verified"], record["name"]) == ("jane@example.com", True, "Jane Doe")
    assert "password" not in record and "tokenKey" not in record
    assert links(root) == [
        {"collectionRef": record["collectionId"], "recordRef": record["id"], "provider": "oidc", "providerId": "1001"}
    ]
    again = provider.log_in(server)
    assert again["meta"]["isNew"] is False
    assert again["record"]["id"] == record["id"]
    assert len(links(root)) == 1
    # The token is one like any.
    itself = Client(server.url, again["token"])
    assert itself.post("/api/collections/users/auth-refresh")["record"]["id"] == record["id"]
    assert [link["providerId"] for link in itself.records("_externalAuths")] == ["1001"]


def test_an_address_that_is_not_confirmed_is_nobodys(server, root, provider):
    provider.profile["email_verified"] = False
    made = provider.log_in(server)
    assert (made["record"]["email"], made["meta"]["email"], made["record"]["verified"]) == ("", "", True)


def test_an_address_that_is_required_is_asked_for(server, root, internet):
    provider = Provider(internet).enable(root, optional_email=False)
    provider.profile["email_verified"] = False
    answer = provider.log_in(server, expect=400)
    assert answer["data"]["email"]["code"] == "validation_required"
    assert root.records("users") == [] and links(root) == []


def test_the_profile_goes_where_the_collection_says(server, root, internet):
    fields = root.get("/api/collections/users")["fields"]
    fields += [{"name": "login", "type": "text", "pattern": "^[a-z.]+$"}, {"name": "subject", "type": "text"}, {"name": "picture", "type": "url"}]
    root.patch("/api/collections/users", json={"fields": fields})
    mapped = {"id": "subject", "name": "name", "username": "login", "avatarURL": "picture"}
    provider = Provider(internet).enable(root, mapped=mapped)
    provider.profile |= {"preferred_username": "jane.doe", "picture": "https://id.example/jane.png"}
    record = provider.log_in(server)["record"]
    assert (record["subject"], record["name"], record["login"]) == ("1001", "Jane Doe", "jane.doe")
    assert (record["picture"], record["avatar"]) == ("https://id.example/jane.png", "")
    # A name that the field does not accept is left out, and the login goes on.
    provider.profile |= {"sub": "1002", "preferred_username": "NOT ok!", "email": "two@example.com", "picture": ""}
    record = provider.log_in(server)["record"]
    assert (record["subject"], record["login"], record["picture"]) == ("1002", "", "")


def test_a_name_that_is_taken_is_left_out(server, root, internet):
    """As the index compares names, here without regard to case."""
    fields = root.get("/api/collections/users")["fields"] + [{"name": "username", "type": "text"}]
    indexes = root.get("/api/collections/users")["indexes"]
    indexes.append("CREATE UNIQUE INDEX idx_name ON users (username COLLATE NOCASE) WHERE username != ''")
    root.patch("/api/collections/users", json={"fields": fields, "indexes": indexes})
    provider = Provider(internet).enable(root, mapped={"username": "username"})
    provider.profile["preferred_username"] = "jane"
    assert provider.log_in(server)["record"]["username"] == "jane"
    provider.profile |= {"sub": "1002", "preferred_username": "JANE", "email": "two@example.com"}
    assert provider.log_in(server)["record"]["username"] == ""


def test_a_field_that_is_gone_is_mapped_no_more(server, root, internet):
    Provider(internet).enable(root)
    fields = [field for field in root.get("/api/collections/users")["fields"] if field["name"] != "avatar"]
    changed = root.patch("/api/collections/users", json={"fields": fields})
    assert changed["oauth2"]["mappedFields"] == {"id": "", "name": "name", "username": "", "avatarURL": ""}


def test_what_was_sent_goes_before_the_profile(server, root, internet):
    provider = Provider(internet).enable(root, mapped={"name": "name"})
    sent = {"name": "Sent", "emailVisibility": True, "password": "a-password-1", "passwordConfirm": "a-password-1"}
    record = provider.log_in(server, createData=sent)["record"]
    assert (record["name"], record["emailVisibility"], record["verified"]) == ("Sent", True, True)
    Client(server.url).login("users", "jane@example.com", "a-password-1")


def test_an_address_that_was_sent_is_not_confirmed_by_the_provider(server, root, provider):
    record = provider.log_in(server, createData={"email": "other@example.com"})["record"]
    assert (record["email"], record["verified"]) == ("other@example.com", False)


def test_an_empty_address_that_was_sent_is_the_providers(server, root, provider):
    record = provider.log_in(server, createData={"email": ""})["record"]
    assert (record["email"], record["verified"]) == ("jane@example.com", True)


def test_nobody_confirms_themselves(server, root, provider):
    answer = provider.log_in(server, createData={"verified": True, "email": "other@example.com"}, expect=400)
    assert answer["data"]["verified"]["code"] == "validation_values_mismatch"
    answer = provider.log_in(server, createData={"email": "no address", "avatar": "x"}, expect=400)
    assert answer["data"]["email"]["code"] == "validation_is_email"
    assert answer["data"]["avatar"]["code"] == "validation_invalid_file"
    assert root.records("users") == [] and links(root) == []


def test_a_random_password_need_not_fit_the_field(server, root, internet):
    fields = root.get("/api/collections/users")["fields"]
    fields = [{**field, "pattern": "^[0-9]+$"} if field["name"] == "password" else field for field in fields]
    root.patch("/api/collections/users", json={"fields": fields})
    provider = Provider(internet).enable(root)
    assert provider.log_in(server)["meta"]["isNew"] is True


def test_a_password_that_was_sent_has_to_fit(server, root, provider):
    answer = provider.log_in(server, createData={"password": "short", "passwordConfirm": "short"}, expect=400)
    assert list(answer["data"]) == ["password"]
    answer = provider.log_in(server, createData={"password": "long-enough-1"}, expect=400)
    assert list(answer["data"]) == ["passwordConfirm"]
    answer = provider.log_in(server, createData={"password": "", "passwordConfirm": ""}, expect=400)
    assert answer["data"]["password"]["code"] == "validation_required"


def test_the_create_rule_decides_over_new_users_alone(server, root, internet):
    provider = Provider(internet).enable(root, createRule=None)
    answer = provider.log_in(server, expect=403)
    assert answer["message"] == "Only superusers can perform this action."
    assert root.records("users") == []
    root.patch("/api/collections/users", json={"createRule": "@request.context = 'oauth2' && @request.body.name = 'in'"})
    assert provider.log_in(server, expect=400)["message"].startswith("Failed to create record")
    assert provider.log_in(server, createData={"name": "in"})["meta"]["isNew"] is True
    root.patch("/api/collections/users", json={"createRule": None})
    assert provider.log_in(server)["meta"]["isNew"] is False


def test_the_auth_rule_sees_the_context(server, root, internet):
    provider = Provider(internet).enable(root, authRule="@request.context = 'oauth2' && @request.body.provider = 'oidc'")
    assert provider.log_in(server)["meta"]["isNew"] is True
    root.patch("/api/collections/users", json={"authRule": "@request.context = 'password'"})
    answer = provider.log_in(server, expect=403)
    assert answer["message"] == "The request doesn't satisfy the collection requirements to authenticate."
    root.patch("/api/collections/users", json={"authRule": None})
    provider.log_in(server, expect=403)


def test_relations_are_shown_with_the_account(server, root, internet):
    team = root.post("/api/collections", json={"name": "teams", "type": "base", "viewRule": "", "fields": [{"name": "title", "type": "text"}]})
    row = root.create("teams", {"title": "red"})
    fields = root.get("/api/collections/users")["fields"] + [
        {"name": "team", "type": "relation", "collectionId": team["id"], "maxSelect": 1}
    ]
    root.patch("/api/collections/users", json={"fields": fields})
    provider = Provider(internet).enable(root)
    made = provider.log_in(server, createData={"team": row["id"]}, query="?expand=team&fields=token,record.expand,meta.isNew")
    assert made["record"]["expand"]["team"]["title"] == "red"
    assert made["meta"] == {"isNew": True} and set(made) == {"token", "record", "meta"}


def test_a_second_factor_is_still_wanted(server, root, internet):
    both = {"mfa": {"enabled": True, "duration": 600, "rule": ""}}
    provider = Provider(internet).enable(root, **both)
    first = provider.log_in(server, expect=401)
    assert set(first) == {"mfaId"}
    user = root.records("users")[0]
    again = provider.log_in(server, expect=400, mfaId=first["mfaId"])
    assert again["message"] == "A different authentication method is required."
    # The other way round: a password first, and the provider's word second.
    root.patch(f"/api/collections/users/records/{user['id']}", json={"password": "by-root-123", "passwordConfirm": "by-root-123"})
    body = {"identity": "jane@example.com", "password": "by-root-123"}
    begun = server.client().post("/api/collections/users/auth-with-password", json=body, expect=401)
    assert provider.log_in(server, mfaId=begun["mfaId"])["record"]["id"] == user["id"]
    assert provider.log_in(server, expect=400, mfaId=begun["mfaId"])["message"] == "Invalid or expired MFA session."


def test_superusers_have_no_providers(server, root, internet):
    provider = Provider(internet)
    changed = root.patch("/api/collections/_superusers", json={"oauth2": {"enabled": True, "providers": [provider.config]}})
    assert (changed["oauth2"]["enabled"], changed["oauth2"]["providers"]) == (False, [])
    provider.log_in(server, collection="_superusers", expect=403)


def test_a_form_that_is_incomplete_is_refused_by_field(server, root, provider):
    def refused(body):
        return server.client().post("/api/collections/users/auth-with-oauth2", json=body, expect=400)

    answer = refused({"provider": "google"})
    assert answer["message"] == "An error occurred while loading the submitted data."
    assert {name: problem["code"] for name, problem in answer["data"].items()} == {
        "provider": "validation_invalid_provider",
        "code": "validation_required",
    }
    assert answer["data"]["provider"]["message"] == "Provider with name google is missing or is not enabled."
    answer = refused({})
    assert {name: problem["code"] for name, problem in answer["data"].items()} == {
        "provider": "validation_required",
        "code": "validation_required",
    }
    answer = refused({"provider": "x" * 101, "code": "c", "redirectURL": "u"})
    assert answer["data"]["provider"]["code"] == "validation_length_too_long"
    answer = refused({"provider": 5, "code": "c", "redirectURL": "u"})
    assert answer["data"] == {}
    answer = refused({"provider": "oidc", "code": "c", "redirectURL": "u", "createData": "x"})
    assert answer["data"] == {}


def test_the_older_name_of_the_redirect_url_is_understood(server, root, internet, provider):
    body = {"provider": "oidc", "code": "code-1", "codeVerifier": VERIFIER, "redirectUrl": CALLBACK}
    server.client().post("/api/collections/users/auth-with-oauth2", json=body)
    assert internet.asked[0].form["redirect_uri"] == CALLBACK


def test_a_collection_without_oauth2_refuses_it(server, root):
    answer = Provider.log_in.__get__(type("P", (), {"name": "oidc"})())(server, expect=403)
    assert answer["message"] == "The collection is not configured to allow OAuth2 authentication."
    server.client().post("/api/collections/nothing/auth-with-oauth2", json={}, expect=404)
    root.post("/api/collections", json={"name": "plain", "type": "base"})
    server.client().post("/api/collections/plain/auth-with-oauth2", json={}, expect=404)


def test_pkce_goes_by_the_provider_or_by_the_config(server, root, internet):
    for pkce, is_sent in ((None, True), (True, True), (False, False)):
        provider = Provider(internet, pkce=pkce).enable(root)
        internet.asked.clear()
        provider.log_in(server)
        assert ("code_verifier" in internet.asked[0].form) is is_sent


def test_a_login_is_no_registration_of_somebody_else(server, root, internet):
    """Two users of a provider stay two, though they have the same name."""
    provider = Provider(internet).enable(root)
    one = provider.log_in(server)["record"]["id"]
    provider.profile |= {"sub": "1002", "email": "two@example.com"}
    two = provider.log_in(server)["record"]["id"]
    assert one != two
    provider.profile["sub"] = "1001"
    assert provider.log_in(server)["record"]["id"] == one


def test_a_profile_without_an_id_is_refused(server, root, provider):
    provider.profile.pop("sub")
    answer = provider.log_in(server, expect=400)
    assert answer["message"] == "Failed to authenticate."
    assert answer["data"]["providerId"]["code"] == "validation_required"
    assert root.records("users") == [] and links(root) == []


def test_the_same_person_twice_at_once_is_one_account(server, root, internet):
    from concurrent.futures import ThreadPoolExecutor

    provider = Provider(internet).enable(root)
    provider.profile["email_verified"] = False
    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(lambda _: provider.log_in(server, expect=(200, 400)), range(8)))
    assert any("token" in answer for answer in statuses)
    assert len(links(root)) == 1
    assert len(root.records("users")) == 1


@pytest.mark.ours
def test_a_body_is_bounded(server, root, internet, provider):
    answer = provider.log_in(server, createData={"name": "x" * (5 << 20)}, expect=413)
    assert answer["message"] == "Request entity too large."
    assert internet.asked == [] and root.records("users") == []
