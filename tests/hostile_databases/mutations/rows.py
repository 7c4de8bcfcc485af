"""Rows that no server would have written: collections, settings, superusers, applied migrations, records."""

from ..archive import AUXILIARY, DATA, quote
from ..values import PLAIN, mutate_json
from .places import ODD_NAMES, Impossible, column_of


def odd_value(unpacked, random):
    """One value of one row of any table."""
    database = random.choice([DATA] * 9 + [AUXILIARY])
    tables = unpacked.tables(database)
    table = random.choice(
        [*tables, *(["_collections", "_params", "_superusers", "_migrations"] * 3 if database == DATA else [])]
    )
    column = column_of(unpacked, random, table, database)
    rows = unpacked.rows(f"SELECT rowid FROM {quote(table)}", (), database)
    if not rows:
        raise Impossible
    value, rowid = random.choice(PLAIN), random.choice(rows)[0]
    cast = "CAST(? AS TEXT)" if isinstance(value, bytes) and random.random() < 0.5 else "?"
    unpacked.sql(f"UPDATE {quote(table)} SET {quote(column)} = {cast} WHERE rowid = ?", (value, rowid), database)


def odd_json(unpacked, random):
    """One thing in the JSON of a collection or of the settings."""
    table, column = random.choice(
        [
            ("_collections", "fields"),
            ("_collections", "fields"),
            ("_collections", "indexes"),
            ("_collections", "options"),
            ("_params", "value"),
        ]
    )
    key = (
        "settings"
        if table == "_params"
        else random.choice([row[0] for row in unpacked.rows("SELECT name FROM _collections")])
    )
    value, what = mutate_json(unpacked.json(table, key, column), random)
    unpacked.set(table, key, column, value if isinstance(value, (dict, list)) else repr(value))
    unpacked.told(f"which is {key}.{column}: {what}")


def odd_setting(unpacked, random):
    value, what = mutate_json(unpacked.json("_params", "settings", "value"), random)
    unpacked.set("_params", "settings", "value", value)
    unpacked.told(f"which is: {what}")


def superusers_options(unpacked, random):
    value, what = mutate_json(unpacked.json("_collections", "_superusers", "options"), random)
    unpacked.set("_collections", "_superusers", "options", value)
    unpacked.told(f"which is: {what}")


def double_a_collection(unpacked, random):
    names = [row[0] for row in unpacked.rows("SELECT name FROM _collections")]
    name = random.choice(names)
    columns = unpacked.columns("_collections")
    new = {
        "id": random.choice(["pbc_1", "", "notes", "_pb_users_auth_2"]),
        "name": random.choice([name, name.upper(), name + "2", random.choice(names)]),
    }
    if any(row[0] == new["name"] for row in unpacked.rows("SELECT name FROM _collections")):
        unpacked.write_schema(
            "DELETE FROM sqlite_schema WHERE type = 'index' AND tbl_name = '_collections' AND sql NOT NULL"
        )
        rebuild_without_unique(unpacked, "_collections")
    picked = ", ".join("?" if column in new else quote(column) for column in columns)
    values = tuple(new[column] for column in columns if column in new)
    unpacked.sql(f"INSERT INTO _collections SELECT {picked} FROM _collections WHERE name = ?", (*values, name))


def rebuild_without_unique(unpacked, table):
    """Makes a table anew as one that keeps nothing apart."""
    with unpacked.open() as connection:
        connection.execute(f"CREATE TABLE being_made AS SELECT * FROM {quote(table)}")
        connection.execute(f"DROP TABLE {quote(table)}")
        connection.execute("PRAGMA legacy_alter_table = ON")
        connection.execute(f"ALTER TABLE being_made RENAME TO {quote(table)}")
    unpacked.told(f"{DATA}: {table} without keys and constraints")


def delete_rows(unpacked, random):
    database = random.choice([DATA] * 9 + [AUXILIARY])
    tables = unpacked.tables(database)
    table = random.choice(
        [*tables, *(["_collections", "_params", "_superusers", "_migrations"] if database == DATA else [])]
    )
    where = random.choice(
        [
            "",
            " WHERE rowid = (SELECT min(rowid) FROM {0})",
            " WHERE rowid % 2",
            " WHERE rowid = (SELECT max(rowid) FROM {0})",
        ]
    )
    unpacked.sql(f"DELETE FROM {quote(table)}{where.format(quote(table))}", (), database)


def swap_rows(unpacked, random):
    """Two collections exchange a value."""
    (one, other) = random.sample([row[0] for row in unpacked.rows("SELECT name FROM _collections")], 2)
    column = random.choice(["fields", "indexes", "options", "type", "system", "createRule"])
    (left,), (right,) = (
        unpacked.rows(f"SELECT {quote(column)} FROM _collections WHERE name = ?", (name,))[0] for name in (one, other)
    )
    unpacked.set("_collections", one, column, right)
    unpacked.set("_collections", other, column, left)


def rename_collection(unpacked, random):
    names = [row[0] for row in unpacked.rows("SELECT name FROM _collections")]
    name = random.choice(names)
    unpacked.set(
        "_collections",
        name,
        "name",
        random.choice(
            [*ODD_NAMES, name.upper(), name.capitalize(), "sqlite_x", "", "_migrations", "_params", "_collections"]
        ),
    )


def odd_migrations(unpacked, random):
    kind = random.randrange(3)
    if kind == 0:
        unpacked.sql("DELETE FROM _migrations WHERE rowid % 2 = ?", (random.randrange(2),))
    elif kind == 1:
        unpacked.sql("DELETE FROM _migrations WHERE file LIKE '17%' AND file NOT LIKE '171%'")
    else:
        unpacked.sql(
            "INSERT INTO _migrations VALUES (?, ?)",
            (random.choice(["9999999999_future.go", "1_made.js", "", "x" * 5000]), random.choice([0, -1, 2**63 - 1])),
        )
