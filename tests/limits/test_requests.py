"""What is wrong with a request's head is told in the API's shape."""

import json
import socket

import pytest

pytestmark = pytest.mark.ours


def ask(server, request):
    """Head and body of the answer to raw bytes."""
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        connection.settimeout(30)
        connection.sendall(request)
        answer = b""
        while piece := connection.recv(1 << 16):
            answer += piece
    head, _, body = answer.partition(b"\r\n\r\n")
    return head.decode().lower(), body


@pytest.mark.parametrize("hosts", [b"Host: a\r\nHost: b\r\n", b"Host: a\r\nHost: a\r\n", b"", b"Host: a b\r\n"])
def test_a_request_names_one_host(server, hosts):
    head, body = ask(server, b"GET /api/health HTTP/1.1\r\n" + hosts + b"\r\n")
    assert head.startswith("http/1.1 400 ")
    assert "connection: close" in head and "content-type: application/json" in head
    assert json.loads(body)["status"] == 400


@pytest.mark.parametrize(
    "request_line",
    [
        b"GET /api/health HTTP/1.0\r\n",
        b"GET /api/health HTTP/1.1\r\nConnection: close\r\nHost:\r\n",
        b"GET /api/health HTTP/1.1\r\nConnection: close\r\nHost: [::1]:8090\r\n",
    ],
)
def test_what_names_one_passes(server, request_line):
    head, _ = ask(server, request_line + b"\r\n")
    assert head.split(" ")[1] == "200"


@pytest.mark.parametrize(
    "path, status",
    [
        ("/api/collections/%ff/records", 404),
        ("/api/collections/users/records/%ff", 404),
        ("/api/files/%ff/a/b", 404),
        ("/api/collections/%ff/auth-methods", 404),
        ("/api/backups/%ff", 404),
        ("/%ff", 404),
    ],
)
def test_a_path_that_is_no_text_leads_nowhere(server, path, status):
    head, body = ask(server, f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
    assert head.split(" ")[1] == str(status)
    assert "content-type: application/json" in head
    assert json.loads(body)["status"] == status


def test_a_parameter_that_is_there_twice_is_no_error_of_another_shape(server):
    head, body = ask(server, b"GET /api/backups/x.zip?token=a&token=b HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert head.split(" ")[1] == "403"
    assert json.loads(body)["status"] == 403
