"""Whoever relies on backups is told when they fail: backups that really fail, and receivers that really are there, or are not."""

import contextlib
import io
import json
import os
import signal
import sqlite3
import time

import pytest

from harness.client import wait_for
from harness.jobs import ended, last_job
from harness.programs import BOSBASE_FAILPOINTS, EMAIL
from harness.server import free_port

from .receiver import Receiver
from .sink import PASSWORD, USERNAME, Silent, Sink

pytestmark = pytest.mark.ours

SECRET = "webhook-secret-77"
PATH = "/hooks/T0-path-secret-88?key=query-secret-99"
SECRETS = [SECRET, "path-secret-88", "query-secret-99", PASSWORD]
BACKUP = "/api/crons/__pbAutoBackup__"
NEVER = "0 0 29 2 *"


def alarms(root):
    return root.get("/api/backups/status")["alarms"]


def use(root, receiver=None, sink=None, **backups):
    if receiver:
        backups["alarmWebhook"] = {"url": receiver.url + PATH, "secret": SECRET}
    changes = {"backups": {"cron": NEVER, **backups}}
    if sink:
        changes["smtp"] = sink.settings()
    root.patch("/api/settings", json=changes)


def rot(server, key):
    """Damages a backup behind the server's back, as a disk does."""
    path = server.directory / "backups" / key
    times, content = path.stat(), bytearray(path.read_bytes())
    content[len(content) // 3] ^= 0x55
    path.write_bytes(content)
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


def fail(server, root, key="rotten.zip"):
    """A verification that fails."""
    if key not in root.backups():
        root.back_up(key)
        rot(server, key)
    root.post(f"/api/backups/{key}/verify", expect=204)
    assert ended(root, "verify")["state"] == "failed"


def stop_a_proof(server, root):
    """A restore ends the proof of what it restores: that job fails because somebody wanted its end."""
    folder = server.directory / "storage" / "weight" / "record"
    folder.mkdir(parents=True)
    for index in range(120):
        (folder / f"{index}.bin").write_bytes(os.urandom(1 << 20))
    root.post("/api/backups", json={"name": "stopped.zip"}, expect=204)
    wait_for(lambda: last_job(root, "create")["phase"] == "proving", 60, "the proof", every=0.01)
    root.post("/api/backups/stopped.zip/restore", expect=204)
    stopped = ended(root, "create")
    assert stopped["state"] == "failed" and stopped["stopped"], stopped
    assert ended(root, "restore")["state"] == "succeeded"


def private(server, name):
    return server.directory / ".bosbase" / name


def change(path, edit):
    document = json.loads(path.read_text())
    edit(document)
    path.write_text(json.dumps(document))


def assert_no_secret_is_written(server, root):
    time.sleep(4)  # Lines are stored every three seconds.
    # Escaped, the password would not be found.
    write = lambda document: json.dumps(document, ensure_ascii=False)  # noqa: E731
    logged = write(root.get("/api/logs", params={"perPage": 500})["items"])
    settings, status = (write(root.get(path)) for path in ("/api/settings", "/api/backups/status"))
    for secret in SECRETS:
        assert secret not in server.log(last=10**7) and secret not in logged and secret not in status
    assert SECRET not in settings and PASSWORD not in settings


def test_a_scheduled_backup_that_fails_is_told_by_mail_and_webhook_and_so_is_its_end(launch, s3, stopping, authority):
    sink = stopping(Sink(encryption="starttls", context=authority.context, login=True))
    receiver = stopping(Receiver())
    server = launch(env={**authority.environment, "BOSBASE_LOG": "debug"})
    root = server.root()
    root.create("_superusers", {"email": "second@example.com", "password": "second-1234", "passwordConfirm": "second-1234"})
    use(root, receiver, s3=s3.settings(secret="not the secret"))
    root.patch("/api/settings", json={"smtp": sink.settings(username=USERNAME, password=PASSWORD), "meta": {"appName": "Äcme"}})
    root.post(BACKUP, expect=204)
    event = wait_for(lambda: receiver.events("failed"), 60, "the webhook")[0]
    job = last_job(root, "create")
    assert (event["kind"], event["key"], event["state"], event["job"]) == ("create", job["key"], "failed", job["id"])
    assert event["error"] == job["error"] and event["started"] == job["started"] and event["finished"] == job["finished"]
    assert event["app"] == {"name": "Äcme", "url": "http://localhost:8090"} and job["error"] in event["text"]
    told = receiver.told[0]
    assert told.path == PATH and told.headers["authorization"] == f"Bearer {SECRET}"
    assert told.headers["content-type"] == "application/json"
    mails = wait_for(lambda: len(sink.mails) == 2 and sink.mails, 30, "the mails")
    assert sorted(mail.recipients[0] for mail in mails) == sorted([EMAIL, "second@example.com"])
    assert mails[0].subject == f"Äcme: Backup failed: {job['key']}" and job["error"] in mails[0].text
    assert mails[0].encrypted and mails[0].login == USERNAME
    # It goes well again: once.
    root.patch("/api/settings", json={"backups": {"s3": {"enabled": False}}})
    for _ in range(2):
        root.post(BACKUP, expect=204)
        wait_for(lambda: last_job(root, "create")["id"] != job["id"] and ended(root, "create"), 60, "a backup")
        job = last_job(root, "create")
        assert job["state"] == "succeeded", job
    recovered = wait_for(lambda: receiver.events("recovered"), 30, "its end")
    assert recovered[0]["error"] == event["error"] and recovered[0]["state"] == "succeeded"
    wait_for(lambda: alarms(root)["waiting"] == 0, 30, "the mails")
    time.sleep(1)
    assert len(receiver.events()) == 2 and len(sink.mails) == 4
    assert alarms(root)["lastError"] == "" and alarms(root)["lastSent"]
    assert_no_secret_is_written(server, root)
    metrics = root.send("GET", "/api/metrics").text
    assert 'bosbase_alarm_attempts_total{channel="webhook",outcome="arrived"} 2' in metrics
    assert "bosbase_alarms_waiting 0" in metrics


def test_whom_the_settings_name_is_mailed_in_place_of_the_superusers(server, stopping):
    """And one mailbox that is full keeps nobody else from being told, nor gets anybody the same twice."""
    sink = stopping(Sink(refuse=["gone@example.com"]))
    root = server.root()
    use(root, sink=sink, alarmEmails=["gone@example.com", "ops@example.com"])
    fail(server, root)
    wait_for(lambda: "no such mailbox" in alarms(root)["lastError"], 30, "the refusal")
    assert [mail.recipients for mail in sink.mails] == [["ops@example.com"]]
    # Who is named meanwhile is mailed, and who is not any more is not.
    root.patch("/api/settings", json={"backups": {"alarmEmails": ["new@example.com", "ops@example.com"]}})
    wait_for(lambda: len(sink.mails) == 2, 30, "the other mail")
    time.sleep(0.5)
    assert [mail.recipients[0] for mail in sink.mails] == ["ops@example.com", "new@example.com"]
    assert alarms(root)["lastError"] == "" and alarms(root)["waiting"] == 0


def test_what_was_refused_or_wanted_is_no_alarm(server, receiver):
    root = server.root()
    use(root, receiver)
    root.post("/api/backups", json={"name": "NOT VALID"}, expect=400)
    root.post("/api/backups/missing.zip/restore", expect=400)
    root.post("/api/backups/undo-restore", expect=400)
    root.upload(io.BytesIO(b"no zip"), "no.zip", expect=400)
    stop_a_proof(server, root)
    fail(server, root)
    wait_for(lambda: receiver.events(), 30, "the only alarm")
    time.sleep(0.5)
    assert [event["kind"] for event in receiver.events()] == ["verify"]


def test_a_damaged_database_is_told(launch, receiver):
    server = launch()
    root = server.root()
    use(root, receiver)
    root.post("/api/collections", json={"name": "many", "fields": [{"name": "text", "type": "text"}], "indexes": ["CREATE INDEX `i` ON `many` (`text`)"]})
    for index in range(60):
        root.create("many", {"text": f"{index:04} " + "x" * 1500})
    server.stop()
    path = server.directory / "data.db"
    content = path.read_bytes()
    spot = content.rindex(b"0031 xxxx")
    with open(path, "r+b") as file:
        file.seek(spot)
        file.write(b"9999")
    server.start()
    root = server.root()
    root.post("/api/backups", json={"name": "damaged.zip"}, expect=204)
    event = wait_for(lambda: receiver.events("failed", "create"), 60, "the alarm")[0]
    assert "damaged database" in event["error"] and event["key"] == "damaged.zip"


def test_rot_that_a_scrub_finds_is_told(server, receiver):
    root = server.root()
    use(root, receiver)
    root.back_up("one.zip")
    rot(server, "one.zip")
    root.post("/api/crons/__bosbaseScrub__", expect=204)
    event = wait_for(lambda: receiver.events("failed", "scrub"), 60, "the alarm")[0]
    assert "one.zip is broken" in event["error"]
    assert len(receiver.events()) == 1
    root.delete("/api/backups/one.zip")
    root.post("/api/crons/__bosbaseScrub__", expect=204)
    wait_for(lambda: receiver.events("recovered", "scrub"), 60, "its end")


def test_retention_that_fails_is_told(server, receiver, s3, proxy_to):
    proxy = proxy_to(s3)
    root = server.root()
    use(root, receiver, cronMaxKeep=1, s3=s3.settings(endpoint=proxy.url))

    def back_up():
        known = {job["id"] for job in root.get("/api/backups/status")["jobs"]}
        begun = lambda: (job := last_job(root)) and job["id"] not in known  # noqa: E731
        # While the last one is still at its end, another is not begun.
        for _ in range(6):
            time.sleep(0.1)
            root.post(BACKUP, expect=204)
            with contextlib.suppress(AssertionError):
                wait_for(begun, 5, "a backup")
                break
        job = ended(root, "create")
        assert job["state"] == "succeeded", job

    back_up()
    proxy.rule = lambda request: "forbidden" if request.method == "DELETE" or "delete" in request.path else None
    back_up()
    event = wait_for(lambda: receiver.events("failed"), 60, "the alarm")[0]
    assert event["kind"] == "retention" and "Access Denied" in event["error"], event
    proxy.rule = lambda request: None
    back_up()
    wait_for(lambda: receiver.events("recovered", "retention"), 60, "its end")
    assert len(receiver.events()) == 2


def test_a_backup_whose_process_was_killed_is_told_at_the_next_start_and_once(launch, receiver):
    server = launch(BOSBASE_FAILPOINTS)
    use(server.root(), receiver)
    server.stop()
    server.env["BOSBASE_FAILPOINT"] = "create-written"
    server.start()
    server.root().post("/api/backups", json={"name": "killed.zip"}, expect=204)
    assert server.wait_until_dead() == -signal.SIGKILL
    del server.env["BOSBASE_FAILPOINT"]
    server.start()
    event = wait_for(lambda: receiver.events("failed", "create"), 30, "the alarm")[0]
    assert event["key"] == "killed.zip" and "process ended" in event["error"]
    wait_for(lambda: alarms(server.root())["waiting"] == 0, 30, "the record of it")
    server.kill()
    server.start()
    time.sleep(1)
    assert len(receiver.events()) == 1


def test_a_restore_that_was_cut_off_is_told_by_the_next_process(launch, receiver):
    server = launch(BOSBASE_FAILPOINTS)
    root = server.root()
    use(root, receiver)
    root.back_up("good.zip")
    server.stop()
    server.env["BOSBASE_FAILPOINT"] = "restore-extracted"
    server.start()
    server.root().post("/api/backups/good.zip/restore", expect=204)
    assert server.wait_until_dead() == -signal.SIGKILL
    del server.env["BOSBASE_FAILPOINT"]
    server.start()
    event = wait_for(lambda: receiver.events("failed", "restore"), 30, "the alarm")[0]
    assert event["key"] == "good.zip" and "old data was kept" in event["error"], event
    # One that succeeds across the restart is its end.
    server.root().post("/api/backups/good.zip/restore", expect=204)
    wait_for(lambda: receiver.events("recovered", "restore"), 60, "its end")


def test_a_restore_that_switches_off_backups_and_alarms_is_told_to_whom_the_settings_named_before(launch, stopping):
    """The settings are part of the data: from the restore on no backup was made, and of nothing that failed was anybody told."""
    receiver, sink = stopping(Receiver()), stopping(Sink())
    server = launch()
    root = server.root()
    root.back_up("bare.zip")
    use(root, receiver, sink, cron="0 3 * * *")
    root.restore("bare.zip")
    root = server.root()
    told = wait_for(lambda: len(receiver.events("failed")) == 2 and receiver.events("failed"), 30, "the alarms")
    events = {event["kind"]: event for event in told}
    assert set(events) == {"schedule", "alarms"}
    for event in told:
        assert "The restore of bare.zip" in event["error"] and event["error"] in event["text"], event
    assert "0 3 * * *" in events["schedule"]["error"] and "webhook" in events["alarms"]["error"]
    wait_for(lambda: len(sink.mails) == 2, 30, "the mails, by the mail server of before")
    shown = wait_for(lambda: alarms(root)["waiting"] == 0 and alarms(root), 10, "the record of it")
    assert shown["ways"] == [] and {trouble["cause"] for trouble in shown["troubles"]} == {"schedule", "alarms"}
    assert set(root.get("/api/health")["data"]["backupTroubles"]) == {"schedule", "alarms"}
    assert server.client().get("/api/health")["data"] == {}
    metrics = root.send("GET", "/api/metrics").text
    assert "bosbase_backup_troubles 2" in metrics and "bosbase_backup_schedule_set 0" in metrics
    assert 'bosbase_alarm_channel_set{channel="webhook"} 0' in metrics
    assert "no more backups are made by themselves" in server.log(last=10**7)
    lines = lambda: root.get("/api/logs", params={"filter": 'message ~ "Scheduled backups are switched off" && level = 8'})["items"]  # noqa: E731
    assert wait_for(lines, 10, "a line in the log")
    # Once, and not of every start. What fails from here on is told to nobody, which is said.
    server.stop()
    server.start()
    root = server.root()
    fail(server, root)
    shown = wait_for(lambda: alarms(root)["lastError"] and alarms(root), 10, "that nobody is told")
    assert "Verification failed: rotten.zip" in shown["lastError"] and "no mail server and no webhook" in shown["lastError"]
    lines = lambda: root.get("/api/logs", params={"filter": 'message ~ "told to nobody"'})["items"]  # noqa: E731
    assert len(wait_for(lines, 10, "a line in the log")) == 1
    # Set again, all is told to be well that was told not to be, and nothing else is.
    use(root, receiver, sink, cron="0 3 * * *")
    root.delete("/api/backups/rotten.zip")
    root.post("/api/crons/__bosbaseScrub__", expect=204)
    assert ended(root, "scrub")["state"] == "succeeded"
    wait_for(lambda: {event["kind"] for event in receiver.events("recovered")} == {"schedule", "alarms"}, 70, "their end")
    assert len(receiver.events()) == 4, receiver.events()
    assert "backupTroubles" not in root.get("/api/health")["data"] and alarms(root)["troubles"] == []
    assert alarms(root)["ways"] == ["mail", "webhook"] and alarms(root)["lastError"] == ""
    assert_no_secret_is_written(server, root)


def test_what_one_way_of_before_has_told_is_not_said_to_be_told_to_nobody(launch, stopping):
    """The mails arrived, and the log said that the alarm was told to nobody: no webhook was set before, and nothing is now."""
    sink = stopping(Sink())
    server = launch()
    root = server.root()
    root.back_up("bare.zip")
    use(root, None, sink, cron="0 3 * * *")
    root.restore("bare.zip")
    root = server.root()
    wait_for(lambda: len(sink.mails) == 2, 30, "the mails, by the mail server of before")
    wait_for(lambda: alarms(root)["waiting"] == 0, 10, "the record of it")
    assert "told to nobody" not in server.log(last=10**7)
    assert alarms(root)["lastError"] == ""


def test_an_undo_brings_back_who_is_told_and_a_restore_on_the_command_line_is_seen_at_the_next_start(launch, receiver):
    server = launch()
    root = server.root()
    root.back_up("bare.zip")
    use(root, receiver, cron="0 3 * * *")
    server.stop()
    server.program.run("backup", "restore", "bare.zip", "--dir", server.directory)
    server.start()
    wait_for(lambda: {event["kind"] for event in receiver.events("failed")} == {"schedule", "alarms"}, 30, "the alarms")
    wait_for(lambda: alarms(server.root())["waiting"] == 0, 10, "the record of it")
    server.root().post("/api/backups/undo-restore", expect=204)
    wait_for(lambda: {event["kind"] for event in receiver.events("recovered")} == {"schedule", "alarms"}, 60, "their end")
    assert len(receiver.events()) == 4
    root = wait_for(server.root, 30, "a login", ignore=(AssertionError, OSError))
    assert root.get("/api/settings")["backups"]["cron"] == "0 3 * * *" and alarms(root)["troubles"] == []


def test_the_end_of_what_nobody_was_told_is_told_to_nobody(launch, stopping):
    server = launch()
    root = server.root()
    fail(server, root, "before.zip")
    assert "no mail server" in wait_for(lambda: alarms(root)["lastError"], 10, "that nobody is told")
    receiver = stopping(Receiver(*[500] * 2))
    use(root, receiver)
    root.delete("/api/backups/before.zip")
    root.back_up("before.zip")
    root.post("/api/backups/before.zip/verify", headers={"Prefer": "wait=60"}, expect=204)
    wait_for(lambda: alarms(root)["troubles"] == [], 10, "that it is well")
    time.sleep(1)
    assert not receiver.events() and not receiver.refused
    # What waits to be told goes before its end, and neither is lost.
    fail(server, root, "after.zip")
    wait_for(lambda: receiver.refused, 10, "the first attempt")
    root.delete("/api/backups/after.zip")
    root.back_up("after.zip")
    root.post("/api/backups/after.zip/verify", headers={"Prefer": "wait=60"}, expect=204)
    time.sleep(0.5)
    assert not receiver.events()
    wait_for(lambda: len(receiver.events()) == 2, 40, "both")
    assert [event["event"] for event in receiver.events()] == ["failed", "recovered"]
    assert alarms(root)["lastError"] == ""


def test_a_receiver_that_fails_is_told_again_and_its_failure_shows(server, stopping):
    receiver = stopping(Receiver(500, 503))
    root = server.root()
    use(root, receiver)
    fail(server, root)
    shown = wait_for(lambda: alarms(root)["lastError"] and alarms(root), 30, "the failure")
    assert shown["lastError"] == "webhook: telling the webhook: 127.0.0.1 answered 500" and shown["waiting"] == 1
    wait_for(lambda: receiver.events("failed"), 60, "the third attempt")
    shown = wait_for(lambda: alarms(root)["waiting"] == 0 and alarms(root), 10, "the record of it")
    assert shown["lastError"] == "" and shown["lastSent"]
    ids = [told.event["id"] for told in receiver.refused + receiver.told]
    assert len(ids) == 3 and len(set(ids)) == 1
    lines = lambda: root.get("/api/logs", params={"filter": 'message ~ "could not be delivered by webhook"'})["items"]  # noqa: E731
    assert wait_for(lines, 10, "a line in the log")[0]["level"] == 8
    assert_no_secret_is_written(server, root)


def test_what_is_set_right_is_tried_at_once(server, stopping):
    root = server.root()
    root.patch("/api/settings", json={"backups": {"alarmWebhook": {"url": f"http://127.0.0.1:{free_port()}/"}}})
    fail(server, root)
    attempts = lambda: 'channel="webhook",outcome="failed"} 2' in root.send("GET", "/api/metrics").text  # noqa: E731
    wait_for(attempts, 30, "the second attempt")
    receiver = stopping(Receiver())
    use(root, receiver)
    # The third would come ten seconds after the second.
    wait_for(lambda: receiver.events("failed"), 5, "the alarm")


def test_a_full_disk_is_told_though_nothing_can_be_written_down(launch, receiver, small_disk, tmp_path):
    disk = small_disk(tmp_path / "disk", 40)
    server = launch(directory=disk.path / "pb_data")
    root = server.root()
    use(root, receiver)
    disk.fill()
    root.post(BACKUP, expect=204)
    event = wait_for(lambda: receiver.events("failed", "create"), 60, "the alarm")[0]
    assert "No space left" in event["error"], event
    disk.make_room()
    root.post(BACKUP, expect=204)
    wait_for(lambda: receiver.events("recovered", "create"), 60, "its end")
    assert len(receiver.events()) == 2


def test_no_redirect_is_followed(server, stopping):
    """Whoever answers there must not choose whom the server asks next, nor get the secret sent to another."""
    elsewhere = stopping(Receiver())
    receiver = stopping(Receiver(*[(status, elsewhere.url + "/elsewhere") for status in (302, 307, 308)]))
    root = server.root()
    use(root, receiver)
    for status in (302, 307, 308):
        refused = root.post("/api/settings/test/webhook", json={}, expect=400)
        assert f"answered {status}; redirects are not followed" in refused["message"]
    assert not elsewhere.told and not elsewhere.refused


def test_a_way_that_stands_still_holds_up_no_other_and_ends(server, stopping):
    silent, mute, receiver = stopping(Silent()), stopping(Silent()), stopping(Receiver())
    root = server.root()
    use(root, receiver)
    root.patch("/api/settings", json={"smtp": {"enabled": True, "host": "127.0.0.1", "port": silent.port}})
    fail(server, root)
    wait_for(lambda: receiver.events("failed"), 10, "the webhook beside a mail server that says nothing")
    root.patch("/api/settings", json={"backups": {"alarmWebhook": {"url": f"http://127.0.0.1:{mute.port}/"}}})
    begun = time.monotonic()
    refused = root.post("/api/settings/test/webhook", json={}, expect=400)
    assert "no end to it within" in refused["message"] and time.monotonic() - begun < 25
    wait_for(lambda: alarms(root)["lastError"].startswith("mail: "), 90, "the end of the mail")
    taken = len(silent.taken)
    wait_for(lambda: len(silent.taken) > taken, 30, "the next attempt to be under way")
    begun = time.monotonic()
    assert server.stop() == 0 and time.monotonic() - begun < 10, "nobody waits for them"


def test_the_test_of_a_webhook_says_what_went_wrong(server, receiver):
    root = server.root()
    refused = root.post("/api/settings/test/webhook", json={}, expect=400)
    assert "alarmWebhook.url is not set" in refused["message"]
    use(root, receiver)
    root.post("/api/settings/test/webhook", json={}, expect=204)
    assert [event["event"] for event in receiver.events()] == ["test"]
    root.patch("/api/settings", json={"backups": {"alarmWebhook": {"url": f"http://127.0.0.1:{free_port()}{PATH}"}}})
    refused = root.post("/api/settings/test/webhook", json={}, expect=400)
    assert "127.0.0.1" in refused["message"] and "secret" not in refused["message"], refused
    assert_no_secret_is_written(server, root)


def test_what_could_not_be_told_is_told_by_the_next_process(launch, stopping):
    port = free_port()
    server = launch()
    root = server.root()
    root.patch("/api/settings", json={"backups": {"alarmWebhook": {"url": f"http://127.0.0.1:{port}/"}}})
    fail(server, root)
    wait_for(lambda: alarms(root)["lastError"], 30, "the failure")
    server.kill()
    receiver = stopping(Receiver(port=port))
    server.start()
    wait_for(lambda: receiver.events("failed"), 60, "the alarm")
    wait_for(lambda: alarms(server.root())["waiting"] == 0, 10, "the record of it")
    server.kill()
    server.start()
    time.sleep(1)
    assert len(receiver.events()) == 1


def test_a_process_that_dies_of_an_alarm_does_not_send_it_again_at_once(launch, stopping):
    mute = stopping(Silent())
    server = launch()
    root = server.root()
    root.patch("/api/settings", json={"backups": {"alarmWebhook": {"url": f"http://127.0.0.1:{mute.port}/"}}})
    fail(server, root)
    wait_for(lambda: mute.taken, 30, "the attempt")
    server.kill()
    begun = json.loads(private(server, "alarms.json").read_text())["waiting"]
    begun = next(one for one in begun if one["channel"] == "webhook")
    assert begun["attempts"] == 1 and begun["next"] >= begun["since"] + 2

    def put_off(known):
        for one in known["waiting"]:
            one["next"] = int(time.time()) + 20

    change(private(server, "alarms.json"), put_off)
    server.start()
    time.sleep(2)
    assert len(mute.taken) == 1, "the pause holds across a restart"


def test_clocks_that_were_ahead_and_a_ledger_that_is_broken_keep_nobody_quiet(launch, receiver):
    server = launch()
    root = server.root()
    use(root, alarmAfterHours=2)
    root.back_up("future.zip")
    root.patch("/api/settings", json={"backups": {"alarmWebhook": {"url": f"http://127.0.0.1:{free_port()}/"}}})
    fail(server, root)
    wait_for(lambda: alarms(root)["lastError"], 30, "an alarm that does not arrive")
    use(root, receiver)
    wait_for(lambda: receiver.events("failed", "verify"), 30, "the verification")
    server.stop()

    def ahead(proofs):
        for proof in proofs:
            proof["modified"] += 10 * 86_400

    def promised(known):
        known["promise"]["since"] = "2099-01-01T00:00:00Z"

    change(private(server, "proofs.json"), ahead)
    change(private(server, "alarms.json"), promised)
    server.start()
    time.sleep(1)
    assert not receiver.events("failed", "age"), "promised from now on"
    known = json.loads(private(server, "alarms.json").read_text())
    assert not known["promise"]["since"].startswith("2099")
    server.stop()
    change(private(server, "alarms.json"), lambda known: known["promise"].update(since="2026-01-01T00:00:00Z"))
    server.start()
    event = wait_for(lambda: receiver.events("failed", "age"), 30, "the alarm")[0]
    assert "There is no proven backup" in event["error"], event
    server.stop()
    private(server, "alarms.json").write_text("{")
    server.start()
    wait_for(lambda: len(receiver.events("failed", "verify")) == 2, 30, "what may have been told")
    assert "begun anew" in server.log(last=10**7)


def test_a_number_of_hours_that_an_older_version_took_ends_nothing(launch):
    server = launch()
    root = server.root()
    use(root, alarmAfterHours=87_600)
    server.stop()
    with sqlite3.connect(server.directory / "data.db") as database:
        changed = database.execute("UPDATE _params SET value = replace(value, '87600', '200000000') WHERE id = 'settings'").rowcount
        assert changed == 1
    assert "200000000" in _stored(server)
    server.start()
    assert server.root().get("/api/settings")["backups"]["alarmAfterHours"] == 200_000_000
    assert "panicked" not in server.log(last=10**7)


def test_what_failed_before_alarms_were_known_is_not_told(launch, receiver):
    server = launch()
    root = server.root()
    fail(server, root)
    known = lambda: json.loads(private(server, "alarms.json").read_text())  # noqa: E731
    wait_for(lambda: known()["troubles"] and not known()["waiting"], 10, "nobody to be told")
    use(root, receiver)
    server.stop()
    private(server, "alarms.json").unlink()
    server.start()
    time.sleep(1)
    assert not receiver.events()


def test_an_old_backup_is_told_once_a_day_and_a_young_one_is_its_end(launch, receiver):
    server = launch()
    root = server.root()
    use(root, receiver, alarmAfterHours=2)
    root.back_up("old.zip")
    server.stop()

    def age(proofs):
        proofs[0]["modified"] -= 3 * 3600

    change(private(server, "proofs.json"), age)
    for _ in range(2):
        server.start()
        event = wait_for(lambda: receiver.events("failed", "age"), 30, "the alarm")[0]
        assert "an alarm is wanted after 2 hours" in event["error"]
        wait_for(lambda: alarms(server.root())["waiting"] == 0, 10, "the record of it")
        server.stop()
    assert len(receiver.events()) == 1
    server.start()
    server.root().back_up("young.zip")
    server.stop()
    server.start()
    wait_for(lambda: receiver.events("recovered", "age"), 30, "its end")


def test_a_schedule_that_was_slept_through_is_told(launch, receiver):
    """The machine was off for days: no backup failed, and there is none."""
    server = launch()
    use(server.root(), receiver, cron="0 0 * * *")
    server.stop()
    server.start()
    server.stop()
    assert not receiver.events()

    def sleep(known):
        known["promise"]["since"] = "2026-01-01T00:00:00Z"

    change(private(server, "alarms.json"), sleep)
    server.start()
    event = wait_for(lambda: receiver.events("failed", "age"), 30, "the alarm")[0]
    assert "There is no proven backup" in event["error"] and "0 0 * * *" in event["error"]


def test_within_a_minute_it_is_noticed_what_other_processes_do_and_that_backups_were_switched_off(server, receiver):
    root = server.root()
    use(root, receiver)
    root.back_up("rotten.zip")
    rot(server, "rotten.zip")
    # It looks when it starts, and every minute from then on.
    server.stop()
    server.start()
    wait_for(lambda: json.loads(private(server, "alarms.json").read_text()).get("promise", {}).get("cron") == NEVER, 20, "the schedule to be seen")
    server.program.run("backup", "verify", "rotten.zip", "--dir", server.directory, check=False)
    root.patch("/api/settings", json={"backups": {"cron": ""}})
    wait_for(lambda: receiver.events("failed", "verify"), 70, "the verification")
    event = wait_for(lambda: receiver.events("failed", "schedule"), 70, "the schedule")[0]
    assert "The schedule of backups was switched off" in event["error"]
    assert len(receiver.events()) == 2


def test_the_settings_of_alarms_are_checked_and_their_secret_is_not_shown(server):
    root = server.root()
    assert not [name for name in root.get("/api/settings")["backups"] if name.startswith("alarm")]
    wrong = {"alarmEmails": ["ok@example.com", "no"], "alarmWebhook": {"url": "ftp://h", "secret": "a b"}, "alarmAfterHours": -1}
    refused = root.patch("/api/settings", json={"backups": wrong}, expect=400)["data"]["backups"]
    for hours in (87_601, 200_000_000):
        above = root.patch("/api/settings", json={"backups": {"alarmAfterHours": hours}}, expect=400)["data"]["backups"]["alarmAfterHours"]
        assert above["code"] == "validation_max_less_equal_than_required" and "87600" in above["message"]
    assert refused["alarmEmails"]["1"]["code"] == "validation_is_email" and len(refused["alarmEmails"]) == 1
    assert set(refused["alarmWebhook"]) == {"url", "secret"} and "alarmAfterHours" in refused
    shown = root.patch("/api/settings", json={"backups": {"alarmWebhook": {"url": "https://h/x", "secret": SECRET}, "alarmAfterHours": 30}})
    assert shown["backups"]["alarmWebhook"] == {"url": "https://h/x"} and shown["backups"]["alarmAfterHours"] == 30
    root.patch("/api/settings", json={"backups": {"alarmWebhook": {"url": "https://h/y", "secret": "******"}}})
    assert SECRET in _stored(server), "asterisks keep it"
    root.patch("/api/settings", json={"backups": {"alarmWebhook": None, "alarmAfterHours": 0}})
    assert not [name for name in root.get("/api/settings")["backups"] if name.startswith("alarm")]


def _stored(server):
    with sqlite3.connect(f"file:{server.directory / 'data.db'}?mode=ro", uri=True) as database:
        return database.execute("SELECT value FROM _params WHERE id = 'settings'").fetchone()[0]
