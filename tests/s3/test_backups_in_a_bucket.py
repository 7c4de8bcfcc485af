"""Backups in a bucket: all that can be done with local ones, and no file of theirs on the server's own disk."""

import hashlib
import os
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import requests

from harness.client import wait_for
from harness.jobs import ended, last_job
from harness.memory import Watch, assert_bounded
from harness.programs import BOSBASE, EMAIL, PASSWORD
from harness.server import free_port

from .conftest import ACCESS_KEY, SECRET
from .files import environment

pytestmark = pytest.mark.ours


def use(root, s3_settings):
    return root.patch("/api/settings", json={"backups": {"s3": s3_settings}})


def fill(server, megabytes, name="more.bin"):
    """Puts bytes that do not shrink into the data directory."""
    with open(server.directory / name, "wb") as file:
        for _ in range(megabytes):
            file.write(os.urandom(1 << 20))


def create(root, key, seconds=120):
    root.post("/api/backups", json={"name": key}, expect=204)
    job = wait_for(
        lambda: (job := last_job(root, "create")) and job["key"] == key and job["state"] != "running" and job, seconds, key
    )
    return job


def succeed(root, key):
    job = create(root, key)
    assert job["state"] == "succeeded", job
    return job


def local_backups(server):
    folder = server.directory / "backups"
    return sorted(os.listdir(folder)) if folder.exists() else []


def notes(server):
    folder = server.directory / ".bosbase" / "bucket-uploads"
    return sorted(os.listdir(folder)) if folder.exists() else []


def test_everything_that_can_be_done_with_a_backup(server, s3, tmp_path):
    root = server.root()
    shown = use(root, s3.settings())
    assert SECRET not in str(shown) and SECRET not in str(root.get("/api/settings"))
    root.post("/api/collections", json={"name": "things", "type": "base", "fields": [{"name": "n", "type": "number"}]})
    root.create("things", {"n": 1})
    fill(server, 20)
    succeed(root, "one.zip")
    assert s3.objects() == ["one.zip"] and local_backups(server) == [] and notes(server) == []
    listed = root.backups()["one.zip"]
    assert listed["size"] == (s3.directory / "backups" / "one.zip").stat().st_size
    # Downloads, whole and in ranges.
    whole = root.download("one.zip")
    assert hashlib.sha256(whole).digest() == hashlib.sha256((s3.directory / "backups" / "one.zip").read_bytes()).digest()
    part = root.send(
        "GET",
        "/api/backups/one.zip",
        params={"token": root.file_token()},
        headers={"Range": "bytes=5000000-15000000", "Authorization": ""},
        expect=206,
    )
    assert part.content == whole[5000000:15000001]
    # Verifying, taking in, refusing a second of the same name and what is no backup.
    root.post("/api/backups/one.zip/verify", expect=204)
    assert ended(root, "verify")["state"] == "succeeded"
    copy = tmp_path / "Copy (1).zip"
    copy.write_bytes(whole)
    root.upload(copy)
    assert set(root.backups()) == {"one.zip", "Copy (1).zip"}
    root.upload(copy, expect=400)
    broken = tmp_path / "broken.zip"
    broken.write_bytes(whole[: len(whole) // 2])
    root.upload(broken, expect=400)
    root.post("/api/backups", json={"name": "one.zip"}, expect=400)
    assert set(root.backups()) == {"one.zip", "Copy (1).zip"} == set(s3.objects())
    # Restoring, straight out of the bucket.
    root.create("things", {"n": 2})
    root.restore("one.zip")
    root = server.root()
    assert [record["n"] for record in root.records("things")] == [1]
    assert local_backups(server) == []
    root.delete("/api/backups/one.zip")
    root.delete("/api/backups/one.zip", expect=404)
    root.delete("/api/backups/Copy (1).zip")
    assert root.backups() == {} and s3.objects() == []
    log = server.log(last=1 << 20)
    assert SECRET not in log and ACCESS_KEY not in log


def test_the_place_changes_without_a_restart(server, s3):
    root = server.root()
    root.back_up("local.zip")
    use(root, s3.settings())
    assert root.backups() == {}
    succeed(root, "remote.zip")
    assert list(root.backups()) == ["remote.zip"]
    use(root, {"enabled": False})
    assert list(root.backups()) == ["local.zip"] == local_backups(server)
    use(root, {"enabled": True})
    assert list(root.backups()) == ["remote.zip"]


def test_scheduled_backups_are_kept_in_number(server, s3):
    root = server.root()
    use(root, s3.settings())
    root.patch("/api/settings", json={"backups": {"cron": "0 0 1 1 *", "cronMaxKeep": 2}})
    for _ in range(4):
        before = last_job(root, "create")
        root.post("/api/crons/__pbAutoBackup__", expect=204)
        job = wait_for(
            lambda: (job := last_job(root, "create")) and job != before and job["state"] != "running" and job,
            60,
            "the scheduled backup",
        )
        assert job["state"] == "succeeded", job
        time.sleep(1.1)
    wait_for(lambda: len(root.backups()) == 2, 10, "the oldest to go")
    assert sorted(root.backups()) == s3.objects()


def test_a_job_goes_on_where_it_began_whatever_is_set_meanwhile(server, s3, proxy_to):
    """Retention and the record of the proof went by the settings as they were when the backup was made."""
    proxy = proxy_to(s3)
    root = server.root()

    def scheduled():
        root.post("/api/crons/__pbAutoBackup__", expect=204)
        # Names go by the second.
        time.sleep(1.1)

    root.patch("/api/settings", json={"backups": {"cron": "0 0 1 1 *", "cronMaxKeep": 1}})
    scheduled()
    local = wait_for(lambda: list(root.backups()), 30, "the local backup")
    use(root, s3.settings(proxy.url))
    scheduled()
    first = wait_for(lambda: list(root.backups()), 30, "the first in the bucket")
    wait_for(lambda: root.backups()[first[0]]["proven"], 30, "its proof")
    fill(server, 30)
    proxy.rule = lambda request: "slow" if request.is_part else None
    scheduled()
    use(root, {"enabled": False})
    assert last_job(root, "create")["state"] == "running", "this machine is too fast for this test"
    assert wait_for(lambda: (job := last_job(root, "create"))["state"] != "running" and job, 60, "the backup")["state"] == "succeeded"
    wait_for(lambda: first[0] not in s3.objects(), 10, "the retention")
    assert list(root.backups()) == local
    use(root, {"enabled": True})
    ((key, made),) = root.backups().items()
    assert key != first[0] and made["proven"]


def test_a_backup_elsewhere_of_the_same_name_shares_no_proof(server, s3):
    root = server.root()
    root.back_up("one.zip")
    content = root.download("one.zip")
    use(root, s3.settings())
    assert root.send("POST", "/api/backups/upload", files={"file": ("one.zip", content)}, expect=204)
    assert root.backups()["one.zip"]["proven"] == ""
    root.post("/api/backups/one.zip/verify", headers={"Prefer": "wait=60"}, expect=204)
    assert root.backups()["one.zip"]["proven"]
    root.delete("/api/backups/one.zip")
    use(root, {"enabled": False})
    assert root.backups()["one.zip"]["proven"], "that is another's"


def test_an_upload_that_cannot_be_looked_at_any_more_stays(server, s3, proxy_to, tmp_path):
    """The bucket failed right after it had taken the upload, and the upload was deleted as no backup."""
    proxy = proxy_to(s3)
    root = server.root()
    root.back_up("one.zip")
    content = root.download("one.zip")
    use(root, s3.settings(proxy.url))
    proxy.rule = lambda request: "forbidden" if request.is_read else None
    root.send("POST", "/api/backups/upload", files={"file": ("two.zip", content)}, expect=204)
    assert list(root.backups()) == ["two.zip"] == s3.objects()
    job = last_job(root, "upload")
    assert job["state"] == "succeeded" and "could not be looked at" in job["warning"], job
    proxy.rule = lambda request: None
    root.post("/api/backups/two.zip/verify", headers={"Prefer": "wait=60"}, expect=204)
    # What is no backup goes all the same.
    refused = root.send("POST", "/api/backups/upload", files={"file": ("three.zip", content[:-30])}, expect=400)
    assert "validation_invalid_backup" in refused.text
    assert s3.objects() == ["two.zip"]


def test_the_parts_of_an_announced_upload_are_long_enough_from_the_first(server, s3, proxy_to):
    """Without knowing what comes they grow, and so does the memory they take."""
    proxy = proxy_to(s3)
    root = server.root()
    use(root, s3.settings(proxy.url))
    head = b'--b\r\nContent-Disposition: form-data; name="file"; filename="long.zip"\r\n\r\n'
    with socket.create_connection(("127.0.0.1", server.port), timeout=60) as connection:
        connection.sendall(
            f"POST /api/backups/upload HTTP/1.1\r\nHost: x\r\nAuthorization: {root.token}\r\n"
            f"Content-Type: multipart/form-data; boundary=b\r\nContent-Length: {100 << 30}\r\n\r\n".encode() + head
        )
        parts = lambda: [len(request.body) for request, _ in proxy.seen if request.is_part]  # noqa: E731
        for _ in range(14):
            connection.sendall(b"PK" * (512 << 10))
        wait_for(parts, 60, "the first part")
    assert parts()[0] == 12 << 20, "9,000 such parts are 105 GiB"
    wait_for(lambda: last_job(root, "upload")["state"] == "failed", 30, "the upload to be given up")


def test_names_that_are_nobodys_business_hide_no_backup(server, moto):
    """One object whose name holds a control character, or a dot for a folder, and no backup could be listed any more."""
    root = server.root()
    use(root, moto.settings())
    succeed(root, "one.zip")
    for odd in ("odd%01.zip", "%2E/x.zip", "a//b.zip"):
        requests.put(f"http://{moto.address}/{moto.bucket}/{odd}", data=b"x", timeout=10).raise_for_status()
    assert list(root.backups()) == ["one.zip"]
    succeed(root, "two.zip")
    assert sorted(root.backups()) == ["one.zip", "two.zip"]


FAULTS = ["500", "slow down", "reset", "slow", "lose the answer", "cut the answer", "damage what is sent"]


@pytest.mark.parametrize("fault", FAULTS)
def test_passing_faults_lose_nothing(server, s3, proxy_to, fault):
    """The third, and then every fifth request fails, whatever it is."""
    proxy = proxy_to(s3)
    root = server.root()
    use(root, s3.settings(proxy.url))
    fill(server, 30)
    proxy.rule = lambda request: fault if len(proxy.seen) % 5 == 2 else None
    succeed(root, "a.zip")
    assert proxy.count(fault) >= 3
    proxy.rule = lambda request: None
    assert s3.objects() == ["a.zip"] == list(root.backups())
    root.post("/api/backups/a.zip/verify", expect=204)
    assert ended(root, "verify")["state"] == "succeeded"
    assert notes(server) == []


def test_an_answer_that_gets_lost_at_the_end_is_no_other_backup(server, s3, proxy_to):
    """The upload is completed, but we are not told: asked again, the provider says that the name is taken. It is: by us."""
    proxy = proxy_to(s3)
    root = server.root()
    use(root, s3.settings(proxy.url))
    fill(server, 20)
    proxy.rule = lambda request: "lose the answer" if request.completes and proxy.count("lose the answer") == 0 else None
    succeed(root, "a.zip")
    assert proxy.count("lose the answer") == 1 and s3.objects() == ["a.zip"]
    proxy.rule = lambda request: "200 with an error" if request.completes and proxy.count("200 with an error") == 0 else None
    succeed(root, "b.zip")
    assert proxy.count("200 with an error") == 1 and s3.objects() == ["a.zip", "b.zip"]


def test_a_backup_that_reads_back_wrong_is_no_backup(server, s3, proxy_to):
    proxy = proxy_to(s3)
    root = server.root()
    use(root, s3.settings(proxy.url))
    fill(server, 20)
    proxy.rule = lambda request: "damage the answer" if request.is_read else None
    job = create(root, "a.zip")
    assert job["state"] == "failed" and proxy.count("damage the answer") > 0, job
    assert s3.objects() == [] and root.backups() == {}


def test_a_list_that_lags_is_set_right(server, s3, proxy_to):
    proxy = proxy_to(s3)
    root = server.root()
    use(root, s3.settings(proxy.url))
    succeed(root, "a.zip")
    succeed(root, "b.zip")
    # The list as it was before `c` was made and `a` was deleted.
    old = (
        '<?xml version="1.0" encoding="UTF-8"?><ListBucketResult><Name>backups</Name><Prefix></Prefix><KeyCount>2</KeyCount>'
        "<MaxKeys>1000</MaxKeys><IsTruncated>false</IsTruncated>"
        + "".join(
            f"<Contents><Key>{key}</Key><LastModified>{backup['modified']}</LastModified><ETag>&quot;x&quot;</ETag>"
            f"<Size>{backup['size']}</Size></Contents>"
            for key, backup in root.backups().items()
        )
        + "</ListBucketResult>"
    ).encode()
    root.post("/api/backups", json={"name": "c.zip"}, expect=204)
    assert ended(root, "create")["state"] == "succeeded"
    root.delete("/api/backups/a.zip")
    proxy.rule = lambda request: old if request.is_list else None
    assert sorted(root.backups()) == ["b.zip", "c.zip"]
    root.post("/api/backups", json={"name": "c.zip"}, expect=400)


def test_an_outage_fails_the_job_and_nothing_else(server, s3, proxy_to):
    """A bucket that refuses all for good: the job says so, nothing is listed, the application goes on."""
    proxy = proxy_to(s3)
    root = server.root()
    use(root, s3.settings(proxy.url))
    fill(server, 30)
    proxy.rule = lambda request: "forbidden" if request.is_part else None
    job = create(root, "a.zip")
    assert job["state"] == "failed" and "Access Denied" in job["error"], job
    assert SECRET not in job["error"] and ACCESS_KEY not in job["error"]
    proxy.rule = lambda request: None
    assert root.backups() == {} and s3.objects() == []
    assert server.client().get("/api/health")["code"] == 200
    succeed(root, "b.zip")


def test_a_killed_upload_leaves_no_parts(launch, moto, proxy_to):
    proxy = proxy_to(moto)
    server = launch()
    root = server.root()
    use(root, moto.settings(proxy.url))
    fill(server, 60)
    proxy.rule = lambda request: "slow" if request.is_part else None
    root.post("/api/backups", json={"name": "killed.zip"}, expect=204)
    wait_for(lambda: sum(1 for request, _ in proxy.seen if request.is_part) >= 3, 60, "some parts")
    server.kill()
    assert "killed.zip" in moto.unfinished() and len(notes(server)) == 1
    proxy.rule = lambda request: None
    server.start()
    root = server.root()
    wait_for(lambda: "killed.zip" not in moto.unfinished(), 30, "the parts to go")
    wait_for(lambda: notes(server) == [], 10, "the note to go")
    assert root.backups() == {}
    job = last_job(root, "create")
    assert job["state"] == "failed", job


def kill_before_the_name_is_known(server, moto, proxy, key):
    """The provider begins the upload of a backup, the answer that names the upload is lost, and the server dies."""
    root = server.root()
    use(root, moto.settings(proxy.url))
    fill(server, 30)
    begins = lambda request: request.method == "POST" and "uploads" in request.path  # noqa: E731
    proxy.rule = lambda request: "lose the answer" if begins(request) else None
    root.post("/api/backups", json={"name": key}, expect=204)
    wait_for(lambda: proxy.count("lose the answer") >= 1, 60, "the upload to begin")
    server.kill()


def test_an_upload_killed_before_its_name_was_known_leaves_no_parts(launch, moto, proxy_to):
    """The provider began it, and the answer never came: only a list of unfinished uploads tells of it."""
    proxy, server = proxy_to(moto), launch()
    kill_before_the_name_is_known(server, moto, proxy, "killed.zip")
    assert "killed.zip" in moto.unfinished() and len(notes(server)) == 1
    # Somebody else's upload of another name is none of ours.
    requests.post(f"http://{moto.address}/{moto.bucket}/another.zip?uploads", timeout=10).raise_for_status()
    proxy.rule = lambda request: "tell the time"
    server.start()
    wait_for(lambda: "killed.zip" not in moto.unfinished(), 30, "the parts to go")
    wait_for(lambda: notes(server) == [], 10, "the note to go")
    assert "another.zip" in moto.unfinished()


def test_clearing_up_gives_up_no_upload_that_goes_on(launch, moto, proxy_to):
    """The start clears up in the background, and took a new upload of the same name for what the killed process had left."""
    proxy, server = proxy_to(moto), launch()
    kill_before_the_name_is_known(server, moto, proxy, "fixed.zip")
    gate = threading.Event()

    def rule(request):
        if request.method == "GET" and "uploads=" in request.path:
            return gate if not gate.is_set() else "tell the time"
        return "slow" if request.is_part else None

    proxy.rule = rule
    server.start()
    root = server.root()
    wait_for(lambda: proxy.count(gate), 30, "the clearing up")
    root.post("/api/backups", json={"name": "fixed.zip"}, expect=204)
    wait_for(lambda: sum(1 for request, what in proxy.seen if what == "slow") >= 2, 60, "some parts")
    gate.set()
    job = wait_for(lambda: (job := last_job(root, "create"))["state"] != "running" and job, 60, "the backup")
    assert job["state"] == "succeeded", job
    assert wait_for(lambda: root.backups()["fixed.zip"]["proven"], 30, "its proof")


def test_a_new_machine_restores_from_the_bucket_alone(launch, s3, tmp_path):
    server = launch()
    root = server.root()
    use(root, s3.settings())
    root.post("/api/collections", json={"name": "things", "type": "base", "fields": [{"name": "n", "type": "number"}]})
    root.create("things", {"n": 7})
    succeed(root, "all.zip")
    server.stop()
    # The commands of the old machine follow its settings.
    assert "all.zip" in BOSBASE.run("backup", "list", "--dir", server.directory).stdout
    fresh = tmp_path / "fresh" / "pb_data"
    environment = {
        "BOSBASE_BACKUPS_S3_BUCKET": s3.bucket,
        "BOSBASE_BACKUPS_S3_REGION": "us-east-1",
        "BOSBASE_BACKUPS_S3_ENDPOINT": f"http://{s3.address}",
        "BOSBASE_BACKUPS_S3_ACCESS_KEY": ACCESS_KEY,
        "BOSBASE_BACKUPS_S3_SECRET": SECRET,
        "BOSBASE_BACKUPS_S3_FORCE_PATH_STYLE": "true",
    }
    command = lambda *arguments: BOSBASE.run("backup", *arguments, "--dir", fresh, env=environment).stdout  # noqa: E731
    # These wanted the directory to be there, which only a restore made.
    assert "all.zip" in command("list")
    assert not fresh.exists(), "to look is to leave nothing"
    assert BOSBASE.run("backup", "undo", "--dir", fresh, env=environment, check=False).returncode == 1 and not fresh.exists()
    command("export", "all.zip", tmp_path / "taken.zip")
    assert (tmp_path / "taken.zip").read_bytes() == (s3.directory / "backups" / "all.zip").read_bytes()
    assert "all.zip is whole" in command("verify", "all.zip")
    assert "proven" in command("list")
    command("restore", "all.zip")
    again = launch(directory=fresh, superuser=False)
    root = again.root(EMAIL, PASSWORD)
    assert [record["n"] for record in root.records("things")] == [7]
    assert list(root.backups()) == ["all.zip"]
    incomplete = {**environment, "BOSBASE_BACKUPS_S3_SECRET": ""}
    refused = BOSBASE.run("backup", "list", "--dir", fresh, env=incomplete, check=False)
    assert refused.returncode != 0 and "BOSBASE_BACKUPS_S3_SECRET" in refused.stderr


def test_an_endpoint_that_speaks_no_tls_is_told_with_the_way_out(server, s3, proxy_to, tmp_path):
    """The error was "received corrupt message of type InvalidContentType" and no more."""
    ways = {
        s3.address: "the endpoint names no scheme, so it is asked by https; write http:// in front of it for a storage without TLS",
        f"https://{s3.address}": "does the storage speak plain HTTP there? Then the endpoint begins with http://",
    }
    root = server.root()
    for endpoint, way in ways.items():
        variables = environment(s3, endpoint, prefix="BOSBASE_BACKUPS_S3_", bucket=s3.bucket)
        refused = BOSBASE.run("backup", "list", "--dir", tmp_path / "none", env=variables, check=False)
        told = refused.stderr.strip()
        assert refused.returncode == 1 and "\n" not in told and told.count(f"({way})") == 1 and SECRET not in told, refused
        use(root, s3.settings(endpoint))
        assert f"({way})" in root.get("/api/backups", expect=400)["message"]
    # What fails otherwise is no question of the scheme.
    proxy = proxy_to(s3)
    proxy.rule = lambda request: "reset"
    for endpoint in (proxy.url, f"127.0.0.1:{free_port()}"):
        variables = environment(s3, endpoint, prefix="BOSBASE_BACKUPS_S3_", bucket=s3.bucket)
        refused = BOSBASE.run("backup", "list", "--dir", tmp_path / "none", env=variables, check=False)
        assert refused.returncode == 1 and "scheme" not in refused.stderr and "plain HTTP" not in refused.stderr, refused


def test_the_status_says_where_backups_go(launch, moto):
    """The dashboard said "this server's own disk" of backups in the bucket that the environment named."""
    place = {"bucket": moto.bucket, "endpoint": f"http://{moto.address}"}
    server = launch()
    assert server.root().get("/api/backups/status")["place"] is None
    use(server.root(), moto.settings())
    assert server.root().get("/api/backups/status")["place"] == place
    other = launch(env=environment(moto, prefix="BOSBASE_BACKUPS_S3_", bucket=moto.bucket))
    assert not other.root().get("/api/settings")["backups"]["s3"]["enabled"]
    told = other.root().get("/api/backups/status")
    assert told["place"] == place and moto.settings()["secret"] not in str(told)


@pytest.mark.alone
def test_neither_memory_nor_disk_grows(server, s3):
    root = server.root()
    use(root, s3.settings())
    fill(server, 300)
    used = lambda: sum(path.stat().st_blocks * 512 for path in server.directory.rglob("*") if path.is_file())  # noqa: E731
    before, most = used(), 0
    with Watch(server.process.pid) as idle:
        time.sleep(0.5)
    with Watch(server.process.pid) as watch:
        root.post("/api/backups", json={"name": "big.zip"}, expect=204)
        while last_job(root, "create")["state"] == "running":
            most = max(most, used())
            time.sleep(0.1)
        size = root.backups()["big.zip"]["size"]
        with root.send("GET", "/api/backups/big.zip", params={"token": root.file_token()}, stream=True) as answer:
            assert sum(len(piece) for piece in answer.iter_content(1 << 20)) == size
    assert last_job(root, "create")["state"] == "succeeded"
    print(f"disk: +{(most - before) / 2**20:.2f} MiB")
    assert_bounded(idle, backup_and_download=watch)
    assert most - before < 8 << 20, "spare disk"


def test_the_settings_can_be_tried(server, s3):
    root = server.root()
    test = lambda body, expect=400: root.post("/api/settings/test/s3", json=body, expect=expect)  # noqa: E731
    # As PocketBase 0.40.6 answers.
    failed = "Failed to test the S3 filesystem."
    assert test({}) == {
        "status": 400,
        "message": failed,
        "data": {"filesystem": {"code": "validation_required", "message": "Cannot be blank."}},
    }
    assert test({"filesystem": "x"})["data"]["filesystem"] == {
        "code": "validation_in_invalid",
        "message": "Must be a valid value.",
    }
    off = test({"filesystem": "storage"})
    assert off["message"] == f"{failed} Raw error: \nS3 storage filesystem is not enabled."
    assert test({"filesystem": 5})["message"] == "An error occurred while loading the submitted data."
    use(root, s3.settings())
    assert test({"filesystem": "backups"}, expect=204) is None
    assert s3.objects() == []
    # It said yes to an endpoint that names the bucket already: a put goes well there, and every backup failed and was
    # left behind.
    use(root, s3.settings(endpoint=f"http://{s3.address}/{s3.bucket}"))
    answer = test({"filesystem": "backups"})["message"]
    assert answer.startswith(f"{failed} Raw error: \nfailed to list the test file: "), answer
    assert s3.objects() == []
    for changes in ({"secret": "wrong-secret"}, {"endpoint": "http://127.0.0.1:1"}):
        use(root, s3.settings(**changes))
        answer = test({"filesystem": "backups"})
        assert answer["message"].startswith(f"{failed} Raw error: \nfailed to upload a test file: "), answer
        assert "wrong-secret" not in answer["message"]
        listing = root.get("/api/backups", expect=400)
        assert listing["status"] == 400 and "wrong-secret" not in listing["message"]


def test_only_an_answer_of_s3_is_quoted(server):
    """With an endpoint that had a path and a query, the list of backups showed what a service of the network had answered."""
    root = server.root()
    for endpoint in ("http://127.0.0.1:1/admin?all=", "http://127.0.0.1:1/#"):
        refused = root.patch("/api/settings", json={"backups": {"s3": {"endpoint": endpoint}}}, expect=400)
        assert refused["data"]["backups"]["s3"]["endpoint"]["code"] == "validation_is_url"
    answers = [
        (200, b'{"token": "internal-word"}'),
        (200, b"<html><Code>internal-word</Code></html>"),
        (200, b"<ListBucketResult><IsTruncated>internal-word</IsTruncated></ListBucketResult>"),
        (403, b"<html><Code>internal-word</Code><Message>internal-word</Message></html>"),
        (403, b"internal-word"),
    ]
    with Internal() as internal:
        config = {"enabled": True, "bucket": "b", "region": "r", "accessKey": "a", "secret": "s", "forcePathStyle": True}
        use(root, {**config, "endpoint": f"{internal.url}/a/path"})
        for internal.answer in answers:
            for said in (
                root.get("/api/backups", expect=400),
                root.post("/api/settings/test/s3", json={"filesystem": "backups"}, expect=400),
                root.post("/api/backups", json={"name": "new.zip"}, expect=400),
            ):
                assert "internal-word" not in str(said), internal.answer
            assert "internal-word" not in str(root.get("/api/backups/status")), internal.answer
        internal.answer = 403, b"<?xml version='1.0'?><Error><Code>AccessDenied</Code><Message>Not you.</Message></Error>"
        assert "Not you. (AccessDenied)" in root.get("/api/backups", expect=400)["message"]


class Internal:
    """A service of somebody's network that is no bucket and answers everything with `answer`. Use as a context manager."""

    def __init__(self):
        outer, self.answer = self, (200, b"")

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                status, body = outer.answer
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(body)

            do_HEAD = do_PUT = do_POST = do_DELETE = do_GET

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()


def test_what_a_backup_holds_is_told_without_reading_it(server, moto, proxy_to):
    """What it holds is kept here, with its proof: the bucket is asked whether it is still that backup, and no more."""
    root, proxy = server.root(), proxy_to(moto)
    use(root, moto.settings(proxy.url))
    root.post("/api/collections", json={"name": "things", "type": "base", "fields": [{"name": "n", "type": "number"}]})
    root.create("things", {"n": 1})
    succeed(root, "one.zip")
    with proxy.lock:
        proxy.seen.clear()
    told = root.get("/api/backups/one.zip/content", params={"compare": "true"})
    (things,) = [one for one in told["collections"] if one["name"] == "things"]
    assert told["known"] and things["records"] == 1 and told["comparison"]["gone"]["collections"] == 0
    with proxy.lock:
        asked = [request.method for request, _ in proxy.seen]
    assert asked == ["HEAD"], asked
    foresight = root.post("/api/backups/preview-retention", json={"backups": {"cronMaxKeep": 1}})
    assert [(one["key"], one["why"]) for one in foresight["backups"]] == [("one.zip", ["byHand"])]
    root.get("/api/backups/two.zip/content", expect=404)
    # Out of reach nobody knows whether it is still that one.
    proxy.rule = lambda request: "forbidden"
    assert "one.zip" in root.get("/api/backups/one.zip/content", expect=400)["message"]
