"""SIGKILL between the decision on a restore and its end, with the uploaded files in a bucket: all of the new data, whose files are all there."""

import signal

import pytest
import requests

from harness.client import wait_for
from harness.jobs import ended, last_job
from harness.programs import BOSBASE_FAILPOINTS
from harness.undo import let_expire

from .files import BUCKET, collection, create, expire, gone, is_settled, keep_in, keys, read

pytestmark = pytest.mark.ours

# Those from the one on that decides: before it the old data stays, which other tests try.
DECIDED = ["restore-journaled", "switch-started", "switch-moving-out", "switch-moved-out", "switch-moving-in", "switch-moved-in", "switch-done", "confirm-begun", "confirm-recorded", "confirm-done"]


def serves(server, record, content):
    return [read(server.client(), record, name).content for name in record["files"]] == [content]


def die(server, step, request):
    """Sends a request to a server that kills itself at `step`, which may be at its next start."""
    server.env["BOSBASE_FAILPOINT"] = step
    server.start()
    try:
        request(server.root())
    except requests.RequestException:
        pass
    assert server.wait_until_dead() == -signal.SIGKILL, server.log()
    del server.env["BOSBASE_FAILPOINT"]


def notes(server, folder):
    path = server.directory / ".bosbase" / folder
    return sorted(one.name for one in path.iterdir()) if path.is_dir() else []


@pytest.mark.parametrize("step", DECIDED)
def test_killed_after_the_decision_the_new_data_has_all_of_its_files(launch, s3, step):
    server = launch(BOSBASE_FAILPOINTS)
    root = server.root()
    keep_in(root, s3)
    collection(root)
    kept, lost = create(root, b"kept"), create(root, b"lost")
    root.back_up("a.zip")
    root.delete(f"/api/collections/docs/records/{lost['id']}")
    gone(s3, keys(lost))
    late = create(root, b"late")
    server.stop()
    die(server, step, lambda root: root.post("/api/backups/a.zip/restore", expect=204))
    assert set(s3.objects(BUCKET)) == set(keys(kept, lost, late)), "what was put stays from the decision on"
    server.start()
    root = server.root()
    assert last_job(root, "restore")["state"] == "succeeded"
    assert serves(server, kept, b"kept") and serves(server, lost, b"lost")
    assert sorted(record["id"] for record in root.records("docs")) == sorted([kept["id"], lost["id"]])
    # The old data is kept, and so is what it names; then both go.
    wait_for(lambda: not notes(server, "restored-objects"), 20, "the notes of what was put to go")
    assert set(s3.objects(BUCKET)) == set(keys(kept, lost, late))
    expire(server)
    gone(s3, keys(late))
    assert serves(server, kept, b"kept") and serves(server, lost, b"lost") and s3.objects(BUCKET) == keys(kept, lost)
    wait_for(lambda: is_settled(server), 10, "the notes to go")


def test_while_an_undo_waits_to_be_finished_what_it_brings_back_is_not_given_up(launch, s3):
    """Its time may be over when the next start comes to it: what it names was written down to be removed, out of a database that was just being
    moved."""
    server = launch(BOSBASE_FAILPOINTS)
    root = server.root()
    keep_in(root, s3)
    collection(root)
    root.back_up("empty.zip")
    kept = create(root, b"kept")
    root.restore("empty.zip")
    server.stop()
    die(server, "restore-journaled", lambda root: root.post("/api/backups/undo-restore", expect=204))
    let_expire(server.directory)
    server.env["BOSBASE_FAILPOINT"] = "switch-started"
    server.start(wait=False)
    assert server.wait_until_dead() == -signal.SIGKILL, server.log()
    del server.env["BOSBASE_FAILPOINT"]
    assert notes(server, "pending-objects") == []
    server.start()
    assert ended(server.root(), "undo")["state"] == "succeeded"
    assert serves(server, kept, b"kept") and s3.objects(BUCKET) == keys(kept)
