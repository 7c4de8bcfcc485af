"""Rules that follow the account that asks to other records."""

import pytest

RULES = ['@request.auth.teams.name = "x"', '@request.auth.teams.name ?= "x"', '@request.auth.teams:each = "teamx0000000000"']


@pytest.mark.parametrize("rule", RULES)
def test_a_rule_along_a_relation_to_several_admits_on_create_and_update_as_on_list(server, rule):
    """Each create answered 400 and each update 404, while the list showed the record."""
    root = server.root()
    teams = root.post("/api/collections", json={"name": "teams", "type": "base", "fields": [{"name": "name", "type": "text"}]})
    for name in "xy":
        root.create("teams", {"id": f"team{name}0000000000", "name": name})
    users = root.get("/api/collections/users")
    users["fields"].append({"name": "teams", "type": "relation", "collectionId": teams["id"], "maxSelect": 5})
    root.patch("/api/collections/users", json={"fields": users["fields"]})
    rules = {name: rule for name in ("listRule", "viewRule", "createRule", "updateRule", "deleteRule")}
    root.post("/api/collections", json={"name": "notes", "type": "base", "fields": [{"name": "text", "type": "text"}], **rules})
    clients = {}
    for name in "xy":
        account = {"email": f"{name}@example.com", "password": "user-1234", "passwordConfirm": "user-1234", "teams": [f"team{name}0000000000"]}
        root.create("users", account)
        login = {"identity": f"{name}@example.com", "password": "user-1234"}
        token = server.client().post("/api/collections/users/auth-with-password", json=login)["token"]
        clients[name] = server.client().with_token(token)
    notes = "/api/collections/notes/records"
    made = clients["x"].post(notes, json={"text": "a"})
    clients["x"].patch(f"{notes}/{made['id']}", json={"text": "b"})
    assert clients["x"].get(notes)["totalItems"] == 1
    clients["y"].post(notes, json={"text": "a"}, expect=400)
    clients["y"].patch(f"{notes}/{made['id']}", json={"text": "c"}, expect=404)
    assert clients["y"].get(notes)["totalItems"] == 0
    clients["x"].send("DELETE", f"{notes}/{made['id']}", expect=204)
