"""Random mutations of an unpacked archive, by family. Each says in `steps` what it did; one that cannot be done raises."""

import sqlite3

from . import raw, rows, running, tables
from .places import Impossible

FAMILIES = {
    "schema": [tables.drop_table, tables.rename_table, tables.drop_column, tables.drop_column, tables.rename_column, tables.add_column, tables.make_table_anew, tables.make_table_anew, tables.drop_index, tables.add_index, tables.rename_index],
    "what runs": [running.add_trigger, running.add_trigger, running.add_trigger, running.table_as_view, running.add_view, running.change_view, running.change_view_query, running.add_virtual_table, running.write_schema],
    "rows": [
        rows.odd_value, rows.odd_value, rows.odd_json, rows.odd_json, rows.odd_setting, rows.superusers_options, rows.double_a_collection, rows.delete_rows, rows.swap_rows, rows.rename_collection, rows.odd_migrations,
    ],
    "bytes": [raw.flip_bytes, raw.flip_page_header, raw.flip_header, raw.swap_pages, raw.cut, raw.pragma, raw.encode],
    "files": [raw.odd_file, raw.odd_file, raw.odd_file, raw.no_auxiliary],
}  # fmt: skip
WEIGHTS = {"schema": 4, "what runs": 4, "rows": 6, "bytes": 3, "files": 1}


def mutate(unpacked, random):
    """One to three mutations."""
    wanted = random.choice([1, 1, 1, 2, 3])
    for _ in range(50):
        family = random.choices(list(WEIGHTS), list(WEIGHTS.values()))[0]
        try:
            random.choice(FAMILIES[family])(unpacked, random)
        except (
            Impossible,
            sqlite3.Error,
            OSError,
            ValueError,
            OverflowError,
            KeyError,
            TypeError,
            IndexError,
            AttributeError,
        ):
            continue
        wanted -= 1
        if not wanted:
            break
    assert unpacked.steps, "nothing could be mutated"
