"""An application made over HTTP: every kind of field, two kinds of users, relations, files, views, indexes, odd names."""

import hashlib
import json
import random
import re
import sqlite3
import string

USER_PASSWORD = "pässwörd-✓-123"

AUTODATES = [
    {"name": "created", "type": "autodate", "onCreate": True, "onUpdate": False},
    {"name": "updated", "type": "autodate", "onCreate": True, "onUpdate": True},
]


def blob(seed, size):
    """Bytes that do not compress and are the same every time."""
    return random.Random(seed).randbytes(size)


def make_application(root, geo=True):
    """Fills a fresh server through a superuser's client; PocketBase before 0.27 has no geographic points."""
    authors = root.post(
        "/api/collections",
        json={
            "name": "authors",
            "type": "base",
            "listRule": "",
            "viewRule": "@request.auth.id != ''",
            "createRule": "@request.auth.verified = true && @request.body.name != ''",
            "fields": [
                {"name": "name", "type": "text", "required": True, "max": 200, "presentable": True},
                {"name": "code", "type": "text", "pattern": "^[A-Z]{3}[0-9]+$", "autogeneratePattern": "[A-Z]{3}[0-9]{5}"},
                {"name": "bio", "type": "editor", "convertURLs": True},
                {"name": "score", "type": "number", "min": -10, "max": 1_000_000},
                {"name": "rank", "type": "number", "onlyInt": True},
                {"name": "active", "type": "bool"},
                {"name": "contact", "type": "email", "exceptDomains": ["spam.example"]},
                {"name": "site", "type": "url"},
                {"name": "born", "type": "date"},
                {"name": "level", "type": "select", "values": ["low", "mid", "high"], "maxSelect": 1},
                {"name": "genres", "type": "select", "values": ["sci fi", "kochen & backen", "詩"], "maxSelect": 3},
                {"name": "extra", "type": "json", "maxSize": 100_000},
                *([{"name": "home", "type": "geoPoint"}] if geo else []),
                {"name": "secretNote", "type": "text", "hidden": True},
                *AUTODATES,
            ],
            "indexes": [
                "CREATE INDEX `idx_authors_name` ON `authors` (`name` COLLATE NOCASE, `score` DESC)",
                "CREATE UNIQUE INDEX `idx_authors_code` ON `authors` (`code`) WHERE `code` != ''",
            ],
        },
    )
    books = root.post(
        "/api/collections",
        json={
            "name": "books",
            "type": "base",
            "listRule": "author.active = true || @request.auth.id != ''",
            "viewRule": "@request.auth.id != ''",
            "fields": [
                {"name": "title", "type": "text", "required": True},
                {"name": "author", "type": "relation", "collectionId": authors["id"], "maxSelect": 1, "cascadeDelete": True},
                {"name": "helpers", "type": "relation", "collectionId": authors["id"], "maxSelect": 10},
                {"name": "cover", "type": "file", "maxSelect": 1, "mimeTypes": ["image/png", "image/jpeg"], "thumbs": ["50x50"]},
                {"name": "chapters", "type": "file", "maxSelect": 20, "maxSize": 10_000_000},
                {"name": "contract", "type": "file", "maxSelect": 1, "protected": True},
                *AUTODATES,
            ],
            "indexes": ["CREATE UNIQUE INDEX `idx_books_title` ON `books` (`title`)"],
        },
    )
    books["fields"].append({"name": "sequel", "type": "relation", "collectionId": books["id"], "maxSelect": 1})
    root.patch(f"/api/collections/{books['id']}", json={"fields": books["fields"]})
    # Names that are words of SQL, differ in case, or look like something else.
    root.post(
        "/api/collections",
        json={
            "name": "Order",
            "type": "base",
            "listRule": "",
            "fields": [
                {"name": "group", "type": "number"},
                {"name": "select", "type": "text"},
                {"name": "Where", "type": "json"},
                {"name": "camelCaseField", "type": "bool"},
                {"name": "_under_2", "type": "text"},
            ],
            "indexes": ["CREATE INDEX `oddIndex_2` ON `Order` (`group`, `select`)"],
        },
    )
    root.post(
        "/api/collections",
        json={
            "name": "staff",
            "type": "auth",
            "listRule": "@request.auth.collectionName = 'staff'",
            "fields": [{"name": "username", "type": "text", "required": True}, *AUTODATES],
            "indexes": ["CREATE UNIQUE INDEX `idx_staff_username` ON `staff` (`username` COLLATE NOCASE)"],
            "passwordAuth": {"enabled": True, "identityFields": ["username", "email"]},
            "authToken": {"duration": 3600},
        },
    )
    root.post(
        "/api/collections",
        json={
            "name": "author_books",
            "type": "view",
            "listRule": "",
            "viewQuery": f"SELECT a.id, a.name, {'a.home, ' if geo else ''}count(b.id) AS total, max(b.title) AS last_title "
            "FROM authors a LEFT JOIN books b ON b.author = a.id GROUP BY a.id",
        },
    )
    root.post(
        "/api/collections",
        json={
            "name": "measurements",
            "type": "base",
            "listRule": "",
            "fields": [
                {"name": "sensor", "type": "text"},
                {"name": "value", "type": "number"},
                {"name": "author", "type": "relation", "collectionId": authors["id"], "maxSelect": 1},
                *AUTODATES,
            ],
            "indexes": ["CREATE INDEX `idx_measurements_sensor` ON `measurements` (`sensor`, `value`)"],
        },
    )
    fill(root)


def fill(root):
    people = []
    names = ["Ada", "Ünal Çelik", "村上 春樹", "O'Brien \"Q\"", "emoji 🦀🚀", "línea\nnueva\ttab", "%like_ [x]", "Ádám Ελλάδα мир"]
    for i, name in enumerate(names):
        people.append(
            root.create(
                "authors",
                {
                    "name": name,
                    "bio": f"<p>Bio of {name} &amp; more</p>",
                    "score": [0, -1.5, 3.25, 1e5, 0.1, 42, 999999.999, 7][i],
                    "rank": i - 3,
                    "active": i % 2 == 0,
                    "contact": f"person{i}@example.com",
                    "site": f"https://example.com/a?b={i}&c=%20" if i % 3 else "",
                    "born": f"19{50 + i}-02-0{i + 1} 03:04:05.678Z" if i != 4 else "",
                    "level": ["low", "mid", "high", ""][i % 4],
                    "genres": [[], ["詩"], ["sci fi", "詩"], ["kochen & backen"]][i % 4],
                    "extra": [None, {"a": [1, 2.5, None], "ü": "ß"}, [], "text", 12, True, {"": {}}, {"z": 1, "a": 2}][i],
                    "home": {"lon": -0.1276 + i, "lat": 51.5072 - i},
                    "secretNote": f"hidden {i}",
                },
            )
        )
    png = bytes.fromhex(
        "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360000002000001"
        "e221bc330000000049454e44ae426082"
    )
    last = ""
    for i in range(12):
        files = [("chapters", (f"chapter {n} — ünï.txt", blob(100 * i + n, 3000 * (n + 1)))) for n in range(i % 4)]
        files += [("cover", ("cover.png", png))] if i % 2 else []
        files += [("contract", ("Contract FINAL.pdf", blob(i, 70_000)))] if i % 3 == 0 else []
        book = {"title": f"Book № {i}", "author": people[i % len(people)]["id"], "sequel": last}
        book["helpers"] = [person["id"] for person in people[: i % 5]]
        last = root.create("books", book, files=files)["id"] if files else root.create("books", book)["id"]
    for i in range(5):
        root.create(
            "Order",
            {"group": i, "select": f"from {i}", "Where": {"and": [i]}, "camelCaseField": i % 2 == 1, "_under_2": "x'; --"},
        )
    for i in range(4):
        root.create(
            "users",
            {
                "email": f"user{i}@example.com",
                "password": USER_PASSWORD,
                "passwordConfirm": USER_PASSWORD,
                "verified": i % 2 == 0,
                "emailVisibility": i == 1,
                "name": f"User {i} ✓",
            },
            files=[("avatar", ("me.png", png))] if i == 2 else None,
        )
    root.create("staff", {"username": "Boss", "email": "boss@example.com", "password": USER_PASSWORD, "passwordConfirm": USER_PASSWORD})
    root.patch(
        "/api/settings",
        json={
            "meta": {"appName": "Büchersammlung", "appURL": "https://books.example.com"},
            "backups": {"cron": "0 3 * * *", "cronMaxKeep": 4},
            "logs": {"maxDays": 7},
        },
    )


def fill_measurements(directory, rows):
    """Puts rows straight into the stopped application's database, as an import by hand would."""
    alphabet = string.ascii_lowercase + string.digits
    chooser = random.Random(7)
    database = sqlite3.connect(directory / "data.db")
    authors = [row[0] for row in database.execute("SELECT id FROM authors ORDER BY name")]
    with database:
        database.executemany(
            "INSERT INTO measurements (id, sensor, value, author, created, updated) VALUES (?, ?, ?, ?, ?, ?)",
            (
                (
                    "".join(chooser.choices(alphabet, k=15)),
                    f"sensor-{n % 97}",
                    round(chooser.uniform(-50, 50), 3) if n % 10 else n,
                    authors[n % len(authors)] if n % 3 else "",
                    f"2026-01-{n % 28 + 1:02} 00:00:00.{n % 1000:03}Z",
                    f"2026-02-{n % 28 + 1:02} 12:34:56.{n % 1000:03}Z",
                )
                for n in range(rows)
            ),
        )
    database.close()


def content(root, skip=()):
    """Everything a superuser can see: collections, every record, the hash of every file's bytes."""
    collections = root.get("/api/collections", params={"perPage": 500, "sort": "name"})["items"]
    seen = {"collections": {collection["name"]: collection for collection in collections}, "records": {}, "files": {}}
    token = root.file_token()
    for collection in collections:
        name = collection["name"]
        if name in skip:
            continue
        records = root.records(name)
        fields = [field["name"] for field in collection["fields"] if field["type"] == "file"]
        seen["records"][name] = records
        for record in records:
            for field in fields:
                stored = record[field] if isinstance(record[field], list) else [record[field]]
                for file in filter(None, stored):
                    path = f"/api/files/{collection['id']}/{record['id']}/{file}"
                    answer = root.send("GET", path, params={"token": token})
                    seen["files"][path] = (hashlib.sha256(answer.content).hexdigest(), answer.headers["Content-Type"])
    return seen


def without_clone_ids(value):
    """A view's fields get random ids each time its query is looked at anew."""
    return json.loads(re.sub(r'"_clone_\w+"', '"_clone_"', json.dumps(value)))


def assert_same(ours, theirs):
    """Compares two contents and names the first thing that differs, not a megabyte of JSON."""
    for part in ("collections", "records", "files"):
        assert sorted(ours[part]) == sorted(theirs[part]), f"{part}: other names"
        for name in ours[part]:
            left, right = ours[part][name], theirs[part][name]
            if left == right:
                continue
            if part == "records":
                assert len(left) == len(right), f"{name}: {len(left)} records, not {len(right)}"
                left, right = next(pair for pair in zip(left, right) if pair[0] != pair[1])
            raise AssertionError(f"{part} {name}:\n{_difference(left, right)}")


def _difference(left, right):
    if isinstance(left, dict) and isinstance(right, dict):
        keys = sorted(set(left) | set(right))
        return "\n".join(
            f"  {key}: {json.dumps(left.get(key, '(missing)'), ensure_ascii=False)}"
            f"\n    not {json.dumps(right.get(key, '(missing)'), ensure_ascii=False)}"
            for key in keys
            if left.get(key, "(missing)") != right.get(key, "(missing)")
        )
    return f"  {left!r}\n    not {right!r}"
