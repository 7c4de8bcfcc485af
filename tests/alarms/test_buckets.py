"""What is told of a bucket that is away."""

import time

import pytest

from harness.client import wait_for
from harness.jobs import ended, last_job

from .test_alarms import BACKUP, use

pytestmark = pytest.mark.ours


def test_a_requested_backup_that_the_bucket_kept_from_beginning_is_told(server, receiver, s3, proxy_to):
    """A script that asks for the nightly backup and does not look at the answer lost it in silence."""
    proxy = proxy_to(s3)
    root = server.root()
    use(root, receiver, s3=s3.settings(proxy.url))
    proxy.rule = lambda request: "reset"
    told = root.post("/api/backups", json={"name": "a.zip"}, expect=400)["message"]
    event = wait_for(lambda: receiver.events("failed"), 30, "the alarm")[0]
    assert (event["kind"], event["key"], event["error"]) == ("create", "a.zip", told)
    assert f"bucket backups at {proxy.url}" in event["text"] and event["text"].count(told) == 1
    proxy.rule = lambda request: None
    root.back_up("a.zip")
    assert wait_for(lambda: receiver.events("recovered"), 30, "its end")[0]["key"] == "a.zip"


def test_what_somebody_cancelled_is_no_alarm(server, receiver, s3, proxy_to):
    proxy = proxy_to(s3)
    root = server.root()
    use(root, receiver, s3=s3.settings(proxy.url))
    proxy.rule = lambda request: "hang"
    root.post(BACKUP, expect=204)
    wait_for(lambda: proxy.count("hang") >= 1, 20, "the first look")
    root.post("/api/backups/cancel", expect=204)
    assert ended(root, "create", seconds=10)["stopped"]
    time.sleep(3)
    assert receiver.events() == [] and last_job(root, "create")["state"] == "failed"


def test_a_deletion_of_old_backups_that_the_bucket_refuses_says_which_and_nothing_twice(server, receiver, s3, proxy_to):
    """An alarm that no job's line tells repeated each cause: x: x: x."""
    proxy = proxy_to(s3)
    root = server.root()
    use(root, receiver, s3=s3.settings(proxy.url), cronMaxKeep=1)
    for number in range(2):
        time.sleep(1.1)  # Its name is made of the second.
        before = last_job(root, "create")
        proxy.rule = lambda request: "forbidden" if request.method == "DELETE" else None
        root.post(BACKUP, expect=204)
        wait_for(lambda: last_job(root, "create") != before and ended(root, "create"), 60, f"backup {number}")
    event = wait_for(lambda: receiver.events("failed"), 60, "the alarm")[0]
    assert event["kind"] == "retention" and f"bucket backups at {proxy.url}" in event["error"], event
    assert event["error"].lower().count("access denied") == 1 and event["error"].lower().count("deleting the backup") == 1, event
