"""The application's clients: writers who change records and files without a pause, readers who check what they are given."""

import random
import string
import threading
import time

import requests

from .model import Change, History, digest, digest_in

COLLECTION = "papers"
RECORDS = f"/api/collections/{COLLECTION}/records"
MOST_RECORDS = 25


class Worker(threading.Thread):
    """Works until told to stop, or until something is wrong, which it keeps. Its owner can hold it between two requests."""

    def __init__(self, soak, name, seed):
        super().__init__(name=name, daemon=True)
        self.soak, self.random = soak, random.Random(seed)
        self.hold = threading.Lock()
        self.failure, self.done, self.slowest = None, 0, 0.0
        self.client = None

    def run(self):
        while not self.soak.stopping.is_set():
            with self.hold:
                try:
                    self.step()
                    self.done += 1
                except Exception as error:  # noqa: BLE001  (whatever it is, the run has failed)
                    self.failure = f"{self.name}: {error!r}"
                    self.soak.stopping.set()
            # Gives whoever waits for `hold` its turn.
            time.sleep(0.001)

    def ask(self, method, path, **rest):
        """The answer, or None where none came and none needed to (the server was being killed)."""
        if self.client is None:
            self.client = self.soak.server.client().with_token(self.soak.token)
        began = time.monotonic()
        try:
            answer = self.client.send(method, path, expect=None, timeout=60, **rest)
        except requests.RequestException:
            self.client = None
            if not self.soak.may_be_refused.is_set():
                raise
            time.sleep(0.02)
            return None
        self.slowest = max(self.slowest, time.monotonic() - began)
        if answer.status_code == 503:
            assert answer.headers.get("Retry-After"), "503 without saying when to come back"
            time.sleep(0.02)
        return answer


class Writer(Worker):
    """Creates, changes and deletes records of its own; each change is numbered."""

    def __init__(self, soak, number, seed):
        super().__init__(soak, f"writer {number}", seed)
        self.number, self.history = number, History()
        self.begun, self.n, self.records = 0, 0, []

    def step(self):
        self.n += 1
        kinds = ["create"] if not self.records else ["delete"] if len(self.records) >= MOST_RECORDS else ["create", "update", "update", "delete"]
        kind = self.random.choice(kinds)
        record = "".join(self.random.choices(string.ascii_lowercase + string.digits, k=15)) if kind == "create" else self.random.choice(self.records)
        content = None
        if kind != "delete":
            size = self.random.choice([0, 0, 10, 3_000, 30_000, 200_000])
            content = self.random.randbytes(size) if size else None
        # An update without a file takes away the one that was there.
        change = Change(kind, record, (self.n, digest(content) if content else ""))
        self.begun = len(self.history.changes) + 1
        change.begun = time.monotonic()
        answer = self.send(change, content)
        change.answered = time.monotonic()
        change.status = answer.status_code if answer is not None else 0
        self.history.changes.append(change)
        if change.acknowledged:
            if kind == "create":
                self.records.append(record)
            elif kind == "delete":
                self.records.remove(record)
        elif change.status == 404 and self.soak.may_be_gone.is_set():
            self.records.remove(record)
        elif change.status not in (0, 503):
            raise AssertionError(f"{kind} of {record}: {change.status} {answer.text[:500]}")

    def send(self, change, content):
        if change.kind == "delete":
            return self.ask("DELETE", f"{RECORDS}/{change.record}")
        fields = {"writer": self.number, "n": change.value[0]}
        method, path = ("POST", RECORDS) if change.kind == "create" else ("PATCH", f"{RECORDS}/{change.record}")
        if change.kind == "create":
            fields["id"] = change.record
        if content:
            return self.ask(method, path, data=fields, files={"paper": (f"{change.value[1]}.bin", content)})
        return self.ask(method, path, json={**fields, "paper": ""})

    def restart(self, state):
        """Goes on from these records."""
        self.history.restart(state)
        self.records, self.begun = sorted(state), 0


class Reader(Worker):
    """Lists records and fetches files; the name of each file says what must be in it."""

    def step(self):
        answer = self.ask("GET", RECORDS, params={"perPage": 30, "sort": "@random", "skipTotal": 1})
        if answer is None or answer.status_code == 503:
            return
        assert answer.status_code == 200, f"{answer.status_code} {answer.text[:500]}"
        for record in self.random.sample(items := answer.json()["items"], min(5, len(items))):
            if not record["paper"]:
                continue
            file = self.ask("GET", f"/api/files/{COLLECTION}/{record['id']}/{record['paper']}")
            if file is None or file.status_code in (404, 503):
                continue  # changed meanwhile
            assert file.status_code == 200, f"{file.status_code} {file.text[:500]}"
            assert digest(file.content) == digest_in(record["paper"]), f"{record['paper']} has other bytes than were uploaded"
