"""The application whose API is measured: made with PocketBase, so that both programs start from the very same files."""

import json
import random
import sqlite3
import zlib
from datetime import UTC, datetime, timedelta

from data import WORDS
from harness.pictures import png
from harness.programs import POCKETBASE
from harness.server import Server

PASSWORD = "member-1234"
EMAIL = "member@example.com"

RULE = "@request.auth.id != ''"
"""Whoever is logged in may do everything with posts: a rule that has to be evaluated, as those of most applications."""

FILE = 94_000
"""Bytes of the file that is downloaded."""

PHOTOS, WIDTH, HEIGHT, THUMB = 24, 1600, 1200, "100x100"
"""Pictures of a camera's size, the posts that have them following the one with the file, and the size in which they are shown."""

BODY = 1_200
"""About so many bytes the text of a post has; the whole row has 1.5 KB."""

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)


def post_id(n):
    return f"r{n:014}"


def make(directory, count):
    """A data directory with `count` posts, three accounts that wrote them, and one file."""
    with Server(POCKETBASE, directory) as server:
        root = server.root()
        members = [member(root, n) for n in range(3)]
        fields = [
            {"name": "title", "type": "text"},
            {"name": "body", "type": "text", "max": 100_000},
            {"name": "n", "type": "number"},
            {"name": "public", "type": "bool"},
            {"name": "tags", "type": "select", "maxSelect": 5, "values": sorted(set(WORDS))},
            {"name": "details", "type": "json"},
            {"name": "author", "type": "relation", "collectionId": root.get("/api/collections/users")["id"], "maxSelect": 1},
            {"name": "file", "type": "file", "maxSelect": 1, "maxSize": 5_000_000, "thumbs": [THUMB]},
            {"name": "published", "type": "date"},
            {"name": "created", "type": "autodate", "onCreate": True},
            {"name": "updated", "type": "autodate", "onCreate": True, "onUpdate": True},
        ]
        rules = {f"{rule}Rule": RULE for rule in ("list", "view", "create", "update", "delete")}
        indexes = ["CREATE INDEX idx_posts_created ON posts (created)", "CREATE INDEX idx_posts_n ON posts (n)"]
        made = root.post("/api/collections", json={"name": "posts", "type": "base", "fields": fields, "indexes": indexes, **rules})
        root.patch("/api/settings", json={"batch": {"enabled": True}})
        server.stop()
    chooser = random.Random(4)
    database = sqlite3.connect(directory / "data.db")
    with database:
        columns = ["id", *(field["name"] for field in fields)]
        marks = ", ".join("?" for _ in columns)
        rows = (row(chooser, n, members) for n in range(count))
        database.executemany(f"INSERT INTO posts ({', '.join(columns)}) VALUES ({marks})", rows)
    database.close()
    folder = directory / "storage" / made["id"] / post_id(0)
    folder.mkdir(parents=True)
    (folder / "picture.png").write_bytes(b"\x89PNG\r\n\x1a\n" + chooser.randbytes(FILE - 8))
    photo = png(WIDTH, HEIGHT, data=zlib.compress(b"".join(pixels(chooser, y) for y in range(HEIGHT)), 1))
    database = sqlite3.connect(directory / "data.db")
    with database:
        for n in range(1, PHOTOS + 1):
            folder = directory / "storage" / made["id"] / post_id(n)
            folder.mkdir(parents=True)
            (folder / "photo.png").write_bytes(photo)
            database.execute("UPDATE posts SET file = 'photo.png' WHERE id = ?", (post_id(n),))
    database.close()


def pixels(chooser, y):
    """A row of a picture: a gradient with a little noise."""
    noise = chooser.randbytes(WIDTH)
    return b"\0" + bytes(channel for x in range(WIDTH) for channel in ((x >> 3) & 255, (y >> 3) & 255, noise[x] & 15))


def member(root, n):
    email = EMAIL if n == 0 else f"member{n}@example.com"
    return root.create("users", {"email": email, "password": PASSWORD, "passwordConfirm": PASSWORD, "name": f"Member {n}"})["id"]


def row(chooser, n, members):
    at = (BEGIN + timedelta(minutes=n)).strftime("%Y-%m-%d %H:%M:%S.000Z")
    file = "picture.png" if n == 0 else ""
    details = json.dumps({"likes": n % 100, "place": {"city": chooser.choice(WORDS), "zip": str(n)}}, separators=(",", ":"))
    tags = json.dumps(chooser.sample(sorted(set(WORDS)), 2), separators=(",", ":"))
    return (
        post_id(n),
        f"Post {n} of a {chooser.choice(WORDS)}",
        text(chooser),
        n,
        n % 2,
        tags,
        details,
        members[n % len(members)],
        file,
        at,
        at,
        at,
    )


def text(chooser):
    return " ".join(chooser.choices(WORDS, k=BODY // 8))
