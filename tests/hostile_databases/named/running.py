"""Triggers, views and virtual tables; then records."""

from ..archive import AUXILIARY
from ..mutations.running import ENDLESS
from .builders import NAMED, schema, sql, trigger

trigger("an endless trigger on inserts of a collection", "notes", "BEFORE INSERT", ENDLESS)
trigger("an endless trigger on changes of a collection", "notes", "AFTER UPDATE", ENDLESS)
trigger("an endless trigger on deletions of a collection", "notes", "AFTER DELETE", ENDLESS)
trigger("an endless trigger on logins", "_authOrigins", "AFTER INSERT", ENDLESS)
trigger("an endless trigger on applied migrations", "_migrations", "BEFORE INSERT", ENDLESS)
sql(
    "an endless trigger that the upgrade sets off",
    f"CREATE TRIGGER t BEFORE INSERT ON _migrations BEGIN {ENDLESS}; END",
    "DELETE FROM _migrations WHERE file LIKE '1778828400%'",
)
trigger("an endless trigger on the settings", "_params", "BEFORE UPDATE", ENDLESS)
trigger("an endless trigger on superusers", "_superusers", "BEFORE UPDATE", ENDLESS)
trigger("an endless trigger on the logs", "_logs", "AFTER INSERT", ENDLESS, AUXILIARY)
trigger("an endless trigger on the logs' cleaning", "_logs", "BEFORE DELETE", ENDLESS, AUXILIARY)
trigger(
    "a trigger that fills the disk slowly",
    "notes",
    "AFTER INSERT",
    'INSERT INTO "Order" (id) SELECT hex(randomblob(7)) FROM notes',
)
trigger("a trigger that lets inserts pass for done", "notes", "BEFORE INSERT", "SELECT RAISE(IGNORE)")
trigger("a trigger that lets changes pass for done", "notes", "BEFORE UPDATE", "SELECT RAISE(IGNORE)")
trigger("a trigger that lets deletions pass for done", "notes", "BEFORE DELETE", "SELECT RAISE(IGNORE)")
trigger("a trigger that lets new superusers pass for made", "_superusers", "BEFORE INSERT", "SELECT RAISE(IGNORE)")
trigger("a trigger that lets logs pass for written", "_logs", "BEFORE INSERT", "SELECT RAISE(IGNORE)", AUXILIARY)
trigger("a trigger that aborts", "notes", "BEFORE INSERT", "SELECT RAISE(ABORT, 'no')")
trigger("a trigger that rolls everybody's writes back", "notes", "AFTER INSERT", "SELECT RAISE(ROLLBACK, 'no')")
trigger(
    "a trigger that fails and keeps what it did",
    "notes",
    "AFTER INSERT",
    "DELETE FROM people; SELECT RAISE(FAIL, 'no')",
)
trigger("a trigger that deletes what was made", "notes", "AFTER INSERT", "DELETE FROM notes WHERE rowid = new.rowid")
trigger(
    "a trigger that changes what was made",
    "notes",
    "AFTER INSERT",
    "UPDATE notes SET title = 'other' WHERE rowid = new.rowid",
)
trigger("a trigger that deletes elsewhere", "notes", "AFTER INSERT", 'DELETE FROM "Order"')
trigger(
    "a trigger that makes superusers",
    "notes",
    "AFTER INSERT",
    "INSERT INTO _superusers (id, email, tokenKey) VALUES (hex(randomblob(7)), new.id || '@x.de', new.id)",
)
trigger("a trigger that names a table that is not there", "notes", "BEFORE INSERT", "SELECT * FROM nowhere")
trigger("a trigger that calls what loads code", "notes", "BEFORE INSERT", "SELECT load_extension('x')")
trigger("a trigger that wants all memory", "notes", "BEFORE INSERT", "SELECT hex(zeroblob(400000000))")
sql("a view that never ends", "DROP VIEW titles", f"CREATE VIEW titles AS {ENDLESS}")
sql(
    "a view that is not its collection's",
    "DROP VIEW titles",
    "CREATE VIEW titles AS SELECT email AS id, password AS title, 1 AS orders FROM _superusers",
)
sql("a view that selects from itself", "DROP VIEW titles", "CREATE VIEW titles AS SELECT * FROM titles")
sql("a view that is gone", "DROP VIEW titles")
sql("a view that is a table", "DROP VIEW titles", "CREATE TABLE titles (id TEXT, title TEXT, orders INTEGER)")
sql("a view beside the collections that never compiles", "CREATE VIEW v AS SELECT nofunction(1) AS id FROM nowhere")
sql("a view beside the collections", "CREATE VIEW v AS SELECT id FROM notes")
sql("a table beside the collections", "CREATE TABLE more (a)", "INSERT INTO more VALUES (1)")
sql(
    "a table for full text beside the collections",
    "CREATE VIRTUAL TABLE words USING fts5(a)",
    "INSERT INTO words VALUES ('one two')",
)
sql("a broken table for full text", "CREATE VIRTUAL TABLE words USING fts5(a)", "DROP TABLE words_data")
sql(
    "a collection that is a table for full text",
    'DROP TABLE "Order"',
    'CREATE VIRTUAL TABLE "Order" USING fts5(id, "group", "select", note, others)',
)
sql("a table of R-trees", "CREATE VIRTUAL TABLE boxes USING rtree(id, a, b)")
schema(
    "a virtual table of a module that nobody has",
    "INSERT INTO sqlite_schema VALUES ('table', 'strange', 'strange', 0, 'CREATE VIRTUAL TABLE strange USING nosuch(a)')",
)
schema(
    "two tables on one page",
    "UPDATE sqlite_schema SET rootpage = (SELECT rootpage FROM sqlite_schema WHERE name = 'users') WHERE type = 'table' AND name = 'people'",
)
schema(
    "a table on the schema's own page", "UPDATE sqlite_schema SET rootpage = 1 WHERE type = 'table' AND name = 'notes'"
)
schema(
    "a table whose definition is nonsense",
    "UPDATE sqlite_schema SET sql = 'nonsense' WHERE type = 'table' AND name = 'notes'",
)
schema(
    "a table whose definition is another's",
    "UPDATE sqlite_schema SET sql = 'CREATE TABLE notes (x, y)' WHERE type = 'table' AND name = 'notes'",
)
schema(
    "a trigger whose definition is nonsense",
    "INSERT INTO sqlite_schema VALUES ('trigger', 't', 'notes', 0, 'CREATE TRIGGER t nonsense')",
)
schema(
    "a name in the schema that is bytes",
    "INSERT INTO sqlite_schema VALUES ('table', x'ff', x'ff', 0, 'CREATE TABLE x (a)')",
)
NAMED["a view's query that deletes"] = lambda archive: archive.options(
    "titles", lambda options: options.update(viewQuery="SELECT 1 AS id; DELETE FROM notes")
)
NAMED["a view's query that never ends"] = lambda archive: archive.options(
    "titles", lambda options: options.update(viewQuery=ENDLESS)
)
NAMED["a view's query of another type"] = lambda archive: archive.options(
    "titles", lambda options: options.update(viewQuery=[1])
)

sql("ids that leave their folder", "UPDATE notes SET id = '../../' || id")
sql("ids that are bytes", "UPDATE notes SET id = CAST(id AS BLOB)")
sql("ids that are no text", "UPDATE notes SET id = CAST(x'ff00fe' AS TEXT) || id")
sql(
    "numbers that are text and text that is bytes",
    "UPDATE notes SET score = 'x', title = x'ff', open = 7.5, due = 3, extra = '{', tags = 'x'",
)
sql("names of files that leave their folder", 'UPDATE notes SET paper = \'["../../data.db", "/etc/passwd", ""]\'')
sql("relations that are no ids", "UPDATE \"Order\" SET note = x'00', others = '{\"a\": 1}'")
