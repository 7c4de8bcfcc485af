"""Accounts that are large, with many tokens: what is remembered of a token must not be the account."""

import pytest

from .place import assert_bounded

pytestmark = pytest.mark.ours


def test_many_tokens_of_a_large_account_take_no_more_than_their_share(place):
    """120 tokens of an account of 3.6 MB took 4.4 GB for good."""
    root = place.server.root()
    fields = [{"name": "large", "type": "json", "maxSize": 5_000_000}]
    root.post("/api/collections", json={"name": "players", "type": "auth", "fields": fields, "viewRule": ""})
    body = {"email": "p@example.com", "password": "player-1234", "passwordConfirm": "player-1234", "large": ["x" * 1000] * 3600}
    made = root.create("players", body)
    tokens = [
        root.post(f"/api/collections/players/impersonate/{made['id']}", json={"duration": 1000 + number})["token"] for number in range(120)
    ]
    with place.peak() as peak:
        for token in tokens:
            place.server.client().with_token(token).get("/api/health")
    assert_bounded(peak, "120 tokens of a large account")


def test_a_long_list_of_names_takes_no_time(place):
    """Each name was looked for among all before it: 80,000 of them took minutes of a core, for anybody."""
    names = [f"file{number:06}.txt" for number in range(80_000)]
    answer = place.server.client().send("POST", "/api/collections/open/records", json={"files": names}, expect=None, timeout=25)
    assert answer.status_code in (200, 400, 413)
