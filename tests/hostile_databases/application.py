"""The application whose archive is mutated: small, so that a round is short, with every kind of collection and field."""

AUTODATES = [
    {"name": "created", "type": "autodate", "onCreate": True, "onUpdate": False},
    {"name": "updated", "type": "autodate", "onCreate": True, "onUpdate": True},
]
# Not the ones that every server has.
OWN = ("notes", "Order", "people", "titles")


def make(root):
    """Fills a fresh server through a superuser's client. Nothing in its settings reaches beyond this machine."""
    notes = root.post(
        "/api/collections",
        json={
            "name": "notes",
            "type": "base",
            "listRule": "",
            "viewRule": "@request.auth.id != '' || open = true",
            "createRule": "@request.body.title != ''",
            "fields": [
                {"name": "title", "type": "text", "required": True, "max": 200},
                {
                    "name": "code",
                    "type": "text",
                    "pattern": "^[A-Z]{3}[0-9]+$",
                    "autogeneratePattern": "[A-Z]{3}[0-9]{9}",
                },
                {"name": "body", "type": "editor"},
                {"name": "score", "type": "number"},
                {"name": "open", "type": "bool"},
                {"name": "contact", "type": "email"},
                {"name": "site", "type": "url"},
                {"name": "due", "type": "date"},
                {"name": "level", "type": "select", "values": ["low", "mid", "high"], "maxSelect": 1},
                {"name": "tags", "type": "select", "values": ["a", "b", "c d"], "maxSelect": 3},
                {"name": "extra", "type": "json"},
                {"name": "home", "type": "geoPoint"},
                {"name": "paper", "type": "file", "maxSelect": 2},
                *AUTODATES,
            ],
            "indexes": [
                "CREATE UNIQUE INDEX `idx_notes_code` ON `notes` (`code`) WHERE `code` != ''",
                "CREATE INDEX `idx_notes_title` ON `notes` (`title` COLLATE NOCASE, `score` DESC)",
            ],
        },
    )
    root.post(
        "/api/collections",
        json={
            "name": "Order",
            "type": "base",
            "listRule": "note.open = true",
            "fields": [
                {"name": "group", "type": "number"},
                {"name": "select", "type": "text"},
                {
                    "name": "note",
                    "type": "relation",
                    "collectionId": notes["id"],
                    "maxSelect": 1,
                    "cascadeDelete": True,
                },
                {"name": "others", "type": "relation", "collectionId": notes["id"], "maxSelect": 9},
            ],
        },
    )
    root.post(
        "/api/collections",
        json={
            "name": "people",
            "type": "auth",
            "listRule": "@request.auth.collectionName = 'people'",
            "fields": [{"name": "username", "type": "text", "required": True}, *AUTODATES],
            "indexes": ["CREATE UNIQUE INDEX `idx_people_username` ON `people` (`username` COLLATE NOCASE)"],
            "passwordAuth": {"enabled": True, "identityFields": ["username", "email"]},
        },
    )
    query = (
        "SELECT n.id, n.title, count(o.id) AS orders FROM notes n LEFT JOIN `Order` o ON o.note = n.id GROUP BY n.id"
    )
    root.post("/api/collections", json={"name": "titles", "type": "view", "listRule": "", "viewQuery": query})
    for n in range(12):
        note = root.create(
            "notes",
            {
                "title": f"Note {n}",
                "score": n,
                "open": n % 2 == 0,
                "due": f"2026-01-{n + 1:02} 10:00:00.000Z",
                "tags": ["a"],
                "extra": {"n": n},
            },
            files=None if n % 4 else [("paper", (f"{n}.txt", f"paper {n}".encode() * 50))],
        )
        root.create("Order", {"group": n, "select": f"s{n}", "note": note["id"], "others": [note["id"]]})
    # The least that a hash may cost: there are many logins in a run, and their cost is not what is looked at.
    for name in ("_superusers", "users", "people"):
        collection = root.get(f"/api/collections/{name}")
        next(field for field in collection["fields"] if field["name"] == "password")["cost"] = 4
        root.patch(f"/api/collections/{name}", json={"fields": collection["fields"]})
    secret = "person-1234"
    root.create(
        "people", {"username": "ada", "email": "ada@example.com", "password": secret, "passwordConfirm": secret}
    )
    root.patch(
        "/api/settings",
        json={
            "meta": {"appName": "Base"},
            "backups": {"cron": ""},
            "smtp": {"enabled": False, "host": "127.0.0.1", "port": 1},
        },
    )


def seen(root):
    """What a superuser sees of it, to be compared; without what a login leaves behind."""
    collections = {
        one["name"]: (one["id"], one["type"], len(one["fields"]))
        for one in root.get("/api/collections?perPage=200")["items"]
    }
    records = {name: {record["id"]: record for record in root.records(name)} for name in OWN}
    return {"collections": collections, "appName": root.get("/api/settings")["meta"]["appName"], **records}
