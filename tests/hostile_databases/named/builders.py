"""Short ways to say what a mutation changes; each puts it into `NAMED`."""

from ..archive import DATA
from ..mutations.tables import make_anew

NAMED = {}


def named(function):
    NAMED[function.__name__.replace("_", " ").strip()] = function
    return function


def sql(name, *statements, database=DATA):
    """A mutation that is nothing but SQL."""

    def mutation(archive):
        for statement in statements:
            archive.sql(statement, (), database)

    NAMED[name] = mutation


def table(name, which, old, new, *, emptied=False):
    """A table whose definition is another, with the same rows unless it is `emptied`; `old` may be its end."""

    def mutation(archive):
        (definition,) = archive.rows("SELECT sql FROM sqlite_schema WHERE type = 'table' AND name = ?", (which,))[0]
        changed = definition[:-1] + new if old == ")$" else definition.replace(old, new)
        assert changed != definition, definition
        if emptied:
            archive.sql(f"DELETE FROM {which}", ())
        make_anew(archive, which, changed)

    NAMED[name] = mutation


def schema(name, statement, *values):
    NAMED[name] = lambda archive: archive.write_schema(statement, values)


def setting(title, /, **parts):
    """A mutation of the settings, part by part; a dictionary changes what it names of a part."""

    def change(settings):
        for part, value in parts.items():
            if isinstance(value, dict) and isinstance(settings.get(part), dict):
                settings[part].update(value)
            else:
                settings[part] = value

    NAMED[title] = lambda archive: archive.settings(change)


def superusers(title, /, **parts):
    """A mutation of the options of the collection of superusers."""

    def change(options):
        for part, value in parts.items():
            if isinstance(value, dict) and isinstance(options.get(part), dict):
                options[part].update(value)
            else:
                options[part] = value

    NAMED[title] = lambda archive: archive.options("_superusers", change)


def field(title, collection, which, /, **parts):
    """A mutation of one field of a collection."""

    def mutation(archive):
        fields = archive.json("_collections", collection, "fields")
        next(one for one in fields if one["name"] == which).update(parts)
        archive.set("_collections", collection, "fields", fields)

    NAMED[title] = mutation


def trigger(name, on, when, body, database=DATA):
    sql(name, f'CREATE TRIGGER t {when} ON "{on}" BEGIN {body}; END', database=database)


def pragma(name, statement):
    def mutation(archive):
        with archive.open() as connection:
            connection.execute(f"PRAGMA {statement}")
            connection.execute("VACUUM")

    NAMED[name] = mutation


def header(name, at, content, database=DATA):
    NAMED[name] = lambda archive: archive.patch(database, at, content)


def files(name, *made):
    def mutation(archive):
        for path, content in made:
            archive.file(path, content)

    NAMED[name] = mutation
