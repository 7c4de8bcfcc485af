"""What is wrong with a filter or an order is said to superusers, and to nobody else: others would learn which fields there are."""

import pytest

pytestmark = pytest.mark.ours

WRONG = "Something went wrong while processing your request."
QUERIES = [
    ("/api/collections/things/records", {"filter": "nowhere > 1"}, 'unknown field "nowhere"'),
    ("/api/collections/things/records", {"filter": "nowhere > 1", "expand": "owner"}, 'unknown field "nowhere"'),
    ("/api/collections/things/records", {"sort": "nowhere"}, 'invalid sort field "nowhere"'),
    ("/api/collections/things/records", {"filter": "title ="}, "invalid or incomplete filter expression"),
    ("/api/collections", {"filter": "nowhere > 1"}, 'failed to resolve field "nowhere"'),
    ("/api/logs", {"filter": "nowhere > 1"}, 'failed to resolve field "nowhere"'),
    ("/api/logs/stats", {"filter": "nowhere > 1"}, 'failed to resolve field "nowhere"'),
]


@pytest.fixture
def root(server):
    root = server.root()
    fields = [{"name": "title", "type": "text"}, {"name": "secret", "type": "text", "hidden": True}]
    root.post("/api/collections", json={"name": "things", "type": "base", "listRule": "", "fields": fields})
    return root


def test_a_superuser_is_told_what_is_wrong(root):
    for path, params, reason in QUERIES:
        told = root.get(path, params=params, expect=400)
        assert told["data"]["query"]["code"] == "invalid_query" and reason in told["data"]["query"]["message"], (path, told)


def test_others_are_not(server, root):
    for params in ({"filter": "nowhere > 1"}, {"filter": "secret = 'a'"}, {"sort": "secret"}):
        told = server.client().get("/api/collections/things/records", params=params, expect=400)
        assert told == {"status": 400, "message": WRONG, "data": {}}
