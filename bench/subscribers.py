"""Many who listen to one collection, in a process of their own, and how long it takes until the last of them was told of a change."""

import json
import selectors
import socket
import statistics
import time

from clients import PROCESSES
from harness.wire import ask_json

PATIENCE = 60


def fan_out(server, token, count, changes):
    """The median over some changes: milliseconds from the request that makes one until the last of `count` subscribers has it whole."""
    results, sent = PROCESSES.Pipe(duplex=False)
    process = PROCESSES.Process(target=lambda: sent.send(_measure(server.port, token, count, changes)))
    process.start()
    sent.close()
    try:
        return statistics.median(results.recv())
    except EOFError:
        raise RuntimeError("the subscribers failed: the traceback stands above") from None
    finally:
        process.join()


def _measure(port, token, count, changes):
    selector, streams = selectors.DefaultSelector(), []
    try:
        for _ in range(count):
            streams.append(_connect(port, token))
            selector.register(streams[-1], selectors.EVENT_READ)
        took = []
        for n in range(changes):
            marker = f"change {n} of {time.monotonic_ns()}"
            began = time.monotonic()
            answer = ask_json(port, "POST", "/api/collections/posts/records", {"title": marker}, {"Authorization": token})
            assert answer.status == 200, answer
            _wait(selector, count, marker.encode(), began)
            took.append((time.monotonic() - began) * 1000)
            time.sleep(0.2)
        return took
    finally:
        for stream in streams:
            stream.close()


def _connect(port, token):
    stream = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
    stream.sendall(b"GET /api/realtime HTTP/1.1\r\nHost: localhost\r\n\r\n")
    told = b""
    while b"}\n\n" not in told:
        told += stream.recv(4096)
    client = json.loads(told.split(b"data:")[1].split(b"\n")[0])["clientId"]
    wanted = {"clientId": client, "subscriptions": ["posts/*"]}
    answer = ask_json(port, "POST", "/api/realtime", wanted, {"Authorization": token})
    assert answer.status == 204, answer
    stream.setblocking(False)
    return stream


def _wait(selector, count, marker, began):
    pending = {}
    while count:
        assert time.monotonic() - began < PATIENCE, f"{count} were not told"
        for key, _ in selector.select(1):
            told = pending.pop(key.fd, b"") + key.fileobj.recv(1 << 16)
            at = told.find(marker)
            if at >= 0 and b"\n\n" in told[at:]:
                count -= 1
            else:
                pending[key.fd] = told[-(1 << 16) :]
