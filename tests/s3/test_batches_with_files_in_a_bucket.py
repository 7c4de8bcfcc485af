"""A batch's files go to the bucket before its commit, and none stays there that no record names."""

import re
from urllib.parse import unquote

import pytest
import requests

from batch.application import create, delete, make, named, refused, send, update, uploads
from harness.client import wait_for

from .conftest import OWNER
from .files import is_settled

pytestmark = pytest.mark.ours

TEAM = "team00000000000"


def objects(moto):
    """The names of the files in the bucket."""
    listed = requests.get(f"http://{moto.address}/{moto.bucket}?list-type=2", timeout=30).text
    keys = (unquote(key) for key in re.findall(r"<Key>([^<]*)</Key>", listed))
    return sorted(key.rsplit("/", 1)[-1] for key in keys if key != OWNER)


def text(name, contents):
    return (name, contents.encode())


def test_a_batch_puts_its_files_in_the_bucket_or_leaves_none_there(server, moto):
    root, anyone = server.root(), server.client()
    make(root)
    root.patch("/api/settings", json={"s3": moto.settings()})
    send(root, create("teams", id=TEAM, name="t", open=True))
    batch = [create("posts", team=TEAM), create("posts", team=TEAM)]
    made = send(root, *batch, files=[("requests.0.file", text("a.txt", "1")), ("requests.1.files", text("b.txt", "2")), ("requests.1.files", text("c.txt", "3"))])
    one, two = (answer["body"] for answer in made)
    before = objects(moto)
    assert before == named(root) and len(before) == 3 and uploads(server) == []
    assert sorted(anyone.send("GET", f"/api/files/posts/{two['id']}/{name}").text for name in two["files"]) == ["2", "3"]

    more = [("requests.0.file", text("x.txt", "x"))]
    refused(root, create("posts", team=TEAM), update("posts", one["id"], file=None), create("posts", team="missing00000000"), at=2, status=400, files=more)
    wait_for(lambda: objects(moto) == before and is_settled(server), 30, "what was there before")

    send(root, update("posts", one["id"]), delete("posts", two["id"]), create("posts", id="brief0000000000", team=TEAM), delete("posts", "brief0000000000"),
         files=[("requests.0.file", text("new.txt", "new")), ("requests.2.file", text("brief.txt", "brief"))])
    wait_for(lambda: objects(moto) == named(root) and is_settled(server), 60, "what the records name now")
    (name,) = named(root)
    assert anyone.send("GET", f"/api/files/posts/{one['id']}/{name}").text == "new"
