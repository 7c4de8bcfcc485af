"""The SDK on connections that break: a download goes on where it was cut off, a subscription comes back."""

import contextlib
import itertools
import random
import re
import subprocess
import threading
import time

from harness.programs import BOSBASE
from harness.proxy import Answer, Cut, Proxy
from harness.server import Server

from .engine import HERE, Project, command

AWAY = Answer("HTTP/1.1 503 Service Unavailable\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}")
FAILED = Answer("HTTP/1.1 500 Internal Server Error\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}")


def cutting(cuts):
    """Cuts off the answers to downloads, one after the other, as told."""
    left = iter(cuts)
    return lambda head: next(left, None) if head.startswith("GET /api/backups/broken.zip") else None


@contextlib.contextmanager
def anywhere(_project, _archive):
    yield "res://down.zip"


@contextlib.contextmanager
def where_its_end_does_not_fit(project, archive):
    sudo = ["sudo"] if command()[0] == "sudo" else []
    folder = project.folder / "small"
    folder.mkdir()
    pages, rest = divmod(len(archive), 4096)
    assert rest > 0
    subprocess.run([*sudo, "mount", "-t", "tmpfs", "-o", f"size={pages * 4096}", "tmpfs", folder], check=True)
    try:
        yield "res://small/down.zip"
    finally:
        subprocess.run([*sudo, "umount", folder], check=True)


def download(tmp_path, rule, noise=bytes(range(251)) * 40_000, place=anywhere):
    with Server(BOSBASE, tmp_path / "pb_data") as server, Project(HERE / "broken") as project:
        folder = tmp_path / "pb_data" / "storage" / "c" / "r"
        folder.mkdir(parents=True)
        (folder / "noise.bin").write_bytes(noise)
        root = server.root()
        root.back_up("broken.zip")
        project.prepare()
        with place(project, root.download("broken.zip")) as path:
            with Proxy(server.port, rule(root)) as proxy:
                _, output = project.run("-s", "download.gd", "--", proxy.url, path)
                heads = [head for head in proxy.heads if head.startswith("GET /api/backups/")]
            target = project.folder / path.removeprefix("res://")
            assert "SCRIPT ERROR" not in output and "@fail" not in output, output[-4000:]
            assert not target.with_name("down.zip.part").exists()
            return output, heads, target.read_bytes() if target.exists() else None, root.download("broken.zip")


def test_a_download_goes_on_where_the_connection_was_lost(tmp_path):
    output, heads, got, wanted = download(tmp_path, lambda _: cutting([Cut(30_000), Cut(0), Cut(20_000)]))
    assert got == wanted and len(wanted) > 60_000
    assert "@answer true" in output and "@forward true" in output, output[-2000:]
    ranges = [int(found[1]) if (found := re.search(r"^Range: bytes=(\d+)-", head, re.M | re.I)) else None for head in heads]
    # What is lost is the head of the first answer, and nothing where not even a head came.
    assert len(ranges) == 4 and ranges[0] is None, ranges
    assert 29_000 < ranges[1] <= 30_000 and ranges[2] == ranges[1] and ranges[2] + 19_000 < ranges[3], ranges
    assert all(re.search(r'^If-Range: "', head, re.M | re.I) for head in heads[1:]), heads


def test_the_file_of_a_record_goes_on_too(tmp_path):
    noise = random.Random(2).randbytes(100_000)
    left = iter([Cut(30_000), Cut(20_000)])

    def rule(head):
        return next(left, None) if head.startswith("GET /api/files/") else None

    with Server(BOSBASE, tmp_path / "pb_data") as server, Project(HERE / "broken") as project:
        root = server.root()
        root.post("/api/collections", json={"name": "kept", "type": "base", "fields": [{"type": "file", "name": "file", "protected": True}]})
        root.post("/api/collections/kept/records", files={"file": ("noise.bin", noise)})
        project.prepare()
        with Proxy(server.port, rule) as proxy:
            _, output = project.run("-s", "file.gd", "--", proxy.url)
            heads = [head for head in proxy.heads if head.startswith("GET /api/files/")]
        assert "@answer true" in output and "SCRIPT ERROR" not in output, output[-4000:]
        assert (project.folder / "down.bin").read_bytes() == noise
        assert not list(project.folder.glob("down.bin.*"))
    assert len(heads) == 3 and ["Range:" in head for head in heads] == [False, True, True], heads


def test_a_download_begins_anew_when_the_backup_was_replaced_meanwhile(tmp_path):
    def replacing(root):
        left = iter([Cut(30_000)])

        def rule(head):
            if not head.startswith("GET /api/backups/broken.zip"):
                return None
            if "Range:" in head:
                root.send("DELETE", "/api/backups/broken.zip", expect=204)
                root.create_marker()
                root.back_up("broken.zip")
            return next(left, None)

        return rule

    output, heads, got, wanted = download(tmp_path, replacing)
    assert got == wanted and len(heads) == 2, (len(heads), output[-2000:])


def test_a_download_that_never_comes_is_an_error_and_leaves_nothing(tmp_path):
    output, heads, got, _ = download(tmp_path, lambda _: cutting(itertools.repeat(Cut(1000))))
    assert got is None and len(heads) == 6, (heads, output[-2000:])
    assert "before the answer was complete" in output, output[-2000:]


def test_a_download_goes_on_for_as_long_as_it_makes_way(tmp_path):
    # It was given up for good when it was cut off a sixth time, whatever it had brought.
    cuts = [Cut(1_300_000)] * 4 + [AWAY] + [Cut(1_300_000)] * 4
    output, heads, got, wanted = download(tmp_path, lambda _: cutting(cuts), noise=random.Random(1).randbytes(12_000_000))
    assert got == wanted and len(heads) == 10, (len(heads), output[-2000:])


def test_a_download_of_which_the_disk_did_not_take_the_end_is_an_error(tmp_path):
    # Its last bytes were held back until the file was closed, when nobody looked: "downloaded", and cut off.
    output, _, got, _ = download(tmp_path, lambda _: lambda head: None, place=where_its_end_does_not_fit)
    assert got is None and "@answer ClientResponseError 0: Cannot write" in output, output[-2000:]


def test_what_is_told_of_subscriptions_is_not_overtaken(tmp_path):
    # Two were told of at once on two connections; what came first had the last word, and a subscription that "stood"
    # heard nothing.
    told = itertools.count()

    def rule(head):
        # The first is that of the connection itself.
        if head.startswith("POST /api/realtime") and next(told) == 1:
            time.sleep(1.5)

    with Server(BOSBASE, tmp_path / "pb_data") as server, Project(HERE / "broken") as project:
        server.root()
        project.prepare()
        with Proxy(server.port, rule) as proxy:
            _, output = project.run("-s", "together.gd", "--", proxy.url, timeout=120)
    assert "@told 3" in output and "@heard together.zip" in output, output[-2000:]


def test_a_subscription_that_the_server_does_not_take_is_made_again(tmp_path):
    refusals = []

    def rule(head):
        if head.startswith("POST /api/realtime") and refusals:
            refusals.pop()
            return FAILED
        return None

    with Server(BOSBASE, tmp_path / "pb_data") as server, Project(HERE / "broken") as project:
        root = server.root()
        project.prepare()
        with Proxy(server.port, rule) as proxy:
            refusals.append(1)
            process = project.start("-s", "subscribe.gd", "--", proxy.url)
            output, connected = [], 0
            too_long = threading.Timer(60, process.kill)
            too_long.start()
            for line in process.stdout:
                output.append(line)
                if line.startswith("@second"):
                    sign_up(root, "one")
                if line.startswith("@heard one"):
                    connected = 0
                    # The connection is made again, and twice nobody takes what is to be told on it.
                    refusals += [1, 1]
                    assert proxy.drop("GET /api/realtime") == 1
                if line.startswith("@connected"):
                    connected += 1
                    if any(said.startswith("@lost") for said in output):
                        sign_up(root, "two")
            too_long.cancel()
            process.wait(timeout=10)
            streams = sum(head.startswith("GET /api/realtime") for head in proxy.heads)
    said = "".join(output)
    assert "@first true" in said and "@second true" in said, said
    assert "@heard two" in said and connected == 1 and not refusals, said
    # The first, one after its refusal, and after the loss two that were given up and one that stays.
    assert streams == 5, (streams, said)


def test_a_server_that_is_killed_and_started_again_is_an_error_and_then_is_back(tmp_path):
    with Server(BOSBASE, tmp_path / "pb_data") as server, Project(HERE / "broken") as project:
        project.prepare()
        process = project.start("-s", "restart.gd", "--", server.url)
        output, connected = [], 0
        too_long = threading.Timer(300, process.kill)
        too_long.start()
        for line in process.stdout:
            output.append(line)
            if line.startswith("@ready"):
                server.kill()
            if line.startswith("@start"):
                server.start()
            connected += line.startswith("@connected")
            # The subscription may be back before or after the rest.
            if connected == 2 and any(said.startswith("@back") for said in output):
                connected += 1
                sign_up(server.root(), "after")
        too_long.cancel()
        process.wait(timeout=30)
    said = "".join(output)
    assert "@ready true" in said and "SCRIPT ERROR" not in said, said
    gone = re.findall(r"^@gone (.*)$", said, re.M)
    assert len(gone) == 2 and all(each.startswith("ClientResponseError 0: Nobody answers at 127.0.0.1") for each in gone), said
    assert "@waited ClientResponseError 0: The job has not ended in time. Nobody answers" in said, said
    assert "@job ClientResponseError 404" in said and "@back []" in said, said
    assert "@heard after@example.com" in said, said


def sign_up(root, name):
    root.create("users", {"email": f"{name}@example.com", "password": "12345678", "passwordConfirm": "12345678", "emailVisibility": True})
