"""A client that asks every 5 ms while a restore switches the data sees no refused connection, and waits at worst."""

import contextlib
import threading
import time

import pytest
import requests

from harness.jobs import ended
from harness.sample import blob
from harness.sampler import Sampler

pytestmark = pytest.mark.ours

EVERY = 0.005


class Asker(Sampler):
    """Asks for a record every 5 ms; a new connection each time, or the same one."""

    def __init__(self, url, keep_alive):
        super().__init__()
        self.url, self.keep_alive = url, keep_alive
        self.answers, self.errors, self.slowest = [], [], 0.0

    def run(self):
        session = None
        while not self.stopping.is_set():
            began = time.monotonic()
            if session is None:
                session = requests.Session()
                session.trust_env = False
            try:
                answer = session.get(self.url, timeout=60)
                self.answers.append((answer.status_code, answer.headers.get("Retry-After"), answer.text))
            except requests.RequestException as error:
                self.errors.append(repr(error))
            if not self.keep_alive:
                session.close()
                session = None
            took = time.monotonic() - began
            self.slowest = max(self.slowest, took)
            time.sleep(max(0, EVERY - took))


@pytest.mark.parametrize("round_", range(3))
def test_nobody_is_refused_while_a_restore_switches(server, round_):
    root = server.root()
    root.post(
        "/api/collections",
        json={
            "name": "notes",
            "type": "base",
            "listRule": "",
            "viewRule": "",
            "fields": [{"name": "title", "type": "text"}, {"name": "paper", "type": "file", "maxSelect": 9, "maxSize": 50_000_000}],
        },
    )
    note = root.create("notes", {"title": "in the backup"}, files=[("paper", (f"{n}.bin", blob(n, 8_000_000))) for n in range(5)])
    root.back_up("state.zip")
    root.patch(f"/api/collections/notes/records/{note['id']}", json={"title": "after the backup"})

    url = f"{server.url}/api/collections/notes/records/{note['id']}?fields=title"
    askers = [Asker(url, keep_alive) for keep_alive in (False, False, True, True)]
    with contextlib.ExitStack() as stack:
        for asker in askers:
            stack.enter_context(asker)
        time.sleep(0.3)
        root.post("/api/backups/state.zip/restore", expect=204)
        job = ended(server.root(), "restore")
        time.sleep(0.5)

    assert job["state"] == "succeeded", job
    for asker in askers:
        kind = "keep-alive" if asker.keep_alive else "fresh connections"
        assert not asker.errors, f"{kind}: {len(asker.errors)} errors, first {asker.errors[0]}"
        odd = [answer for answer in asker.answers if answer[0] != 200 and not (answer[0] == 503 and answer[1])]
        assert not odd, f"{kind}: {len(odd)} odd answers, first {odd[0]}"
        texts = [answer[2] for answer in asker.answers if answer[0] == 200]
        assert "after the backup" in texts[0] and "in the backup" in texts[-1]
        changes = sum(1 for one, next_ in zip(texts, texts[1:]) if one != next_)
        assert changes == 1, f"{kind}: the data changed {changes} times"
        assert asker.slowest < 10, f"{kind}: one answer took {asker.slowest:.1f} s"


def test_a_write_that_was_acknowledged_during_a_restore_is_in_the_kept_old_data_or_was_never_acknowledged(server):
    """Writers go on until the switch: what was told 200 before it was in the old data, what came after is in the new."""
    root = server.root()
    root.post(
        "/api/collections",
        json={"name": "notes", "type": "base", "listRule": "", "createRule": "", "fields": [{"name": "title", "type": "text"}]},
    )
    root.back_up("empty.zip")
    stopping, acknowledged, failed = threading.Event(), [], []

    def write():
        client = server.client()
        while not stopping.is_set():
            try:
                answer = client.send("POST", "/api/collections/notes/records", json={"title": "x"}, expect=None, timeout=60)
                (acknowledged if answer.status_code == 200 else failed).append((time.monotonic(), answer))
            except requests.RequestException as error:
                failed.append((time.monotonic(), error))
            time.sleep(0.002)

    writer = threading.Thread(target=write, daemon=True)
    writer.start()
    time.sleep(0.3)
    root.post("/api/backups/empty.zip/restore", expect=204)
    assert ended(server.root(), "restore")["state"] == "succeeded"
    time.sleep(0.5)
    stopping.set()
    writer.join(90)

    present = {record["id"] for record in server.root().records("notes")}
    assert present, "writers go on after the restore"
    in_order = [answer.json()["id"] in present for _, answer in acknowledged]
    assert in_order == sorted(in_order), "an acknowledged write between others is missing"
    odd = [one for _, one in failed if not (isinstance(one, requests.Response) and one.status_code == 503)]
    assert not odd, odd[0]
