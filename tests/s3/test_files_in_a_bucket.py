"""Uploaded files in a bucket: served, changed and deleted there, and nothing lost on the way."""

import hashlib
import os
import shutil
import threading
import time

import pytest
import requests

from harness.client import wait_for
from harness.memory import Watch, assert_bounded
from harness.multipart import Multipart
from harness.pictures import look, png
from harness.programs import POCKETBASE

from .conftest import ACCESS_KEY, SECRET
from .files import BUCKET, collection, create, environment, gone, is_settled, keep_in, key, path, read

pytestmark = pytest.mark.ours

PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360000002000001e221bc330000000049454e44ae426082"
)


def local_files(server):
    folder = server.directory / "storage"
    return [path for path in folder.rglob("*") if path.is_file()] if folder.exists() else []


def test_files_are_kept_served_changed_and_deleted_there(server, s3):
    root, anyone = server.root(), server.client()
    keep_in(root, s3)
    collection(root)
    long = os.urandom(1 << 20) * 3
    record = create(root, b"hello", PNG, b"", long, names=["ünï & 100%.txt", "p.png", "empty.txt", "long.bin"])
    keys = [key(record, name) for name in record["files"]]
    assert s3.objects(BUCKET) == sorted(keys) and local_files(server) == [] and is_settled(server)

    text, picture, empty, large = record["files"]
    answer = read(anyone, record, text)
    assert answer.content == b"hello" and answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert answer.headers["Content-Disposition"] == f'attachment; filename="{text}"'
    assert read(anyone, record, picture).headers["Content-Disposition"].startswith("inline")
    assert read(anyone, record, empty).content == b""
    whole = read(anyone, record, large)
    assert whole.content == long and whole.headers["Content-Length"] == str(len(long))
    head = anyone.send("HEAD", path(record, large))
    assert head.content == b"" and head.headers["Content-Length"] == str(len(long))

    # Ranges and conditions.
    etag, modified = whole.headers["ETag"], whole.headers["Last-Modified"]
    part = read(anyone, record, large, 206, headers={"Range": "bytes=500000-1700000"})
    assert part.content == long[500000:1700001] and part.headers["Content-Range"] == f"bytes 500000-1700000/{len(long)}"
    assert read(anyone, record, large, 206, headers={"Range": "bytes=-7"}).content == long[-7:]
    assert read(anyone, record, large, 206, headers={"Range": "bytes=0-0", "If-Range": etag}).content == long[:1]
    assert read(anyone, record, large, 200, headers={"Range": "bytes=0-0", "If-Range": '"other"'}).content == long
    beyond = read(anyone, record, large, 416, headers={"Range": f"bytes={len(long)}-"})
    assert beyond.headers["Content-Range"] == f"bytes */{len(long)}"
    assert read(anyone, record, large, 304, headers={"If-None-Match": etag}).content == b""
    assert read(anyone, record, large, 304, headers={"If-Modified-Since": modified}).content == b""

    # One replaced, one taken away.
    changed = root.patch(f"/api/collections/docs/records/{record['id']}", files={"files+": ("new.txt", b"new")})
    changed = root.patch(f"/api/collections/docs/records/{record['id']}", json={"files-": [text, picture]})
    gone(s3, [key(record, text), key(record, picture)])
    assert s3.objects(BUCKET) == sorted(key(record, name) for name in changed["files"]) and len(changed["files"]) == 3
    read(anyone, record, text, 404)
    assert read(anyone, record, changed["files"][-1]).content == b"new"

    root.delete(f"/api/collections/docs/records/{record['id']}")
    gone(s3, s3.objects(BUCKET))
    wait_for(lambda: is_settled(server), 10, "the notes to go")
    assert SECRET not in server.log(1 << 20) and ACCESS_KEY not in server.log(1 << 20)


def test_protected_files_stay_protected(server, s3):
    root, anyone = server.root(), server.client()
    keep_in(root, s3)
    collection(root)
    root.patch("/api/collections/docs", json={"viewRule": None})
    record = create(root, b"psst", field="secret")
    name = record["secret"]
    read(anyone, record, name, 404)
    read(anyone, record, name, 404, params={"token": "wrong"})
    assert read(anyone, record, name, params={"token": root.file_token()}).content == b"psst"


def test_a_collection_takes_its_files_along(server, s3):
    root = server.root()
    keep_in(root, s3)
    collection(root)
    for _ in range(3):
        create(root, b"a", b"b")
    assert len(s3.objects(BUCKET)) == 6
    root.delete("/api/collections/docs/truncate")
    gone(s3, s3.objects(BUCKET))
    record = create(root, b"c")
    time.sleep(0.5)
    assert s3.objects(BUCKET) == [key(record, record["files"][0])]
    root.delete("/api/collections/docs")
    gone(s3, s3.objects(BUCKET))
    wait_for(lambda: is_settled(server), 10, "the notes to go")


def test_switching_it_on_loses_no_file(server, s3):
    """PocketBase serves none of the files that were there until somebody copies them to the bucket."""
    root, anyone = server.root(), server.client()
    collection(root)
    before = create(root, b"local")
    keep_in(root, s3)
    after = create(root, b"remote")
    for record, content in ((before, b"local"), (after, b"remote")):
        assert read(anyone, record, record["files"][0]).content == content
    assert s3.objects(BUCKET) == [key(after, after["files"][0])] and len(local_files(server)) == 2
    # A file each way in one record.
    both = root.patch(f"/api/collections/docs/records/{before['id']}", files={"files+": ("second.txt", b"second")})
    assert [read(anyone, before, name).content for name in both["files"]] == [b"local", b"second"]
    # What was copied to the bucket, as PocketBase's users do, goes from both places.
    copied = s3.directory / BUCKET / before["collectionId"] / before["id"] / before["files"][0]
    shutil.copyfile(server.directory / "storage" / before["collectionId"] / before["id"] / before["files"][0], copied)
    root.delete(f"/api/collections/docs/records/{before['id']}")
    gone(s3, [key(before, name) for name in both["files"]])
    assert local_files(server) == []
    root.patch("/api/settings", json={"s3": {"enabled": False}})
    read(anyone, after, after["files"][0], 404)
    root.patch("/api/settings", json={"s3": {"enabled": True}})
    assert read(anyone, after, after["files"][0]).content == b"remote"


def test_pocketbase_and_this_program_serve_each_others_buckets(launch, s3):
    ours = launch()
    root = ours.root()
    keep_in(root, s3)
    collection(root)
    mine = create(root, b"by bosbase", PNG, names=["My Näme.txt", "p.png"])
    ours.stop()
    theirs = launch(POCKETBASE, directory=ours.directory, superuser=False)
    assert read(theirs.client(), mine, mine["files"][0]).content == b"by bosbase"
    # It makes thumbnails, beside the file.
    thumb = read(theirs.client(), mine, mine["files"][1], params={"thumb": "1x1"})
    assert thumb.headers["Content-Type"] == "image/png"
    root = theirs.root()
    yours = create(root, b"by PocketBase", PNG, names=["Your Näme.txt", "q.png"])
    theirs.stop()
    ours.start()
    root, anyone = ours.root(), ours.client()
    for record, content in ((mine, b"by bosbase"), (yours, b"by PocketBase")):
        answer = read(anyone, record, record["files"][0])
        assert answer.content == content and answer.headers["Content-Type"] == "text/plain; charset=utf-8"
        assert read(anyone, record, record["files"][1]).headers["Content-Type"] == "image/png"
    # A thumbnail that PocketBase would keep goes with its file.
    thumbs = s3.directory / BUCKET / mine["collectionId"] / mine["id"] / f"thumbs_{mine['files'][1]}"
    thumbs.mkdir(exist_ok=True)
    (thumbs / f"10x10_{mine['files'][1]}").write_bytes(PNG)
    for record in (mine, yours):
        root.delete(f"/api/collections/docs/records/{record['id']}")
    wait_for(lambda: s3.objects(BUCKET) == [], 15, "all objects to go")


def test_thumbnails_are_kept_beside_their_picture_and_go_with_it(server, s3):
    root, anyone = server.root(), server.client()
    keep_in(root, s3)
    collection(root)
    record = create(root, png(30, 20), b"text", names=["p.png", "t.txt"])
    picture, text = record["files"]
    for _again in range(2):
        thumb = read(anyone, record, picture, params={"thumb": "100x100"})
        assert thumb.headers["Content-Type"] == "image/png" and look(thumb.content) == ("image/png", 100, 100)
        assert thumb.headers["Content-Disposition"] == f'inline; filename="100x100_{picture}"'
    assert read(anyone, record, text, params={"thumb": "100x100"}).content == b"text"
    kept = key(record, f"thumbs_{picture}/100x100_{picture}")
    assert s3.objects(BUCKET) == sorted([key(record, picture), key(record, text), kept]) and local_files(server) == []
    root.patch(f"/api/collections/docs/records/{record['id']}", json={"files": [text]})
    gone(s3, [key(record, picture), kept])
    assert read(anyone, record, text).content == b"text"


def test_original_names_are_noted_as_pocketbase_notes_them(server, s3, proxy_to):
    proxy = proxy_to(s3)
    root = server.root()
    keep_in(root, s3, proxy.url)
    collection(root)
    create(root, b"x", names=["ünï & 100% (1)+x;~$!'=:@,.txt"])
    headers = next(request.headers for request, _ in proxy.seen if request.method == "PUT")
    # As PocketBase 0.40.6 sends them.
    assert headers["x-amz-meta-original-filename"] == "%C3%BCn%C3%AF%20&%20100%25%20%281%29+x%3B~$%21%27=:@%2C.txt"
    assert headers["content-type"] == "text/plain; charset=utf-8"


FAULTS = ["500", "slow down", "reset", "slow", "lose the answer", "cut the answer", "damage what is sent"]


@pytest.mark.parametrize("fault", FAULTS)
def test_passing_faults_lose_nothing(server, s3, proxy_to, fault):
    """Every fourth request fails, whatever it is; what fails all the same fails as a whole."""
    proxy = proxy_to(s3)
    root = server.root()
    keep_in(root, s3, proxy.url)
    collection(root)
    content = os.urandom(20 << 20)
    proxy.rule = lambda request: fault if len(proxy.seen) % 4 == 2 else None
    saved = []
    for _ in range(3):
        saved += [answer for answer in [create(root, b"short", content, expect=None)] if "files" in answer]
    assert proxy.count(fault) >= 3 and saved
    proxy.rule = lambda request: None
    for record in saved:
        assert [read(root, record, name).content for name in record["files"]] == [b"short", content]
    wanted = sorted(key(record, name) for record in saved for name in record["files"])
    wait_for(lambda: s3.objects(BUCKET) == wanted, 90, "what was not saved to go", every=0.5)


@pytest.mark.parametrize("fault", ["forbidden", "reset", "500", "hang"])
def test_a_bucket_that_is_down_fails_what_needs_it_and_nothing_else(server, s3, proxy_to, fault):
    proxy = proxy_to(s3)
    root, anyone = server.root(), server.client()
    collection(root)
    local = create(root, b"local")
    keep_in(root, s3, proxy.url)
    record = create(root, b"remote")
    proxy.rule = lambda request: fault
    # Nobody waits two minutes for a picture.
    begun = time.monotonic()
    answer = read(anyone, record, record["files"][0], 503).json()
    assert time.monotonic() - begun < 15
    assert answer["status"] == 503 and answer["data"] == {} and SECRET not in answer["message"]
    assert read(anyone, local, local["files"][0]).content == b"local"
    # And those who wait keep nobody from their work.
    waiting = [threading.Thread(target=lambda: requests.get(server.url + path(record, record["files"][0]), timeout=60)) for _ in range(40)]
    for thread in waiting:
        thread.start()
    begun = time.monotonic()
    assert anyone.get("/api/health")["code"] == 200
    root.create("docs", {"title": "no files"})
    assert time.monotonic() - begun < 5
    for thread in waiting:
        thread.join()
    begun = time.monotonic()
    answer = create(root, b"x", expect=503)
    assert time.monotonic() - begun < 20
    assert answer["status"] == 503 and "storage of uploaded files" in answer["message"], answer
    assert SECRET not in str(answer)
    assert len(root.records("docs")) == 3
    # A deletion is the database's; the object follows when it can.
    root.delete(f"/api/collections/docs/records/{record['id']}")
    time.sleep(0.5)
    assert key(record, record["files"][0]) in s3.objects(BUCKET)
    proxy.rule = lambda request: None
    create(root, b"y")
    wait_for(lambda: len(s3.objects(BUCKET)) == 1, 90, "what nobody names to go", every=0.5)
    assert SECRET not in server.log(1 << 20) and ACCESS_KEY not in server.log(1 << 20)


def test_uploads_that_hang_keep_nobody_from_the_server(server, s3, proxy_to):
    """Each held a thread for minutes, until none was left for those who logged in or read."""
    proxy = proxy_to(s3)
    root, anyone = server.root(), server.client()
    keep_in(root, s3, proxy.url)
    collection(root)
    record = create(root)
    proxy.rule = lambda request: "hang" if request.method == "PUT" else None
    statuses = []

    def send():
        form = {"files": ("x.bin", b"x", "application/octet-stream")}
        headers = {"Authorization": root.token}
        answer = requests.post(f"{server.url}/api/collections/docs/records", files=form, headers=headers, timeout=120)
        statuses.append(answer.status_code)

    waiting = [threading.Thread(target=send) for _ in range(600)]
    for thread in waiting:
        thread.start()
    wait_for(lambda: proxy.count("hang") >= 100, 30, "the uploads to hang")
    for _ in range(3):
        begun = time.monotonic()
        server.root()
        anyone.get(f"/api/collections/docs/records/{record['id']}")
        # Less than the uploads themselves are given: nobody waited for one of them to end.
        assert time.monotonic() - begun < 9
    for thread in waiting:
        thread.join()
    assert statuses == [503] * 600
    proxy.rule = lambda request: None
    saved = create(root, b"y")
    assert read(anyone, saved, saved["files"][0]).content == b"y"
    assert len(root.records("docs")) == 2


def test_a_change_that_waits_for_the_bucket_holds_no_other_up(server, s3, proxy_to):
    proxy = proxy_to(s3)
    root = server.root()
    keep_in(root, s3, proxy.url)
    collection(root)
    record = create(root)
    url = f"/api/collections/docs/records/{record['id']}"
    released = threading.Event()
    proxy.rule = lambda request: released if request.method == "PUT" else None
    answers = []
    form = {"files": ("x.bin", b"x", "application/octet-stream")}
    sending = threading.Thread(target=lambda: answers.append(root.send("PATCH", url, files=form, expect=200).json()))
    sending.start()
    wait_for(lambda: proxy.count(released) >= 1, 20, "the upload to hang")
    begun = time.monotonic()
    server.root().patch(url, json={"title": "changed meanwhile"})
    assert time.monotonic() - begun < 3
    released.set()
    sending.join()
    # Both changes are there, and the file was sent once.
    (saved,) = answers
    assert saved["title"] == "changed meanwhile" and root.get(url)["files"] == saved["files"]
    assert read(server.client(), saved, saved["files"][0]).content == b"x"
    assert proxy.count(released) == 1


def test_killed_before_the_commit_the_object_is_debris(launch, s3, proxy_to):
    """The object is there, the record is not: the next start removes it."""
    proxy = proxy_to(s3)
    server = launch()
    root = server.root()
    keep_in(root, s3, proxy.url)
    collection(root)
    kept = create(root, b"kept")
    proxy.rule = lambda request: "do it and hang" if request.method == "PUT" else None
    sending = threading.Thread(target=lambda: pytest.raises(requests.RequestException, create, root, b"lost"))
    sending.start()
    wait_for(lambda: len(s3.objects(BUCKET)) == 2, 20, "the object")
    server.kill()
    sending.join()
    assert not is_settled(server)
    proxy.rule = lambda request: None
    server.start()
    wait_for(lambda: s3.objects(BUCKET) == [key(kept, kept["files"][0])], 20, "the debris to go")
    wait_for(lambda: is_settled(server), 10, "the notes to go")
    assert [record["id"] for record in server.root().records("docs")] == [kept["id"]]


def test_killed_in_the_middle_of_a_long_file_no_part_is_left(launch, moto, proxy_to):
    proxy = proxy_to(moto)
    server = launch()
    root = server.root()
    root.patch("/api/settings", json={"s3": moto.settings(proxy.url)})
    collection(root)
    proxy.rule = lambda request: "do it and hang" if request.is_part and proxy.count(None) > 3 else None
    content = os.urandom(30 << 20)
    sending = threading.Thread(target=lambda: pytest.raises(requests.RequestException, create, root, content))
    sending.start()
    wait_for(lambda: proxy.count("do it and hang") >= 1, 30, "a part")
    server.kill()
    sending.join()
    assert "<UploadId>" in moto.unfinished()
    proxy.rule = lambda request: None
    server.start()
    wait_for(lambda: "<UploadId>" not in moto.unfinished(), 30, "the parts to go")
    wait_for(lambda: is_settled(server), 10, "the notes to go")


def test_the_environment_wins_over_the_settings(launch, s3):
    server = launch(env=environment(s3))
    root, anyone = server.root(), server.client()
    collection(root)
    keep_in(root, s3, secret="rotated-since", enabled=False)
    record = create(root, b"x")
    assert s3.objects(BUCKET) == [key(record, record["files"][0])]
    assert read(anyone, record, record["files"][0]).content == b"x"
    server.stop()
    # The data directory, whatever the settings say.
    server.env = {"BOSBASE_STORAGE_S3_ENABLED": "false"}
    keep = server.start().root()
    keep_in(keep, s3)
    local = create(keep, b"y")
    assert len(s3.objects(BUCKET)) == 1 and read(anyone, local, local["files"][0]).content == b"y"
    read(anyone, record, record["files"][0], 404)
    server.stop()
    server.env = {"BOSBASE_STORAGE_S3_BUCKET": "files"}
    server.start(wait=False)
    assert server.wait_until_dead() != 0 and "BOSBASE_STORAGE_S3_REGION" in server.log()


@pytest.mark.alone
def test_memory_stays_bounded(server, s3, tmp_path):
    root = server.root()
    keep_in(root, s3)
    collection(root)
    create(root, b"warm up")
    source = tmp_path / "large.bin"
    digest = hashlib.sha256()
    with open(source, "wb") as file:
        for _ in range(300):
            block = os.urandom(1 << 20)
            digest.update(block)
            file.write(block)
    with Watch(server.process.pid) as idle:
        time.sleep(0.5)
    body = Multipart(source, "large.bin", field="files", kind="application/octet-stream")
    with Watch(server.process.pid) as up:
        answer = requests.post(
            f"{server.url}/api/collections/docs/records",
            data=body,
            headers={"Authorization": root.token, "Content-Type": body.content_type},
            timeout=300,
        )
    assert answer.status_code == 200, answer.text
    record = answer.json()
    with Watch(server.process.pid) as down:
        received = hashlib.sha256()
        with read(root, record, record["files"][0], stream=True) as answer:
            for piece in answer.iter_content(1 << 20):
                received.update(piece)
    assert received.digest() == digest.digest()
    assert_bounded(idle, up=up, down=down)
