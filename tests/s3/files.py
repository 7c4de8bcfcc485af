"""What the tests of uploaded files in a bucket have in common."""

import io

from harness.client import wait_for
from harness.jobs import ended
from harness.undo import let_expire

from .conftest import ACCESS_KEY, SECRET

COLLECTION = {
    "name": "docs",
    "type": "base",
    "viewRule": "",
    "fields": [
        {"name": "title", "type": "text"},
        {"name": "files", "type": "file", "maxSelect": 9, "maxSize": 1 << 30},
        {"name": "secret", "type": "file", "maxSelect": 1, "maxSize": 1 << 20, "protected": True},
    ],
}
BUCKET = "files"


def keep_in(root, s3, endpoint=None, **changes):
    """Switches `settings.s3` on."""
    return root.patch("/api/settings", json={"s3": s3.settings(endpoint, bucket=BUCKET, **changes)})


def collection(root):
    return root.post("/api/collections", json=COLLECTION)


def create(root, *contents, expect=200, field="files", names=None):
    names = names or [f"file {n}.bin" for n in range(len(contents))]
    files = [(field, (name, io.BytesIO(content), "application/octet-stream")) for name, content in zip(names, contents)]
    return root.create("docs", {"title": "t"}, files, expect=expect)


def path(record, name):
    return f"/api/files/{record['collectionId']}/{record['id']}/{name}"


def key(record, name):
    return f"{record['collectionId']}/{record['id']}/{name}"


def keys(*records):
    return sorted(key(record, name) for record in records for name in record["files"])


def read(client, record, name, expect=200, **rest):
    return client.send("GET", path(record, name), expect=expect, **rest)


def contents(client, record):
    return [read(client, record, name).content for name in record["files"]]


def delete(root, record):
    root.delete(f"/api/collections/docs/records/{record['id']}")


def gone(s3, keys, seconds=15):
    """Waits until none of these lies in the bucket."""
    wait_for(lambda: not set(keys) & set(s3.objects(BUCKET)), seconds, f"{keys} to go")


def is_settled(server):
    """Nothing is written down that is still to be decided or removed."""
    private = server.directory / ".bosbase"
    folders = ("undecided-files", "pending-objects", "pending-deletes", "file-uploads", "uploads")
    left = [str(path) for name in folders if (private / name).is_dir() for path in (private / name).iterdir()]
    return not left


def environment(s3, endpoint=None, prefix="BOSBASE_STORAGE_S3_", bucket=BUCKET):
    return {
        f"{prefix}BUCKET": bucket,
        f"{prefix}REGION": "us-east-1",
        f"{prefix}ENDPOINT": endpoint or f"http://{s3.address}",
        f"{prefix}ACCESS_KEY": ACCESS_KEY,
        f"{prefix}SECRET": SECRET,
        f"{prefix}FORCE_PATH_STYLE": "true",
    }


def undo(server):
    server.root().post("/api/backups/undo-restore", expect=204)
    wait_for(lambda: ended(server.root(), "undo"), 60, "the undo", ignore=(Exception,))


def expire(server):
    """What is kept for an undo has had its time; the next start finds that."""
    server.stop()
    let_expire(server.directory)
    server.start()
