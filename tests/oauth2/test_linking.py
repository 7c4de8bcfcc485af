"""Whose account a login with a provider is: by the link, by the token, by the address; and what ends."""

import pytest

from harness.client import Client
from harness.programs import ORACLE_RUN
from harness.stream import Stream

from .provider import Provider, links, make_user


@pytest.fixture
def provider(internet, root):
    return Provider(internet).enable(root)


def password_works(server, email="jane@example.com", password="first-password"):
    body = {"identity": email, "password": password}
    return server.client().send("POST", "/api/collections/users/auth-with-password", json=body, expect=(200, 400)).status_code == 200


def test_a_confirmed_account_is_found_by_its_address_and_keeps_its_password(server, root, provider):
    user = make_user(root, verified=True)
    session = Client(server.url).login("users", "jane@example.com", "first-password")
    made = provider.log_in(server)
    assert (made["record"]["id"], made["meta"]["isNew"]) == (user["id"], False)
    assert [link["recordRef"] for link in links(root)] == [user["id"]]
    assert password_works(server)
    session.post("/api/collections/users/auth-refresh")


def test_an_account_that_was_not_confirmed_loses_its_password_and_tokens(server, root, provider):
    """Somebody else may have registered the address before its owner came."""
    user = make_user(root)
    session = Client(server.url).login("users", "jane@example.com", "first-password")
    made = provider.log_in(server)
    assert (made["record"]["id"], made["record"]["verified"]) == (user["id"], True)
    assert not password_works(server)
    session.post("/api/collections/users/auth-refresh", expect=401)
    Client(server.url, made["token"]).post("/api/collections/users/auth-refresh")


def test_an_account_that_was_not_confirmed_loses_other_links_too(server, root, internet, provider):
    """Somebody else may have linked the address's account with a provider of theirs before its owner came."""
    user = make_user(root)
    root.create("_externalAuths", {"collectionRef": user["collectionId"], "recordRef": user["id"], "provider": "google", "providerId": "theirs"})
    provider.log_in(server)
    assert [(link["provider"], link["providerId"]) for link in links(root)] == [("oidc", "1001")]


def test_who_is_logged_in_is_linked_whatever_the_address(server, root, provider):
    user = make_user(root, email="mine@example.com")
    session = Client(server.url).login("users", "mine@example.com", "first-password")
    made = provider.log_in(server, token=session.token)
    assert (made["record"]["id"], made["record"]["email"], made["record"]["verified"]) == (user["id"], "mine@example.com", False)
    assert [link["recordRef"] for link in links(root)] == [user["id"]]
    assert password_works(server, "mine@example.com")
    session.post("/api/collections/users/auth-refresh")


def test_who_is_logged_in_is_confirmed_by_the_same_address(server, root, provider):
    user = make_user(root)
    session = Client(server.url).login("users", "jane@example.com", "first-password")
    made = provider.log_in(server, token=session.token)
    assert (made["record"]["id"], made["record"]["verified"]) == (user["id"], True)
    assert password_works(server)


def test_who_is_logged_in_without_an_address_gets_the_providers(server, root, provider):
    user = make_user(root, email="")
    token = root.post(f"/api/collections/users/impersonate/{user['id']}", json={})["token"]
    made = provider.log_in(server, token=token)
    assert (made["record"]["id"], made["record"]["email"], made["record"]["verified"]) == (user["id"], "jane@example.com", True)


def test_a_link_goes_before_the_token(server, root, provider):
    linked = provider.log_in(server)["record"]["id"]
    make_user(root, email="other@example.com")
    session = Client(server.url).login("users", "other@example.com", "first-password")
    assert provider.log_in(server, token=session.token)["record"]["id"] == linked
    assert len(links(root)) == 1


def test_a_token_of_another_collection_links_nothing(server, root, provider):
    made = provider.log_in(server, token=root.token)
    assert made["meta"]["isNew"] is True
    assert made["record"]["collectionName"] == "users"


def test_a_linked_account_that_is_not_confirmed_loses_its_password(server, root, provider):
    user = make_user(root, email="mine@example.com")
    session = Client(server.url).login("users", "mine@example.com", "first-password")
    provider.log_in(server, token=session.token)
    made = provider.log_in(server)
    assert (made["record"]["id"], made["record"]["verified"]) == (user["id"], False)
    assert not password_works(server, "mine@example.com")


def test_a_link_is_taken_back_by_deleting_it(server, root, provider):
    made = provider.log_in(server)
    itself = Client(server.url, made["token"])
    link = itself.records("_externalAuths")[0]
    assert itself.get(f"/api/collections/_externalAuths/records/{link['id']}")["providerId"] == "1001"
    # Nobody makes or changes one, and nobody sees another's.
    itself.patch(f"/api/collections/_externalAuths/records/{link['id']}", json={"providerId": "1002"}, expect=403)
    itself.create("_externalAuths", {"provider": "oidc"}, expect=403)
    make_user(root, email="other@example.com")
    other = Client(server.url).login("users", "other@example.com", "first-password")
    assert other.records("_externalAuths") == []
    other.delete(f"/api/collections/_externalAuths/records/{link['id']}", expect=404)
    itself.delete(f"/api/collections/_externalAuths/records/{link['id']}")
    assert links(root) == []


def test_links_go_with_the_account(server, root, provider):
    made = provider.log_in(server)
    root.delete(f"/api/collections/users/records/{made['record']['id']}")
    assert links(root) == []
    assert provider.log_in(server)["meta"]["isNew"] is True


def test_links_go_when_an_account_is_confirmed_in_another_way(server, root, provider):
    """Whoever linked an account before its address was confirmed need not be the address's owner."""
    user = make_user(root, email="mine@example.com")
    session = Client(server.url).login("users", "mine@example.com", "first-password")
    provider.log_in(server, token=session.token)
    assert len(links(root)) == 1
    root.patch(f"/api/collections/users/records/{user['id']}", json={"verified": True})
    assert links(root) == []
    session.post("/api/collections/users/auth-refresh", expect=401)


def test_a_superuser_writes_links_that_make_sense(server, root, provider):
    user = make_user(root)
    whole = {"collectionRef": user["collectionId"], "recordRef": user["id"], "provider": "google", "providerId": "1"}

    def codes(**change):
        answer = root.create("_externalAuths", {**whole, **change}, expect=400)
        return {name: problem["code"] for name, problem in answer["data"].items()}

    assert codes(provider="nobody") == {"provider": "validation_in_invalid"}
    assert codes(provider="") == {"provider": "validation_required"}
    assert codes(providerId="") == {"providerId": "validation_required"}
    assert codes(collectionRef="nothing") == {"collectionRef": "validation_invalid_collection_id"}
    assert codes(collectionRef=root.get("/api/collections/_authOrigins")["id"]) == {"collectionRef": "validation_invalid_collection_type"}
    assert codes(recordRef="nothing") == {"recordRef": "validation_invalid_record"}
    root.create("_externalAuths", whole)
    assert set(codes().values()) == {"validation_not_unique"}


def test_the_older_way_to_list_links_is_the_records_api(server, root, provider):
    made = provider.log_in(server)
    found = root.records("_externalAuths", filter=f"recordRef = '{made['record']['id']}'")
    assert [link["provider"] for link in found] == ["oidc"]


def test_one_account_of_a_provider_is_linked_at_a_time(server, root, provider):
    made = provider.log_in(server)
    provider.profile |= {"sub": "1002", "email": "two@example.com"}
    answer = provider.log_in(server, token=made["token"], expect=400)
    assert answer["message"] == "Failed to authenticate."
    assert {name: problem["code"] for name, problem in answer["data"].items()} == dict.fromkeys(
        ["collectionRef", "recordRef", "provider"], "validation_not_unique"
    )
    assert [link["providerId"] for link in links(root)] == ["1001"]
    # Nothing else happened either.
    assert [user["id"] for user in root.records("users")] == [made["record"]["id"]]


def test_a_linked_account_is_confirmed_by_the_same_address(server, root, provider):
    user = make_user(root)
    root.create("_externalAuths", {"collectionRef": user["collectionId"], "recordRef": user["id"], "provider": "oidc", "providerId": "1001"})
    made = provider.log_in(server)
    assert (made["record"]["id"], made["record"]["verified"]) == (user["id"], True)
    assert not password_works(server)
    assert provider.log_in(server)["record"]["id"] == user["id"]
    assert [link["providerId"] for link in links(root)] == ["1001"]


def test_who_listens_hears_of_accounts_and_links(server, root, provider):
    with Stream(root, "users/*", "_externalAuths/*") as stream:
        made = provider.log_in(server)
        heard = [stream.next() for _ in range(2)]
        while {name for name, _ in heard} != {"users/*", "_externalAuths/*"}:
            heard.append(stream.next())
    told = {name: told["record"] for name, told in heard if told["action"] == "create"}
    assert told["users/*"]["id"] == told["_externalAuths/*"]["recordRef"] == made["record"]["id"]


# --- somebody else came first -----------------------------------------------------------------------------------------


@pytest.fixture
def strangers(internet, root, provider):
    """Another provider of the collection, of a person with an address of their own."""
    strangers = Provider(internet, name="oidc2", origin="https://strangers.example")
    strangers.profile = {"sub": "stranger", "email": "stranger@strangers.example", "email_verified": True}
    root.patch("/api/collections/users", json={"oauth2": {"enabled": True, "providers": [provider.config, strangers.config]}})
    return strangers


def test_a_stranger_who_took_the_address_in_another_spelling_loses_their_link(server, root, provider, strangers):
    """The address is found whatever its case is, as its index says, and stays one that nobody has confirmed."""
    indexes = root.get("/api/collections/users")["indexes"]
    root.patch("/api/collections/users", json={"indexes": [index.replace("(`email`)", "(`email` COLLATE NOCASE)") for index in indexes]})
    user = make_user(root, email="Jane@Example.com")
    session = Client(server.url).login("users", "Jane@Example.com", "first-password")
    assert strangers.log_in(server, token=session.token)["record"]["id"] == user["id"]
    made = provider.log_in(server)
    assert (made["record"]["id"], made["record"]["verified"]) == (user["id"], False)
    assert [link["provider"] for link in links(root)] == ["oidc"]
    assert strangers.log_in(server)["record"]["id"] != user["id"]
    assert not password_works(server, "Jane@Example.com")
    session.post("/api/collections/users/auth-refresh", expect=401)


@pytest.mark.parametrize("email", ["", "another@example.com"])
def test_of_an_account_that_nobody_confirmed_the_link_that_is_used_stays_alone(server, root, provider, strangers, email):
    user = make_user(root, email="mine@example.com")
    session = Client(server.url).login("users", "mine@example.com", "first-password")
    provider.profile["email"] = email
    for other in (strangers, provider):
        other.log_in(server, token=session.token)
    # PocketBase ends the others as soon as the account is linked anew.
    assert len(links(root)) == (1 if ORACLE_RUN else 2)
    made = provider.log_in(server)
    assert (made["record"]["id"], made["record"]["verified"]) == (user["id"], False)
    assert [link["provider"] for link in links(root)] == ["oidc"]
    assert provider.log_in(server)["record"]["id"] == user["id"]


@pytest.mark.ours
def test_a_token_that_ends_while_the_provider_is_asked_links_nothing(server, root, provider, strangers):
    """A provider takes as long as it likes: the account may have got its owner meanwhile. PocketBase links it."""
    user = make_user(root)
    session = Client(server.url).login("users", "jane@example.com", "first-password")

    def late(_):
        assert provider.log_in(server)["record"]["id"] == user["id"]
        return strangers.profile

    strangers.internet.answers[strangers.key("/me")] = late
    answer = strangers.log_in(server, token=session.token, expect=400)
    assert answer["data"]["token"]["code"] == "validation_invalid_token"
    assert [link["provider"] for link in links(root)] == ["oidc"]
