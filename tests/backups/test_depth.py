"""A verification opens the databases: an upload, or another program's archive, is proven by more than its bytes."""

import sqlite3
import threading
import zipfile

import pytest

from harness.client import wait_for
from harness.jobs import ended, last_job
from harness.sample import blob

pytestmark = pytest.mark.ours

SCRUB = "/api/crons/__bosbaseScrub__"


def opened(server):
    folder = server.directory / ".bosbase" / "opened"
    return [path for path in folder.rglob("*") if path.is_file()] if folder.exists() else []


def note(root):
    root.post(
        "/api/collections",
        json={"name": "notes", "type": "base", "fields": [{"name": "paper", "type": "file", "maxSelect": 2, "maxSize": 1 << 20}]},
    )
    return root.create("notes", {}, files={"paper": ("paper.txt", b"x" * 1000)})


def packed(archive, path, change):
    """Another program's archive of the same, each file as `change(name, bytes)` has it; None leaves it out."""
    with zipfile.ZipFile(archive) as source, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            content = change(name, source.read(name))
            if content is not None and not name.startswith(".bosbase/"):
                target.writestr(name, content)
    return path


def verify(root, key, expect=204):
    return root.post(f"/api/backups/{key}/verify", headers={"Prefer": "wait=60"}, expect=expect)


def proven(root, key):
    told = root.backups()[key]
    return bool(told["proven"]), told["proofDepth"]


def test_how_deep_the_last_proof_went_is_told(server, root, tmp_path):
    note(root)
    root.back_up("one.zip")
    assert proven(root, "one.zip") == (True, "databases")
    copy = packed(server.directory / "backups" / "one.zip", tmp_path / "two.zip", lambda name, content: content)
    root.upload(copy, "two.zip")
    assert proven(root, "two.zip") == (False, "")
    verify(root, "two.zip")
    assert proven(root, "two.zip") == (True, "databases")
    assert last_job(root, "verify")["warning"] == ""
    assert opened(server) == []


def test_files_that_records_name_and_the_backup_lacks_are_told_of(server, root, tmp_path):
    kept, lost = note(root), root.create("notes", {}, files={"paper": ("gone.txt", b"y")})
    root.back_up("one.zip")
    leave_out = lambda name, content: None if lost["paper"][0] in name else content  # noqa: E731
    root.upload(packed(server.directory / "backups" / "one.zip", tmp_path / "two.zip", leave_out), "two.zip")
    verify(root, "two.zip")
    warning = last_job(root, "verify")["warning"]
    assert "two.zip lacks 1 file that" in warning and f"/{lost['id']}/{lost['paper'][0]}" in warning, warning
    assert kept["id"] not in warning
    root.post(SCRUB, expect=204)
    job = ended(root, "scrub")
    assert job["state"] == "succeeded" and "two.zip lacks 1 file that" in job["warning"] and "one.zip" not in job["warning"], job


def damaged(content, path):
    """The database with an entry taken out of an index, as SQLite's own check finds it and no checksum does."""
    path.write_bytes(content)
    database = sqlite3.connect(path)
    page = database.execute("SELECT rootpage FROM sqlite_schema WHERE type = 'index' AND tbl_name = '_collections' LIMIT 1").fetchone()[0]
    size = database.execute("PRAGMA page_size").fetchone()[0]
    database.close()
    content = bytearray(path.read_bytes())
    # The number of cells on the page (https://sqlite.org/fileformat.html, 1.6).
    at = (page - 1) * size + 3
    cells = int.from_bytes(content[at : at + 2], "big")
    assert cells > 1
    content[at : at + 2] = (cells - 1).to_bytes(2, "big")
    return bytes(content)


def test_an_upload_that_holds_a_damaged_database_is_found_out(server, root, tmp_path):
    """Its bytes are what somebody packed, and so it passed for proven."""
    root.back_up("one.zip")
    spoil = lambda name, content: damaged(content, tmp_path / "spoilt.db") if name == "data.db" else content  # noqa: E731
    root.upload(packed(server.directory / "backups" / "one.zip", tmp_path / "two.zip", spoil), "two.zip")
    root.post(SCRUB, expect=204)
    job = ended(root, "scrub")
    assert job["state"] == "failed" and "two.zip holds a damaged database" in job["error"] and "one.zip" not in job["error"], job
    assert proven(root, "two.zip") == (False, "") and root.backups()["two.zip"]["proofError"]
    assert proven(root, "one.zip") == (True, "databases")
    assert "damaged database" in verify(root, "two.zip", expect=400)["message"]
    no_application = lambda name, content: blank(tmp_path / "blank.db") if name == "data.db" else content  # noqa: E731
    root.upload(packed(server.directory / "backups" / "one.zip", tmp_path / "three.zip", no_application), "three.zip")
    assert "damaged database" in verify(root, "three.zip", expect=400)["message"], "nobody could restore it"
    assert opened(server) == []


def blank(path):
    path.unlink(missing_ok=True)
    database = sqlite3.connect(path)
    database.execute("CREATE TABLE something (else_ TEXT)")
    database.commit()
    database.close()
    return path.read_bytes()


def fill(server, megabytes):
    """Makes the database so long that opening it takes a while."""
    assert server.stop() == 0
    database = sqlite3.connect(server.directory / "data.db")
    database.execute("CREATE TABLE ballast (n INTEGER PRIMARY KEY, bytes BLOB UNIQUE)")
    database.executemany("INSERT INTO ballast VALUES (?, ?)", ((n, blob(n, 2000)) for n in range(megabytes * 250)))
    database.commit()
    database.close()
    server.start()


def test_what_a_kill_leaves_unpacked_is_removed_at_the_next_start(server, root):
    fill(server, 40)
    root.back_up("one.zip")
    root.post("/api/backups/one.zip/verify", expect=204)
    wait_for(lambda: opened(server), 30, "the unpacked database", every=0.001)
    assert all(path.stat().st_mode & 0o077 == 0 for path in opened(server)), "others can't read it"
    server.kill()
    assert opened(server) != [], "this machine is too fast for this test"
    server.start()
    assert opened(server) == []
    assert last_job(root, "verify")["state"] == "failed"
    verify(root, "one.zip")
    assert opened(server) == []


def test_the_name_that_the_scrub_had_before_is_still_taken(root):
    root.post("/api/crons/__bosbaseDrill__", expect=204)
    assert ended(root, "scrub")["state"] == "succeeded"


def test_a_restore_ends_a_scrub_that_has_a_database_open(server, root):
    fill(server, 40)
    root.back_up("one.zip")
    scrubbed = threading.Thread(target=lambda: root.with_token(root.token).post(SCRUB, expect=204))
    scrubbed.start()
    wait_for(lambda: opened(server), 30, "the unpacked database", every=0.001)
    root.post("/api/backups/one.zip/restore", expect=204)
    assert ended(root, "restore")["state"] == "succeeded"
    scrubbed.join(30)
    scrub = last_job(root, "scrub")
    assert scrub["state"] != "running" and opened(server) == [], scrub
