"""A disk that is really full: a clear error, nothing half done is shown, the application goes on, and works once there is room."""

import io

import pytest

from harness.client import wait_for
from harness.jobs import ended, jobs
from harness.sample import blob
from harness.server import Server
from harness.programs import BOSBASE

pytestmark = pytest.mark.ours

MB = 1 << 20
RECORDS = "/api/collections/notes/records"


class Place:
    """A server with some records and files, on whatever was mounted."""

    def __init__(self, directory):
        self.server = Server(BOSBASE, directory).start()
        self.root = self.server.root()
        self.root.post(
            "/api/collections",
            json={
                "name": "notes",
                "type": "base",
                "listRule": "",
                "viewRule": "",
                "fields": [{"name": "text", "type": "text", "max": 2_000_000}, {"name": "paper", "type": "file", "maxSize": 50_000_000}],
            },
        )
        self.note = self.root.create("notes", {"text": "old"}, files={"paper": ("paper.bin", blob(1, 6 * MB))})

    def assert_served(self, text="old"):
        note = self.server.client().get(f"{RECORDS}/{self.note['id']}")
        assert note["text"] == text
        file = self.server.client().send("GET", f"/api/files/notes/{note['id']}/{note['paper']}")
        assert file.content == blob(1, 6 * MB)

    def backup_files(self):
        return sorted(path.name for path in (self.server.directory / "backups").iterdir() if path.name not in ("lost+found", "filler"))

    def try_backup(self, name):
        """Starts a backup that can't end well; returns why."""
        known = {job["id"] for job in jobs(self.root)}
        answer = self.root.send("POST", "/api/backups", json={"name": name}, expect=None)
        if answer.status_code != 204:
            return clear_error(answer)
        job = wait_for(lambda: next((job for job in jobs(self.root) if job["id"] not in known and job["state"] != "running"), None), 60, "the end of the backup")
        assert job["state"] == "failed" and job["error"], job
        return job["error"]

    def try_restore(self, key):
        known = {job["id"] for job in jobs(self.root)}
        answer = self.root.send("POST", f"/api/backups/{key}/restore", expect=None)
        if answer.status_code != 204:
            return clear_error(answer)
        job = wait_for(lambda: next((job for job in jobs(self.root) if job["id"] not in known and job["state"] != "running"), None), 60, "the end of the restore")
        assert job["state"] == "failed" and job["error"], job
        return job["error"]

    def succeeds(self, path, kind, **rest):
        self.root.wait_until_idle()
        known = {job["id"] for job in jobs(self.root)}
        self.root.post(path, expect=204, **rest)
        wait_for(lambda: [job for job in jobs(self.root) if job["id"] not in known and job["state"] != "running"], 90, f"the end of {kind}")
        job = ended(self.root, kind)
        assert job["id"] not in known and job["state"] == "succeeded", job


def clear_error(answer):
    """An error in the API's shape that says that room is what lacks."""
    assert 400 <= answer.status_code < 600, answer.status_code
    body = answer.json()
    assert body["status"] == answer.status_code and body["message"] and isinstance(body["data"], dict), body
    return body["message"] + " " + str(body["data"])


def says_full(text):
    return any(word in text.lower() for word in ("space", "room", "full"))


def change(client, note, text):
    client.patch(f"{RECORDS}/{note['id']}", json={"text": text})


@pytest.fixture
def place(tmp_path):
    places = []

    def make(directory):
        places.append(Place(directory))
        return places[-1]

    yield make
    for one in places:
        one.server.kill()


def test_everything_on_one_full_disk(small_disk, place, tmp_path):
    disk = small_disk(tmp_path / "disk", 64)
    here = place(disk.path / "pb_data")
    root = here.root
    here.succeeds("/api/backups", "create", json={"name": "good.zip"})
    archive = root.download("good.zip")

    # Some room for the application, none for its copies.
    disk.fill(leave=4 * MB)
    assert says_full(error := here.try_backup("too_much.zip")), error
    assert here.backup_files() == ["good.zip"] and set(root.backups()) == {"good.zip"}
    answer = root.send("POST", "/api/backups/upload", files={"file": ("up.zip", io.BytesIO(archive), "application/zip")}, expect=None)
    assert says_full(error := clear_error(answer)), error
    assert here.backup_files() == ["good.zip"]
    assert says_full(error := here.try_restore("good.zip")), error
    assert not [path.name for path in (here.server.directory / ".bosbase").iterdir() if path.name.startswith("staging")]
    answer = root.send("POST", RECORDS, data={"text": "x"}, files={"paper": ("p.bin", blob(2, 9 * MB))}, expect=None)
    assert says_full(error := clear_error(answer)), error
    # The rest of what it sent was not read, so the server has ended that connection.
    root = here.root = here.server.root()
    assert root.get(RECORDS)["totalItems"] == 1
    here.succeeds("/api/backups/good.zip/verify", "verify")
    here.assert_served()
    root.create("notes", {"text": "still written"})

    # Nothing left at all.
    disk.fill()
    acknowledged, refused = 0, None
    for _ in range(200):
        answer = root.send("POST", RECORDS, json={"text": "y" * 100_000}, expect=None)
        if answer.status_code != 200:
            refused = answer
            break
        acknowledged += 1
    assert refused is not None, "200 records of 100 kB on a full disk"
    clear_error(refused)
    here.assert_served()
    assert root.get(RECORDS)["totalItems"] == 2 + acknowledged
    error = here.try_backup("nothing.zip")
    assert error and set(root.backups()) == {"good.zip"}
    here.try_restore("good.zip")
    here.assert_served()

    # Room again, and no restart in between.
    disk.make_room()
    assert root.get(RECORDS)["totalItems"] == 2 + acknowledged
    change(root, here.note, "new")
    here.succeeds("/api/backups", "create", json={"name": "after.zip"})
    root.upload(io.BytesIO(archive), name="up.zip")
    root.delete("/api/backups/after.zip")
    here.succeeds("/api/backups/up.zip/restore", "restore")
    here.assert_served("old")
    here.succeeds("/api/backups/undo-restore", "undo")
    here.assert_served("new")
    assert here.server.stop() == 0


def test_a_start_on_a_full_disk_serves_or_says_why_and_loses_nothing(small_disk, place, tmp_path):
    disk = small_disk(tmp_path / "disk", 40)
    here = place(disk.path / "pb_data")
    here.server.kill()
    disk.fill()
    here.server.start(wait=False)
    try:
        here.server.wait_until_healthy(20)
        here.assert_served()
        here.server.kill()
    except AssertionError:
        assert here.server.process.poll() not in (None, 0), "neither serves nor ended"
        assert says_full(log := here.server.log()), log
    disk.make_room()
    here.server.start()
    here.assert_served()


def test_where_there_is_no_room_for_databases_bytes_are_proven_and_that_is_told(small_disk, place, tmp_path):
    disk = small_disk(tmp_path / "small", 120)
    here = place(disk.path / "pb_data")
    here.root.back_up("one.zip")
    assert here.root.backups()["one.zip"]["proofDepth"] == "databases", "checked where they are"
    here.root.post("/api/backups/one.zip/verify", headers={"Prefer": "wait=60"}, expect=204)
    told = here.root.backups()["one.zip"]
    assert told["proven"] and told["proofDepth"] == "bytes"
    assert "no room to unpack the databases of one.zip" in ended(here.root, "verify")["warning"]
    disk.grow(600)
    here.root.post("/api/backups/one.zip/verify", headers={"Prefer": "wait=60"}, expect=204)
    assert here.root.backups()["one.zip"]["proofDepth"] == "databases"


def test_backups_on_a_small_disk_of_their_own(small_disk, place, tmp_path):
    directory = tmp_path / "pb_data"
    disk = small_disk(directory / "backups", 4)
    (disk.path / "lost+found").mkdir(mode=0o700)
    here = place(directory)
    root = here.root
    assert says_full(error := here.try_backup("too_much.zip")), error
    assert here.backup_files() == [] and root.backups() == {}
    answer = root.send("POST", "/api/backups/upload", files={"file": ("up.zip", blob(3, 6 * MB), "application/zip")}, expect=None)
    clear_error(answer)
    assert here.backup_files() == []
    root.create("notes", {"text": "written all the same"})
    disk.grow(64)
    here.succeeds("/api/backups", "create", json={"name": "good.zip"})
    change(root, here.note, "new")
    here.succeeds("/api/backups/good.zip/restore", "restore")
    here.assert_served("old")
    assert set(root.backups()) == {"good.zip"} and (disk.path / "lost+found").is_dir()
    here.succeeds("/api/backups/undo-restore", "undo")
    here.assert_served("new")


def test_files_on_a_small_disk_of_their_own(small_disk, place, tmp_path):
    directory = tmp_path / "pb_data"
    disk = small_disk(directory / "storage", 10)
    (disk.path / "lost+found").mkdir(mode=0o700)
    here = place(directory)
    root = here.root
    answer = root.send("POST", RECORDS, data={"text": "x"}, files={"paper": ("p.bin", blob(2, 6 * MB))}, expect=None)
    assert says_full(error := clear_error(answer)), error
    assert root.get(RECORDS)["totalItems"] == 1
    here.assert_served()
    here.succeeds("/api/backups", "create", json={"name": "good.zip"})
    assert says_full(error := here.try_restore("good.zip")), error
    here.assert_served()
    disk.grow(64)
    change(root, here.note, "new")
    here.succeeds("/api/backups/good.zip/restore", "restore")
    here.assert_served("old")
    assert (disk.path / "lost+found").is_dir()
    here.succeeds("/api/backups/undo-restore", "undo")
    here.assert_served("new")
