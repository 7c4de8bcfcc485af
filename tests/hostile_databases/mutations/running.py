"""What runs by itself: triggers, views, virtual tables; and a schema that SQLite would never write."""

from ..archive import AUXILIARY, DATA, quote
from ..values import PLAIN
from .places import ODD_NAMES, place

# Runs until somebody stops it.
ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"


def add_trigger(unpacked, random):
    database, table = place(unpacked, random)
    other = random.choice(unpacked.tables(database))
    body = random.choice([
        ENDLESS, "SELECT RAISE(IGNORE)", "SELECT RAISE(ABORT, 'no')", "SELECT RAISE(FAIL, 'no')", "SELECT RAISE(ROLLBACK, 'no')", f"DELETE FROM {quote(other)}",
        f"DELETE FROM {quote(table)} WHERE rowid = new.rowid", f"INSERT INTO {quote(other)} DEFAULT VALUES", f"UPDATE {quote(table)} SET rowid = rowid + 1000",
        "SELECT * FROM nowhere", "SELECT zeroblob(900000000)", "SELECT load_extension('x')", "SELECT abs(-9223372036854775807 - 1)",
    ])  # fmt: skip
    timing, event = random.choice(["BEFORE", "AFTER"]), random.choice(["INSERT", "INSERT", "UPDATE", "DELETE"])
    if event == "DELETE":
        body = body.replace("new.", "old.")
    unpacked.sql(
        f"CREATE TRIGGER {random.choice(['t1', 'notes2', 'sq'])} {timing} {event} ON {quote(table)} BEGIN {body}; END",
        (),
        database,
    )


def table_as_view(unpacked, random):
    """What was a table is a view of one that is called otherwise, perhaps one that takes writes and does nothing."""
    database, table = place(unpacked, random)
    unpacked.sql(f"ALTER TABLE {quote(table)} RENAME TO {quote(table + '_kept')}", (), database)
    unpacked.sql(f"CREATE VIEW {quote(table)} AS SELECT * FROM {quote(table + '_kept')}", (), database)
    if random.random() < 0.5:
        unpacked.sql(f"CREATE TRIGGER swallow INSTEAD OF INSERT ON {quote(table)} BEGIN SELECT 1; END", (), database)


def add_view(unpacked, random):
    database = random.choice([DATA, DATA, DATA, AUXILIARY])
    name = random.choice(["v1", "_v", "notes2", "_logs2"])
    query = random.choice(
        [
            ENDLESS,
            "SELECT * FROM nowhere",
            f"SELECT * FROM {name}",
            "SELECT 1 AS id",
            "SELECT * FROM notes",
            "SELECT randomblob(900000000) AS id",
            "SELECT nofunction(1) AS id",
        ]
    )
    unpacked.sql(f"CREATE VIEW {name} AS {query}", (), database)


def change_view(unpacked, random):
    """The view of a collection runs something else than the collection says."""
    query = random.choice(
        [
            ENDLESS,
            "SELECT * FROM nowhere",
            "SELECT * FROM titles",
            "SELECT id FROM notes",
            "SELECT 1 AS id, 2 AS title, 3 AS orders",
            "SELECT email AS id, password AS title, 1 AS orders FROM _superusers",
        ]
    )
    unpacked.sql("DROP VIEW titles")
    unpacked.sql(f"CREATE VIEW titles AS {query}")


def change_view_query(unpacked, random):
    query = random.choice(
        [
            ENDLESS,
            "SELECT * FROM nowhere",
            "SELECT * FROM titles",
            "SELECT id FROM notes",
            "DELETE FROM notes",
            "SELECT id FROM notes; DROP TABLE notes",
            "",
            "SELECT 1 AS id",
            "(",
        ]
    )
    unpacked.options("titles", lambda options: options.update(viewQuery=query))


def add_virtual_table(unpacked, random):
    kind = random.randrange(3)
    if kind == 0:
        unpacked.sql("CREATE VIRTUAL TABLE words USING fts5(a)")
        unpacked.sql("INSERT INTO words VALUES ('one two')")
        if random.random() < 0.5:
            unpacked.sql(
                f"DROP TABLE {random.choice(['words_data', 'words_idx', 'words_content', 'words_docsize', 'words_config'])}"
            )
    elif kind == 1:
        unpacked.sql("CREATE VIRTUAL TABLE boxes USING rtree(id, a, b)")
    else:
        name = random.choice(["strange", "notes3", "_x"])
        unpacked.write_schema(
            "INSERT INTO sqlite_schema VALUES ('table', ?, ?, 0, ?)",
            (name, name, f"CREATE VIRTUAL TABLE {name} USING nosuch(a)"),
        )


def write_schema(unpacked, random):
    """Changes a row of the schema to what SQLite would never write."""
    database, table = place(unpacked, random)
    kind = random.randrange(7)
    if kind == 0:
        page = random.choice([0, 1, 2, 3, 7, 2**31 - 1, -1, None, "x"])
        unpacked.write_schema("UPDATE sqlite_schema SET rootpage = ? WHERE name = ?", (page, table), database)
    elif kind == 1:
        other = random.choice(unpacked.tables(database))
        unpacked.write_schema(
            "UPDATE sqlite_schema SET rootpage = (SELECT rootpage FROM sqlite_schema WHERE name = ?) WHERE name = ? AND type = 'table'",
            (other, table),
            database,
        )
    elif kind == 2:
        unpacked.write_schema(
            "UPDATE sqlite_schema SET sql = ? WHERE name = ?", (random.choice(PLAIN), table), database
        )
    elif kind == 3:
        unpacked.write_schema(
            "UPDATE sqlite_schema SET name = ? WHERE name = ?", (random.choice(ODD_NAMES), table), database
        )
    elif kind == 4:
        unpacked.write_schema(
            "UPDATE sqlite_schema SET type = ? WHERE name = ?",
            (random.choice(["view", "index", "trigger", "x", None]), table),
            database,
        )
    elif kind == 5:
        unpacked.write_schema(
            "INSERT INTO sqlite_schema SELECT * FROM sqlite_schema WHERE name = ?", (table,), database
        )
    else:
        unpacked.write_schema(
            "DELETE FROM sqlite_schema WHERE rowid = (SELECT max(rowid) FROM sqlite_schema WHERE rowid <= ?)",
            (random.randrange(1, 30),),
            database,
        )
