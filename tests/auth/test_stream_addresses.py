"""An event stream belongs to the address that opened it: who overhears its `clientId` can't change what it is told."""

import http.client
import json

import pytest

from harness.stream import Stream

REFUSED = (400, {"data": {}, "message": "Invalid realtime client.", "status": 400})


def subscribe(server, stream, address, headers=None):
    connection = http.client.HTTPConnection("127.0.0.1", server.port, source_address=(address, 0), timeout=30)
    body = json.dumps({"clientId": stream.id, "subscriptions": ["users/*"]})
    connection.request("POST", "/api/realtime", body, {"Content-Type": "application/json", **(headers or {})})
    answer = connection.getresponse()
    text = answer.read()
    connection.close()
    return answer.status, json.loads(text) if text else None


def test_another_address_cannot_subscribe(server):
    with Stream(server.client(), "users/*") as stream:
        assert subscribe(server, stream, "127.0.0.2") == REFUSED
        assert subscribe(server, stream, "127.0.0.1") == (204, None)
        # Nor can a superuser.
        assert subscribe(server, stream, "127.0.0.2", {"Authorization": server.root().token}) == REFUSED
        # An unknown one is told first.
        stream.id = "x" * 40
        assert subscribe(server, stream, "127.0.0.2")[0] == 404


def test_an_address_is_what_a_trusted_proxy_says(server):
    root = server.root()
    with Stream(server.client(), "users/*") as stream:
        # Without a proxy that is trusted nobody chooses an address.
        assert subscribe(server, stream, "127.0.0.1", {"X-Forwarded-For": "10.0.0.9"}) == (204, None)
        assert subscribe(server, stream, "127.0.0.2", {"X-Forwarded-For": "127.0.0.1"}) == REFUSED
    root.patch("/api/settings", json={"trustedProxy": {"headers": ["X-Real-IP"], "useLeftmostIP": False}})
    with Stream(server.client(), "users/*") as stream:
        assert subscribe(server, stream, "127.0.0.1", {"X-Real-IP": "10.0.0.9"}) == REFUSED
        assert subscribe(server, stream, "127.0.0.2", {"X-Real-IP": "127.0.0.1"}) == (204, None)


@pytest.mark.ours
def test_a_subnet_of_ipv6_is_one_address(server):
    server.root().patch("/api/settings", json={"trustedProxy": {"headers": ["X-Real-IP"], "useLeftmostIP": False}})
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    connection.request("GET", "/api/realtime", headers={"X-Real-IP": "2001:db8::1"})
    answer = connection.getresponse()
    line = b""
    while b"clientId" not in line:
        line = answer.readline()

    class Opened:
        id = json.loads(line.split(b"data:", 1)[1])["clientId"]

    assert subscribe(server, Opened, "127.0.0.1", {"X-Real-IP": "2001:db8::ffff:2"}) == (204, None)
    assert subscribe(server, Opened, "127.0.0.1", {"X-Real-IP": "2001:db8:0:1::1"}) == REFUSED
    connection.close()
