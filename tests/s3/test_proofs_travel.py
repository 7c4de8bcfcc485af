"""What was proven is written down beside the backups in a bucket: a new machine sees which of them to rely on."""

import json
import shutil
import time

import pytest
import requests

from harness.client import wait_for
from harness.programs import BOSBASE

from .conftest import ACCESS_KEY, SECRET
from .files import environment

pytestmark = pytest.mark.ours

FOLDER = ".bosbase-proofs"


def keep_backups_in(root, s3):
    root.patch("/api/settings", json={"backups": {"s3": s3.settings()}})


def notes(s3):
    return sorted((s3.directory / s3.bucket / FOLDER).glob("*"))


def test_a_command_says_whether_the_data_is_safe_from_the_loss_of_the_machine(server, launch, s3, tmp_path):
    root = server.root()
    # As a number: nobody takes that for this machine's.
    elsewhere = f"http://{s3.address}".replace("127.0.0.1", str(0x7F000001))
    root.patch("/api/settings", json={"backups": {"cron": "0 3 * * *", "s3": s3.settings(elsewhere)}})
    status = lambda directory, **env: BOSBASE.run("backup", "status", "--dir", directory, env=env, check=False)  # noqa: E731
    empty = status(server.directory)
    assert empty.returncode == 1 and empty.stdout.startswith("There is no backup."), empty
    root.back_up("good.zip")
    root.wait_until_proven("good.zip")
    safe = status(server.directory)
    assert safe.returncode == 0 and safe.stdout.startswith("The data is safe. The newest proven backup was made "), safe
    assert f"backups        1 in the bucket {s3.bucket}" in safe.stdout and SECRET not in safe.stdout + safe.stderr
    # On a new machine, before anything is restored: what others proved counts, and nothing is scheduled here.
    there = status(tmp_path / "none", **environment(s3, prefix="BOSBASE_BACKUPS_S3_", bucket=s3.bucket))
    assert there.returncode == 1 and "good.zip, 20" in there.stdout and "schedule       none" in there.stdout, there
    assert not (tmp_path / "none").exists()


def test_a_new_machine_sees_what_was_proven(server, launch, s3, tmp_path):
    root = server.root()
    keep_backups_in(root, s3)
    root.back_up("good.zip")
    root.wait_until_proven("good.zip")
    (told,) = root.get("/api/backups")
    # Something that nobody proved, and something that is broken.
    shutil.copy(s3.directory / s3.bucket / "good.zip", tmp_path / "copy.zip")
    broken = bytearray((tmp_path / "copy.zip").read_bytes())
    broken[len(broken) // 3] ^= 0xFF
    (tmp_path / "broken.zip").write_bytes(broken)
    root.upload(tmp_path / "copy.zip", "unproven.zip")
    root.upload(tmp_path / "broken.zip", "broken.zip")
    root.post("/api/backups/broken.zip/verify", headers={"Prefer": "wait=60"}, expect=400)
    wait_for(lambda: len(notes(s3)) == 1, 10, "what was proven to be written down")
    assert set(root.backups()) == {"good.zip", "unproven.zip", "broken.zip"}
    assert server.stop() == 0

    new = launch(BOSBASE, tmp_path / "new")
    other = new.root()
    keep_backups_in(other, s3)
    seen = {one["key"]: one for one in other.get("/api/backups")}
    assert seen["good.zip"] == {**told, "provenElsewhere": True} and told["proven"] and told["proofDepth"] == "databases" and told["missing"] == 0
    assert seen["unproven.zip"]["proven"] == "" and seen["unproven.zip"]["proofError"] == ""
    assert seen["broken.zip"]["proven"] == "" and seen["broken.zip"]["proofError"]
    # The list said that it is proven, and what is told of the one backup that it is not.
    content = {key: other.get(f"/api/backups/{key}/content") for key in seen}
    assert all(content[key][name] == seen[key][name] for key in seen for name in ("proven", "proofDepth", "proofError", "missing", "provenElsewhere"))
    assert content["good.zip"]["unknown"].startswith("Another machine proved this backup.") and not content["good.zip"]["known"]
    assert content["broken.zip"]["unknown"].startswith("This backup did not pass its last proof on another machine: ")
    assert content["unproven.zip"]["unknown"].startswith("This backup was not proven yet")
    # Its own proof goes first, and is written down under a name of its own.
    other.post("/api/backups/unproven.zip/verify", headers={"Prefer": "wait=60"}, expect=204)
    wait_for(lambda: len(notes(s3)) == 2, 10, "what the new machine proved to be written down")
    assert {one["key"]: bool(one["proven"]) for one in other.get("/api/backups")} == {
        "good.zip": True, "unproven.zip": True, "broken.zip": False,
    }  # fmt: skip
    listed = BOSBASE.run("backup", "list", "--dir", str(tmp_path / "none"), env=environment(s3, prefix="BOSBASE_BACKUPS_S3_", bucket=s3.bucket)).stdout
    assert {line.split()[2]: "proven" in line and "not proven" not in line for line in listed.splitlines()} == {
        "good.zip": True, "unproven.zip": True, "broken.zip": False,
    }  # fmt: skip


def test_another_archive_under_the_name_is_not_taken_for_the_proven_one(server, launch, s3, tmp_path):
    root = server.root()
    keep_backups_in(root, s3)
    root.back_up("good.zip")
    root.wait_until_proven("good.zip")
    wait_for(lambda: len(notes(s3)) == 1, 10, "what was proven to be written down")
    content = bytearray((s3.directory / s3.bucket / "good.zip").read_bytes())
    content[len(content) // 3] ^= 0xFF
    (tmp_path / "other.zip").write_bytes(content)
    assert server.stop() == 0
    new = launch(BOSBASE, tmp_path / "new").root()
    keep_backups_in(new, s3)
    assert [bool(one["proven"]) for one in new.get("/api/backups")] == [True]
    new.delete("/api/backups/good.zip")
    # This server's lists have no ETag, and the time is told in whole seconds.
    time.sleep(1.1)
    new.upload(tmp_path / "other.zip", "good.zip")
    assert [(one["key"], one["proven"]) for one in new.get("/api/backups")] == [("good.zip", "")]


def test_notes_that_say_anything_keep_nobody_from_the_list(server, s3):
    root = server.root()
    keep_backups_in(root, s3)
    folder = s3.directory / s3.bucket / FOLDER
    folder.mkdir()
    (folder / "a.json").write_text("not JSON")
    (folder / "b.json").write_text(json.dumps([{"key": "one.zip"}, 3]))
    (folder / "c.json").write_text("[" * 100_000)
    (folder / "d.json").write_bytes(b" " * (2 << 20))
    shutil.copy(__file__, folder.parent / "one.zip")
    assert [one["proven"] for one in root.get("/api/backups")] == [""]


def test_a_rehearsal_writes_nothing_down(launch, s3, tmp_path):
    server = launch(BOSBASE, tmp_path / "data", flags=["--rehearsal"])
    root = server.root()
    keep_backups_in(root, s3)
    root.back_up("one.zip")
    root.wait_until_proven("one.zip")
    assert notes(s3) == []


def test_one_backup_is_told_of_without_a_list_of_the_bucket(server, launch, moto, proxy_to, tmp_path):
    """What a backup holds that this machine had not proven took a list of the whole bucket: thousands of names for one."""
    root = server.root()
    keep_backups_in(root, moto)
    root.back_up("good.zip")
    root.wait_until_proven("good.zip")
    assert server.stop() == 0
    bucket = f"http://{moto.address}/{moto.bucket}"
    requests.put(f"{bucket}/unproven.zip", data=requests.get(f"{bucket}/good.zip", timeout=10).content, timeout=10).raise_for_status()
    proxy = proxy_to(moto)
    new = launch(BOSBASE, tmp_path / "new")
    other = new.root()
    other.patch("/api/settings", json={"backups": {"s3": moto.settings(proxy.url)}})
    with proxy.lock:
        proxy.seen.clear()
    assert other.get("/api/backups/unproven.zip/content")["unknown"].startswith("This backup was not proven yet")
    told = other.get("/api/backups/good.zip/content")
    assert told["provenElsewhere"] and told["unknown"].startswith("Another machine proved this backup.")
    other.get("/api/backups/none.zip/content", expect=404)
    with proxy.lock:
        asked = [(request.method, request.path.split("?")[0]) for request, _ in proxy.seen]
    assert asked == [("HEAD", f"/{moto.bucket}/{name}.zip") for name in ("unproven", "good", "none")], asked
    # The list, which names others, asks for the notes by itself, and says the same.
    assert {one["key"]: one["provenElsewhere"] for one in other.get("/api/backups")} == {"good.zip": True, "unproven.zip": False}
    # So does a command.
    with proxy.lock:
        proxy.seen.clear()
    variables = {f"BOSBASE_BACKUPS_S3_{name}": value for name, value in {"BUCKET": moto.bucket, "ENDPOINT": proxy.url, "REGION": "us-east-1", "ACCESS_KEY": ACCESS_KEY, "SECRET": SECRET, "FORCE_PATH_STYLE": "true"}.items()}
    said = BOSBASE.run("backup", "verify", "good.zip", "--dir", tmp_path / "here", env=variables).stdout
    assert "Its databases were opened and are whole." in said
