"""What lies in a stopped data directory, read with SQLite and made comparable."""

import json
import sqlite3

from .sample import without_clone_ids


def schema(directory, database="data.db"):
    """Every table, index and view with its SQL, white space apart."""
    connection = sqlite3.connect(f"file:{directory / database}?mode=ro", uri=True)
    rows = connection.execute("SELECT type, name, tbl_name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite_stat%' ORDER BY type, name").fetchall()
    connection.close()
    return {f"{kind} {name} on {table}": " ".join((sql or "").split()) for kind, name, table, sql in rows}


def migrations(directory, database="data.db"):
    connection = sqlite3.connect(f"file:{directory / database}?mode=ro", uri=True)
    rows = [row[0] for row in connection.execute("SELECT file FROM _migrations ORDER BY applied, file")]
    connection.close()
    return sorted(rows)


def collections(directory):
    """The rows of `_collections` by name, without what is random or a point in time."""
    connection = sqlite3.connect(f"file:{directory / 'data.db'}?mode=ro", uri=True)
    connection.row_factory = sqlite3.Row
    rows = {}
    for row in connection.execute("SELECT * FROM _collections"):
        row = {key: row[key] for key in row.keys() if key not in ("created", "updated")}
        for key in ("fields", "indexes", "options"):
            row[key] = json.loads(row[key])
        for key, value in row["options"].items():
            if isinstance(value, dict) and "secret" in value:
                assert len(value["secret"]) == 50, f"{row['name']}.{key}: a secret of {len(value['secret'])} characters"
                value["secret"] = "(random)"
        rows[row["name"]] = without_clone_ids(row)
    connection.close()
    return rows


def settings(directory):
    """The settings row, as JSON, and the keys of all parameters."""
    connection = sqlite3.connect(f"file:{directory / 'data.db'}?mode=ro", uri=True)
    columns = [row[1] for row in connection.execute("PRAGMA table_info(_params)")]
    keys = sorted(row[0] for row in connection.execute("SELECT id FROM _params"))
    value = connection.execute("SELECT value FROM _params WHERE id = 'settings'").fetchone()[0]
    connection.close()
    return {"columns": columns, "keys": keys, "settings": json.loads(value)}


def assert_like(ours, theirs, what):
    """Compares two dictionaries and names each key that differs."""
    wrong = [
        f"{key}:\n    ours   {ours.get(key, '(missing)')}\n    theirs {theirs.get(key, '(missing)')}"
        for key in sorted(set(ours) | set(theirs))
        if ours.get(key, "(missing)") != theirs.get(key, "(missing)")
    ]
    assert not wrong, f"{what}:\n" + "\n".join(wrong)


def assert_same_directories(ours, theirs):
    """Both stopped directories hold the same tables, collections, settings and migration history."""
    for database in ("data.db", "auxiliary.db"):
        assert_like(schema(ours, database), schema(theirs, database), f"schema of {database}")
        if "table _migrations on _migrations" in schema(theirs, database):
            assert migrations(ours, database) == migrations(theirs, database), f"migrations of {database}"
    assert_like(collections(ours), collections(theirs), "collections")
    assert_like(settings(ours), settings(theirs), "settings")
