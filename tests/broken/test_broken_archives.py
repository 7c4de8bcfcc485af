"""Archives that are broken, or made to do harm, are refused; the live data does not change by a byte.

The archives come from `cargo run -p bosbase-backup --features fixtures --example broken_archives DIR`, where they are made by code:
`at-once--…` can be seen to be broken when uploaded, `later--…` only when every byte is read.
"""

import hashlib
import sqlite3
import subprocess
import zipfile
from pathlib import Path

import pytest

from harness.jobs import jobs
from harness.programs import BOSBASE, ROOT
from harness.sample import assert_same, content, make_application
from harness.server import Server

pytestmark = pytest.mark.ours


@pytest.fixture(scope="module")
def archives(tmp_path_factory):
    directory = tmp_path_factory.mktemp("archives")
    example = ROOT / "target" / "debug" / "examples" / "broken_archives"
    subprocess.run([example, directory], check=True, stdin=subprocess.DEVNULL)
    return {path.name: path for path in sorted(directory.iterdir())}


class Place:
    def __init__(self, server):
        self.server, self.root = server, server.root()
        make_application(self.root)
        self.root.back_up("good.zip")
        self.content = self.seen()
        self.files = self.bytes()

    def seen(self):
        return content(self.root, ("_authOrigins",))

    def bytes(self):
        storage = self.server.directory / "storage"
        return {path: hashlib.sha256(path.read_bytes()).hexdigest() for path in storage.rglob("*") if path.is_file()}

    def assert_untouched(self):
        assert_same(self.seen(), self.content)
        assert self.bytes() == self.files
        outside = {path.name for path in self.server.directory.parent.iterdir()} - {"pb_data", self.server.log_path.name}
        assert not outside, f"something was written outside the data directory: {outside}"


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    with Server(BOSBASE, tmp_path_factory.mktemp("broken") / "pb_data") as server:
        yield Place(server)


def test_there_are_archives_of_every_kind_of_brokenness(archives):
    wanted = ("truncat", "digest", "checksum", "extra", "missing", "travers", "absolute", "symlink", "duplicate", "bomb", "encrypt")
    names = " ".join(archives)
    assert not [word for word in (*wanted, "database-is-empty", "database-is-a-directory") if word not in names], names


def test_every_broken_archive_is_refused_or_fails_and_says_why(place, archives):
    accepted = []
    for name, path in archives.items():
        known = set(place.root.backups())
        answer = place.root.send("POST", "/api/backups/upload", files={"file": (f"up_{name}", path.open("rb"), "application/zip")}, expect=None)
        if answer.status_code == 400:
            assert answer.json()["data"]["file"]["message"], name
            assert set(place.root.backups()) == known, f"{name}: refused, and yet listed"
        else:
            accepted.append((name, answer.status_code))
            place.root.delete(f"/api/backups/up_{name}")
    # Only what can't be seen without reading every byte may pass an upload; its restore fails (below).
    assert not [one for one in accepted if one[1] != 204 or not one[0].startswith("later--")], accepted
    assert len(archives) - len(accepted) > 30
    place.assert_untouched()


def test_a_broken_archive_planted_among_the_backups_is_not_restored(place, archives):
    for name, path in archives.items():
        planted = place.server.directory / "backups" / f"planted_{name}"
        planted.write_bytes(path.read_bytes())
        before = {job["id"] for job in jobs(place.root)}
        answer = place.root.send("POST", f"/api/backups/{planted.name}/restore", expect=None)
        assert answer.status_code in (204, 400), (name, answer.status_code, answer.text)
        place.root.wait_until_idle()
        after = [job for job in jobs(place.root) if job["id"] not in before]
        if answer.status_code == 204:
            assert after and after[0]["state"] == "failed" and after[0]["error"], (name, after)
        else:
            assert answer.json()["message"], name
        assert not [job for job in after if job["state"] == "succeeded"], name
        planted.unlink()
    place.assert_untouched()


def test_the_good_archive_still_restores(place):
    place.root.restore("good.zip")
    assert_same(content(place.server.root(), ("_authOrigins",)), place.content)


def test_an_archive_with_a_database_that_is_none_of_ours_fails_and_leaves_the_data(place, tmp_path):
    """A whole ZIP with a whole SQLite database in it which is no application's."""


    sqlite3.connect(tmp_path / "data.db").execute("CREATE TABLE t (a)").connection.close()
    archive = Path(tmp_path / "stranger.zip")
    with zipfile.ZipFile(archive, "w") as made:
        made.write(tmp_path / "data.db", "data.db")
    root = place.server.root()
    before = {job["id"] for job in jobs(root)}
    answer = root.send("POST", "/api/backups/upload", files={"file": ("stranger.zip", archive.open("rb"), "application/zip")}, expect=(204, 400))
    if answer.status_code == 204:
        if root.send("POST", "/api/backups/stranger.zip/restore", expect=(204, 400)).status_code == 204:
            root.wait_until_idle()
            restored = [job for job in jobs(root) if job["id"] not in before and job["kind"] == "restore"]
            assert restored and restored[0]["state"] == "failed" and restored[0]["error"], restored
    assert_same(content(place.server.root(), ("_authOrigins",)), place.content)

