"""An application that is open to everybody, and what it may cost."""

import contextlib
import json
import os
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from harness.memory import Peak, resident
from harness.programs import BOSBASE
from harness.server import Server, free_port

from .routes import FILE, RECORD, USER

LIMIT = 400 << 20
"""The most resident bytes of a process, for any input of clients without a login."""

EIGHT = 8

OPEN = {"listRule": "", "viewRule": "", "createRule": "", "updateRule": "", "deleteRule": ""}

PASSWORD = "user-1234"


class Place:
    """A server with the collections `open`, whose rules admit everybody, and `users`."""

    def __init__(self, directory):
        self.server = Server(BOSBASE, directory).start()
        root = self.server.root()
        root.patch("/api/settings", json={"batch": {"enabled": True}})
        fields = [
            {"name": "text", "type": "text", "max": 1_000_000},
            {"name": "json", "type": "json", "maxSize": 2_000_000},
            {"name": "files", "type": "file", "maxSelect": 99},
        ]
        made = root.post("/api/collections", json={"name": "open", "type": "base", "fields": fields, **OPEN})
        made["fields"].append({"name": "rel", "type": "relation", "collectionId": made["id"], "maxSelect": 100})
        root.patch("/api/collections/open", json={"fields": made["fields"]})
        # A provider that has no address: a login goes as far as asking it.
        provider = {"name": "mailcow", "clientId": "client", "clientSecret": "secret"}
        root.patch("/api/collections/users", json={"oauth2": {"enabled": True, "providers": [provider]}})
        root.create("users", {"id": USER, "email": "user@example.com", "password": PASSWORD, "passwordConfirm": PASSWORD})
        self.collection = made["id"]

    @property
    def port(self):
        return self.server.port

    def revive(self):
        """Starts the server anew where a test before has brought it down, or to its limit."""
        if self.server.process.poll() is None and resident(self.server.process.pid)[0] > LIMIT // 2:
            self.server.kill()
        if self.server.process.poll() is not None:
            # Somebody else may have taken the port meanwhile.
            self.server.port = free_port()
            self.server.start()

    def refresh(self):
        """The server runs, and the record that the routes lead to is there."""
        self.revive()
        client = self.server.client()
        if client.send("GET", f"/api/collections/open/records/{RECORD}", expect=None).status_code != 200:
            client.create("open", {"id": RECORD, "text": "here"})
            self._complete()
        return self

    def _complete(self):
        """Gives the record a file, under a name that no server would make, and a relation to itself."""
        folder = self.server.directory / "storage" / self.collection / RECORD
        folder.mkdir(parents=True, exist_ok=True)
        (folder / FILE).write_bytes(b"a paper" * 100)
        with contextlib.closing(sqlite3.connect(self.server.directory / "data.db", timeout=60)) as database, database:
            database.execute("UPDATE open SET files = ?, rel = ? WHERE id = ?", (json.dumps([FILE]), json.dumps([RECORD]), RECORD))

    def peak(self):
        return Peak(self.server.process)

    def serves(self):
        """Whether the same process answers still."""
        return self.server.process.poll() is None and self.server.client().send("GET", "/api/health", expect=None).status_code == 200


def at_once(clients, asks):
    """What each of `asks` returned, in their order, called by so many clients at the same time."""
    with ThreadPoolExecutor(clients) as pool:
        return list(pool.map(lambda ask: ask(), asks))


def shape(answer, *, bare=False):
    """A complaint about an answer's shape, or None. A `bare` answer may come from below the API, without a body."""
    if answer.status < 400:
        return None
    if bare and not answer.body:
        return None
    try:
        told = answer.json()
    except ValueError:
        return f"{answer}: not JSON"
    if sorted(told) != ["data", "message", "status"] or told["status"] != answer.status or not isinstance(told["data"], dict) or not told["message"]:
        return f"{answer}: not the shape of an error"
    if answer.status in (429, 503) and not answer.headers.get("retry-after", "").isdigit():
        return f"{answer}: no Retry-After"
    return None


def files_of_clients(server):
    """The files of a data directory that neither a database nor the server makes for itself, which may do so at any time."""
    own = server.directory / ".bosbase"
    found = set()
    # Not `rglob`, which fails where a folder goes meanwhile.
    for folder, _, names in os.walk(server.directory):
        found |= {Path(folder) / name for name in names if Path(folder) != own and ".db" not in name}
    return found


def assert_bounded(peak, what):
    assert peak.peak < LIMIT, f"{what}: the process took {peak}, not {LIMIT >> 20} MiB at the most"

