"""A backup is listed when it is whole, then read back; what is known of each is told, and proving keeps nobody from anything."""

import datetime
import os

import pytest

from harness.client import wait_for
from harness.jobs import ended, jobs, last_job
from harness.programs import BOSBASE
from harness.sample import blob

pytestmark = pytest.mark.ours


def weigh(server, files=60):
    """Enough files that proving a backup takes a while."""
    folder = server.directory / "storage" / "heavy"
    folder.mkdir(parents=True)
    for n in range(files):
        (folder / f"{n}.bin").write_bytes(blob(n, 10_000_000))


def listing(server):
    return BOSBASE.run("backup", "list", "--dir", server.directory).stdout


def begin(root, name):
    """Asks for a backup and waits until it is listed, no longer."""
    root.post("/api/backups", json={"name": name}, expect=204)
    wait_for(lambda: name in root.backups(), 60, "the backup", every=0.002)


def test_when_a_backup_was_proven_is_told(server, root):
    before = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(seconds=1)
    made = root.back_up("one.zip")
    assert made["proofError"] == ""
    assert before < datetime.datetime.fromisoformat(made["proven"]) < datetime.datetime.now(datetime.timezone.utc)
    assert "one.zip  proven " in listing(server)
    assert server.stop() == 0
    server.start()
    assert root.backups()["one.zip"] == made, "it is remembered"


def damage(server, key, spoil):
    path = server.directory / "backups" / key
    times = path.stat()
    path.write_bytes(spoil(bytearray(path.read_bytes())))
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


def flip(archive):
    archive[len(archive) // 3] ^= 0x55
    return archive


@pytest.mark.parametrize("by", ["the server", "the command line"])
def test_a_restore_that_finds_its_backup_broken_ends_its_proof(server, root, by):
    """It stayed "proven": retention went by it, and the next restore failed of it again."""
    root.back_up("whole.zip")
    root.back_up("rotten.zip")
    root.back_up("short.zip")
    damage(server, "rotten.zip", flip)
    damage(server, "short.zip", lambda archive: archive[:-10])
    assert root.backups()["rotten.zip"]["proven"]
    if by == "the server":
        root.post("/api/backups/rotten.zip/restore", expect=204)
        job = ended(root, "restore")
        assert job["state"] == "failed", job
        # Its outcome is told a moment before the next may begin.
        root.wait_until_idle()
        root.post("/api/backups/short.zip/restore", expect=400)
    else:
        server.stop()
        for key in ("rotten.zip", "short.zip"):
            assert BOSBASE.run("backup", "restore", key, "--dir", server.directory, check=False).returncode == 1
        server.start()
    listed = root.backups()
    for key in ("rotten.zip", "short.zip"):
        assert listed[key]["proven"] == "" and listed[key]["proofError"], listed[key]
        assert f"{key}  FAILED: " in listing(server)
    assert listed["whole.zip"]["proven"] and not listed["whole.zip"]["proofError"]
    assert "bosbase_backups_failed_proof 2" in root.send("GET", "/api/metrics").text


def test_whoever_sees_a_backup_may_use_it_at_once(server, root):
    """It was listed a while before its job ended, and all else was refused as busy until then."""
    weigh(server)
    begin(root, "one.zip")
    job = last_job(root, "create")
    assert (job["state"], job["phase"]) == ("running", "proving"), "this machine is too fast for this test"
    assert root.backups()["one.zip"]["proven"] == ""
    assert root.get("/api/health")["data"]["canBackup"]
    assert "one.zip  not proven" in listing(server), "another process does not take the job for dead"
    begin(root, "two.zip")
    root.delete("/api/backups/two.zip")
    deleted = wait_for(lambda: (job := last_job(root, "create"))["state"] != "running" and job, 60, "the end of the second")
    assert (deleted["key"], deleted["state"]) == ("two.zip", "failed")
    assert "deleted meanwhile" in deleted["error"]
    root.wait_until_proven("one.zip")
    first = next(job for job in jobs(root) if job["key"] == "one.zip")
    assert (first["state"], first["error"]) == ("succeeded", "")
    assert set(root.backups()) == {"one.zip"} and root.backups()["one.zip"]["proven"]
    begin(root, "three.zip")
    root.post("/api/backups/three.zip/restore", expect=204)
    assert ended(root, "restore")["state"] == "succeeded"
    third = next(job for job in jobs(root) if job["key"] == "three.zip" and job["kind"] == "create")
    assert third["state"] in ("succeeded", "failed") and (third["state"] == "succeeded" or "not proven" in third["error"]), third
    assert "three.zip" in root.backups()


def test_a_restore_stops_the_proof_of_what_it_restores(server, root):
    weigh(server, 120)
    begin(root, "one.zip")
    assert last_job(root, "create")["phase"] == "proving", "this machine is too fast for this test"
    root.post("/api/backups/one.zip/restore", expect=204)
    stopped = wait_for(lambda: (job := last_job(root, "create"))["state"] != "running" and job, 60, "the end of the proof")
    assert stopped["state"] == "failed" and "it is being restored" in stopped["error"], stopped
    assert ended(root, "restore")["state"] == "succeeded"
    assert root.backups()["one.zip"]["proven"] == ""


def test_a_proof_that_dies_with_its_process_is_told_of(server, root):
    weigh(server)
    begin(root, "one.zip")
    assert last_job(root, "create")["phase"] == "proving"
    server.kill()
    server.start()
    job = last_job(root, "create")
    assert (job["state"], job["phase"]) == ("failed", "proving")
    assert "not proven" in job["error"]
    assert root.backups()["one.zip"]["proven"] == ""
    root.post("/api/backups/one.zip/verify", headers={"Prefer": "wait=60"}, expect=204)
    assert root.backups()["one.zip"]["proven"]


def test_a_backup_that_rots_is_found_out(server, root):
    root.back_up("one.zip")
    path = server.directory / "backups" / "one.zip"
    whole = path.read_bytes()
    rotten = bytearray(whole)
    rotten[len(rotten) // 3] ^= 0x55
    times = path.stat()
    path.write_bytes(rotten)
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    refused = root.post("/api/backups/one.zip/verify", headers={"Prefer": "wait=60"}, expect=400)
    assert "one.zip is broken" in refused["message"]
    told = root.backups()["one.zip"]
    assert told["proven"] == "" and told["proofError"]
    assert "one.zip  FAILED: " in listing(server)
    path.write_bytes(whole)
    root.post("/api/backups/one.zip/verify", headers={"Prefer": "wait=60"}, expect=204)
    assert root.backups()["one.zip"]["proven"] and not root.backups()["one.zip"]["proofError"]


def test_what_comes_from_elsewhere_is_not_proven_before_it_is_verified(server, root, tmp_path):
    root.back_up("one.zip")
    copy = tmp_path / "copy.zip"
    copy.write_bytes(root.download("one.zip"))
    root.upload(copy, "two.zip")
    assert root.backups()["two.zip"]["proven"] == ""
    root.post("/api/backups/two.zip/verify", headers={"Prefer": "wait=60"}, expect=204)
    assert root.backups()["two.zip"]["proven"]
    # Another of the same name is another.
    root.delete("/api/backups/two.zip")
    root.upload(copy, "two.zip")
    assert root.backups()["two.zip"]["proven"] == ""
    assert root.backups()["one.zip"]["proven"]
