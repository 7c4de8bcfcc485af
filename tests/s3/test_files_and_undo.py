"""Objects are shared by what is served and by what is kept for an undo: none that either names ever goes."""

import threading
import time

import pytest

from harness.client import wait_for
from harness.jobs import ended

from .files import BUCKET, collection, create, expire, gone, is_settled, keep_in, keys, read, undo

pytestmark = pytest.mark.ours


def serves(server, *records):
    return all(
        read(server.client(), record, name).content == f"{record['n']}".encode() for record in records for name in record["files"]
    )


def make(root, n):
    return {**create(root, f"{n}".encode()), "n": n}


def test_no_object_goes_before_the_data_that_names_it(server, s3):
    root = server.root()
    keep_in(root, s3)
    collection(root)
    first = make(root, 1)
    root.back_up("one.zip")
    second = make(root, 2)
    root.restore("one.zip")
    root = server.root()
    # Served: 1. Kept: 1 and 2.
    third = make(root, 3)
    root.delete(f"/api/collections/docs/records/{first['id']}")
    read(server.client(), first, first["files"][0], 404)
    time.sleep(1)
    assert s3.objects(BUCKET) == sorted(keys(first, second, third)), "somebody names each of them"
    undo(server)
    # Served: 1 and 2. Kept: 3.
    assert serves(server, first, second)
    assert s3.objects(BUCKET) == sorted(keys(first, second, third))
    undo(server)
    # Served: 3. Kept: 1 and 2.
    assert serves(server, third)
    assert s3.objects(BUCKET) == sorted(keys(first, second, third))
    expire(server)
    gone(s3, keys(first, second))
    assert serves(server, third) and s3.objects(BUCKET) == keys(third)
    wait_for(lambda: is_settled(server), 10, "the notes to go")


def test_the_next_restore_releases_what_the_last_one_replaced(server, s3):
    root = server.root()
    keep_in(root, s3)
    collection(root)
    first = make(root, 1)
    root.back_up("one.zip")
    second = make(root, 2)
    root.restore("one.zip")
    third = make(server.root(), 3)
    server.root().restore("one.zip")
    # Served: 1. Kept: 1 and 3; what was kept before, 1 and 2, is gone for good.
    time.sleep(1)
    assert set(s3.objects(BUCKET)) >= set(keys(first, third))
    undo(server)
    assert serves(server, first, third)
    expire(server)
    gone(s3, keys(second))
    assert serves(server, first, third) and s3.objects(BUCKET) == sorted(keys(first, third))


def test_a_deletion_waits_for_a_backup(server, s3, proxy_to):
    proxy = proxy_to(s3)
    root = server.root()
    keep_in(root, s3, proxy.url)
    collection(root)
    record = make(root, 1)
    released = threading.Event()
    proxy.rule = lambda request: released if request.method == "GET" and not request.is_list else None
    root.post("/api/backups", json={"name": "slow.zip"}, expect=204)
    wait_for(lambda: proxy.count(released) >= 1, 20, "the backup to read the object")
    root.delete(f"/api/collections/docs/records/{record['id']}")
    time.sleep(1)
    assert keys(record)[0] in s3.objects(BUCKET), "a backup reads it"
    released.set()
    wait_for(lambda: ended(root, "create"), 30, "the backup")
    gone(s3, keys(record))
