"""What retention would do at its next run: what it says is what the run then does."""

import os
import random
import time

import pytest

from harness.client import wait_for
from harness.jobs import ended, jobs

pytestmark = pytest.mark.ours

DAY = 86_400


def preview(root, expect=200, **settings):
    return root.post("/api/backups/preview-retention", json={"backups": settings}, expect=expect)


def run_schedule(root):
    known = len(jobs(root))
    root.post("/api/crons/__pbAutoBackup__", expect=204)
    wait_for(lambda: len(jobs(root)) > known, 30, "the scheduled backup")
    assert ended(root, "create")["state"] == "succeeded"


def settled(root, wanted, seconds=20):
    wait_for(lambda: set(root.backups()) == wanted, seconds, f"{sorted(wanted)}, not {sorted(root.backups())}")


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_what_is_said_is_what_is_done(server, root, seed):
    dice = random.Random(seed)
    # The run that is foreseen is of today, as the one that is asked for.
    root.patch("/api/settings", json={"backups": {"cron": "59 23 * * *", "cronMaxKeep": 99}})
    for _ in range(6):
        run_schedule(root)
    root.back_up("mine.zip")
    # They were made over some weeks, in any order.
    for key in root.backups():
        at = time.time() - dice.randrange(40 * DAY)
        os.utime(server.directory / "backups" / key, (at, at))
    root.post("/api/crons/__bosbaseScrub__", expect=204)
    wait_for(lambda: ended(root, "scrub")["state"] == "succeeded", 30, "the scrub")
    rules = {name: dice.randrange(4) for name in ("keepDaily", "keepWeekly", "keepMonthly")} | {"cronMaxKeep": 1 + dice.randrange(3)}
    foresight = preview(root, **rules)
    listed = root.backups()
    assert [one["key"] for one in foresight["backups"]] == list(listed)
    going = {one["key"] for one in foresight["backups"] if one["goes"]}
    assert len(going) == foresight["going"] and foresight["goingBytes"] == sum(listed[key]["size"] for key in going)
    assert all(bool(one["why"]) != one["goes"] for one in foresight["backups"])
    root.patch("/api/settings", json={"backups": rules})
    run_schedule(root)
    made = set(root.backups()) - set(listed)
    assert len(made) == 1
    settled(root, set(listed) - going | made)


def test_it_goes_by_what_is_typed_or_by_what_is_in_force_and_changes_nothing(root):
    root.patch("/api/settings", json={"backups": {"cron": "0 2 * * *", "cronMaxKeep": 9}})
    for _ in range(3):
        run_schedule(root)
    before = root.backups()
    assert preview(root)["going"] == 0
    assert root.post("/api/backups/preview-retention")["going"] == 0
    foresight = preview(root, cronMaxKeep=1)
    assert foresight["going"] == 3 and foresight["nextRun"].endswith("T02:00:00.000Z")
    assert [one["why"] for one in foresight["backups"]] == [[], [], []]
    assert preview(root, cronMaxKeep=2)["backups"][0]["why"] == ["last"]
    assert preview(root, cron="30 5 * * *")["nextRun"].endswith("T05:30:00.000Z")
    assert preview(root, cron="")["nextRun"] == ""
    assert root.backups() == before and root.get("/api/settings")["backups"]["cronMaxKeep"] == 9


def test_what_could_not_be_saved_is_refused_alike(root):
    refused = preview(root, expect=400, cron="never", keepDaily=-1)
    assert refused == root.patch("/api/settings", json={"backups": {"cron": "never", "keepDaily": -1}}, expect=400)
    assert set(refused["data"]["backups"]) == {"cron", "keepDaily"}
    root.post("/api/backups/preview-retention", json={"backups": 1}, expect=400)
