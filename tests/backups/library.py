"""What the tests of single records out of a backup have in common: a library of authors, books and chapters."""

AUTHORS = {
    "name": "authors", "type": "base", "fields": [
        {"name": "name", "type": "text", "required": True},
        {"name": "secret", "type": "text", "hidden": True},
        {"name": "picture", "type": "file", "maxSelect": 3, "maxSize": 1 << 20},
        {"name": "created", "type": "autodate", "onCreate": True},
        {"name": "updated", "type": "autodate", "onCreate": True, "onUpdate": True},
    ],
    "indexes": ["CREATE UNIQUE INDEX idx_authors_name ON authors (name)"],
}  # fmt: skip


def make_library(root):
    authors = root.post("/api/collections", json=AUTHORS)
    books = root.post("/api/collections", json={
        "name": "books", "type": "base", "fields": [
            {"name": "title", "type": "text"},
            {"name": "author", "type": "relation", "collectionId": authors["id"], "cascadeDelete": True, "maxSelect": 1},
            {"name": "text", "type": "file", "maxSelect": 1, "maxSize": 1 << 20},
            {"name": "data", "type": "json"},
            {"name": "place", "type": "geoPoint"},
        ],
    })  # fmt: skip
    root.post("/api/collections", json={
        "name": "chapters", "type": "base", "fields": [
            {"name": "n", "type": "number"},
            {"name": "book", "type": "relation", "collectionId": books["id"], "cascadeDelete": True, "maxSelect": 1, "required": True},
        ],
    })  # fmt: skip
    root.post("/api/collections", json={"name": "titles", "type": "view", "viewQuery": "SELECT id, title FROM books"})


def listed(root, key, collection, expect=200, **params):
    return root.get(f"/api/backups/{key}/records/{collection}", params=params, expect=expect)


def recover(root, key, expect=200, **body):
    return root.post(f"/api/backups/{key}/recover", json=body, expect=expect)


def stored(server, collection):
    """Every column of a table as it lies in the database, hashes and keys included."""
    return server.root().post("/api/sql", json={"query": f"SELECT * FROM {collection} ORDER BY id"})["rows"]


def file_of(root, record, name):
    return root.send("GET", f"/api/files/{record['collectionId']}/{record['id']}/{name}").content
