"""Data of the real PocketBase through every endpoint of the Backups API here, and back to PocketBase."""

import shutil
import subprocess
import zipfile

from harness.programs import BOSBASE, POCKETBASE
from harness.sample import USER_PASSWORD, assert_same, blob, content, make_application

from .conftest import SKIPPED


def test_pocketbases_data_directory_is_served_as_pocketbase_serves_it(application, launch, tmp_path):
    ours = launch(BOSBASE, application.copy(tmp_path / "pb_data"), superuser=False)
    assert_same(content(ours.root(), SKIPPED), application.content)


def test_users_log_in_with_the_passwords_they_had(application, launch, tmp_path):
    ours = launch(BOSBASE, application.copy(tmp_path / "pb_data"), superuser=False)
    user = ours.client().login("users", "user1@example.com", USER_PASSWORD)
    assert user.auth["record"]["name"] == "User 1 ✓"
    boss = ours.client().login("staff", "bOSS", USER_PASSWORD)
    assert boss.auth["record"]["username"] == "Boss"
    refused = ours.client().post(
        "/api/collections/users/auth-with-password",
        json={"identity": "user1@example.com", "password": USER_PASSWORD + "x"},
        expect=400,
    )
    assert refused == {"data": {}, "message": "Failed to authenticate.", "status": 400}


def test_tokens_are_valid_both_ways(application, launch, tmp_path):
    directory = application.copy(tmp_path / "pb_data")
    ours = launch(BOSBASE, directory, superuser=False)
    protected = next(path for path in application.content["files"] if "contract" in path)
    ours.client().with_token(application.root_token).get("/api/settings")
    refreshed = ours.client().with_token(application.user_token).post("/api/collections/users/auth-refresh")
    assert refreshed["record"]["email"] == "user0@example.com"
    ours.client().send("GET", protected, params={"token": application.file_token})
    ours.client().send("GET", protected, expect=404)

    root_token, user_token = ours.root().token, refreshed["token"]
    file_token = ours.root().file_token()
    assert ours.stop() == 0
    theirs = launch(POCKETBASE, directory, superuser=False)
    theirs.client().with_token(root_token).get("/api/settings")
    theirs.client().with_token(user_token).post("/api/collections/users/auth-refresh")
    theirs.client().send("GET", protected, params={"token": file_token})


def test_a_backup_made_downloaded_deleted_uploaded_and_restored_gives_pocketbase_the_same_data(application, launch, tmp_path):
    directory = application.copy(tmp_path / "pb_data")
    ours = launch(BOSBASE, directory, superuser=False)
    root = ours.root()
    root.back_up("whole.zip")
    archive = tmp_path / "whole.zip"
    archive.write_bytes(root.download("whole.zip"))
    root.delete("/api/backups/whole.zip")
    assert "whole.zip" not in root.backups()
    root.upload(archive)
    assert root.backups()["whole.zip"]["size"] == archive.stat().st_size

    # Lose as much as a superuser can lose.
    root.delete("/api/collections/author_books")
    root.delete("/api/collections/measurements/truncate", timeout=600)  # 200,000 records, one by one.
    for book in root.records("books"):
        root.delete(f"/api/collections/books/records/{book['id']}")
    root.delete("/api/collections/Order")
    root.create("authors", {"name": "too late"})
    root.patch("/api/settings", json={"meta": {"appName": "Other"}})

    root.restore("whole.zip")
    root = ours.root()
    assert_same(content(root, SKIPPED), application.content)
    assert root.get("/api/settings")["meta"]["appName"] == "Büchersammlung"
    assert ours.stop() == 0

    # The directory as it is now, and the archive on its own, both in the hands of PocketBase.
    theirs = launch(POCKETBASE, directory, superuser=False)
    assert_same(content(theirs.root(), SKIPPED), application.content)
    fresh = launch(POCKETBASE)
    fresh.root().upload(archive)
    fresh.root().restore("whole.zip")
    assert_same(content(fresh.root(), SKIPPED), application.content)


def test_an_archive_of_pocketbase_is_restored(application, launch, tmp_path):
    theirs = launch(POCKETBASE, application.copy(tmp_path / "theirs"), superuser=False)
    theirs.root().back_up("@auto_pb_backup_books_20260101000000.zip".removeprefix("@auto_"))
    archive = tmp_path / "@auto_pb_backup_books_20260101000000.zip"
    archive.write_bytes(theirs.root().download("pb_backup_books_20260101000000.zip"))
    ours = launch(BOSBASE)
    ours.root().upload(archive)
    ours.root().restore(archive.name)
    assert_same(content(ours.root(), SKIPPED), application.content)
    assert archive.name in ours.root().backups(), "a restore keeps the backups that were there"


def test_an_application_made_here_is_served_by_pocketbase_as_here(launch, tmp_path):
    directory = tmp_path / "pb_data"
    ours = launch(BOSBASE, directory)
    make_application(ours.root())
    made = content(ours.root(), SKIPPED)
    assert ours.stop() == 0
    theirs = launch(POCKETBASE, directory, superuser=False)
    assert_same(made, content(theirs.root(), SKIPPED))
    assert theirs.client().login("staff", "boss@example.com", USER_PASSWORD).token


def test_every_unzipper_opens_the_archive(launch, tmp_path):
    ours = launch(BOSBASE)
    root = ours.root()
    make_application(root)
    (ours.directory / "storage" / "stray").mkdir(parents=True)
    (ours.directory / "storage" / "stray" / "ümlaut 文.bin").write_bytes(blob(1, 300_000))
    root.back_up("plain.zip")
    archive = tmp_path / "plain.zip"
    archive.write_bytes(root.download("plain.zip"))
    subprocess.run(["unzip", "-tq", archive], check=True, stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
    subprocess.run([shutil.which("7z") or "7zz", "t", archive], check=True, stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
    with zipfile.ZipFile(archive) as opened:
        assert opened.testzip() is None
        assert opened.read("storage/stray/ümlaut 文.bin") == blob(1, 300_000)
        names = opened.namelist()
        assert len(names) == len(set(names))
        assert not [name for name in names if name.startswith(("backups/", ".pb_temp_to_delete"))]
