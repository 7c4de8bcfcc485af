"""A backup that did not pass a verification is trouble for as long as it is there, and no longer."""

import os
import time

import pytest

from harness.client import wait_for
from harness.jobs import ended, last_job

from .test_alarms import BACKUP, NEVER, alarms, change, fail, private, rot, use

pytestmark = pytest.mark.ours

SCRUB = "/api/crons/__bosbaseScrub__"


def causes(root):
    return [trouble["cause"] for trouble in alarms(root)["troubles"]]


def scrub(root):
    before = last_job(root, "scrub")
    root.post(SCRUB, expect=204)
    wait_for(lambda: last_job(root, "scrub") != before and ended(root, "scrub"), 60, "the scrub")
    return last_job(root, "scrub")


def restart(server):
    """It looks for them when it starts, and every minute from then on."""
    server.stop()
    server.start()
    return server.root()


def test_a_broken_backup_that_is_deleted_is_no_trouble_any_more(server, receiver):
    """It kept the status, the health check and the metric red until the next scrub, which may be a week."""
    root = server.root()
    use(root, receiver)
    fail(server, root, "one.zip")
    fail(server, root, "two.zip")
    assert sorted(scrub(root)["failed"]) == ["one.zip", "two.zip"]
    wait_for(lambda: causes(root) == ["scrub", "verify one.zip", "verify two.zip"], 10, "the troubles")
    assert root.get("/api/health")["data"]["backupTroubles"] == ["scrub", "verify one.zip", "verify two.zip"]
    wait_for(lambda: alarms(root)["waiting"] == 0, 10, "the alarms")
    root.delete("/api/backups/one.zip")
    assert causes(root) == ["scrub", "verify two.zip"]
    root.delete("/api/backups/two.zip")
    assert causes(root) == []
    assert "backupTroubles" not in root.get("/api/health")["data"]
    assert "\nbosbase_backup_troubles 0\n" in root.send("GET", "/api/metrics").text
    over = wait_for(lambda: len(receiver.events("recovered")) == 2 and receiver.events("recovered"), 30, "their ends")
    assert sorted(event["key"] for event in over) == ["one.zip", "two.zip"] and {event["kind"] for event in over} == {"verify"}
    told = next(event for event in over if event["key"] == "one.zip")
    assert "A backup that did not pass a verification is there no more: one.zip. Before: one.zip is broken" in told["text"], told
    assert "succeeded" not in told["text"]
    # Nothing more is said of them.
    assert scrub(root)["state"] == "succeeded"
    time.sleep(1)
    assert len(receiver.events()) == 5


def test_of_a_scrub_that_failed_of_more_than_one_backup_the_last_one_is_the_end(server, receiver):
    root = server.root()
    use(root, receiver)
    for key in ("one.zip", "two.zip", "good.zip"):
        root.back_up(key)
    rot(server, "one.zip")
    rot(server, "two.zip")
    scrub(root)
    wait_for(lambda: receiver.events("failed", "scrub") and alarms(root)["waiting"] == 0, 30, "the alarm")
    root.delete("/api/backups/good.zip")
    root.delete("/api/backups/one.zip")
    assert causes(root) == ["scrub"]
    # The disk gave back other bytes then.
    rot(server, "two.zip")
    root.post("/api/backups/two.zip/verify", headers={"Prefer": "wait=60"}, expect=204)
    wait_for(lambda: causes(root) == [], 10, "the end")
    wait_for(lambda: receiver.events("recovered", "verify"), 30, "its end")
    assert len(receiver.events()) == 2


def test_a_restore_that_failed_is_trouble_until_its_backup_is_gone_or_another_is_restored(server, receiver):
    """Only another restore ended it, and nobody restores what is well."""
    root = server.root()
    use(root, receiver)
    for key in ("one.zip", "two.zip", "good.zip"):
        root.back_up(key)
    rot(server, "one.zip")
    rot(server, "two.zip")

    def restore(key):
        before = last_job(root, "restore")
        root.post(f"/api/backups/{key}/restore", expect=204)
        wait_for(lambda: last_job(root, "restore") != before and ended(root, "restore")["state"] == "failed", 60, "the restore")
        wait_for(lambda: causes(root) == ["restore"] and alarms(root)["waiting"] == 0, 30, "the trouble")

    restore("one.zip")
    root.delete("/api/backups/good.zip")
    assert causes(root) == ["restore"]
    root.delete("/api/backups/one.zip")
    assert causes(root) == []
    event = wait_for(lambda: receiver.events("recovered", "restore"), 30, "its end")[0]
    assert "A backup whose restore failed is there no more: one.zip. Before: " in event["text"], event
    restore("two.zip")
    root.back_up("good.zip")
    root.restore("good.zip")
    root = wait_for(server.root, 30, "a login", ignore=(AssertionError, OSError))
    wait_for(lambda: causes(root) == [], 30, "the end")
    wait_for(lambda: len(receiver.events("recovered", "restore")) == 2, 30, "its end")


def test_what_retention_deletes_is_no_trouble_any_more(server):
    root = server.root()
    use(root, cronMaxKeep=1)
    root.post(BACKUP, expect=204)
    wait_for(lambda: last_job(root, "create") and ended(root, "create")["state"] == "succeeded", 60, "a backup")
    key = last_job(root, "create")["key"]
    rot(server, key)
    fail(server, root, key)
    wait_for(lambda: causes(root) == [f"verify {key}"], 10, "the trouble")

    def is_gone():
        root.post(BACKUP, expect=204)
        return key not in root.backups()

    wait_for(is_gone, 60, "retention", every=1.2)
    wait_for(lambda: causes(root) == [], 10, "the end")


def test_what_others_delete_or_replace_is_noticed(server, receiver):
    root = server.root()
    use(root, receiver)
    root.back_up("good.zip")
    for key in ("command.zip", "deleted.zip", "kept.zip", "replaced.zip"):
        fail(server, root, key)
    wait_for(lambda: len(receiver.events("failed")) == 4 and alarms(root)["waiting"] == 0, 30, "the alarms")
    folder = server.directory / "backups"
    (folder / "deleted.zip").unlink()
    (folder / "replaced.zip").write_bytes((folder / "good.zip").read_bytes())
    os.utime(folder / "replaced.zip", (1_700_000_000, 1_700_000_000))
    server.program.run("backup", "delete", "command.zip", "--dir", server.directory)
    root = restart(server)
    wait_for(lambda: causes(root) == ["verify kept.zip"], 20, "the end")
    wait_for(lambda: len(receiver.events("recovered")) == 3, 30, "their ends")
    (folder / "kept.zip").unlink()
    # In the minute, too.
    wait_for(lambda: causes(root) == [], 75, "the end")


def test_a_bucket_that_is_away_ends_no_trouble(server, s3, proxy_to):
    proxy = proxy_to(s3)
    root = server.root()
    use(root, s3=s3.settings(proxy.url))
    root.back_up("rotten.zip")
    at = s3.directory / s3.bucket / "rotten.zip"
    content = bytearray(at.read_bytes())
    content[len(content) // 3] ^= 0x55
    at.write_bytes(content)
    root.post("/api/backups/rotten.zip/verify", expect=204)
    assert ended(root, "verify")["state"] == "failed"
    wait_for(lambda: causes(root) == ["verify rotten.zip"], 10, "the trouble")
    at.unlink()
    for spoil in ("forbidden", "reset"):
        asked = proxy.count(spoil)
        proxy.rule = lambda request, spoil=spoil: spoil
        root = restart(server)
        wait_for(lambda: proxy.count(spoil) > asked, 30, "a look")  # noqa: B023
        time.sleep(1)
        assert causes(root) == ["verify rotten.zip"]
    proxy.rule = lambda request: None
    root = restart(server)
    wait_for(lambda: causes(root) == [], 20, "the end")


def test_old_backups_that_could_not_be_deleted_are_no_trouble_without_a_schedule(server):
    root = server.root()
    use(root)
    server.stop()
    trouble = {"told": [int(time.time())], "error": "No.", "reached": []}
    change(private(server, "alarms.json"), lambda known: known["troubles"].update(retention=trouble))
    server.start()
    root = server.root()
    assert root.get("/api/settings")["backups"]["cron"] == NEVER and causes(root) == ["retention"]
    root.patch("/api/settings", json={"backups": {"cron": ""}})
    root = restart(server)
    wait_for(lambda: causes(root) == ["schedule"], 20, "its end")
