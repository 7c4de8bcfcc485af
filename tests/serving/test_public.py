"""Static files: what lies in `pb_public` is served as PocketBase serves it.

Unless marked `ours`, everything here runs against the real PocketBase, too (BOSBASE_UNDER_TEST=pocketbase).
"""

import os
import time

import pytest

from harness.client import wait_for
from harness.memory import Watch, anonymous
from harness.programs import BOSBASE
from harness.server import Server, free_port
from harness.wire import Wire, ask

PAGES = {
    "index.html": "<h1>home</h1>",
    "style.css": "body{}",
    "app.js": "x = 1",
    "data.json": "{}",
    "logo.svg": "<svg/>",
    "read me.txt": "text",
    "ü.txt": "umlaut",
    ".env": "dotted",
    ".well-known/any": "known",
    "plain": "no ending",
    "page": "<html><p>no ending",
    "sub/index.html": "<h1>sub</h1>",
    "sub/deep/file.txt": "deep",
    "empty.txt": "",
    "api/own.txt": "beside the API",
    "_/index.html": "not the dashboard",
    "api/health": "not the API",
}


def plant(parent, pages=PAGES):
    folder = parent / "pb_public"
    for name, text in pages.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    (folder / "bare").mkdir()
    return folder


@pytest.fixture
def site(tmp_path, launch):
    """A server with pages beside its data directory."""
    folder = plant(tmp_path / "app")
    server = launch(directory=tmp_path / "app" / "pb_data")
    server.public = folder
    return server


def get(server, target, headers=(), method="GET"):
    return ask(server.port, method, target, headers)


HOME = "<h1>home</h1>"


@pytest.mark.parametrize(
    ("target", "status", "said"),
    [
        ("/", 200, HOME),
        ("/style.css", 200, "body{}"),
        ("/style.css?v=2", 200, "body{}"),
        ("/style%2ecss", 200, "body{}"),
        ("/read%20me.txt", 200, "text"),
        ("/%C3%BC.txt", 200, "umlaut"),
        ("/.env", 200, "dotted"),
        ("/.well-known/any", 200, "known"),
        ("/empty.txt", 200, ""),
        ("/sub/", 200, "<h1>sub</h1>"),
        ("/sub/deep/file.txt", 200, "deep"),
        ("/sub/%2e%2e/style.css", 200, "body{}"),
        # What is not there is the application's page, which looks at the address itself.
        ("/some/page", 200, HOME),
        ("/none.js", 200, HOME),
        ("/bare/", 200, HOME),
        ("/Style.css", 200, HOME),
        ("/%00", 200, HOME),
        ("/%ff", 200, HOME),
        ("/style.css%00", 200, HOME),
        ("/sub%5cindex.html", 200, HOME),
        ("/apix", 200, HOME),
        ("/_x", 200, HOME),
        # Proper addresses.
        ("/sub", 301, "/sub/"),
        ("/bare", 301, "/bare/"),
        ("/api", 301, "/api/"),
        ("/index.html", 301, "/"),
        ("/sub/index.html", 301, "/sub/"),
        ("/sub%2findex.html", 301, "/sub/"),
        ("/style.css/", 301, "/style.css"),
        ("//style.css", 307, "/style.css"),
        ("/sub/../style.css?x=1", 307, "/style.css?x=1"),
        ("/./sub//", 307, "/sub/"),
        # Routes of the server come first, what else lies there is served.
        ("/api/health", 200, '"API is healthy."'),
        ("/api/own.txt", 200, "beside the API"),
        ("/api/none", 200, HOME),
        ("/_/", 200, "<!doctype html>"),
        ("/_/none", 404, "File not found."),
        # Nothing leads out.
        ("/../pb_data/data.db", 307, "/pb_data/data.db"),
        ("/%2e%2e/pb_data/data.db", 200, HOME),
        ("/..%2fpb_data%2fdata.db", 200, HOME),
        ("/sub/..%2f..%2f..%2fpb_data/data.db", 200, HOME),
    ],
)
def test_an_address_leads_where_it_does_in_pocketbase(shared_site, target, status, said):
    answer = get(shared_site, target)
    assert answer.status == status, answer
    if status in (301, 307):
        assert answer.headers["location"] == said
    elif said == HOME or status == 200 and "API" not in said and "doctype" not in said:
        assert answer.body.decode() == said
    else:
        assert said in answer.body.decode()


@pytest.fixture(scope="module")
def shared_site(tmp_path_factory):
    parent = tmp_path_factory.mktemp("site")
    plant(parent)
    with Server(BOSBASE, parent / "pb_data") as server:
        yield server


def test_types_are_told_by_the_name_or_by_the_contents(shared_site):
    for target, expected in {
        "/": "text/html; charset=utf-8",
        "/style.css": "text/css; charset=utf-8",
        "/app.js": "text/javascript; charset=utf-8",
        "/data.json": "application/json",
        "/logo.svg": "image/svg+xml",
        "/read%20me.txt": "text/plain; charset=utf-8",
        "/plain": "text/plain; charset=utf-8",
        "/page": "text/html; charset=utf-8",
    }.items():
        answer = get(shared_site, target)
        assert answer.headers["content-type"] == expected, target
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["x-frame-options"] == "SAMEORIGIN"
        assert "content-security-policy" not in answer.headers, "the pages are the application's"


def test_copies_parts_and_conditions(shared_site):
    whole = get(shared_site, "/style.css", {"Accept-Encoding": "gzip"})
    assert "content-encoding" not in whole.headers, "PocketBase sends static files as they are"
    assert whole.headers["accept-ranges"] == "bytes" and whole.headers["content-length"] == "6"
    changed = whole.headers["last-modified"]
    before = "Mon, 30 Nov 2020 20:41:31 GMT"
    for headers, status, said in [
        ({"If-Modified-Since": changed}, 304, b""),
        ({"If-Modified-Since": before}, 200, b"body{}"),
        ({"If-None-Match": '"x"', "If-Modified-Since": changed}, 200, b"body{}"),
        ({"If-None-Match": "*"}, 304, b""),
        ({"If-Unmodified-Since": before}, 412, b""),
        ({"If-Match": '"x"'}, 412, b""),
        ({"If-Match": "*"}, 200, b"body{}"),
        ({"Range": "bytes=1-2"}, 206, b"od"),
        ({"Range": "bytes=-2"}, 206, b"{}"),
        ({"Range": "bytes=4-99"}, 206, b"{}"),
        ({"Range": "bytes=1-2", "If-Range": changed}, 206, b"od"),
        ({"Range": "bytes=1-2", "If-Range": before}, 200, b"body{}"),
        ({"Range": "bytes=1-2", "If-Range": '"x"'}, 200, b"body{}"),
    ]:
        answer = get(shared_site, "/style.css", headers)
        assert (answer.status, answer.body) == (status, said), (headers, answer)
    part = get(shared_site, "/style.css", {"Range": "bytes=1-2"})
    assert part.headers["content-range"] == "bytes 1-2/6" and part.headers["content-length"] == "2"
    beyond = get(shared_site, "/style.css", {"Range": "bytes=6-"})
    assert beyond.status == 416 and beyond.headers["content-range"] == "bytes */6"
    assert get(shared_site, "/empty.txt", {"Range": "bytes=0-3"}).status == 200
    page = get(shared_site, "/some/page", {"Range": "bytes=0-3"})
    assert (page.status, page.body) == (206, b"<h1>")


def test_only_reading_is_possible(shared_site):
    head = get(shared_site, "/style.css", method="HEAD")
    assert (head.status, head.headers["content-length"], head.body) == (200, "6", b"")
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        answer = get(shared_site, "/style.css", method=method)
        assert answer.status == 404 and answer.json()["message"] == "The requested resource wasn't found.", method


def test_without_the_fallback_what_is_not_there_is_not_found(tmp_path, launch):
    plant(tmp_path / "app")
    site = launch(directory=tmp_path / "app" / "pb_data", flags=["--indexFallback=false"])
    for target in ("/none", "/bare/", "/api/none", "/style.css/below", "/%2e%2e/pb_data/data.db"):
        answer = get(site, target)
        assert answer.status == 404, target
        assert answer.json() == {"status": 404, "message": "File not found.", "data": {}}
    assert get(site, "/").body.decode() == HOME
    assert get(site, "/bare").status == 301


def test_the_folder_may_be_named_and_need_not_be_there_yet(tmp_path, launch):
    site = launch(flags=[f"--publicDir={tmp_path / 'dist'}"])
    assert get(site, "/none").json()["message"] == "File not found."
    (tmp_path / "dist").mkdir()
    (tmp_path / "dist" / "index.html").write_text("deployed")
    assert get(site, "/none").body == b"deployed"
    (tmp_path / "next").mkdir()
    (tmp_path / "next" / "index.html").write_text("again")
    os.rename(tmp_path / "dist", tmp_path / "old")
    os.rename(tmp_path / "next", tmp_path / "dist")
    assert get(site, "/none").body == b"again"


def test_a_folder_that_is_a_link_and_links_within_it_are_followed(tmp_path, launch):
    pages = plant(tmp_path / "built")
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "pb_public").symlink_to(pages)
    (pages / "near.css").symlink_to("style.css")
    (pages / "sub" / "up.css").symlink_to("../style.css")
    (pages / "whole.css").symlink_to(pages / "style.css")
    site = launch(directory=tmp_path / "app" / "pb_data")
    for target in ("/near.css", "/sub/up.css", "/whole.css"):
        answer = get(site, target)
        assert (answer.status, answer.body) == (200, b"body{}"), target


@pytest.mark.ours
def test_no_link_leads_out(site):
    """PocketBase serves what a link names, the databases among it."""
    (site.public / "data.db").symlink_to("../pb_data/data.db")
    (site.public / "whole.db").symlink_to(site.directory / "data.db")
    (site.public / "up").symlink_to("..")
    (site.public / "etc").symlink_to("/etc")
    os.mkfifo(site.public / "pipe")
    for target in ("/data.db", "/whole.db", "/up/pb_data/data.db", "/etc/hostname", "/etc/"):
        answer = get(site, target)
        assert answer.status == 404 and answer.json()["message"] == "File not found.", (target, answer)
    assert get(site, "/pipe").body.decode() == HOME, "a pipe kept PocketBase waiting"
    root = site.root()
    logged = wait_for(
        lambda: [line for line in root.get("/api/logs?perPage=100")["items"] if line["data"].get("url") == "/data.db"],
        30,
        "the line in the log",
    )
    assert "leads out of the folder" in str(logged[0]["data"]), logged


@pytest.mark.ours
def test_a_folder_that_holds_the_data_stops_the_start(tmp_path):
    directory = tmp_path / "app" / "pb_data"
    (tmp_path / "app").mkdir()
    # At a first start there is no data directory yet.
    for made in (False, True):
        if made:
            BOSBASE.superuser(directory)
        for public in (tmp_path / "app", tmp_path / "app" / "pb_data", tmp_path):
            done = BOSBASE.run(
                "serve", "--dir", directory, "--publicDir", public, "--http", f"127.0.0.1:{free_port()}", check=False, timeout=60
            )
            assert done.returncode == 1 and "--publicDir" in done.stderr and "\n" not in done.stderr.strip(), done


@pytest.mark.ours
def test_without_pages_the_server_says_what_it_is(launch, tmp_path):
    server = launch()
    assert b'href="/_/"' in get(server, "/").body
    assert get(server, "/none").status == 404
    (server.directory.parent / "pb_public").mkdir()
    assert get(server, "/").json()["message"] == "File not found.", "as in PocketBase"


@pytest.mark.ours
def test_a_file_has_a_tag_that_changes_with_it(site):
    first = get(site, "/style.css").headers["etag"]
    assert get(site, "/style.css", {"If-None-Match": first}).status == 304
    # In the same second, of the same length.
    (site.public / "new").write_text("head{}")
    os.utime(site.public / "new", (time.time(), os.stat(site.public / "style.css").st_mtime))
    os.rename(site.public / "new", site.public / "style.css")
    again = get(site, "/style.css", {"If-None-Match": first})
    assert (again.status, again.body) == (200, b"head{}")


@pytest.mark.ours
def test_a_redirect_keeps_the_query(site):
    """PocketBase drops it: a login that comes back to a folder lost its code."""
    assert get(site, "/sub?code=1").headers["location"] == "/sub/?code=1"


def test_rate_limits_count_pages(site):
    root = site.root()
    rules = [{"label": "/sub/", "audience": "", "duration": 60, "maxRequests": 3}]
    root.patch("/api/settings", json={"rateLimits": {"enabled": True, "rules": rules}})
    answers = [get(site, "/sub/deep/file.txt").status for _ in range(5)]
    assert answers == [200, 200, 200, 429, 429]
    assert get(site, "/style.css").status == 200
    root.patch("/api/settings", json={"rateLimits": {"enabled": False}})


@pytest.mark.ours
def test_pages_are_for_everybody_also_where_superusers_have_addresses(site):
    """PocketBase answers 403 to a superuser's token from elsewhere, here it counts as none, as at all routes."""
    root = site.root()
    root.patch("/api/settings", json={"superuserIPs": ["10.0.0.1"]})
    assert get(site, "/style.css", {"Authorization": root.token}).status == 200
    assert get(site, "/style.css", {"Authorization": "nonsense"}).status == 200


def test_the_log_holds_what_failed_alone(tmp_path, launch):
    plant(tmp_path / "app")
    site = launch(directory=tmp_path / "app" / "pb_data", flags=["--indexFallback=false"])
    root = site.root()
    get(site, "/style.css")
    get(site, "/none.css")

    def lines(path):
        return [line for line in root.get("/api/logs?perPage=200")["items"] if line["data"].get("url") == path]

    wait_for(lambda: lines("/none.css"), 60, "the line of a failed request")
    assert not lines("/style.css")


@pytest.mark.ours
@pytest.mark.alone
def test_a_large_file_takes_no_memory(site):
    size = 512 << 20
    with open(site.public / "film.bin", "wb") as film:
        film.truncate(size)
    get(site, "/style.css")
    before = anonymous(site.process.pid)
    stalled = []
    for _ in range(20):
        wire = Wire(site.port)
        wire.send("GET", "/film.bin")
        stalled.append(wire)
    with Watch(site.process.pid) as watch, Wire(site.port) as wire:
        wire.send("GET", "/film.bin")
        read = 0
        while read < size and (piece := wire.socket.recv(1 << 20)):
            read += len(piece)
    assert read >= size
    assert watch.peak - before < 64 << 20, (before, watch.peak)
    for wire in stalled:
        wire.close()
