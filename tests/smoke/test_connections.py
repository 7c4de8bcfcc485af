"""Requests that are answered before they are read, on connections that are kept."""

import http.client

import pytest


@pytest.fixture
def connection(server):
    opened = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    yield opened
    opened.close()


def send(connection, length, headers=()):
    """Begins a request of that many bytes, none of which anybody wants, and sends as much of it as is taken."""
    connection.putrequest("POST", "/api/backups/upload")
    for name, value in {"Content-Type": "multipart/form-data; boundary=b", "Content-Length": str(length), **dict(headers)}.items():
        connection.putheader(name, value)
    connection.endheaders()


def test_a_small_body_that_nobody_wanted_leaves_the_connection_usable(connection):
    for _ in range(2):
        send(connection, 100_000)
        connection.send(b"x" * 100_000)
        answer = connection.getresponse()
        assert answer.status == 401 and answer.getheader("Connection") is None
        answer.read()
    connection.request("GET", "/api/health")
    assert connection.getresponse().status == 200


@pytest.mark.parametrize("expect", [{}, {"Expect": "100-continue"}])
def test_an_answer_that_ends_the_connection_says_so(connection, expect):
    """A client that keeps its connections sent the next request into one that was closed already."""
    send(connection, 100_000_000, expect)
    if not expect:
        connection.send(b"x" * 400_000)
    answer = connection.getresponse()
    assert answer.status == 401 and answer.getheader("Connection") == "close"
