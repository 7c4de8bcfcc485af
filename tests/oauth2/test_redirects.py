"""The page that a provider sends people back to, and the event stream that waits for it."""

import json

import pytest

from harness.stream import Stream

SUCCESS = "../_/#/auth/oauth2-redirect-success"
FAILURE = "../_/#/auth/oauth2-redirect-failure"


def come_back(server, status=307, method="GET", **parameters):
    place = "params" if method == "GET" else "data"
    answer = server.client().send(
        method, "/api/oauth2-redirect", expect=status, allow_redirects=False, **{place: parameters}
    )
    return answer.headers["Location"]


@pytest.fixture
def server(launch):
    return launch()


def test_the_stream_that_the_state_names_is_told(server):
    with Stream(server.client(), "@oauth2") as stream, Stream(server.client(), "@oauth2") as other:
        assert come_back(server, state=stream.id, code="code-1") == SUCCESS
        assert stream.next() == ("@oauth2", {"state": stream.id, "code": "code-1"})
        assert other.heard() == []
        # Once.
        assert come_back(server, state=stream.id, code="code-2") == FAILURE
        stream.subscribe("@oauth2")
        assert come_back(server, state=stream.id, code="code-3") == SUCCESS
        assert stream.next() == ("@oauth2", {"state": stream.id, "code": "code-3"})


def test_a_refusal_is_told_too(server):
    with Stream(server.client(), "@oauth2") as stream:
        assert come_back(server, state=stream.id, error="access_denied") == FAILURE
        assert stream.next() == ("@oauth2", {"state": stream.id, "code": "", "error": "access_denied"})
        stream.subscribe("@oauth2")
        assert come_back(server, state=stream.id) == FAILURE
        assert stream.next() == ("@oauth2", {"state": stream.id, "code": ""})


def test_forms_that_are_posted_are_understood(server):
    with Stream(server.client(), "@oauth2") as stream:
        assert come_back(server, 303, "POST", state=stream.id, code="code-1") == SUCCESS
        assert stream.next() == ("@oauth2", {"state": stream.id, "code": "code-1"})
    answer = server.client().send(
        "POST", "/api/oauth2-redirect", data=b"{", headers={"Content-Type": "application/json"}, expect=303, allow_redirects=False
    )
    assert answer.headers["Location"] == FAILURE


def test_who_asks_for_the_head_alone_is_sent_on_too(server):
    with Stream(server.client(), "@oauth2") as stream:
        answer = server.client().send(
            "HEAD", "/api/oauth2-redirect", params={"state": stream.id, "code": "code-1"}, expect=303, allow_redirects=False
        )
        assert answer.headers["Location"] == SUCCESS
        assert stream.next() == ("@oauth2", {"state": stream.id, "code": "code-1"})


def test_a_state_of_nobody_is_a_failure(server):
    assert come_back(server) == FAILURE
    assert come_back(server, state="nobody", code="c") == FAILURE
    with Stream(server.client(), "users/*") as stream:
        assert come_back(server, state=stream.id, code="c") == FAILURE
        assert stream.heard() == []


def test_other_subscriptions_stay(server):
    root = server.root()
    with Stream(root, "@oauth2", "users/*") as stream:
        assert come_back(server, state=stream.id, code="c") == SUCCESS
        assert stream.next()[0] == "@oauth2"
        root.create("users", {"email": "a@example.com", "password": "a-password", "passwordConfirm": "a-password"})
        assert stream.next()[0] == "users/*"


@pytest.mark.ours
def test_codes_reach_no_log(server):
    from harness.client import wait_for

    root = server.root()
    come_back(server, state="nobody", code="very-secret-code")
    lines = wait_for(lambda: [line for line in root.get("/api/logs?perPage=100")["items"] if "oauth2-redirect" in line["message"]], 20, "the line")
    assert lines and "very-secret-code" not in json.dumps(lines)
