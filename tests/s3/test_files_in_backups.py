"""Uploaded files that lie in a bucket are part of every backup and of every restore."""

import io
import json
import os
import shutil
import sqlite3
import subprocess
import threading
import time
import zipfile

import pytest

from harness.client import wait_for
from harness.jobs import ended, last_job
from harness.memory import Watch, assert_bounded
from harness.programs import BOSBASE, EMAIL, PASSWORD, POCKETBASE

from .conftest import ACCESS_KEY, SECRET
from .files import BUCKET, collection, contents, create, delete, environment, expire, gone, is_settled, keep_in, key, keys, read, undo

pytestmark = pytest.mark.ours


def archive(root, name):
    return zipfile.ZipFile(io.BytesIO(root.download(name)))


def lose(s3, record, name):
    """Somebody deletes an object by hand."""
    (s3.directory / BUCKET / key(record, name)).unlink()


def test_a_backup_holds_them_and_a_restore_brings_them_back(server, s3, tmp_path):
    root = server.root()
    collection(root)
    local = create(root, b"on the disk", names=["local.txt"])
    keep_in(root, s3)
    long = os.urandom(9 << 20)
    first = create(root, b"one", b"", names=["Näme 1.txt", "empty.txt"])
    second = create(root, long, b"two", names=["long.bin", "two.txt"])
    third = create(root, b"three", long)
    root.back_up("one.zip")

    packed = archive(root, "one.zip")
    files = {f"storage/{name}" for name in keys(local, first, second, third)}
    assert {name for name in packed.namelist() if name.startswith("storage/")} == files | {f"{name}.attrs" for name in files}
    assert packed.read(f"storage/{key(second, second['files'][0])}") == long
    note = packed.read(f"storage/{key(first, first['files'][0])}.attrs").decode()
    assert '"original-filename":"Näme 1.txt"' in note and '"user.content_type":"text/plain; charset=utf-8"' in note, note
    path = tmp_path / "one.zip"
    path.write_bytes(root.download("one.zip"))
    subprocess.run(["unzip", "-tq", path], check=True, stdout=subprocess.DEVNULL)
    assert not last_job(root, "create")["warning"]

    # One object lost, one record deleted, one made.
    lose(s3, first, first["files"][0])
    delete(root, second)
    gone(s3, keys(second))
    fourth = create(root, b"four")
    read(server.client(), first, first["files"][0], 404)
    root.restore("one.zip")
    anyone = server.client()
    assert contents(anyone, local) == [b"on the disk"] and contents(anyone, third) == [b"three", long]
    assert contents(anyone, first) == [b"one", b""] and contents(anyone, second) == [long, b"two"]
    answer = read(anyone, first, first["files"][0])
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    # The local file went to the bucket with the others; what the undo would bring back is there still.
    assert s3.objects(BUCKET) == keys(local, first, second, third, fourth)
    assert is_settled(server)
    undo(server)
    anyone = server.client()
    assert contents(anyone, fourth) == [b"four"] and contents(anyone, third) == [b"three", long]
    assert contents(anyone, first) == [b"one", b""] and contents(anyone, local) == [b"on the disk"]
    expire(server)
    gone(s3, keys(second))
    assert contents(server.client(), fourth) == [b"four"] and contents(server.client(), first) == [b"one", b""]


def test_pocketbase_restores_such_a_backup(launch, s3, tmp_path):
    ours = launch()
    root = ours.root()
    keep_in(root, s3)
    collection(root)
    record = create(root, b"hello", names=["a.txt"])
    root.back_up("one.zip")
    (tmp_path / "one.zip").write_bytes(root.download("one.zip"))
    ours.stop()
    theirs = launch(POCKETBASE)
    theirs.root().upload(tmp_path / "one.zip")
    theirs.root().restore("one.zip")
    # Its settings name the bucket, where the file is.
    assert contents(theirs.client(), record) == [b"hello"]
    unpacked = theirs.directory / "storage" / key(record, record["files"][0])
    assert unpacked.read_bytes() == b"hello"


def test_without_the_bucket_there_is_no_backup(server, s3, proxy_to):
    """A backup without the files would pass for one."""
    proxy = proxy_to(s3)
    root = server.root()
    keep_in(root, s3, proxy.url)
    collection(root)
    record = create(root, b"x")
    listed = s3.directory / BUCKET

    def outcome():
        root.post("/api/backups", json={"name": "a.zip"}, expect=204)
        job = ended(root, "create", 200)
        # A moment later another may begin.
        root.wait_until_idle()
        return job

    # Some time within the backup, and from its beginning on; then without a bucket at all.
    for rule in (lambda request: "forbidden" if request.method == "HEAD" else None, lambda request: "forbidden"):
        proxy.rule = rule
        job = outcome()
        assert job["state"] == "failed" and ("Access Denied" in job["error"] or "403 Forbidden" in job["error"]), job
        assert SECRET not in job["error"] and root.backups() == {}
    proxy.rule = lambda request: None
    moved = listed.rename(listed.parent / "moved")
    job = outcome()
    assert job["state"] == "failed" and root.backups() == {}, job
    moved.rename(listed)
    root.back_up("a.zip")
    assert archive(root, "a.zip").read(f"storage/{keys(record)[0]}") == b"x"
    assert create(root, b"y")


def test_what_is_missing_in_the_bucket_is_told(server, s3):
    root = server.root()
    keep_in(root, s3)
    collection(root)
    record = create(root, b"x", b"y")
    lose(s3, record, record["files"][0])
    root.back_up("a.zip")
    job = last_job(root, "create")
    assert job["state"] == "succeeded" and record["files"][0] in job["warning"], job


def test_another_file_of_the_same_name_is_not_overwritten(server, s3):
    root = server.root()
    keep_in(root, s3)
    collection(root)
    record = create(root, b"as it was", b"other")
    root.back_up("a.zip")
    (s3.directory / BUCKET / keys(record)[0]).write_bytes(b"tampered with")
    (s3.directory / BUCKET / keys(record)[1]).unlink()
    root.post("/api/backups/a.zip/restore", expect=204)
    job = ended(root, "restore")
    assert job["state"] == "failed" and keys(record)[0] in job["error"], job
    assert (s3.directory / BUCKET / keys(record)[0]).read_bytes() == b"tampered with"
    wait_for(lambda: is_settled(server), 20, "the notes to go")


def test_killed_while_it_puts_a_restore_leaves_the_old_data_and_no_debris(launch, s3, proxy_to):
    proxy = proxy_to(s3)
    server = launch()
    root = server.root()
    keep_in(root, s3, proxy.url)
    collection(root)
    kept = create(root, b"kept")
    dropped = [create(root, f"{n}".encode()) for n in range(5)]
    root.back_up("a.zip")
    for record in dropped:
        delete(root, record)
    gone(s3, keys(*dropped))
    late = create(root, b"late")
    puts = lambda: sum(1 for request, _ in proxy.seen if request.method == "PUT")  # noqa: E731
    before = puts()
    proxy.rule = lambda request: "do it and hang" if request.method == "PUT" and puts() >= before + 3 else None
    root.post("/api/backups/a.zip/restore", expect=204)
    wait_for(lambda: proxy.count("do it and hang") >= 1 and len(s3.objects(BUCKET)) > 3, 30, "some objects")
    server.kill()
    proxy.rule = lambda request: None
    server.start()
    root = server.root()
    assert last_job(root, "restore")["state"] == "failed"
    assert sorted(record["id"] for record in root.records("docs")) == sorted([kept["id"], late["id"]])
    wait_for(lambda: s3.objects(BUCKET) == keys(kept, late), 30, "the debris to go")
    wait_for(lambda: is_settled(server), 10, "the notes to go")
    assert contents(root, kept) == [b"kept"] and contents(root, late) == [b"late"]
    # And it can be done over.
    root.restore("a.zip")
    assert [contents(server.client(), record) for record in dropped] == [[f"{n}".encode()] for n in range(5)]


@pytest.mark.parametrize("fault", ["500", "reset", "lose the answer", "damage what is sent", "cut the answer"])
def test_passing_faults_lose_nothing(server, s3, proxy_to, fault):
    proxy = proxy_to(s3)
    root = server.root()
    keep_in(root, s3, proxy.url)
    collection(root)
    long = os.urandom(18 << 20)
    records = [create(root, f"{n}".encode()) for n in range(6)] + [create(root, long)]
    proxy.rule = lambda request: fault if len(proxy.seen) % 5 == 2 else None
    root.back_up("a.zip", 300)
    assert last_job(root, "create")["state"] == "succeeded" and not last_job(root, "create")["warning"]
    proxy.rule = lambda request: None
    shutil.rmtree(s3.directory / BUCKET)
    (s3.directory / BUCKET).mkdir()
    proxy.rule = lambda request: fault if len(proxy.seen) % 5 == 2 else None
    root.restore("a.zip", 300)
    proxy.rule = lambda request: None
    assert s3.objects(BUCKET) == keys(*records)
    for n, record in enumerate(records):
        assert contents(server.client(), record) == [long if n == 6 else f"{n}".encode()]
    assert is_settled(server)


def test_a_new_machine_needs_nothing_but_the_environment(launch, s3, tmp_path):
    """The keys in the restored settings were changed since, and the bucket of the files is another."""
    server = launch()
    root = server.root()
    keep_in(root, s3)
    root.patch("/api/settings", json={"backups": {"s3": s3.settings()}})
    collection(root)
    record = create(root, b"hello")
    root.back_up("all.zip")
    keep_in(root, s3, secret="changed-since")
    server.stop()
    (s3.directory / "elsewhere").mkdir()
    fresh = tmp_path / "fresh" / "pb_data"
    files = environment(s3, bucket="elsewhere")
    BOSBASE.run(
        "backup", "restore", "all.zip", "--dir", fresh, env={**files, **environment(s3, prefix="BOSBASE_BACKUPS_S3_", bucket="backups")}
    )
    assert s3.objects("elsewhere") == keys(record)
    again = launch(directory=fresh, superuser=False, env=files)
    assert contents(again.client(), record) == [b"hello"]
    root = again.root(EMAIL, PASSWORD)
    other = create(root, b"new")
    assert contents(again.client(), other) == [b"new"] and s3.objects("elsewhere") == keys(record, other)
    assert ACCESS_KEY not in again.log(1 << 20) and SECRET not in again.log(1 << 20)


def test_the_restored_settings_say_where_files_go(server, s3):
    root = server.root()
    collection(root)
    first = create(root, b"first")
    root.back_up("local.zip")
    keep_in(root, s3)
    second = create(root, b"second")
    root.back_up("remote.zip")
    # Back to a time when files were local, while they are in the bucket now.
    root.restore("local.zip")
    root = server.root()
    assert not root.get("/api/settings")["s3"]["enabled"]
    assert contents(server.client(), first) == [b"first"] and s3.objects(BUCKET) == keys(second)
    # And the other way round; the object is lost meanwhile.
    lose(s3, second, second["files"][0])
    root.restore("remote.zip")
    assert contents(server.client(), first) == [b"first"] and contents(server.client(), second) == [b"second"]
    assert s3.objects(BUCKET) == keys(first, second)
    undo(server)
    assert contents(server.client(), first) == [b"first"]
    undo(server)
    assert contents(server.client(), second) == [b"second"]


def test_deletions_wait_for_a_restore(server, s3, proxy_to):
    """The object was found by the restore, and a deletion that came later took it away before the switch."""
    proxy = proxy_to(s3)
    root = server.root()
    keep_in(root, s3, proxy.url)
    collection(root)
    record, lost = create(root, b"x"), create(root, b"y")
    root.back_up("a.zip")
    lose(s3, lost, lost["files"][0])
    released = threading.Event()
    proxy.rule = lambda request: released if request.method == "PUT" else None
    root.post("/api/backups/a.zip/restore", expect=204)
    wait_for(lambda: proxy.count(released) >= 1, 20, "the restore to put what is lost")
    delete(root, record)
    time.sleep(1)
    assert keys(record)[0] in s3.objects(BUCKET), "a restore is under way"
    released.set()
    wait_for(lambda: ended(server.root(), "restore"), 60, "the restore", ignore=(Exception,))
    assert contents(server.client(), record) == [b"x"] and contents(server.client(), lost) == [b"y"]
    time.sleep(1)
    assert contents(server.client(), record) == [b"x"]


def test_a_restore_waits_until_it_is_certain_what_became_of_a_deletion(server, s3, proxy_to):
    """The provider did not answer, and carried it out after the restore had found the object there."""
    proxy = proxy_to(s3)
    root = server.root()
    keep_in(root, s3, proxy.url)
    collection(root)
    record = create(root, b"x")
    root.back_up("a.zip")
    released = threading.Event()
    proxy.rule = lambda request: released if request.method == "DELETE" else None
    delete(root, record)
    wait_for(lambda: proxy.count(released) >= 1, 20, "the deletion")
    root.post("/api/backups/a.zip/restore", expect=204)
    # The first attempt, with all of its tries, was given up.
    wait_for(lambda: proxy.count(released) >= 4, 55, "another try")
    assert last_job(root, "restore")["state"] == "running" and keys(record)[0] in s3.objects(BUCKET)
    released.set()
    wait_for(lambda: ended(server.root(), "restore")["state"] == "succeeded", 60, "the restore", ignore=(Exception,))
    wait_for(lambda: contents(server.client(), record) == [b"x"], 20, "the file", ignore=(AssertionError,))
    time.sleep(2)
    assert contents(server.client(), record) == [b"x"]


def test_a_backup_takes_the_files_from_the_bucket_that_its_own_settings_name(server, s3):
    """Another process, a command beside the server, may have changed them since this one read its own."""
    root = server.root()
    keep_in(root, s3)
    collection(root)
    record = create(root, b"over there")
    root.patch("/api/settings", json={"s3": {"enabled": False}})
    with sqlite3.connect(server.directory / "data.db", timeout=20) as database:
        settings = json.loads(database.execute("SELECT value FROM _params WHERE id = 'settings'").fetchone()[0])
        settings["s3"]["enabled"] = True
        database.execute("UPDATE _params SET value = ? WHERE id = 'settings'", (json.dumps(settings),))
    database.close()
    assert not root.get("/api/settings")["s3"]["enabled"], "the server does not know"
    root.back_up("a.zip")
    job = last_job(root, "create")
    assert (job["state"], job["warning"]) == ("succeeded", ""), job
    assert archive(root, "a.zip").read(f"storage/{keys(record)[0]}") == b"over there"


@pytest.mark.alone
def test_memory_stays_bounded(server, s3):
    root = server.root()
    keep_in(root, s3)
    collection(root)
    record = create(root, b"warm up")
    with open(s3.directory / BUCKET / keys(record)[0], "wb") as file:
        for _ in range(300):
            file.write(os.urandom(1 << 20))
    for _ in range(20):
        create(root, os.urandom(900_000), os.urandom(900_000), os.urandom(900_000))
    root.back_up("small.zip", 300)
    with Watch(server.process.pid) as idle:
        time.sleep(0.5)
    with Watch(server.process.pid) as backup:
        root.back_up("big.zip", 300)
    assert last_job(root, "create")["state"] == "succeeded"
    shutil.rmtree(s3.directory / BUCKET)
    (s3.directory / BUCKET).mkdir()
    with Watch(server.process.pid) as restore:
        root.restore("big.zip", 300)
    assert len(s3.objects(BUCKET)) == 61
    assert_bounded(idle, backup=backup, restore=restore)
