"""What watches over the backups: scrubs, retention by calendar, health and metrics."""

import os
import re
import shutil
import time

import pytest
from prometheus_client.parser import text_string_to_metric_families

from harness.client import wait_for
from harness.jobs import ended
from harness.sample import blob

pytestmark = pytest.mark.ours

SCRUB = "/api/crons/__bosbaseScrub__"


def samples(text):
    """What the real parser makes of it."""
    found = {}
    for family in text_string_to_metric_families(text):
        assert family.documentation and family.type in ("gauge", "counter"), family
        for sample in family.samples:
            found[sample.name, *sorted(sample.labels.items())] = sample.value
    return found


def scrub(root):
    known = {job["id"] for job in root.get("/api/backups/status")["jobs"]}
    root.post(SCRUB, expect=204)
    new = lambda: next((job for job in root.get("/api/backups/status")["jobs"] if job["id"] not in known), None)  # noqa: E731
    return wait_for(lambda: (job := new()) and job["state"] != "running" and job, 60, "the scrub")


def test_a_scrub_proves_all_and_names_what_has_rotted(server, root, tmp_path):
    for name in ("one.zip", "two.zip"):
        root.back_up(name)
    copy = tmp_path / "copy.zip"
    copy.write_bytes(root.download("one.zip"))
    root.upload(copy, "three.zip")
    before = root.backups()
    assert not before["three.zip"]["proven"]
    time.sleep(0.01)
    job = scrub(root)
    assert (job["kind"], job["state"], job["error"]) == ("scrub", "succeeded", "")
    after = root.backups()
    assert all(after[name]["proven"] > before[name]["proven"] for name in before)
    path = server.directory / "backups" / "two.zip"
    rotten = bytearray(path.read_bytes())
    times = path.stat()
    rotten[len(rotten) // 3] ^= 0x55
    path.write_bytes(rotten)
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    job = scrub(root)
    assert job["state"] == "failed" and "two.zip" in job["error"] and "one.zip" not in job["error"], job
    told = root.backups()
    assert not told["two.zip"]["proven"] and told["two.zip"]["proofError"]
    assert told["one.zip"]["proven"] > after["one.zip"]["proven"] and told["three.zip"]["proven"] > after["three.zip"]["proven"]
    lines = lambda: root.get("/api/logs", params={"filter": 'level = 8 && message ~ "Scrub"'})["items"]  # noqa: E731
    cron = lambda: root.get("/api/logs", params={"filter": 'message ~ "__bosbaseScrub__ failed"'})["items"]  # noqa: E731
    assert wait_for(lambda: lines() or cron(), 20, "a line in the log")


def test_a_scrub_is_scheduled_by_itself_and_can_be_set_or_switched_off(root):
    assert "verifyCron" not in root.get("/api/settings")["backups"]
    root.patch("/api/settings", json={"backups": {"verifyCron": "1 2 * * *"}})
    assert {"id": "__bosbaseScrub__", "expression": "1 2 * * *"} in root.get("/api/crons")
    root.patch("/api/settings", json={"backups": {"verifyCron": ""}})
    assert root.get("/api/settings")["backups"]["verifyCron"] == ""
    refused = root.patch("/api/settings", json={"backups": {"verifyCron": "daily", "keepLast": -1}}, expect=400)
    assert set(refused["data"]["backups"]) == {"verifyCron", "keepLast"}


def test_retention_keeps_the_newest_of_each_day_and_says_what_it_deleted(server, root):
    root.patch("/api/settings", json={"backups": {"cron": "0 3 * * *", "cronMaxKeep": 1, "keepDaily": 3}})
    content = None
    root.back_up("mine.zip")
    content = root.download("mine.zip")
    day = 86_400
    for name, age in {"a": day, "b": day + 60, "c": 2 * day, "d": 3 * day, "e": 40 * day}.items():
        path = server.directory / "backups" / f"@auto_pb_backup_{name}.zip"
        path.write_bytes(content)
        # At noon, so that a minute more or less is the same day.
        noon = time.time() // day * day + day / 2 - age
        os.utime(path, (noon, noon))
    root.post("/api/crons/__pbAutoBackup__", expect=204)
    assert ended(root, "create")["state"] == "succeeded"
    made = lambda: {key for key in root.backups() if re.search(r"\d{14}", key)}  # noqa: E731
    wait_for(lambda: len(root.backups()) == 4, 30, "the retention")
    assert set(root.backups()) - made() == {"mine.zip", "@auto_pb_backup_a.zip", "@auto_pb_backup_c.zip"}
    told = lambda: root.get("/api/logs", params={"filter": 'data.type = "retention"'})["items"]  # noqa: E731
    assert len(wait_for(lambda: len(told()) >= 3 and told(), 20, "lines in the log")) == 3


def test_retention_keeps_the_last_backups_that_hold_the_files(server, root):
    """With an emptied folder of files each night's backup succeeded and was proven; the last that held them went with `cronMaxKeep`."""
    root.post("/api/collections", json={"name": "docs", "type": "base", "fields": [{"name": "f", "type": "file", "maxSelect": 1}]})
    root.post("/api/collections/docs/records", files={"f": ("a.txt", b"precious")})
    root.patch("/api/settings", json={"backups": {"cron": "0 0 1 1 *", "cronMaxKeep": 2}})

    def night():
        before = {job["id"] for job in root.get("/api/backups/status")["jobs"]}
        # Names go by the second.
        time.sleep(1.1)
        root.post("/api/crons/__pbAutoBackup__", expect=204)
        new = lambda: next((job for job in root.get("/api/backups/status")["jobs"] if job["id"] not in before), None)  # noqa: E731
        job = wait_for(lambda: (job := new()) and job["state"] != "running" and job, 60, "the backup")
        assert job["state"] == "succeeded"
        return job

    whole = [night()["key"], night()["key"]]
    shutil.rmtree(server.directory / "storage")
    jobs = [night() for _ in range(4)]
    assert all("1 file that records name was missing" in job["warning"] for job in jobs)
    bare = [job["key"] for job in jobs]
    wait_for(lambda: set(root.backups()) == {*whole, *bare[-2:]}, 20, "the retention")
    told = root.backups()
    assert [told[key]["missing"] for key in (*whole, *bare[-2:])] == [0, 0, 1, 1]
    assert all(one["proven"] for one in told.values())
    kept = lambda: root.get("/api/logs", params={"filter": 'data.type = "retention" && level = 4'})["items"]  # noqa: E731
    lines = wait_for(lambda: len(kept()) >= 4 and kept(), 20, "lines in the log")
    assert {line["data"]["key"] for line in lines} == set(whole)
    assert all(line["data"]["missing"] == 0 and "newer ones lack more" in line["message"] for line in lines)


def test_retention_deletes_nothing_that_is_being_read(server, root):
    """It deleted the backup that was being verified, or restored, just then."""
    root.patch("/api/settings", json={"backups": {"cron": "0 3 * * *", "cronMaxKeep": 1}})
    folder = server.directory / "storage" / "heavy"
    folder.mkdir(parents=True)
    for n in range(100):
        (folder / f"{n}.bin").write_bytes(blob(n, 10_000_000))
    root.post("/api/crons/__pbAutoBackup__", expect=204)
    old = wait_for(lambda: list(root.backups()), 60, "the first backup")[0]
    root.wait_until_proven(old)
    for n in range(15, 100):
        (folder / f"{n}.bin").unlink()
    # Names go by the second.
    time.sleep(1.1)
    root.post("/api/crons/__pbAutoBackup__", expect=204)
    wait_for(lambda: len(root.backups()) == 2, 60, "the second backup", every=0.002)
    root.post(f"/api/backups/{old}/verify", expect=204)
    verified = ended(root, "verify")
    assert (verified["state"], verified["error"]) == ("succeeded", "")
    proven = ended(root, "create")
    assert proven["state"] == "succeeded" and proven["finished"] < verified["finished"], "this machine is too fast for this test"
    wait_for(lambda: old not in root.backups(), 30, "the retention")
    assert len(root.backups()) == 1


def test_health_tells_superusers_how_old_the_newest_proven_backup_is(server, root):
    assert "newestProvenBackupAge" not in root.get("/api/health")["data"]
    root.back_up("one.zip")
    assert 0 <= root.get("/api/health")["data"]["newestProvenBackupAge"] < 60
    assert server.client().get("/api/health")["data"] == {}
    root.delete("/api/backups/one.zip")
    assert "newestProvenBackupAge" not in root.get("/api/health")["data"]
    # One that somebody took away behind our back is none to rely on.
    root.back_up("two.zip")
    (server.directory / "backups" / "two.zip").unlink()
    assert "newestProvenBackupAge" not in root.get("/api/health")["data"]
    told = samples(root.send("GET", "/api/metrics").text)
    assert ("bosbase_backup_newest_proven_age_seconds",) not in told


def test_a_backup_of_a_time_that_is_yet_to_come_is_not_the_newest(server, root):
    """With a clock that had been set back the newest backup was 0 s old for ever, and no alert went off."""
    root.back_up("right.zip")
    root.back_up("ahead.zip")
    path, day = server.directory / "backups" / "ahead.zip", 86_400
    os.utime(path, (time.time() + day, time.time() + day))
    root.post("/api/backups/ahead.zip/verify", headers={"Prefer": "wait=60"}, expect=204)
    os.utime(server.directory / "backups" / "right.zip", (time.time() - 100, time.time() - 100))
    root.post("/api/backups/right.zip/verify", headers={"Prefer": "wait=60"}, expect=204)
    data = root.get("/api/health")["data"]
    assert data["newestProvenBackupAge"] >= 100 and data["provenBackupsAhead"] == 1, data
    told = samples(root.send("GET", "/api/metrics").text)
    assert told[("bosbase_backup_newest_proven_age_seconds",)] >= 100 and told[("bosbase_backups_proven_ahead",)] == 1
    root.delete("/api/backups/right.zip")
    assert "newestProvenBackupAge" not in root.get("/api/health")["data"]
    told = samples(root.send("GET", "/api/metrics").text)
    assert ("bosbase_backup_newest_proven_age_seconds",) not in told and told[("bosbase_backups",)] == 1
    root.delete("/api/backups/ahead.zip")
    assert "provenBackupsAhead" not in root.get("/api/health")["data"]


def test_metrics_are_what_prometheus_reads(launch):
    server = launch(env={"BOSBASE_METRICS_TOKEN": "a-token-of-the-machine"})
    root = server.root()
    read = lambda token, expect=200: server.client().send("GET", "/api/metrics", headers={"Authorization": token} if token else {}, expect=expect)  # noqa: E731
    fresh = samples(read("Bearer a-token-of-the-machine").text)
    assert fresh[("bosbase_backups",)] == 0 and ("bosbase_backup_newest_proven_age_seconds",) not in fresh
    made = root.back_up("one.zip")
    answer = read(root.token)
    assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    told = samples(answer.text)
    assert told[("bosbase_backups",)] == told[("bosbase_backups_proven",)] == told[("bosbase_backup_storage_up",)] == 1
    assert told[("bosbase_backups_bytes",)] == made["size"]
    assert 0 <= told[("bosbase_backup_newest_proven_age_seconds",)] < 60
    assert told["bosbase_backup_jobs_total", ("kind", "create"), ("outcome", "succeeded")] == 1
    assert told["bosbase_backup_last_job_success", ("kind", "create")] == 1
    assert 0 < told["bosbase_backup_last_job_duration_seconds", ("kind", "create")] < 60
    path = server.directory / "backups" / "one.zip"
    path.write_bytes(path.read_bytes()[:-10])
    root.post("/api/backups/one.zip/verify", headers={"Prefer": "wait=60"}, expect=400)
    told = samples(read(root.token).text)
    assert told["bosbase_backup_jobs_total", ("kind", "verify"), ("outcome", "failed")] == 1
    assert told[("bosbase_backups_proven",)] == 0
    for token in ("Bearer wrong", "Bearer ", "a-token-of-the-machine", "", None):
        assert read(token, 401).json()["status"] == 401, token
