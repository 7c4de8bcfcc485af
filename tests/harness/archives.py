"""Archives as another program might have packed them."""

import sqlite3
import tempfile
import zipfile
from pathlib import Path


def repacked(archive, path, change, extra=()):
    """The same archive without our manifest, each file as `change(name, bytes)` has it (None leaves it out), and what is `extra`."""
    with zipfile.ZipFile(archive) as source, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            content = None if name.startswith(".bosbase/") else change(name, source.read(name))
            if content is not None:
                target.writestr(name, content)
        for name, content in extra:
            target.writestr(name, content)
    return path


def with_sql(*statements, database="data.db"):
    """A change for `repacked`: runs the statements on a database."""

    def change(name, content):
        if name != database:
            return content
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / name
            path.write_bytes(content)
            run_sql(path, *statements)
            return path.read_bytes()

    return change


def run_sql(path, *statements):
    """Runs the statements on a database that nobody has open, and leaves one file."""
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA journal_mode=DELETE")
    for statement in statements:
        connection.execute(statement)
        connection.commit()
    connection.close()
