"""The base's contents, unpacked, for a mutation to change, and packed again."""

import contextlib
import json
import shutil
import sqlite3
import zipfile
from pathlib import Path

DATA, AUXILIARY = "data.db", "auxiliary.db"


class Unpacked:
    """A copy of the base in a folder of its own. `steps` says what was done to it."""

    def __init__(self, folder):
        self.folder, self.steps = Path(folder), []

    @classmethod
    def base(cls, archive, folder):
        """What is in an archive, ready to be copied: its databases keep no write-ahead log, so that each is one file."""
        base = cls(folder)
        with zipfile.ZipFile(archive) as opened:
            opened.extractall(base.folder)
        # The manifest would tell of every change; PocketBase's archives have none.
        shutil.rmtree(base.folder / ".bosbase", ignore_errors=True)
        for name in (DATA, AUXILIARY):
            with base.open(name) as connection:
                assert connection.execute("PRAGMA journal_mode = DELETE").fetchone() == ("delete",)
        return base

    def copy(self, folder):
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(self.folder, folder)
        return Unpacked(folder)

    def path(self, name):
        return self.folder / name

    # --- changing it --------------------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def open(self, database=DATA):
        connection = sqlite3.connect(self.path(database), isolation_level=None)
        # A row may hold text that is none.
        connection.text_factory = lambda raw: raw.decode(errors="surrogateescape")
        try:
            yield connection
        finally:
            connection.close()

    def sql(self, statement, values=(), database=DATA):
        """Runs one statement and remembers it."""
        with self.open(database) as connection:
            connection.execute(statement, values)
        self.told(f"{database}: {statement}" + shown(values))

    def write_schema(self, statement, values=(), database=DATA):
        """Changes `sqlite_schema` itself, which SQLite's own commands could not bring about."""
        with self.open(database) as connection:
            connection.execute("PRAGMA writable_schema = ON")
            connection.execute(statement, values)
        self.told(f"{database}: (writable_schema) {statement}" + shown(values))

    def told(self, step):
        self.steps.append(step)

    def rows(self, statement, values=(), database=DATA):
        with self.open(database) as connection:
            return connection.execute(statement, values).fetchall()

    def tables(self, database=DATA):
        return [
            row[0]
            for row in self.rows(
                "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name",
                (),
                database,
            )
        ]

    def columns(self, table, database=DATA):
        return [row[1] for row in self.rows(f"PRAGMA table_info({quote(table)})", (), database)]

    def json(self, table, key, column):
        """A value of a row, parsed."""
        return json.loads(
            self.rows(f"SELECT {quote(column)} FROM {quote(table)} WHERE {quote(KEYS[table])} = ?", (key,))[0][0]
        )

    def set(self, table, key, column, value):
        """Sets a value of a row; a list or dictionary as JSON."""
        if isinstance(value, (dict, list)):
            value = json.dumps(value)
        self.sql(f"UPDATE {quote(table)} SET {quote(column)} = ? WHERE {quote(KEYS[table])} = ?", (value, key))

    def settings(self, change):
        """Lets `change` alter the settings."""
        value = self.json("_params", "settings", "value")
        change(value)
        self.set("_params", "settings", "value", value)

    def options(self, collection, change):
        """Lets `change` alter the options of a collection."""
        value = self.json("_collections", collection, "options")
        change(value)
        self.set("_collections", collection, "options", value)

    def patch(self, name, at, content):
        """Writes bytes into a file; `at` counts from its end where it is negative."""
        with self.path(name).open("r+b") as file:
            file.seek(at, 2 if at < 0 else 0)
            file.write(content)
        self.told(f"{name}: {len(content)} bytes at {at}: {content[:40].hex()}")

    def file(self, name, content=b""):
        """Puts a file in place of what was there."""
        path = self.path(name)
        if path.is_dir():
            shutil.rmtree(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        self.told(f"{name}: a file of {len(content)} bytes")

    # --- packing it ---------------------------------------------------------------------------------------------------

    def pack(self, archive):
        """Databases are marked for a write-ahead log, as those of archives are, unless something else was made of their mode."""
        with zipfile.ZipFile(archive, "w") as made:
            for path in sorted(self.folder.rglob("*")):
                name = str(path.relative_to(self.folder))
                if path.is_dir():
                    made.writestr(name + "/", b"")
                    continue
                content = path.read_bytes()
                if name in (DATA, AUXILIARY) and content[18:20] == b"\1\1":
                    content = content[:18] + b"\2\2" + content[20:]
                made.writestr(name, content)


def shown(values):
    return " with " + ", ".join(f"{value!r:.80}" for value in values) if values else ""


# What a row is found by.
KEYS = {"_collections": "name", "_params": "id", "_superusers": "email", "_migrations": "file"}


def quote(name):
    return '"' + name.replace('"', '""') + '"'
