"""Tables, columns and indexes that are not what the collections say."""

from ..archive import AUXILIARY, DATA, quote
from .places import ODD_NAMES, Impossible, column_of, place


def drop_table(unpacked, random):
    database, table = place(unpacked, random)
    unpacked.sql(f"DROP TABLE {quote(table)}", (), database)


def rename_table(unpacked, random):
    database, table = place(unpacked, random)
    name = random.choice([*ODD_NAMES, table.upper(), table.capitalize()])
    unpacked.sql(f"ALTER TABLE {quote(table)} RENAME TO {quote(name)}", (), database)


def drop_column(unpacked, random):
    database, table = place(unpacked, random)
    unpacked.sql(
        f"ALTER TABLE {quote(table)} DROP COLUMN {quote(column_of(unpacked, random, table, database))}", (), database
    )


def rename_column(unpacked, random):
    database, table = place(unpacked, random)
    column = column_of(unpacked, random, table, database)
    name = random.choice([*ODD_NAMES, column.upper(), column.lower()])
    unpacked.sql(f"ALTER TABLE {quote(table)} RENAME COLUMN {quote(column)} TO {quote(name)}", (), database)


def add_column(unpacked, random):
    database, table = place(unpacked, random)
    what = random.choice([
        "TEXT", "BLOB DEFAULT x'ff'", "INTEGER NOT NULL DEFAULT 0", "TEXT NOT NULL DEFAULT ''", "TEXT CHECK (0)", "TEXT CHECK (length(x1) < 3)", "TEXT REFERENCES nowhere(id)",
        "TEXT GENERATED ALWAYS AS ('x') VIRTUAL", "INTEGER GENERATED ALWAYS AS (abs(-9223372036854775807 - 1)) VIRTUAL", "TEXT GENERATED ALWAYS AS (zeroblob(100000000)) VIRTUAL",
        "TEXT DEFAULT (hex(randomblob(1000)))", "TEXT COLLATE NOCASE", "",
    ])  # fmt: skip
    unpacked.sql(
        f"ALTER TABLE {quote(table)} ADD COLUMN {quote(random.choice(['x1', 'X1', 'created2', 'expand', '@x']))} {what}",
        (),
        database,
    )


def make_table_anew(unpacked, random):
    """With the same rows and another definition."""
    database, table = place(unpacked, random)
    (sql,) = unpacked.rows("SELECT sql FROM sqlite_schema WHERE type = 'table' AND name = ?", (table,), database)[0]
    swaps = [
        (" TEXT ", " INTEGER "), (" TEXT ", " BLOB "), (" TEXT ", " "), (" NOT NULL", ""), (" PRIMARY KEY", ""), ("PRIMARY KEY", "UNIQUE"), (" NUMERIC ", " TEXT "), (" BOOLEAN ", " TEXT "),
        (" JSON ", " INTEGER "), (" DEFAULT ''", ""), (" DEFAULT ''", " DEFAULT x'ff'"), ("`id` TEXT PRIMARY KEY", "`id` INTEGER PRIMARY KEY AUTOINCREMENT"),
        ("`id` TEXT", "`id` TEXT COLLATE NOCASE"), (")$", ") WITHOUT ROWID"), (")$", ", CHECK (0))"), (")$", ", FOREIGN KEY (id) REFERENCES nowhere(x))"), (")$", ", UNIQUE (created))"),
        ("randomblob(7)", "randomblob(0)"), ("lower(hex(randomblob(7)))", "'same'"),
    ]  # fmt: skip
    old, new = random.choice(swaps)
    changed = sql[:-1] + new if old == ")$" else sql.replace(old, new, random.choice([1, -1]))
    if changed == sql:
        raise Impossible
    make_anew(unpacked, table, changed, database)


def make_anew(unpacked, table, changed, database=DATA):
    """Gives a table another definition and the rows that it takes."""
    columns = ", ".join(quote(column) for column in unpacked.columns(table, database))
    # Not by `sql`: of these only the definition is worth telling.
    with unpacked.open(database) as connection:
        indexes = [
            row[0]
            for row in connection.execute(
                "SELECT sql FROM sqlite_schema WHERE type = 'index' AND tbl_name = ? AND sql NOT NULL", (table,)
            )
        ]
        connection.execute("BEGIN")
        connection.execute("PRAGMA legacy_alter_table = ON")
        connection.execute(f"ALTER TABLE {quote(table)} RENAME TO being_replaced")
        connection.execute(changed)
        connection.execute(f"INSERT OR IGNORE INTO {quote(table)} ({columns}) SELECT {columns} FROM being_replaced")
        connection.execute("DROP TABLE being_replaced")
        for index in indexes:
            connection.execute(index)
        connection.execute("COMMIT")
    unpacked.told(f"{database}: table {table} as {changed}")


def indexes(unpacked, database):
    found = unpacked.rows(
        "SELECT name FROM sqlite_schema WHERE type = 'index' AND sql NOT NULL ORDER BY name", (), database
    )
    if not found:
        raise Impossible
    return [row[0] for row in found]


def drop_index(unpacked, random):
    database = random.choice([DATA, DATA, AUXILIARY])
    unpacked.sql(f"DROP INDEX {quote(random.choice(indexes(unpacked, database)))}", (), database)


def add_index(unpacked, random):
    database, table = place(unpacked, random)
    column = quote(column_of(unpacked, random, table, database))
    what = random.choice(
        [
            column,
            f"{column} COLLATE NOCASE",
            f"length({column})",
            f"{column}) WHERE ({column} = 'x'",
            f"abs({column})",
            f"json({column})",
            f"{column}, {column}",
        ]
    )
    unique = random.choice(["", "UNIQUE "])
    unpacked.sql(
        f"CREATE {unique}INDEX {quote(random.choice(ODD_NAMES) + '_i')} ON {quote(table)} ({what})", (), database
    )


def rename_index(unpacked, random):
    database = random.choice([DATA, DATA, AUXILIARY])
    name = random.choice(indexes(unpacked, database))
    unpacked.write_schema(
        "UPDATE sqlite_schema SET name = ?, sql = replace(sql, ?, ?) WHERE name = ?",
        (name + "_2", name, name + "_2", name),
        database,
    )
