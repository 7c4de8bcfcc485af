"""Collections, and tables that are not what they say."""

import json

from ..mutations.rows import rebuild_without_unique
from .builders import field, named, sql, table

sql("no collections", "DELETE FROM _collections")
sql("no table of collections", "DROP TABLE _collections")
sql("no table of applied migrations", "DROP TABLE _migrations")
sql("no applied migration", "DELETE FROM _migrations")
sql("a collection without its table", "DROP TABLE notes")
sql("a system collection without its table", "DROP TABLE _externalAuths")
sql("a collection without one of its columns", 'ALTER TABLE "Order" DROP COLUMN "select"')
sql("a collection without its id", "ALTER TABLE notes RENAME COLUMN id TO ident")
sql("a collection without one of its indexes", "DROP INDEX idx_notes_code")
sql(
    "a collection whose unique index is none",
    "DROP INDEX idx_notes_code",
    "CREATE INDEX idx_notes_code ON notes (code)",
)
sql(
    "an index under a collection's index's name on another table",
    "DROP INDEX idx_notes_code",
    "CREATE INDEX idx_notes_code ON people (email)",
)
sql(
    "an index text that names no table",
    "UPDATE _collections SET indexes = '[\"CREATE UNIQUE INDEX `idx_notes_code` ON `` (`code`)\"]' WHERE name = 'notes'",
)
sql(
    "an index text that is another statement",
    "UPDATE _collections SET indexes = '[\"DROP TABLE notes\", \"\"]' WHERE name = 'notes'",
)
sql("a column that no field explains", "ALTER TABLE notes ADD COLUMN more TEXT NOT NULL DEFAULT 'x'")
table("a table without row numbers", "notes", ")$", ") WITHOUT ROWID")
table("a system's table without row numbers", "_authOrigins", ")$", ") WITHOUT ROWID")
table("an id that is a number in its table", "_authOrigins", "`id` TEXT PRIMARY KEY", "`id` INTEGER PRIMARY KEY", emptied=True)
table("a table whose definition forbids everything", "people", ")$", ", CHECK (username = 'ada'))")
table("a table whose definition refers to nowhere", "notes", ")$", ", FOREIGN KEY (level) REFERENCES nowhere (x))")
table("a table whose columns may be null and have no defaults", "notes", " DEFAULT '' NOT NULL", "")
table("a table that takes every value", "notes", " TEXT ", " ")
sql("a generated column", "ALTER TABLE notes ADD COLUMN more TEXT GENERATED ALWAYS AS (upper(title)) VIRTUAL")
sql(
    "a generated column that fails of the first record",
    "ALTER TABLE users ADD COLUMN more INTEGER GENERATED ALWAYS AS (abs(-9223372036854775807 - 1)) VIRTUAL",
)
sql(
    "a generated column that fails",
    "ALTER TABLE notes ADD COLUMN more INTEGER GENERATED ALWAYS AS (abs(-9223372036854775807 - 1 + 0 * score)) VIRTUAL",
)
sql("a check that nothing passes", "ALTER TABLE notes ADD COLUMN more TEXT CHECK (title NOT LIKE 'm%')")
sql(
    "an index that fails of what is new",
    "CREATE INDEX failing ON notes (CASE WHEN title LIKE 'm%' THEN abs(-9223372036854775807 - 1) END)",
)
sql(
    "a unique index that the collection does not have",
    "CREATE UNIQUE INDEX more ON notes (open, level) WHERE open = 1 AND level = 'low'",
)
sql("a collection that is a view", "ALTER TABLE notes RENAME TO kept", "CREATE VIEW notes AS SELECT * FROM kept")
sql(
    "a collection that is a view and swallows what is written",
    "ALTER TABLE people RENAME TO kept", "CREATE VIEW people AS SELECT * FROM kept", "CREATE TRIGGER t INSTEAD OF INSERT ON people BEGIN SELECT 1; END",
)  # fmt: skip
sql("a collection whose table keeps its old spelling", "UPDATE _collections SET name = 'NOTES' WHERE name = 'notes'")
sql("a collection of an unknown type", "UPDATE _collections SET type = 'strange' WHERE name = 'notes'")
sql("a collection that says it is a view", "UPDATE _collections SET type = 'view' WHERE name = 'notes'")
sql("a collection that says it is of type auth", "UPDATE _collections SET type = 'auth' WHERE name = 'notes'")
sql("a view that says it is a collection", "UPDATE _collections SET type = 'base' WHERE name = 'titles'")
sql("an own collection that says it is a system's", "UPDATE _collections SET system = 1 WHERE name = 'notes'")
sql("a system collection that says it is none", "UPDATE _collections SET system = 0 WHERE system = 1")
sql("a collection called as a table of the system", "UPDATE _collections SET name = '_params' WHERE name = 'Order'")
sql("a collection called as SQLite's own", "UPDATE _collections SET name = 'sqlite_schema' WHERE name = 'Order'")
sql("a collection without a name", "UPDATE _collections SET name = '' WHERE name = 'Order'")
sql("a collection without an id", "UPDATE _collections SET id = '' WHERE name = 'Order'")
sql("a collection with an id that leaves the folder", "UPDATE _collections SET id = '../../x' WHERE name = 'notes'")
sql(
    "collections with exchanged ids",
    "UPDATE _collections SET id = id || '-'",
    "UPDATE _collections SET id = (SELECT replace(id, '-', '') FROM _collections WHERE name = 'people') WHERE name = 'notes'",
)
sql(
    "a collection with the id of another in capitals",
    "UPDATE _collections SET id = (SELECT upper(id) FROM _collections WHERE name = 'people') WHERE name = 'notes'",
)
sql(
    "a rule that is no filter",
    "UPDATE _collections SET listRule = '(((', createRule = '@nothing', viewRule = x'ff' WHERE name = 'notes'",
)
sql("fields that are no JSON", "UPDATE _collections SET fields = '[{' WHERE name = 'notes'")
sql("fields that are null", "UPDATE _collections SET fields = 'null' WHERE name = 'notes'")
sql("no fields", "UPDATE _collections SET fields = '[]' WHERE name = 'notes'")
sql("indexes that are no JSON", "UPDATE _collections SET indexes = '[\"' WHERE name = 'notes'")
sql("options that are a list", "UPDATE _collections SET options = '[]' WHERE name = 'people'")
sql("options that are null", "UPDATE _collections SET options = 'null' WHERE name = 'people'")
field("a field of an unknown type", "notes", "title", type="strange")
field("two fields of one name", "notes", "body", name="title")
field("two fields of one name in another case", "notes", "body", name="TITLE")
field("two fields of one id", "notes", "body", id="text3208210256")
field("a field called as a column that is not there", "notes", "body", name="nowhere")
field("a field without a name", "notes", "body", name="")
field("a field whose type does not suit its column", "notes", "score", type="json")
field("a field whose pattern does not compile", "notes", "code", pattern="(((", autogeneratePattern="[")
field("an id whose pattern nothing passes", "notes", "id", pattern="^$", min=9, max=1)
field("an id that is no primary key", "notes", "id", primaryKey=False, system=False, required=False)
field("an id that is a number", "notes", "id", type="number")
field("limits beyond all numbers", "notes", "title", min=2**63, max=-(2**63))
field("a relation to nowhere", "Order", "note", collectionId="nowhere")
field("a relation to itself with deletion", "Order", "note", collectionId="pbc_4289593975", cascadeDelete=True)
field("a password with a cost without end", "people", "password", cost=2**31)


@named
def two_collections_of_one_name(archive):
    rebuild_without_unique(archive, "_collections")
    archive.sql(
        "INSERT INTO _collections SELECT 'pbc_1', system, type, name, fields, indexes, listRule, viewRule, createRule, updateRule, deleteRule, options, created, updated FROM _collections WHERE name = 'notes'"
    )


@named
def two_collections_of_one_name_in_another_case(archive):
    archive.sql(
        "INSERT INTO _collections SELECT 'pbc_1', system, type, 'NOTES', fields, indexes, listRule, viewRule, createRule, updateRule, deleteRule, options, created, updated FROM _collections WHERE name = 'notes'"
    )


@named
def two_collections_of_one_id(archive):
    rebuild_without_unique(archive, "_collections")
    archive.sql("UPDATE _collections SET id = (SELECT id FROM _collections WHERE name = 'people') WHERE name = 'notes'")


@named
def a_table_of_records_without_a_primary_key(archive):
    rebuild_without_unique(archive, "notes")


@named
def ten_thousand_fields(archive):
    fields = archive.json("_collections", "notes", "fields")
    fields += [{**fields[1], "id": f"text{n}", "name": f"f{n}"} for n in range(10_000)]
    archive.set("_collections", "notes", "fields", json.dumps(fields))
