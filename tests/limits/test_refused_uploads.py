"""A refused upload is answered, and its client reads the answer.

About half of the uploads of 1 to 40 MB that were refused with 401 or 413 broke the connection instead; behind nginx that is a 502.
"""

import socket

import pytest

pytestmark = pytest.mark.ours

TIMES = 8
WHOLE = {"/api/collections/open/records"}


def upload(port, path, megabytes, host="x", keep=False):
    """Sends all of a body before it reads anything, as simple clients do.

    Returns the connection, the status, and whether the answer says that the connection ends with it."""
    connection = socket.create_connection(("127.0.0.1", port))
    connection.settimeout(60)
    length = int(megabytes * (1 << 20))
    head = f"POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n"
    connection.sendall(head.encode())
    piece = b"x" * (1 << 18)
    while length > 0:
        connection.sendall(piece[:length])
        length -= len(piece)
    return connection, *answer(connection)


def answer(connection):
    reader = connection.makefile("rb")
    status = int(reader.readline().split(b" ")[1])
    length, closes = 0, False
    while (line := reader.readline()) not in (b"\r\n", b""):
        if line.lower().startswith(b"content-length:"):
            length = int(line.split(b":")[1])
        if line.lower().startswith(b"connection:"):
            assert line.split()[1] == b"close"
            closes = True
    assert len(reader.read(length)) == length
    return status, closes


@pytest.mark.parametrize(
    "path, statuses",
    [
        ("/api/collections", {401}),
        ("/api/settings/test/s3", {401}),
        ("/api/backups/upload", {401}),
        ("/api/collections/closed/records", {403}),
        ("/api/collections/open/records", {400, 413}),
        ("/api/collections/_superusers/auth-with-password", {413}),
        ("/api/collections/none/records", {404}),
    ],
)
@pytest.mark.parametrize("megabytes", [1, 12, 40])
def test_the_answer_arrives(server, path, statuses, megabytes):
    root = server.root()
    root.post("/api/collections", json={"name": "closed", "type": "base", "fields": []})
    root.post("/api/collections", json={"name": "open", "type": "base", "createRule": "", "fields": []})
    for _ in range(TIMES):
        connection, status, closes = upload(server.port, path, megabytes)
        assert status in statuses
        # A body that was read whole leaves the connection open.
        assert closes or path in WHOLE
        if closes:
            assert connection.recv(1) == b"", "as was said"
        connection.close()


def test_a_client_that_waits_for_leave_is_answered_at_once(server):
    connection = socket.create_connection(("127.0.0.1", server.port))
    connection.settimeout(30)
    connection.sendall(
        b"POST /api/collections HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 5000000\r\n\r\n"
    )
    assert answer(connection) == (401, True)
    assert connection.recv(1) == b"", "it has nothing more to say on a connection whose body never came"


def test_a_body_without_end_is_cut(server):
    connection = socket.create_connection(("127.0.0.1", server.port))
    connection.settimeout(120)
    connection.sendall(b"POST /api/collections HTTP/1.1\r\nHost: x\r\nContent-Length: 5000000000\r\n\r\n")
    sent, piece = 0, b"x" * (1 << 18)
    with pytest.raises(OSError):
        while sent < 1 << 30:
            connection.sendall(piece)
            sent += len(piece)
    assert sent < 200 << 20
