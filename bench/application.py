"""The application that is flooded: open to everybody, made with PocketBase, the same files for both programs."""

import json
import random
import sqlite3
from urllib.parse import quote

from harness.programs import POCKETBASE
from harness.server import Server

PASSWORD = "member-1234"
RECORDS = "/api/collections/posts/records"
POST = f"{RECORDS}/r{7:014}"
MEMBER = "/api/collections/members/records/m00000000000000"
LEAF_TOP = f"/api/collections/tops/records/t{0:014}"
SLOW = "/api/collections/nodes/records?filter=" + quote(" && ".join(["rel.rel.rel.rel.rel.rel.text != 'z0'"] * 20))

POSTS, NODES, TOPS, MIDS, LEAVES, LEAF = 1000, 2000, 30, 40, 40, 100_000

OPEN = {"listRule": "", "viewRule": "", "createRule": "", "updateRule": "", "deleteRule": ""}


def make(directory):
    """1,000 posts, 2,000 nodes that relate to five others each, and a tree that expands to five gigabytes."""
    with Server(POCKETBASE, directory) as server:
        root, ids = server.root(), {}
        for name, below in (("posts", None), ("leaves", None), ("mids", "leaves"), ("tops", "mids"), ("nodes", "nodes")):
            fields = [{"name": "text", "type": "text", "max": 1_000_000}, {"name": "json", "type": "json", "maxSize": 5_000_000}]
            if name == "posts":
                fields.append({"name": "files", "type": "file", "maxSelect": 99, "maxSize": 6_000_000})
            made = root.post("/api/collections", json={"name": name, "type": "base", "fields": fields, **OPEN})
            ids[name] = made["id"]
            if below:
                made["fields"].append({"name": "rel", "type": "relation", "collectionId": ids[below], "maxSelect": 100})
                root.patch(f"/api/collections/{name}", json={"fields": made["fields"]})
        root.post("/api/collections", json={"name": "members", "type": "auth", **OPEN})
        account = {"email": "member@example.com", "password": PASSWORD, "passwordConfirm": PASSWORD}
        root.create("users", account)
        root.create("members", {**account, "id": f"m{0:014}"})
        server.stop()
    fill(directory)
    folder = directory / "storage" / ids["posts"] / f"r{0:014}"
    folder.mkdir(parents=True)
    (folder / "file_0.bin").write_bytes(random.Random(2).randbytes(1_000_000))


def fill(directory):
    def numbered(kind, count):
        return [f"{kind}{n:014}" for n in range(count)]

    chooser = random.Random(3)
    leaves, mids, tops, nodes = numbered("l", LEAVES), numbered("m", MIDS), numbered("t", TOPS), numbered("n", NODES)
    database = sqlite3.connect(directory / "data.db")
    with database:
        posts = ((one, f"post {one}", json.dumps(["file_0.bin"] if one == f"r{0:014}" else [])) for one in numbered("r", POSTS))
        database.executemany("INSERT INTO posts (id, text, files) VALUES (?, ?, ?)", posts)
        database.executemany("INSERT INTO leaves (id, text) VALUES (?, ?)", ((one, "x" * LEAF) for one in leaves))
        database.executemany("INSERT INTO mids (id, text, rel) VALUES (?, '', ?)", ((one, json.dumps(leaves)) for one in mids))
        database.executemany("INSERT INTO tops (id, text, rel) VALUES (?, '', ?)", ((one, json.dumps(mids)) for one in tops))
        related = ((one, one, json.dumps(chooser.sample(nodes, 5))) for one in nodes)
        database.executemany("INSERT INTO nodes (id, text, rel) VALUES (?, ?, ?)", related)
    database.close()
