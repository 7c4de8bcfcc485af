"""Every accepted option of a field is enforced: a value that it forbids is refused, and one that it allows is stored."""

import sqlite3

import pytest

from harness.programs import BOSBASE
from harness.server import Server

from .leaves import of_fields

OTHERS = "relates to others"

CASES = {
    "text.required": ({"type": "text", "required": True}, "", "x"),
    "text.min": ({"type": "text", "min": 3}, "ab", "abc"),
    "text.max": ({"type": "text", "max": 3}, "abcd", "abc"),
    "text.pattern": ({"type": "text", "pattern": "^a+$"}, "ab", "aa"),
    "editor.required": ({"type": "editor", "required": True}, "", "x"),
    "editor.maxSize": ({"type": "editor", "maxSize": 3}, "abcd", "abc"),
    "number.required": ({"type": "number", "required": True}, 0, 1),
    "number.min": ({"type": "number", "min": 3}, 2, 3),
    "number.max": ({"type": "number", "max": 3}, 4, 3),
    "number.onlyInt": ({"type": "number", "onlyInt": True}, 1.5, 1),
    "bool.required": ({"type": "bool", "required": True}, False, True),
    "email.required": ({"type": "email", "required": True}, "", "a@example.com"),
    "email.onlyDomains": ({"type": "email", "onlyDomains": ["example.com"]}, "a@example.org", "a@example.com"),
    "email.exceptDomains": ({"type": "email", "exceptDomains": ["example.org"]}, "a@example.org", "a@example.com"),
    "url.required": ({"type": "url", "required": True}, "", "https://example.com"),
    "url.onlyDomains": ({"type": "url", "onlyDomains": ["example.com"]}, "https://example.org", "https://example.com"),
    "url.exceptDomains": ({"type": "url", "exceptDomains": ["example.org"]}, "https://example.org", "https://example.com"),
    "date.required": ({"type": "date", "required": True}, "", "2026-01-01 00:00:00.000Z"),
    "date.min": ({"type": "date", "min": "2026-01-01 00:00:00.000Z"}, "2025-01-01 00:00:00.000Z", "2026-01-01 00:00:00.000Z"),
    "date.max": ({"type": "date", "max": "2026-01-01 00:00:00.000Z"}, "2027-01-01 00:00:00.000Z", "2026-01-01 00:00:00.000Z"),
    "select.required": ({"type": "select", "values": ["a"], "required": True}, "", "a"),
    "select.values": ({"type": "select", "values": ["a"]}, "b", "a"),
    "select.maxSelect": ({"type": "select", "values": ["a", "b", "c"], "maxSelect": 2}, ["a", "b", "c"], ["a", "b"]),
    "relation.required": ({"type": "relation", "required": True, "collectionId": OTHERS}, "", "other0000000000"),
    "relation.collectionId": ({"type": "relation", "collectionId": OTHERS}, "missing00000000", "other0000000000"),
    "relation.minSelect": (
        {"type": "relation", "collectionId": OTHERS, "minSelect": 2, "maxSelect": 3},
        ["other0000000000"],
        ["other0000000000", "other0000000001"],
    ),
    "relation.maxSelect": (
        {"type": "relation", "collectionId": OTHERS, "maxSelect": 2},
        ["other0000000000", "other0000000001", "other0000000002"],
        ["other0000000000", "other0000000001"],
    ),
    "json.required": ({"type": "json", "required": True}, None, {"a": 1}),
    "json.maxSize": ({"type": "json", "maxSize": 5}, "abcdefgh", "abc"),
    "password.required": ({"type": "password", "required": True}, "", "secret-1"),
    "password.min": ({"type": "password", "min": 4}, "abc", "abcd"),
    "password.max": ({"type": "password", "max": 4}, "abcde", "abcd"),
    "password.pattern": ({"type": "password", "pattern": "^a+$"}, "ab", "aa"),
    "geoPoint.required": ({"type": "geoPoint", "required": True}, {"lon": 0, "lat": 0}, {"lon": 1, "lat": 2}),
}

BY_ITSELF = {
    "text.autogeneratePattern": "test_a_pattern_makes_the_value",
    "autodate.onCreate": "test_dates_are_set",
    "autodate.onUpdate": "test_dates_are_set",
    "relation.cascadeDelete": "test_a_deletion_cascades",
    "file.required": "test_files_keep_to_their_options",
    "file.maxSelect": "test_files_keep_to_their_options",
    "file.maxSize": "test_files_keep_to_their_options",
    "file.mimeTypes": "test_files_keep_to_their_options",
    "file.protected": "test_protected_files_want_a_token",
    "file.thumbs": "test_thumbnails_are_made",
    "password.cost": "test_passwords_cost_what_is_said",
}

FOR_SHOW = {"presentable", "help", "convertURLs"}
"""Read by a dashboard alone, in PocketBase as here."""


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    with Server(BOSBASE, tmp_path_factory.mktemp("fields") / "pb_data") as server:
        root = server.root()
        others = root.post("/api/collections", json={"name": "others", "type": "base", "viewRule": ""})
        for n in range(3):
            root.create("others", {"id": f"other{n:010}"})
        yield server, root, others["id"]


def made(place, name, *fields, **rules):
    server, root, others = place
    fields = [{"name": "f", **{key: others if value == OTHERS else value for key, value in field.items()}} for field in fields]
    root.post("/api/collections", json={"name": name, "type": "base", "viewRule": "", "fields": fields, **rules})
    return server, root


def test_every_option_has_its_test(place):
    _, root, others = place
    fields = [{"name": f"f{kind}", "type": kind} for kind in "text editor number bool email url date file json geoPoint".split()]
    fields += [{"name": "fselect", "type": "select", "values": ["a"]}, {"name": "fautodate", "type": "autodate", "onCreate": True}]
    fields += [{"name": "frelation", "type": "relation", "collectionId": others}]
    shown = {option for option in of_fields(root, fields) if option.split(".")[1] not in FOR_SHOW | {"hidden"}}
    tested = set(CASES) | set(BY_ITSELF)
    assert not shown - tested, f"classify what is new: {sorted(shown - tested)}"
    assert not tested - shown, f"the server does not show any more: {sorted(tested - shown)}"
    assert not [name for name in BY_ITSELF.values() if name not in globals()]


@pytest.mark.parametrize("option", CASES)
def test_it_forbids_and_allows(place, option):
    field, bad, good = CASES[option]
    name = option.replace(".", "_")
    _, root = made(place, name, field)
    refused = root.create(name, {"f": bad}, expect=400)
    assert "f" in refused["data"], refused
    stored = root.create(name, {"f": good})
    assert field["type"] == "password" or stored["f"] == good


def test_a_hidden_field_is_shown_to_superusers_alone(place):
    server, root = made(place, "hiding", {"type": "text", "hidden": True})
    record = root.create("hiding", {"f": "secret"})
    assert record["f"] == "secret"
    assert "f" not in server.client().get(f"/api/collections/hiding/records/{record['id']}")


def test_a_pattern_makes_the_value(place):
    _, root = made(place, "patterns", {"type": "text", "autogeneratePattern": "[a-c]{12}"})
    value = root.create("patterns", {})["f"]
    assert len(value) == 12 and set(value) <= set("abc")


def test_dates_are_set(place):
    _, root = made(place, "dates", {"type": "autodate", "onCreate": True}, {"name": "u", "type": "autodate", "onCreate": True, "onUpdate": True})
    record = root.create("dates", {})
    changed = root.patch(f"/api/collections/dates/records/{record['id']}", json={})
    assert record["f"] and changed["f"] == record["f"] and changed["u"] >= record["u"]


def test_a_deletion_cascades(place):
    for cascade in (True, False):
        name = f"cascading_{cascade}".lower()
        _, root = made(place, name, {"type": "relation", "collectionId": OTHERS, "cascadeDelete": cascade})
        other = root.create("others", {})["id"]
        record = root.create(name, {"f": other})
        root.delete(f"/api/collections/others/records/{other}")
        left = root.send("GET", f"/api/collections/{name}/records/{record['id']}", expect=404 if cascade else 200)
        assert cascade or left.json()["f"] == ""


def test_files_keep_to_their_options(place):
    options = {"type": "file", "required": True, "maxSelect": 2, "maxSize": 100, "mimeTypes": ["text/plain"]}
    _, root = made(place, "filing", options)
    small = ("a.txt", b"text")
    for files in ([], [("f", small)] * 3, [("f", ("a.txt", b"x" * 101))], [("f", ("a.zip", b"PK\x03\x04" + bytes(40)))]):
        refused = root.create("filing", {"x": "y"}, files=files or None, expect=400)
        assert "f" in refused["data"], (files, refused)
    assert len(root.create("filing", {}, files=[("f", small)] * 2)["f"]) == 2


def test_protected_files_want_a_token(place):
    server, root = made(place, "protecting", {"type": "file", "protected": True}, viewRule="@request.auth.id != ''")
    record = root.create("protecting", {}, files=[("f", ("a.txt", b"text"))])
    path = f"/api/files/protecting/{record['id']}/{record['f']}"
    server.client().send("GET", path, expect=(403, 404))
    assert root.send("GET", path, params={"token": root.file_token()}).content == b"text"


PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de0000000c49444154789c63f8cfc0000003010100c9fe92ef0000000049454e44ae426082"
)


def test_thumbnails_are_made(place):
    server, root, _ = place
    field = {"name": "f", "type": "file", "mimeTypes": ["image/png"], "thumbs": ["7x5"]}
    root.post("/api/collections", json={"name": "pictures", "type": "base", "fields": [field]})
    record = root.create("pictures", {}, files=[("f", ("a.png", PNG))])
    thumb = server.client().send("GET", f"/api/files/pictures/{record['id']}/{record['f']}?thumb=7x5").content
    size = int.from_bytes(thumb[16:20], "big"), int.from_bytes(thumb[20:24], "big")
    assert thumb.startswith(b"\x89PNG") and size == (7, 5)


def test_passwords_cost_what_is_said(place):
    server, root = made(place, "costing", {"type": "password", "cost": 6})
    record = root.create("costing", {"f": "secret-1"})
    with sqlite3.connect(f"file:{server.directory / 'data.db'}?mode=ro", uri=True) as database:
        stored = database.execute("SELECT f FROM costing WHERE id = ?", (record["id"],)).fetchone()[0]
    assert stored.split("$")[2] == "06", "not the cost of the field"
