"""A bucket that hangs, refuses or is not there: whoever asks is told soon, whoever works waits, and nobody else notices."""

import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from harness.client import wait_for
from harness.jobs import ended, last_job

from .conftest import ACCESS_KEY, SECRET
from .files import BUCKET, collection, create, environment, keep_in
from .test_backups_in_a_bucket import fill, succeed, use

pytestmark = pytest.mark.ours

NEVER = "0 0 29 2 *"
SCHEDULED = "/api/crons/__pbAutoBackup__"
CANCELLED = "It was given up: somebody asked for its end."


class Took:
    """How many seconds what is done within it took."""

    def __enter__(self):
        self.begun = time.monotonic()
        return self

    def __exit__(self, *_):
        self.seconds = time.monotonic() - self.begun


def assert_names_it_once(text, proxy):
    """Says which bucket, says no secret, and says nothing twice."""
    assert f"bucket backups at {proxy.url}" in text, text
    assert SECRET not in text and ACCESS_KEY not in text
    parts = [part.strip(" .").lower() for part in text.split(": ")]
    assert len(parts) == len(set(parts)), text


def threads(server):
    return len(os.listdir(f"/proc/{server.process.pid}/task"))


def metrics(root):
    return root.send("GET", "/api/metrics", timeout=60).text


def test_who_asks_a_bucket_that_hangs_is_told_within_seconds(server, s3, proxy_to):
    """The metrics, the list and the test of the settings took three minutes each: that the storage is down could not be scraped."""
    proxy = proxy_to(s3)
    root = server.root()
    use(root, s3.settings(proxy.url))
    succeed(root, "a.zip")
    assert "bosbase_backup_storage_up 1" in metrics(root)
    proxy.rule = lambda request: "hang"
    with Took() as took:
        text = metrics(root)
    assert took.seconds < 5, took.seconds
    assert "bosbase_backup_storage_up 0" in text and "bosbase_backup_newest_proven_age_seconds" in text
    assert "bosbase_backups " not in text
    with Took() as took:
        assert "newestProvenBackupAge" in root.get("/api/health")["data"]
    assert took.seconds < 5, took.seconds
    with Took() as took:
        told = root.get("/api/backups", expect=400)["message"]
    assert took.seconds < 14, took.seconds
    assert_names_it_once(told, proxy)
    with Took() as took:
        told = root.post("/api/settings/test/s3", json={"filesystem": "backups"}, expect=400)["message"]
    assert took.seconds < 14, took.seconds
    assert told.startswith("Failed to test the S3 filesystem. Raw error: \nfailed to upload a test file: "), told
    assert_names_it_once(told, proxy)
    with Took() as took:
        root.delete("/api/backups/a.zip", expect=400)
        root.download("a.zip", expect=400)
    assert took.seconds < 28, took.seconds
    proxy.rule = lambda request: None
    assert list(root.backups()) == ["a.zip"] and "bosbase_backup_storage_up 1" in metrics(root)
    root.post("/api/settings/test/s3", json={"filesystem": "backups"}, expect=204)


def test_many_who_ask_a_bucket_that_hangs_take_few_threads(server, s3, proxy_to):
    """Each held a thread of its own for as long as the bucket hung."""
    proxy = proxy_to(s3)
    root = server.root()
    use(root, s3.settings(proxy.url))
    succeed(root, "a.zip")
    proxy.rule = lambda request: "hang"
    time.sleep(11)  # What idled is gone.
    before = threads(server)
    client = lambda: root.with_token(root.token)  # noqa: E731
    guest = f"{server.url}/api/backups/a.zip?token=x"
    asked = []
    with ThreadPoolExecutor(60) as pool:
        for number in range(60):
            # One after the other: who they are is found out on threads, too.
            time.sleep(0.05)
            ask = (lambda of: metrics(of)) if number % 3 == 0 else (lambda of: of.get("/api/backups", expect=400)["message"])
            asked.append(pool.submit(ask, client()))
        grown = threads(server) - before
        with Took() as took:
            root.create("_superusers", {"email": "b@example.com", "password": "b-12345678", "passwordConfirm": "b-12345678"})
            # Who may not ask takes no turn, and hears nothing of the bucket.
            refused = requests.get(guest, timeout=60)
            assert (refused.status_code, "bucket" in refused.text) == (403, False), refused.text
        answers = [one.result() for one in asked]
    # Eight that ask, and those that serve everybody else.
    assert grown <= 16, f"{grown} threads more"
    assert took.seconds < 2, took.seconds
    for number, answer in enumerate(answers):
        told = "bosbase_backup_storage_up 0" if number % 3 == 0 else f"bucket backups at {proxy.url}"
        assert told in answer, answer


@pytest.mark.parametrize("fault", ["reset", "500", "hang"])
def test_a_scheduled_backup_waits_for_a_bucket_that_comes_back(server, s3, proxy_to, fault):
    """It gave up two seconds after the bucket was first asked: it asked as if somebody waited for the answer."""
    proxy = proxy_to(s3)
    root = server.root()
    use(root, s3.settings(proxy.url))
    root.patch("/api/settings", json={"backups": {"cron": NEVER}})
    proxy.rule = lambda request: fault
    root.post(SCHEDULED, expect=204)
    wait_for(lambda: proxy.count(fault) >= 1, 20, "the first look")
    time.sleep(15)
    job = last_job(root, "create")
    assert job["state"] == "running", job
    # Nothing is kept waiting meanwhile, and no snapshot is held.
    assert root.get("/api/backups/status")["running"]["id"] == job["id"]
    proxy.rule = lambda request: None
    job = ended(root, "create")
    assert job["state"] == "succeeded", job
    assert s3.objects() == [job["key"]]


@pytest.mark.parametrize("fault", ["reset", "forbidden", "hang"])
def test_a_requested_backup_that_could_not_begin_is_one_that_failed(server, s3, proxy_to, fault):
    """Who asked was told and nobody else: the status did not know of it."""
    proxy = proxy_to(s3)
    root = server.root()
    use(root, s3.settings(proxy.url))
    proxy.rule = lambda request: fault
    with Took() as took:
        told = root.post("/api/backups", json={"name": "a.zip"}, expect=400)["message"]
    assert took.seconds < 14, took.seconds
    job = last_job(root, "create")
    assert (job["key"], job["state"], job["error"]) == ("a.zip", "failed", told), job
    assert_names_it_once(told, proxy)
    assert 'bosbase_backup_last_job_success{kind="create"} 0' in metrics(root)
    # What could never have begun is none.
    proxy.rule = lambda request: None
    root.post("/api/backups", json={"name": "NO"}, expect=400)
    succeed(root, "b.zip")
    root.post("/api/backups", json={"name": "b.zip"}, expect=400)
    assert [job["key"] for job in root.get("/api/backups/status")["jobs"]] == ["b.zip", "a.zip"]


def cancel(root, expect=204, **body):
    answer = root.post("/api/backups/cancel", json=body, expect=expect)
    return answer and answer["message"]


def cancel_create(root, seconds, less_than, **body):
    """Cancels the backup that is being made: it ends so soon, and says why."""
    with Took() as took:
        cancel(root, **body)
        job = ended(root, "create", seconds=seconds)
    assert took.seconds < less_than, took.seconds
    assert (job["state"], job["error"], job["stopped"]) == ("failed", CANCELLED, True), job


def test_a_scheduled_backup_that_waits_can_be_cancelled(server, s3, proxy_to):
    proxy = proxy_to(s3)
    root = server.root()
    use(root, s3.settings(proxy.url))
    root.patch("/api/settings", json={"backups": {"cron": NEVER}})
    proxy.rule = lambda request: "hang"
    root.post(SCHEDULED, expect=204)
    wait_for(lambda: proxy.count("hang") >= 1, 20, "the first look")
    cancel_create(root, 10, 3)
    proxy.rule = lambda request: None
    succeed(root, "b.zip")


def test_an_upload_into_a_bucket_that_hangs_can_be_cancelled(launch, moto, proxy_to):
    """The job held the lease, and so kept everybody from all other backups and restores, until the bucket had been tried for minutes."""
    proxy = proxy_to(moto)
    server = launch()
    root = server.root()
    use(root, moto.settings(proxy.url))
    fill(server, 60)
    released = threading.Event()
    proxy.rule = lambda request: released if request.is_part and "partNumber=2" in request.path else None
    root.post("/api/backups", json={"name": "a.zip"}, expect=204)
    wait_for(lambda: proxy.count(released) >= 1, 60, "a part that hangs")
    assert cancel(root, id="no such job", expect=400) == "There is nothing to cancel: no such job runs."
    assert last_job(root, "create")["state"] == "running"
    cancel_create(root, 15, 12, id=last_job(root, "create")["id"])
    released.set()
    assert root.backups() == {}
    uploads = requests.get(f"http://{moto.address}/{moto.bucket}?uploads", timeout=10).text
    assert "a.zip" not in uploads, "its parts are gone"
    assert cancel(root, expect=400) == "There is nothing to cancel: no such job runs."
    succeed(root, "b.zip")


def test_a_restore_and_a_verification_that_read_from_a_bucket_that_hangs_can_be_cancelled(server, s3, proxy_to):
    proxy = proxy_to(s3)
    root = server.root()
    use(root, s3.settings(proxy.url))
    fill(server, 60)
    succeed(root, "a.zip")
    proven = root.backups()["a.zip"]["proven"]
    marker = root.create_marker()
    for kind in ("verify", "restore"):
        proxy.rule = lambda request: "slow" if request.is_read else None
        # A job's end is told a moment before the next may begin.
        root.wait_until_idle()
        root.post(f"/api/backups/a.zip/{kind}", expect=204)
        hanging = proxy.count("hang")
        proxy.rule = lambda request: "hang" if request.is_read else None
        wait_for(lambda: proxy.count("hang") > hanging, 30, "a read that hangs")
        time.sleep(1)
        assert last_job(root, kind)["state"] == "running"
        with Took() as took:
            cancel(root)
            job = ended(root, kind, seconds=15)
        assert took.seconds < 5, took.seconds
        assert job["state"] == "failed" and job["stopped"] and "somebody asked for its end" in job["error"], job
    proxy.rule = lambda request: None
    assert not root.marker_is_gone(marker), "the data is as it was"
    assert root.backups()["a.zip"]["proven"] == proven, "a proof that was stopped says nothing"
    root.restore("a.zip")


def test_a_backup_of_files_in_a_bucket_that_hangs_can_be_cancelled(server, s3, proxy_to):
    proxy = proxy_to(s3)
    root = server.root()
    keep_in(root, s3, proxy.url)
    collection(root)
    create(root, b"one", b"two")
    proxy.rule = lambda request: "hang"
    root.post("/api/backups", json={"name": "a.zip"}, expect=204)
    wait_for(lambda: proxy.count("hang") >= 1, 20, "a request that hangs")
    cancel_create(root, 15, 3)
    proxy.rule = lambda request: None
    succeed(root, "b.zip")


def test_a_restore_into_a_bucket_that_hangs_can_be_cancelled(launch, s3, proxy_to):
    """Before the first file was put there, whose the bucket is was asked, and nobody could interrupt that."""
    proxy = proxy_to(s3)
    (s3.directory / BUCKET / "somebodys").write_bytes(b"so that it is nobody's")
    server = launch(env=environment(s3, proxy.url))
    root = server.root()
    collection(root)
    create(root, b"one")
    succeed(root, "a.zip")
    proxy.rule = lambda request: "hang"
    root.post("/api/backups/a.zip/restore", expect=204)
    wait_for(lambda: proxy.count("hang") >= 1, 20, "a request that hangs")
    with Took() as took:
        cancel(root)
        job = ended(root, "restore", seconds=30)
    assert took.seconds < 5, took.seconds
    assert job["state"] == "failed" and job["stopped"] and "somebody asked for its end" in job["error"], job
    proxy.rule = lambda request: None
    root.restore("a.zip")
