"""Where a mutation may set in."""

from ..archive import AUXILIARY, DATA

# Names that a table, column or collection should not have, or not twice.
ODD_NAMES = [
    "x",
    "notes",
    "NOTES",
    "_x",
    "order",
    "select",
    "a b",
    "a`b",
    'a"b',
    "a'b",
    "é",
    "🦀",
    "x" * 300,
    "main",
    "data",
    "_collections2",
    "id",
    "rowid",
    "_logs",
]


class Impossible(Exception):
    """This mutation cannot be done to this archive."""


def place(unpacked, random):
    """A database and one of its tables."""
    database = random.choice([DATA] * 9 + [AUXILIARY])
    tables = unpacked.tables(database)
    if not tables:
        raise Impossible
    return database, random.choice(tables)


def column_of(unpacked, random, table, database):
    columns = unpacked.columns(table, database)
    if not columns:
        raise Impossible
    return random.choice(columns)
