"""The thin path through everything: start, log in, keep a record with a file, back up, lose it, restore, have it back."""

import io
import zipfile


def make_notes(root):
    return root.post(
        "/api/collections",
        json={
            "name": "notes",
            "type": "base",
            "fields": [
                {"name": "title", "type": "text", "required": True},
                {"name": "attachment", "type": "file", "maxSelect": 1},
            ],
        },
    )


def test_a_fresh_server_is_healthy_and_lets_its_superuser_in(server):
    assert server.client().get("/api/health")["code"] == 200
    root = server.root()
    assert root.auth["record"]["collectionName"] == "_superusers"
    assert root.get("/api/backups") == []


def test_the_dashboard_is_found_without_its_last_slash(server):
    for method in ("GET", "HEAD"):
        for asked, place in (("/_", "/_/"), ("/_?a=b%20c", "/_/?a=b%20c")):
            answer = server.client().send(method, asked, expect=307, allow_redirects=False)
            assert answer.headers["Location"] == place
    assert "text/html" in server.client().send("GET", "/_").headers["Content-Type"]
    assert server.client().send("POST", "/_", expect=404).json()["message"] == "The requested resource wasn't found."


def test_data_that_was_backed_up_and_lost_comes_back_with_a_restore(server):
    root = server.root()
    make_notes(root)
    kept = root.create("notes", {"title": "Ünïcode ✓"}, files={"attachment": ("a b.txt", b"x" * 100_000)})
    root.back_up("first.zip")
    root.delete(f"/api/collections/notes/records/{kept['id']}")
    assert root.records("notes") == []

    root.restore("first.zip")

    root = server.root()
    assert root.records("notes") == [kept]
    content = root.send("GET", f"/api/files/notes/{kept['id']}/{kept['attachment']}").content
    assert content == b"x" * 100_000
    assert "first.zip" in root.backups()


def test_a_downloaded_backup_is_a_zip_with_the_database_and_the_files(server):
    root = server.root()
    make_notes(root)
    kept = root.create("notes", {"title": "t"}, files={"attachment": ("a.bin", b"\0\1\2" * 5000)})
    made = root.back_up("zip_me.zip")
    archive = root.download("zip_me.zip")
    assert len(archive) == made["size"]
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        assert opened.testzip() is None
        names = set(opened.namelist())
        assert {"data.db", "auxiliary.db"} <= names
        file = f"storage/{kept['collectionId']}/{kept['id']}/{kept['attachment']}"
        assert opened.read(file) == b"\0\1\2" * 5000
        assert not [name for name in names if name.startswith(("backups", "/")) or ".." in name]
