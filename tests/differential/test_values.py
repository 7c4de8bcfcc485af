"""Odd values of every field type are kept, refused and found as PocketBase does; the long form is `python -m differential.values`."""

import os

import pytest

from harness.programs import POCKETBASE

from . import values

# The same values every time; the long form finds others.
SEED = int(os.environ.get("BOSBASE_VALUES_SEED") or 20261130)
COUNT = 300


@pytest.mark.ours
def test_odd_values_are_kept_as_pocketbase_keeps_them(server, launch):
    different, compared = values.compare(server, launch(POCKETBASE), SEED, COUNT)
    assert len(compared) == len(values.FIELDS) + 1
    assert not different, f"seed {SEED}:\n" + "\n".join(different)


@pytest.mark.ours
def test_a_record_with_a_file_has_an_id_that_can_name_a_folder(server):
    root = server.root()
    fields = [
        {"name": "id", "type": "text", "primaryKey": True, "required": True, "system": True, "min": 1, "max": 400, "pattern": "^[a-zä]+$"},
        {"name": "file", "type": "file", "maxSelect": 2},
    ]
    root.post("/api/collections", json={"name": "long", "type": "base", "fields": fields})
    path = "/api/collections/long/records"
    for record_id in ("a" * 256, "a" * 400, "ä" * 128):
        refused = root.post(path, data={"id": record_id.encode()}, files={"file": ("a.txt", b"x")}, expect=400)
        assert refused["data"]["id"]["code"] == "validation_max_text_constraint"
        root.create("long", {"id": record_id})
        refused = root.patch(f"{path}/{record_id}", files={"file": ("a.txt", b"x")}, expect=400)
        assert refused["data"]["id"]["code"] == "validation_max_text_constraint"
        root.patch(f"{path}/{record_id}", json={"file-": ["x"]})
        root.send("GET", f"/api/files/long/{record_id}/a.txt", expect=404)
        root.delete(f"{path}/{record_id}")
    for record_id in ("a" * 255, "ä" * 127 + "a"):
        kept = root.post(path, data={"id": record_id.encode()}, files={"file": ("a.txt", b"x")})
        assert root.send("GET", f"/api/files/long/{record_id}/{kept['file'][0]}").content == b"x"
        root.delete(f"{path}/{record_id}")
    root.back_up("long.zip")
