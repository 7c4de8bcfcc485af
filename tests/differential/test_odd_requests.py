"""What odd requests are answered, here and by PocketBase alike."""

import pytest

from harness.client import wait_for

BAD = "An error occurred while loading the submitted data."
WRONG = "Something went wrong while processing your request."
JSON = {"Content-Type": "application/json"}


def records(root, name, *fields, **rules):
    root.post("/api/collections", json={"name": name, "type": "base", "fields": fields, **rules})


@pytest.mark.parametrize(
    ("path", "body", "message"),
    [
        ("/api/collections/notes/records", '{"id":"aaaaaaaaaaaaaaa","id":"bbbbbbbbbbbbbbb"}', WRONG),
        ("/api/collections/notes/records", '{"j":{"a":1,"a":1}}', WRONG),
        ("/api/collections/notes/records", '{"j":[{"a":1,"\\u0061":2}]}', WRONG),
        ("/api/collections", '{"name":"x","name":"x","type":"base"}', "Failed to load the collection type data due to invalid formatting."),
        ("/api/collections/_superusers/auth-with-password", '{"identity":"a","identity":"a","password":"b"}', BAD),
        ("/api/batch", '{"requests":[{"method":"POST","method":"POST","url":"/"}]}', "Failed to read the submitted batch data."),
    ],
)
def test_json_that_says_a_name_twice_is_refused(server, path, body, message):
    root = server.root()
    records(root, "notes", {"name": "j", "type": "json"})
    root.patch("/api/settings", json={"batch": {"enabled": True}})
    refused = root.send("POST", path, data=body, headers=JSON, expect=400).json()
    assert refused == {"status": 400, "message": message, "data": {}}
    assert root.records("notes") == []


def test_names_that_differ_in_case_are_two(server):
    root = server.root()
    records(root, "notes", {"name": "j", "type": "json"})
    body = '{"j":{"a":1,"A":[{"a":2}]}}'
    made = root.send("POST", "/api/collections/notes/records", data=body, headers=JSON).json()
    assert made["j"] == {"a": 1, "A": [{"a": 2}]}


def test_a_token_is_not_renewed_in_a_collection_without_accounts(server):
    root = server.root()
    records(root, "notes")
    said = "The request requires auth record from _superusers collection."
    assert root.send("POST", "/api/collections/notes/auth-refresh", expect=403).json()["message"] == said
    missing = root.send("POST", "/api/collections/nope/auth-refresh", expect=404).json()
    assert missing["message"] == "Missing or invalid collection context."
    server.client().send("POST", "/api/collections/notes/auth-refresh", expect=401)


def test_a_view_may_measure_polygons(server):
    root = server.root()
    records(root, "notes", {"name": "t", "type": "text"})
    root.create("notes", {"t": "[[0,0],[4,0],[4,3],[0,0]]"})
    query = "SELECT id, geopoly_area(t) AS area, geopoly_contains_point(t, 3, 1) AS inside FROM notes"
    root.post("/api/collections", json={"name": "areas", "type": "view", "viewQuery": query})
    assert [(record["area"], record["inside"] > 0) for record in root.records("areas")] == [(6, True)]


def test_the_log_can_be_emptied(server):
    root = server.root()
    server.client().send("GET", "/api/nowhere", expect=404)
    wait_for(lambda: root.get("/api/logs", params={"filter": "data.status = 404"})["totalItems"], 30, "a line")
    server.client().send("DELETE", "/api/logs", expect=401)
    root.delete("/api/logs")
    lines = root.get("/api/logs", params={"filter": "data.status = 404"})
    assert lines["totalItems"] == 0 and lines["items"] == []
    # It goes on.
    server.client().send("GET", "/api/nowhere/else", expect=404)
    wait_for(lambda: root.get("/api/logs", params={"filter": "data.status = 404"})["totalItems"] == 1, 30, "a line after it")


def test_the_log_is_filtered_and_sorted_by_what_is_in_its_lines(server):
    root = server.root()
    for path in ("/api/nowhere/a", "/api/nowhere/c", "/api/nowhere/b"):
        server.client().send("GET", path, expect=404)
    asked = {"filter": "data.status = 404 && data.url ~ 'nowhere'", "sort": "-data.url"}
    wait_for(lambda: root.get("/api/logs", params=asked)["totalItems"] == 3, 30, "three lines")
    urls = [line["data"]["url"] for line in root.get("/api/logs", params=asked)["items"]]
    assert urls == ["/api/nowhere/c", "/api/nowhere/b", "/api/nowhere/a"]
    assert root.get("/api/logs", params={"filter": "data.nope.x = 1"})["totalItems"] == 0
    root.send("GET", "/api/logs", params={"filter": "nope = 1"}, expect=400)
