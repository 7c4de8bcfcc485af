"""`POST /api/collections/meta/dry-run-view`: what a view collection would show, before it is made."""

import time

import pytest

PATH = "/api/collections/meta/dry-run-view"

ID = {
    "autogeneratePattern": "", "help": "", "hidden": False, "id": "text3208210256", "max": 0, "min": 0, "name": "id",
    "pattern": "^[a-z0-9]+$", "presentable": False, "primaryKey": True, "required": True, "system": True, "type": "text",
}  # fmt: skip


@pytest.fixture
def root(server):
    return server.root()


def dry_run(client, query):
    return client.post(PATH, json={"query": query})


def refused(client, query):
    answer = client.post(PATH, json={"query": query}, expect=400)
    start = "Invalid view query. Raw error: \n"
    assert answer["message"].startswith(start) and answer["data"] == {}, answer
    return answer["message"].removeprefix(start)


def test_fields_and_a_sample_of_records_are_shown(root):
    before = root.get("/api/collections?perPage=100")
    answer = dry_run(root, "select 1 as id")
    assert answer["fields"] == [ID]
    [record] = answer["sample"]
    assert record.pop("collectionId").startswith("pbc_") and record.pop("collectionName").startswith("temp_view_")
    assert record == {"id": "1"}
    many = "select i as id from (with recursive n(i) as (select 1 union all select i+1 from n limit 25) select i from n)"
    assert [record["id"] for record in dry_run(root, many)["sample"]] == [str(n) for n in range(1, 11)]
    assert root.get("/api/collections?perPage=100") == before
    assert root.post(PATH, data={"query": "select 1 as id"})["fields"] == [ID]
    for query in ("select 1 as id;;", "select 'a;b' as id", " select 1 as id ; "):
        assert len(dry_run(root, query)["sample"]) == 1, query
    assert root.post(PATH + "?fields=sample.id", json={"query": "select 1 as id"}) == {"sample": [{"id": "1"}]}


def test_a_sample_is_what_the_view_would_show(root):
    fields = [
        {"name": "title", "type": "text"}, {"name": "n", "type": "number"}, {"name": "on", "type": "bool"},
        {"name": "data", "type": "json"}, {"name": "tags", "type": "select", "maxSelect": 2, "values": ["a", "b"]},
    ]  # fmt: skip
    root.post("/api/collections", json={"name": "posts", "type": "base", "fields": fields})
    root.create("posts", {"title": "one", "n": 1.5, "on": True, "data": {"a": [1]}, "tags": ["b", "a"]})
    root.create("posts", {"title": "two"})
    query = """select id, title, n, `on`, data, tags, count(*) as c, cast(n as text) as t, '{"a":1}' as j, null as z
        from posts group by id order by title;"""
    tried = dry_run(root, query)
    made = root.post("/api/collections", json={"name": "seen", "type": "view", "viewQuery": query})
    shown = root.get("/api/collections/seen/records?sort=title")["items"]
    for record in shown + tried["sample"]:
        del record["collectionId"], record["collectionName"]
    assert tried["sample"] == shown
    for field in made["fields"] + tried["fields"]:
        if field["id"].startswith("_clone_"):
            field["id"] = ""
    assert tried["fields"] == made["fields"]


def test_what_is_sent_has_to_be_a_query(root):
    for body in ({}, {"query": ""}, {"query": None}):
        assert root.post(PATH, json=body, expect=400)["data"]["query"]["code"] == "validation_required"
    error = root.post(PATH, json={"query": "a" * 5001}, expect=400)["data"]["query"]
    assert error["code"] == "validation_length_too_long"
    assert root.post(PATH, json={"query": 5}, expect=400)["message"] == "An error occurred while loading the submitted data."


NO_ID = "missing required id column (you can use `(ROW_NUMBER() OVER()) as id` if you don't have one)."


@pytest.mark.parametrize(
    ("query", "error"),
    [
        ("  ", 'SQL logic error: near ")": syntax error (1).'),
        ("select 1", NO_ID),
        ("select 1 as ID", NO_ID),
        ("values (1)", NO_ID),
        ("invalid", "SQL logic error: no such table: main.invalid (1)."),
        ("select id from nope", "SQL logic error: no such table: main.nope (1)."),
        ("select 1 as id; select 2 as id", "multiple statements are not supported."),
        ("select *; select 1 as id", "multiple statements are not supported."),
        ("select id from nope; drop table users", "multiple statements are not supported."),
        ("select 1 as id union all select 1", "invalid identifier parts [1 as id union all 1]."),
        ("update users set email=''", 'SQL logic error: near "update": syntax error (1).'),
        ("drop table users", 'SQL logic error: near "drop": syntax error (1).'),
        ("select 1 as id -- c", "SQL logic error: incomplete input (1)."),
        ("select null as id", "the query could return records with empty or invalid ids."),
        ("select '' as id", "the query could return records with empty or invalid ids."),
        ("select x.id as id from (select 1 as id union all select 1) x", "the query could return records with non-unique ids."),
        ("select id, id as id from users", 'invalid field "id:1" (1): name: must be in a valid format.'),
        ("select 1 as id, 2 as expand", 'invalid field "expand" (1): name: must not be in list.'),
        ("select 1 as id, 2 as `a b`", 'invalid field "a b" (1): name: must be in a valid format.'),
        ("select * from users", "wildcard columns (*) are not supported - manually type the collection field names you want "
         "the view query to have."),
    ],
)  # fmt: skip
def test_why_a_query_cannot_be_a_view_is_said(root, query, error):
    assert refused(root, query) == error


@pytest.mark.ours
def test_a_query_under_trial_does_not_write(root):
    """A pragma may be named as a table, and this one analyses all others."""
    assert "not authorized" in refused(root, "select 1 as id from pragma_optimize where arg = 65538")


def test_a_view_without_ids_is_not_made(root):
    """What a trial refuses, a collection was made of."""
    for query in ("select null as id", "select '' as id"):
        answer = root.post("/api/collections", json={"name": "v", "type": "view", "viewQuery": query}, expect=400)
        assert "empty or invalid ids" in answer["data"]["viewQuery"]["message"]


@pytest.mark.ours
@pytest.mark.alone
def test_a_query_without_end_ends_and_nobody_waits_for_it(server, root):
    endless = "(with recursive n(i) as (select 1 union all select i+1 from n) select i from n)"
    began = time.monotonic()
    assert "took longer than a query may" in refused(root, f"select count(*) as id from {endless}")
    assert 25 < time.monotonic() - began < 60
    # It holds no write up, and leaves a connection that can't write.
    for _ in range(12):
        assert root.post("/api/sql", json={"query": "pragma query_only"})["rows"] == [["1"]]
        dry_run(root, "select 1 as id")
