"""Single records come back out of a backup in a bucket, with files that lie in a bucket."""

import os
import re

import pytest

from harness.client import wait_for

from .files import BUCKET, collection, contents, create, delete, gone, is_settled, keep_in, keys, read

pytestmark = pytest.mark.ours


def recover(root, key, *ids, expect=200, **more):
    return root.post(f"/api/backups/{key}/recover", json={"collection": "docs", "ids": list(ids), **more}, expect=expect)


def test_files_come_back_into_the_bucket(server, s3):
    root = server.root()
    collection(root)
    keep_in(root, s3)
    long = os.urandom(9 << 20)
    one = create(root, b"one", long, names=["Näme 1.txt", "long.bin"])
    other = create(root, b"other")
    root.back_up("one.zip")
    delete(root, one)
    gone(s3, keys(one))
    done = recover(root, "one.zip", one["id"])
    assert (done["added"], done["files"], done["fileBytes"]) == (1, 2, 3 + len(long))
    assert s3.objects(BUCKET) == keys(one, other) and contents(server.client(), one) == [b"one", long]
    assert read(server.client(), one, one["files"][0]).headers["Content-Type"].startswith("text/plain")
    # The same while the objects still wait to be removed: what comes back is not taken away again.
    for _ in range(3):
        delete(root, one)
        recover(root, "one.zip", one["id"])
    wait_for(lambda: is_settled(server), 90, "the removals to be settled")
    assert contents(server.client(), one) == [b"one", long] and contents(server.client(), other) == [b"other"]
    delete(root, one)
    gone(s3, keys(one), 90)


def test_a_bucket_that_refuses_a_file_leaves_nothing(server, s3, proxy_to):
    root = server.root()
    collection(root)
    proxy = proxy_to(s3)
    keep_in(root, s3, proxy.url)
    one, two = create(root, b"one"), create(root, b"two")
    root.back_up("one.zip")
    delete(root, one)
    delete(root, two)
    gone(s3, keys(one, two))
    proxy.rule = lambda request: "forbidden" if request.method == "PUT" and two["files"][0] in request.path else None
    answer = recover(root, "one.zip", one["id"], two["id"], expect=(400, 503))
    assert set(answer) == {"status", "message", "data"} and root.records("docs") == []
    proxy.rule = lambda request: None
    wait_for(lambda: s3.objects(BUCKET) == [], 90, "what was put to be removed")
    assert recover(root, "one.zip", one["id"], two["id"])["added"] == 2
    assert contents(server.client(), two) == [b"two"]


def test_a_backup_in_a_bucket_is_read_by_ranges(server, s3, proxy_to):
    root = server.root()
    collection(root)
    proxy = proxy_to(s3)
    large, small = create(root, os.urandom(40 << 20), names=["large.bin"]), create(root, b"small")
    read_bytes = []

    def rule(request):
        if request.is_read and (asked := re.fullmatch(r"bytes=(\d+)-(\d+)", request.headers.get("range", ""))):
            read_bytes.append(int(asked[2]) - int(asked[1]) + 1)

    root.patch("/api/settings", json={"backups": {"s3": s3.settings(proxy.url)}})
    root.back_up("far.zip")
    root.wait_until_proven("far.zip")
    delete(root, small)
    proxy.rule = rule
    told = root.get("/api/backups/far.zip/records/docs", params={"state": "gone"})
    assert [item["record"]["id"] for item in told["items"]] == [small["id"]]
    assert recover(root, "far.zip", small["id"])["files"] == 1
    assert 0 < sum(read_bytes) < 24 << 20, "the whole backup was fetched for one record"
    assert contents(server.client(), small) == [b"small"] and large["files"]
    # One that is away says so, and is looked into again when it is back.
    proxy.rule = lambda request: "reset"
    answer = root.get("/api/backups/far.zip/records/docs", expect=(400, 503))
    assert answer["message"]
    proxy.rule = lambda request: None
    root.get("/api/backups/far.zip/records/docs")
