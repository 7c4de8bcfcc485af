"""SIGKILL while batches with files come: each is there as a whole or not at all, and no file is left that nobody names."""

import threading
import time

import pytest
import requests

from batch.application import create, delete, make, named, send, update, uploads
from harness.client import wait_for
from harness.programs import BOSBASE
from harness.server import Server

pytestmark = pytest.mark.ours

WRITERS = 3
TEAM = "team00000000000"


def write(server, number, acknowledged):
    """Sends batches until the server is gone: each makes three posts with files and takes away those of the one before."""
    client, before, n = server.client(), [], 0
    try:
        while True:
            n += 1
            ids = [f"w{number}n{n:08}p{part}".ljust(15, "0") for part in range(3)]
            batch = [create("posts", id=id, title=f"{number} {n}", team=TEAM) for id in ids]
            batch += [update("posts", ids[0], title=f"{number} {n}"), *[delete("posts", id) for id in before]]
            files = [(f"requests.{part}.files", ("a.txt", f"{number} {n} {part}".encode() * 2000)) for part in range(4)]
            files[3] = ("requests.3.files+", files[3][1])
            send(client, *batch, files=files)
            acknowledged[number] = n
            before = ids
    except requests.RequestException:
        pass


def test_a_batch_with_files_killed_at_any_moment_is_there_as_a_whole_or_not_at_all(tmp_path):
    with Server(BOSBASE, tmp_path / "pb_data") as server:
        make(server.root())
        send(server.root(), create("teams", id=TEAM, name="t", open=True))
        for kill in range(20):
            acknowledged = {}
            threads = [threading.Thread(target=write, args=(server, number, acknowledged)) for number in range(WRITERS)]
            for thread in threads:
                thread.start()
            wait_for(lambda: len(acknowledged) == WRITERS, 60, "batches of all")  # noqa: B023
            time.sleep(0.007 * kill)
            server.kill()
            for thread in threads:
                thread.join()
            server.start()
            root = server.root()
            posts = root.records("posts")
            for number in range(WRITERS):
                own = [post for post in posts if post["title"].split()[0] == str(number)]
                # One more may have happened than was acknowledged; it took away those before it.
                titles = {post["title"] for post in own}
                assert titles in ({f"{number} {acknowledged[number]}"}, {f"{number} {acknowledged[number] + 1}"}), (titles, acknowledged)
                assert sorted(len(post["files"]) for post in own) == [1, 1, 2], own
            assert uploads(server) == named(root), f"kill {kill}"
            for post in posts:
                for name in post["files"]:
                    told = root.send("GET", f"/api/files/posts/{post['id']}/{name}").text
                    assert told.startswith(post["title"]) and len(told) > 2000
            undecided = server.directory / ".bosbase" / "undecided-files"
            assert not undecided.exists() or not list(undecided.iterdir())
            root.delete("/api/collections/posts/truncate")
