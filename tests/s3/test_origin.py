"""Several data directories may name one bucket for their backups: each deletes there what it made, and nothing else."""

import json
import shutil
import time
from datetime import UTC, datetime, timedelta

import pytest

from harness.client import wait_for
from harness.jobs import last_job
from harness.programs import BOSBASE

pytestmark = pytest.mark.ours

PREFIX = "@auto_pb_backup_"
KEPT = 2


def scheduled(server):
    """Makes one scheduled backup and waits for the end of its retention; returns its name."""
    root = server.root()
    before = last_job(root, "create")
    root.post("/api/crons/__pbAutoBackup__", expect=204)
    done = lambda: (job := last_job(root, "create")) and (before is None or job["id"] != before["id"]) and job["state"] != "running" and job  # noqa: E731
    job = wait_for(done, 60, "the scheduled backup")
    assert job["state"] == "succeeded", job
    # Retention follows the job; and names, and the order of backups, go by the second.
    time.sleep(1.1)
    root.wait_until_idle()
    return job["key"]


def keep_in(root, s3):
    root.patch("/api/settings", json={"backups": {"s3": s3.settings(), "cron": "0 0 1 1 *", "cronMaxKeep": KEPT}})


def environment(s3):
    fields = {"bucket": "BUCKET", "region": "REGION", "endpoint": "ENDPOINT", "accessKey": "ACCESS_KEY", "secret": "SECRET"}
    settings = s3.settings()
    named = {f"BOSBASE_BACKUPS_S3_{name}": str(settings[field]) for field, name in fields.items()}
    return {**named, "BOSBASE_BACKUPS_S3_FORCE_PATH_STYLE": "true"}


@pytest.fixture
def production(launch, s3):
    server = launch()
    keep_in(server.root(), s3)
    return server


def elsewhere(s3, key, directory):
    """Another machine, on which a backup of production was restored more than a day ago: until then retention rests."""
    BOSBASE.run("backup", "restore", key, "--dir", directory, env=environment(s3))
    long_ago = (datetime.now(UTC) - timedelta(hours=25)).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    for name in ("jobs.json", "figures.json"):
        path = directory / ".bosbase" / name
        jobs = json.loads(path.read_text())
        assert [job["kind"] for job in jobs] == ["restore"]
        path.write_text(json.dumps([{**job, "started": long_ago, "finished": long_ago} for job in jobs]))
    return directory


def foreign(server):
    return server.root().get("/api/backups/status")["foreign"]


def test_a_copy_of_the_data_leaves_the_originals_backups_alone(launch, production, s3, tmp_path):
    """Three nights on the copy deleted the original's newest archive, and nobody was told."""
    own = [scheduled(production) for _ in range(3)][-KEPT:]
    assert s3.objects() == sorted(own) and foreign(production) is None
    copy = launch(directory=elsewhere(s3, own[-1], tmp_path / "copy" / "pb_data"), superuser=False)
    # It says so before it makes one itself.
    told = wait_for(lambda: foreign(copy), 20, "the status to say it")
    assert told["count"] == KEPT and told["newest"] == own[-1] and "bosbase backup take-over" in told["help"], told
    assert "another data directory makes, or made, scheduled backups" in copy.log(10**6)
    copies = [scheduled(copy) for _ in range(4)][-KEPT:]
    assert s3.objects() == sorted(own + copies)
    # And the other way round.
    own = (own + [scheduled(production)])[-KEPT:]
    assert s3.objects() == sorted(own + copies) and foreign(production)["count"] == KEPT
    # All of them can be listed, restored and deleted by hand.
    assert set(copy.root().backups()) == set(own + copies)
    # The original is no more, and its data goes on here.
    assert production.stop() == 0
    said = BOSBASE.run("backup", "take-over", "--dir", copy.directory).stdout
    assert f"the {2 * KEPT} scheduled backups" in said
    last = scheduled(copy)
    # What it has not proven itself takes no proven one's place.
    assert s3.objects() == sorted([copies[-1], own[-1], last]) and foreign(copy) is None


def test_a_copied_folder_is_another_data_directory(launch, production, s3, tmp_path):
    own = [scheduled(production) for _ in range(KEPT)]
    assert production.stop() == 0
    directory = tmp_path / "copy" / "pb_data"
    shutil.copytree(production.directory, directory)
    copy = launch(directory=directory, superuser=False)
    copies = [scheduled(copy) for _ in range(3)][-KEPT:]
    assert s3.objects() == sorted(own + copies)


def without_tag(key):
    return key.rsplit("_", 1)[0] + ".zip"


def test_backups_of_an_earlier_version_are_ones_own_where_the_history_says_so(launch, production, s3, tmp_path):
    made, others = [scheduled(production) for _ in range(KEPT)], f"{PREFIX}acme_20200101000000.zip"
    assert production.stop() == 0
    private = production.directory / ".bosbase"
    # As the version left them that put no tag in names.
    names = {key: without_tag(key) for key in made}
    jobs = (private / "jobs.json").read_text()
    for key, name in names.items():
        (s3.directory / "backups" / key).rename(s3.directory / "backups" / name)
        jobs = jobs.replace(key, name)
    (private / "jobs.json").write_text(jobs)
    shutil.copy(s3.directory / "backups" / names[made[0]], s3.directory / "backups" / others)
    instance = json.loads((private / "instance.json").read_text())
    (private / "instance.json").write_text(json.dumps({key: value for key, value in instance.items() if key not in ("made", "adopted")}))
    copied = tmp_path / "copy" / "pb_data"
    shutil.copytree(production.directory, copied)
    production.start()
    root = production.root()
    for name in names.values():
        root.post(f"/api/backups/{name}/verify", headers={"Prefer": "wait=60"}, expect=204)
    last = [scheduled(production) for _ in range(KEPT)]
    assert s3.objects() == sorted([others, *last])
    assert foreign(production)["count"] == 1
    assert production.stop() == 0
    # In a copy the same history proves nothing: its jobs were done before its folder was made.
    (copied / ".bosbase" / "instance.json").unlink()
    for name in names.values():
        shutil.copy(s3.directory / "backups" / last[0], s3.directory / "backups" / name)
    copy = launch(directory=copied, superuser=False)
    scheduled(copy), scheduled(copy), scheduled(copy)
    assert set(names.values()) | {others, *last} <= set(s3.objects())


def test_a_rehearsal_leaves_the_world_alone(launch, production, s3, tmp_path):
    key = scheduled(production)
    directory = elsewhere(s3, key, tmp_path / "copy" / "pb_data")
    copy = launch(directory=directory, superuser=False, flags=("--rehearsal",))
    assert "This is a rehearsal: no scheduled backups, no alarms, no deletions in buckets." in copy.log()
    root = copy.root()
    assert root.get("/api/backups/status")["rehearsal"] is True and production.root().get("/api/backups/status")["rehearsal"] is False
    root.post("/api/crons/__pbAutoBackup__", expect=404)
    assert {job["id"] for job in root.get("/api/crons")} & {"__pbAutoBackup__", "__bosbaseScrub__"} == set()
    assert "--rehearsal" in root.delete(f"/api/backups/{key}", expect=400)["message"]
    assert s3.objects() == [key]
    # After a restore it is still one.
    root.post(f"/api/backups/{key}/restore", expect=204)
    wait_for(lambda: copy.log(10**6).count("This is a rehearsal") == 2, 60, "the next process to say it")
    assert copy.root().get("/api/backups/status")["rehearsal"] is True


def test_the_environment_keeps_backups_in_the_data_directory(launch, production, s3, tmp_path):
    key = scheduled(production)
    directory = elsewhere(s3, key, tmp_path / "copy" / "pb_data")
    off = {"BOSBASE_BACKUPS_S3_ENABLED": "false"}
    copy = launch(directory=directory, superuser=False, env=off)
    assert copy.root().backups() == {}
    made = scheduled(copy)
    assert list(copy.root().backups()) == [made] and s3.objects() == [key]
    assert made in BOSBASE.run("backup", "list", "--dir", directory, env=off).stdout
    assert key in BOSBASE.run("backup", "list", "--dir", directory).stdout
    refused = BOSBASE.run("backup", "list", "--dir", directory, env={"BOSBASE_BACKUPS_S3_ENABLED": "perhaps"}, check=False)
    assert refused.returncode != 0 and "BOSBASE_BACKUPS_S3_ENABLED must be true or false" in refused.stderr
    # And a bucket that the environment names wins over the settings, for the server as for commands.
    assert copy.stop() == 0
    copy.env = environment(s3)
    copy.start()
    assert list(copy.root().backups()) == [key]
