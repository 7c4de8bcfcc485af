"""`backups`: the schedule, and what is kept."""

import os
import time

from harness.client import wait_for


def a_schedule_makes_a_cron_job(server, root, sink):
    root.patch("/api/settings", json={"backups": {"cron": "7 3 * * *"}})
    assert {"id": "__pbAutoBackup__", "expression": "7 3 * * *"} in root.get("/api/crons")


def scheduled_backups_are_kept(server, root, sink):
    """Of four backups of four weeks and months `cronMaxKeep` keeps one, and each of these rules three."""
    for rule in ("keepLast", "keepWeekly", "keepMonthly"):
        for name in root.backups():
            root.delete(f"/api/backups/{name}")
        names = []
        for age in (96, 64, 32):  # never two in a month
            root.back_up("plain.zip")
            folder = server.directory / "backups"
            names.append(f"@auto_pb_backup_acme_{age}.zip")
            (folder / "plain.zip").rename(folder / names[-1])
            then = time.time() - age * 86_400
            os.utime(folder / names[-1], (then, then))
        others = {other: 0 for other in ("keepLast", "keepDaily", "keepWeekly", "keepMonthly")}
        root.patch("/api/settings", json={"backups": {"cron": "0 0 1 1 *", "cronMaxKeep": 1, **others, rule: 3}})
        root.post("/api/crons/__pbAutoBackup__", expect=204)
        wait_for(lambda: len(set(root.backups()) - set(names)) == 1, 60, "the scheduled backup")
        root.wait_until_idle()
        wait_for(lambda: len(root.backups()) == 3 and names[0] not in root.backups(), 30, f"what {rule} keeps: {sorted(root.backups())}")
