"""Thumbnails of uploaded pictures: their sizes, types and names are PocketBase's, and they cost bounded memory."""

import os
import struct
import threading
import time
import zlib
from pathlib import Path

import pytest

from harness.client import wait_for
from harness.memory import Peak
from harness.pictures import look, png
from harness.programs import BOSBASE
from harness.server import Server

PICTURES = Path(__file__).parent / "pictures"
FIELD = {"name": "f", "type": "file", "maxSelect": 1, "maxSize": 50_000_000}
SIZES = ["50x40", "50x40t", "50x40b", "50x40f", "0x40", "50x0", "400x0", "400x400", "400x400f", "007x005", "1x1"]

# As PocketBase 0.40.6 makes them: of each picture, in the order of SIZES and then of 100x100.
MADE = {
    "wide.png": "50x40 50x40 50x40 50x20 100x40 50x20 400x160 400x400 300x120 7x5 1x1 100x100",
    "alpha.png": "50x40 50x40 50x40 16x40 16x40 50x125 400x1000 400x400 120x300 7x5 1x1 100x100",
    "tiny.png": "50x40 50x40 50x40 3x2 60x40 50x33 400x267 400x400 3x2 7x5 1x1 100x100",
    "wide.jpg": "50x40 50x40 50x40 50x20 100x40 50x20 400x160 400x400 300x120 7x5 1x1 100x100",
    "turned.jpg": "50x40 50x40 50x40 16x40 16x40 50x125 400x1000 400x400 120x300 7x5 1x1 100x100",
    "wide.gif": "50x40 50x40 50x40 50x20 100x40 50x20 400x160 400x400 300x120 7x5 1x1 100x100",
    "moving.gif": "50x40 50x40 50x40 50x37 53x40 50x38 400x300 400x400 120x90 7x5 1x1 100x100",
    "wide.webp": "50x40 50x40 50x40 50x20 100x40 50x20 400x160 400x400 300x120 7x5 1x1 100x100",
    "alpha.webp": "50x40 50x40 50x40 16x40 16x40 50x125 400x1000 400x400 120x300 7x5 1x1 100x100",
}
TYPES = {"png": "image/png", "jpg": "image/jpeg", "gif": "image/gif", "webp": "image/png"}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    with Server(BOSBASE, tmp_path_factory.mktemp("thumbnails") / "pb_data") as server:
        root = server.root()
        field = {**FIELD, "thumbs": SIZES}
        root.post("/api/collections", json={"name": "pictures", "type": "base", "viewRule": "", "fields": [field]})
        query = "SELECT id, f FROM pictures"
        root.post("/api/collections", json={"name": "shown", "type": "view", "viewRule": "", "viewQuery": query})
        yield server, root


def picture(name):
    return {"wide.png": lambda: png(300, 120), "tiny.png": lambda: png(3, 2)}.get(name, lambda: (PICTURES / name).read_bytes())()


def upload(root, name, content):
    return root.create("pictures", {}, files=[("f", (name, content))])


def thumb(server, record, size, collection="pictures", **params):
    path = f"/api/files/{collection}/{record['id']}/{record['f']}"
    return server.client().send("GET", path, params={"thumb": size, **params})


def files_of(server, record):
    folder = server.directory / "storage" / record["collectionId"] / record["id"]
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("name", MADE)
def test_every_size_of_every_kind_of_picture(place, name):
    server, root = place
    record = upload(root, name, picture(name))
    content_type = TYPES[name.split(".")[1]]
    for size, made in zip([*SIZES, "100x100"], MADE[name].split(), strict=True):
        width, height = map(int, made.split("x"))
        for _again in range(2):
            answer = thumb(server, record, size)
            assert look(answer.content) == (content_type, width, height), size
            assert answer.headers["Content-Type"] == content_type
            assert answer.headers["Content-Disposition"] == f'inline; filename="{size}_{record["f"]}"'
            assert answer.headers["Cache-Control"] == "max-age=2592000, stale-while-revalidate=86400"
    file = record["f"]
    kept = [f"thumbs_{file}/{size}_{file}{note}" for size in [*SIZES, "100x100"] for note in ("", ".attrs")]
    assert files_of(server, record) == sorted([file, f"{file}.attrs", *kept])


@pytest.mark.parametrize(
    ("name", "content", "size"),
    [
        ("a.png", png(300, 120), "77x77"),
        ("a.png", png(300, 120), "50X40"),
        ("a.png", png(300, 120), " 50x40"),
        ("a.png", png(300, 120), "../x"),
        ("cut.png", png(300, 120)[:60], "50x40"),
        ("a.txt", b"hello", "50x40"),
        ("a.bmp", b"BM" + bytes(60), "50x40"),
        ("a.svg", b'<svg xmlns="http://www.w3.org/2000/svg"></svg>', "100x100"),
    ],
)
def test_what_is_not_made_small_is_served_as_it_is(place, name, content, size):
    server, root = place
    record = upload(root, name, content)
    answer = thumb(server, record, size)
    assert answer.content == content
    assert answer.headers["Content-Disposition"].endswith(f'filename="{record["f"]}"')
    assert files_of(server, record) == [record["f"], record["f"] + ".attrs"]


def test_the_contents_say_what_a_picture_is_and_not_its_name(place):
    server, root = place
    record = upload(root, "a.jpg", png(300, 120))
    assert look(thumb(server, record, "50x0").content) == ("image/png", 50, 20)


def test_a_view_shows_the_thumbnails_of_its_files(place):
    server, root = place
    record = upload(root, "a.png", png(300, 120))
    assert look(thumb(server, record, "50x0", collection="shown").content) == ("image/png", 50, 20)
    assert any("thumbs_" in name for name in files_of(server, record))


def test_thumbnails_go_with_their_file_and_their_record(place):
    server, root = place
    record = upload(root, "a.png", png(300, 120))
    thumb(server, record, "50x40")
    changed = root.send("PATCH", f"/api/collections/pictures/records/{record['id']}", files={"f": ("b.png", png(30, 20))}).json()
    thumb(server, changed, "50x40")
    assert not any(record["f"] in name for name in files_of(server, changed))
    server.client().send("GET", f"/api/files/pictures/{record['id']}/{record['f']}?thumb=50x40", expect=404)
    root.delete(f"/api/collections/pictures/records/{record['id']}")
    folder = server.directory / "storage" / record["collectionId"] / record["id"]
    wait_for(lambda: not folder.exists(), 20, "the folder of a record that is gone")
    server.client().send("GET", f"/api/files/pictures/{record['id']}/{changed['f']}?thumb=50x40", expect=404)


def test_the_thumbnail_of_a_protected_file_is_protected(place):
    server, root = place
    field = {**FIELD, "protected": True}
    root.post("/api/collections", json={"name": "private", "type": "base", "viewRule": "@request.auth.id != ''", "fields": [field]})
    record = root.create("private", {}, files=[("f", ("a.png", png(300, 120)))])
    path = f"/api/files/private/{record['id']}/{record['f']}"
    token = root.file_token()
    assert look(root.send("GET", path, params={"thumb": "100x100", "token": token}).content)[1:] == (100, 100)
    server.client().send("GET", path, params={"thumb": "100x100"}, expect=(403, 404))


def test_many_who_ask_at_once_get_the_same(place):
    server, root = place
    record = upload(root, "a.png", png(2000, 1500))
    answers = []
    threads = [threading.Thread(target=lambda: answers.append(thumb(server, record, "400x400").content)) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == 16 and len(set(answers)) == 1 and look(answers[0]) == ("image/png", 400, 400)
    # No unfinished file is left.
    assert not [name for name in files_of(server, record) if ".tmp" in name]


@pytest.mark.ours
def test_a_thumbnail_outlives_a_kill_and_is_not_made_twice(place):
    server, root = place
    record = upload(root, "a.png", png(300, 120))
    made = thumb(server, record, "50x40")
    server.kill()
    server.start()
    again = thumb(server, record, "50x40")
    assert again.content == made.content and again.headers["ETag"] == made.headers["ETag"]
    assert again.headers["Last-Modified"] == made.headers["Last-Modified"]


@pytest.mark.ours
def test_a_file_that_goes_while_its_thumbnails_are_made_takes_them_along(place):
    server, root = place
    for _ in range(8):
        record = upload(root, "a.png", png(1500, 1000))
        threads = [threading.Thread(target=lambda size=size: attempt(server, record, size)) for size in SIZES]
        for thread in threads:
            thread.start()
        time.sleep(int.from_bytes(os.urandom(1)) / 1000)
        root.delete(f"/api/collections/pictures/records/{record['id']}")
        for thread in threads:
            thread.join()
        folder = server.directory / "storage" / record["collectionId"] / record["id"]
        wait_for(lambda: not folder.exists(), 20, "the folder of a record that is gone")


def attempt(server, record, size):
    path = f"/api/files/pictures/{record['id']}/{record['f']}"
    server.client().send("GET", path, params={"thumb": size}, expect=(200, 404))


@pytest.mark.ours
@pytest.mark.alone
def test_an_image_bomb_costs_bounded_memory_and_time(place):
    """Nine hundred million pixels in a hundred kilobytes."""
    server, root = place
    grey = png(30_000, 30_000, depth=1, colour=0)
    assert len(grey) < 200_000
    bombs = [
        ("grey.png", grey),
        ("colour.png", png(30_000, 30_000, data=zlib.compress(bytes(1000)))),
        ("long.png", png(1_000_000, 1)),
        ("wide.gif", b"GIF89a" + struct.pack("<HH", 65_535, 65_535) + (PICTURES / "wide.gif").read_bytes()[10:]),
    ]
    records = [(upload(root, *bomb), bomb[1]) for bomb in bombs]
    with Peak(server.process) as watch:
        begun = time.monotonic()
        for record, content in records:
            threads = [threading.Thread(target=attempt, args=(server, record, size)) for size in SIZES * 3]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        took = time.monotonic() - begun
    for record, content in records[:2]:
        assert thumb(server, record, "50x40").content == content
    assert watch.peak < 400 << 20, str(watch)
    assert took < 60, took


@pytest.mark.ours
@pytest.mark.alone
def test_many_large_pictures_at_once_cost_bounded_memory(place):
    server, root = place
    records = [upload(root, "large.png", png(6000, 4000)) for _ in range(3)]
    with Peak(server.process) as watch:
        threads = [threading.Thread(target=attempt, args=(server, record, size)) for record in records for size in SIZES]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert watch.peak < 400 << 20, str(watch)
    assert look(thumb(server, records[0], "50x40").content) == ("image/png", 50, 40)
