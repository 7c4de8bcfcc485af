"""The Backups API beyond what the SDKs ask for: waiting, ranges, order, names of others, schedules, outcomes."""

import re
import time
import zipfile
from pathlib import Path

import pytest
import requests

from harness.client import wait_for
from harness.jobs import ended, jobs, last_job
from harness.programs import ORACLE_RUN
from harness.sample import blob

BUSY = "Try again later - another backup/restore process has already been started"


@pytest.fixture
def heavy(server):
    """Enough files that a backup takes a while."""
    folder = server.directory / "storage" / "heavy"
    folder.mkdir(parents=True)
    for n in range(40):
        (folder / f"{n}.bin").write_bytes(blob(n, 10_000_000))
    return server


@pytest.mark.ours
def test_a_client_that_prefers_to_wait_is_answered_when_the_backup_is_there(root):
    answer = root.send("POST", "/api/backups", json={"name": "waited.zip"}, headers={"Prefer": "wait=60"}, expect=204)
    assert "wait" in answer.headers.get("Preference-Applied", "")
    assert "waited.zip" in root.backups()
    assert last_job(root)["state"] == "succeeded"
    root.post("/api/backups/waited.zip/verify", headers={"Prefer": "wait=60"}, expect=204)
    job = last_job(root, "verify")
    assert (job["key"], job["state"], job["error"]) == ("waited.zip", "succeeded", "")


def test_fields_pick_of_a_list_of_backups(root):
    root.back_up("picked.zip")
    pick = lambda fields: root.get("/api/backups", params={"fields": fields})  # noqa: E731
    assert pick("key") == [{"key": "picked.zip"}] and pick("nothing") == [{}]
    assert set(pick("key,size")[0]) == {"key", "size"} and {"key", "size", "modified"} <= set(pick("*")[0])
    assert len(pick("modified:excerpt(4)")[0]["modified"]) == 4
    assert root.post("/api/files/token?fields=nothing") == {}


@pytest.mark.ours
def test_fields_pick_of_the_status(root):
    root.back_up("picked.zip")
    assert root.get("/api/backups/status?fields=jobs.key,running") == {"running": None, "jobs": [{"key": "picked.zip"}]}


@pytest.mark.ours
def test_json_that_is_sent_as_a_form_is_refused_rather_than_passed_over(root):
    """`curl -d` without a content type made a backup of another name than it was told to, as PocketBase does."""
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    refused = root.send("POST", "/api/backups", data='{"name": "mine.zip"}', headers=form, expect=400).json()
    assert "Content-Type: application/json" in refused["message"]
    refused = root.send("POST", "/api/collections/users/records", data=' {"email": "a@example.com"}', headers=form, expect=400).json()
    assert "Content-Type: application/json" in refused["message"]
    assert root.backups() == {}
    root.send("POST", "/api/backups", data='{"name": "mine.zip"}', expect=400)
    root.send("POST", "/api/backups", data={"name": "mine.zip"}, expect=204)
    root.wait_until_idle()
    assert set(root.backups()) == {"mine.zip"}


@pytest.mark.ours
def test_backups_that_begin_within_a_second_do_not_share_a_name(root):
    """The second of two unnamed, or two scheduled, was refused: it already existed."""
    root.patch("/api/settings", json={"backups": {"cron": "0 3 * * *", "cronMaxKeep": 9}})
    for _ in range(4):
        root.post("/api/backups", headers={"Prefer": "wait=60"}, expect=204)
    for _ in range(4):
        known = len(jobs(root))
        # The last one may still be at its end.
        root.post("/api/crons/__pbAutoBackup__", expect=204)
        wait_for(lambda: len(jobs(root)) > known, 30, "the next one")  # noqa: B023
        assert ended(root, "create")["state"] == "succeeded", last_job(root)
    made = root.backups()
    assert len(made) == 8 and sum(key.startswith("@auto_") for key in made) == 4
    assert any(re.search(r"\d{14}_2\.zip$", key) for key in made), "this machine is too slow for this test"


@pytest.mark.ours
def test_a_scheduled_backup_that_is_asked_for_while_it_runs_is_made_once_more(root):
    """The answer was 204, and nothing was done."""
    root.patch("/api/settings", json={"backups": {"cron": "0 3 * * *", "cronMaxKeep": 9}})
    for _ in range(3):
        root.post("/api/crons/__pbAutoBackup__", expect=204)
    made = lambda: [job for job in jobs(root) if job["state"] == "succeeded"]  # noqa: E731
    wait_for(lambda: len(made()) >= 2, 30, "the second one")


@pytest.mark.ours
def test_a_restore_that_is_waited_for_is_not_said_to_be_done_before_it_is(root):
    """With `Prefer: wait` the answer was 204 while the job still ran: it ends in the next process."""
    root.back_up("one.zip")
    marker = root.create_marker()
    root.post("/api/backups/one.zip/restore", headers={"Prefer": "wait=60"}, expect=202)
    wait_for(lambda: root.marker_is_gone(marker), 30, "the restore", ignore=(requests.RequestException,))


@pytest.mark.ours
@pytest.mark.ours
def test_the_process_keeps_its_name_across_a_restore(server, root):
    """`ps` showed `exe`, and what looks for the server by its name did not find it."""

    def name():
        return (Path("/proc") / str(server.process.pid) / "comm").read_text().strip()

    before = name()
    root.back_up("whole.zip")
    root.restore("whole.zip")
    assert name() == before == server.program.path.name[:15]


def test_a_file_that_was_lost_before_is_told_of(server, root):
    root.post("/api/collections", json={"name": "papers", "type": "base", "fields": [{"name": "paper", "type": "file", "maxSelect": 1}]})
    paper = root.create("papers", {}, files=[("paper", ("gone.txt", b"x"))])
    root.back_up("whole.zip")
    assert last_job(root)["warning"] == ""
    (file,) = (server.directory / "storage").glob(f"*/{paper['id']}/{paper['paper']}")
    file.unlink()
    root.back_up("less.zip")
    job = last_job(root)
    assert job["state"] == "succeeded"
    assert paper["paper"] in job["warning"], job


@pytest.mark.ours
def test_a_backup_begins_at_once_and_ends_in_the_background(heavy):
    root = heavy.root()
    root.post("/api/backups", json={"name": "slow.zip"}, expect=204)
    assert "slow.zip" not in root.backups(), "listed before it is whole"
    running = root.get("/api/backups/status")["running"]
    assert (running["kind"], running["key"], running["state"], running["finished"]) == ("create", "slow.zip", "running", "")
    for method, path, body in (
        ("POST", "/api/backups", {"name": "other.zip"}), ("POST", "/api/backups/any.zip/restore", None), ("POST", "/api/backups/any.zip/verify", None),
    ):
        assert root.send(method, path, json=body, expect=400).json()["message"].startswith(BUSY), path
    root.delete("/api/backups/slow.zip", expect=400)
    root.wait_until_idle()
    assert "slow.zip" in root.backups()
    job = ended(root, "create")
    assert (job["state"], job["error"]) == ("succeeded", "")
    assert job["bytesDone"] == job["bytesTotal"] >= 400_000_000
    times = (job["started"], job["finished"])
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", time) for time in times) and times[0] < times[1]
    assert root.get("/api/backups/status")["running"] is None


@pytest.mark.ours
def test_the_newest_backup_is_listed_first(root):
    for name in ("one.zip", "two.zip", "three.zip"):
        root.back_up(name)
    listed = root.get("/api/backups")
    assert [one["key"] for one in listed] == ["three.zip", "two.zip", "one.zip"]
    fields = {"key", "size", "modified", "proven", "proofDepth", "proofError", "missing", "provenElsewhere"}
    assert all(set(one) == fields and one["provenElsewhere"] is False for one in listed)


def test_what_is_no_backup_is_not_listed(server, root):
    root.back_up("real.zip")
    folder = server.directory / "backups"
    (folder / ".hidden.zip").write_bytes(b"x")
    (folder / "folder.zip").mkdir()
    if not ORACLE_RUN:
        (folder / "half.zip.0a1b2c.tmp").write_bytes(b"x")
    assert set(root.backups()) - {".hidden.zip"} == {"real.zip"}


def test_a_download_can_be_resumed(root):
    made = root.back_up("ranged.zip")
    whole = root.download("ranged.zip")
    assert len(whole) == made["size"]
    query = {"token": root.file_token()}
    get = lambda **headers: root.send("GET", "/api/backups/ranged.zip", params=query, expect=None, headers={name.replace("_", "-"): value for name, value in headers.items()})  # noqa: E731
    first = get(Range="bytes=0-99")
    assert (first.status_code, first.content) == (206, whole[:100])
    assert first.headers["Content-Range"] == f"bytes 0-99/{len(whole)}"
    rest = get(Range="bytes=100-")
    assert (rest.status_code, rest.content) == (206, whole[100:])
    assert get(Range="bytes=-10").content == whole[-10:]
    assert get(Range=f"bytes={len(whole)}-").status_code == 416
    plain = get()
    assert plain.headers["Accept-Ranges"] == "bytes"
    assert "ranged.zip" in plain.headers["Content-Disposition"] and plain.headers["Content-Disposition"].startswith("attachment")
    modified = plain.headers["Last-Modified"]
    assert get(Range="bytes=0-9", If_Range=modified).status_code == 206
    assert get(Range="bytes=0-9", If_Range="Mon, 01 Jan 2001 00:00:00 GMT").status_code == 200
    if etag := plain.headers.get("ETag"):
        assert get(Range="bytes=0-9", If_Range=etag).status_code == 206
        assert get(Range="bytes=0-9", If_Range='"other"').status_code == 200
        assert get(If_None_Match=etag).status_code == 304
    else:
        assert ORACLE_RUN
    head = root.send("HEAD", "/api/backups/ranged.zip", params=query)
    assert int(head.headers["Content-Length"]) == len(whole) and not head.content


def test_names_that_others_gave_are_taken_listed_restored_and_deleted(root, tmp_path):
    root.back_up("own.zip")
    archive = tmp_path / "a.zip"
    archive.write_bytes(root.download("own.zip"))
    for name in ("@auto_pb_backup_acme_20260101000000.zip", "UPPER Case (1).zip", "ünï.zip"):
        if ORACLE_RUN and name != "@auto_pb_backup_acme_20260101000000.zip":
            continue
        root.upload(archive, name)
        assert name in root.backups()
        path = "/api/backups/" + "".join(f"%{byte:02X}" for byte in name.encode())
        assert root.send("GET", path, params={"token": root.file_token()}).content == archive.read_bytes()
        root.delete(path)
    assert set(root.backups()) == {"own.zip"}


@pytest.mark.ours
@pytest.mark.parametrize("name", ["../up.zip", "a/b.zip", "..\\up.zip", ".zip", "..zip", "no.tar", "x" * 300 + ".zip", "nul\0.zip", "", "sub/../../x.zip", ".hidden.zip"])
def test_names_that_lead_elsewhere_are_refused_or_taken_as_a_plain_name(server, root, tmp_path, name):
    root.back_up("own.zip")
    content = root.download("own.zip")
    answer = root.send("POST", "/api/backups/upload", files={"file": (name, content, "application/zip")}, expect=None)
    assert answer.status_code in (204, 400), answer.text
    lying = {path.name for path in (server.directory / "backups").iterdir() if path.is_file()}
    assert lying == set(root.backups()), "something lies there that is not listed"
    assert all(path.parent.name in ("backups",) for path in server.directory.rglob("*.zip"))
    assert not list(server.directory.parent.glob("*.zip"))


def test_scheduled_backups_keep_the_newest_and_leave_the_others(server, root):
    root.patch("/api/settings", json={"backups": {"cron": "0 3 * * *", "cronMaxKeep": 2}})
    root.back_up("mine.zip")
    seen = []
    for _ in range(4):
        known = set(root.backups())
        root.post("/api/crons/__pbAutoBackup__", expect=204)
        wait_for(lambda: set(root.backups()) - known, 30, "the scheduled backup")
        root.wait_until_idle()
        seen += set(root.backups()) - known
        time.sleep(1.1)  # Their names hold seconds.
    assert all(re.fullmatch(r"@auto_pb_backup_acme_\d{14}(_i[a-z0-9]{7})?\.zip", key) for key in seen), seen
    assert set(root.backups()) == {"mine.zip", *seen[-2:]}


@pytest.mark.ours
def test_a_scheduled_backup_that_fails_evicts_nothing_and_says_why(launch):
    """Files that can't grow beyond 4 MB stand for a full disk."""
    server = launch(largest_file=4_000_000)
    root = server.root()
    root.patch("/api/settings", json={"backups": {"cron": "0 3 * * *", "cronMaxKeep": 1}})
    root.post("/api/crons/__pbAutoBackup__", expect=204)
    good = set(wait_for(root.backups, 30, "the scheduled backup"))
    first = ended(root, "create")["id"]
    (server.directory / "storage" / "heavy").mkdir(parents=True)
    for n in range(3):
        (server.directory / "storage" / "heavy" / f"{n}.bin").write_bytes(blob(n, 3_000_000))
    time.sleep(1.1)
    root.post("/api/crons/__pbAutoBackup__", expect=204)
    wait_for(lambda: last_job(root)["id"] != first and last_job(root)["state"] != "running", 30, "the failure")
    job = last_job(root)
    assert job["state"] == "failed" and job["error"], job
    assert set(root.backups()) == good
    assert [path.name for path in (server.directory / "backups").iterdir() if path.stat().st_size > 0 and path.is_file()] == list(good)
    # And the application goes on.
    root.post("/api/collections", json={"name": "after", "type": "base"})
    refused = root.send("POST", "/api/backups", json={"name": "again.zip"}, headers={"Prefer": "wait=60"}, expect=None)
    assert 400 <= refused.status_code < 600 and refused.json()["message"], refused.text


@pytest.mark.ours
def test_outcomes_are_remembered_across_restarts(server, root):
    root.back_up("first.zip")
    root.restore("first.zip")
    assert server.stop() == 0
    server.start()
    kinds = [(job["kind"], job["key"], job["state"]) for job in jobs(server.root())]
    assert kinds[:2] == [("restore", "first.zip", "succeeded"), ("create", "first.zip", "succeeded")]


@pytest.mark.ours
def test_an_uploaded_zip_that_holds_no_application_is_refused(root, tmp_path):
    archive = tmp_path / "photos.zip"
    with zipfile.ZipFile(archive, "w") as made:
        made.writestr("photo.jpg", b"x" * 1000)
    refused = root.upload(archive, expect=400)
    assert refused["data"]["file"]["message"]
    assert root.backups() == {}
