"""Using what was restored as a superuser would: what the answers say must be what the database holds."""

import sqlite3

from .archive import DATA, quote
from .faults import clear, demand
from .records import body_for

REQUEST = 40
# What a field is changed to.
CHANGES = {"text": lambda value: value + "2", "number": lambda value: value + 1, "bool": lambda value: not value}
# So many steps a database may take to give a view's first row before nothing is asked of that view.
STEPS = 20_000_000


class Use:
    """One superuser's use of one restored database; `number` makes its records unlike others."""

    def __init__(self, root, directory, number):
        self.root, self.path, self.number = root, directory / DATA, number

    def everything(self):
        """Reads and writes in every collection."""
        answer = self.ask("GET", "/api/collections", params={"perPage": 500})
        demand(answer.status_code == 200, "the collections cannot be listed", told(answer))
        self.collections = answer.json()["items"]
        for collection in self.collections:
            records = f"/api/collections/{collection['id']}/records"
            answer = self.ask("GET", records, params={"perPage": 5})
            listed = answer.status_code == 200 or clear(answer) or self.is_endless(collection)
            demand(listed, f"records of {kind_of(collection)} cannot be listed", told(answer))
            if collection["type"] != "view":
                self.write(collection, records)

    def settings(self):
        answer = self.ask("GET", "/api/settings")
        demand(answer.status_code == 200, "the settings cannot be read", told(answer))
        return answer.json()

    def write(self, collection, records):
        """Creates, changes and deletes a record."""
        what, name = kind_of(collection), collection["name"]
        body = body_for(self.root, collection, self.collections, self.number)
        before = self.counts()
        answer = self.ask("POST", records, json=body)
        if answer.status_code != 200:
            demand(clear(answer), f"a create in {what} fails", f"{name}: {told(answer)}")
            changed = difference(before, self.counts())
            demand(not changed, f"a create in {what} is refused and changes the data", f"{name}: {changed}")
            return
        changed = difference(before, self.counts())
        right = changed == {name.lower(): 1}
        demand(right, f"a create in {what} answers 200 and is not what happened", f"{name}: {changed}")
        record = answer.json()
        one = f"{records}/{record['id']}"
        answer = self.ask("GET", one)
        demand(
            answer.status_code == 200, f"a record of {what} is created and cannot be read", f"{name}: {told(answer)}"
        )
        same = answer.json() == record
        demand(same, f"a record of {what} is not what its create answered", f"{name}: {answer.text} {record}")
        self.change(collection, body, record, one)
        answer = self.ask("DELETE", one)
        deleted = answer.status_code == 204
        demand(deleted or clear(answer), f"a deletion in {what} fails", f"{name}: {told(answer)}")
        changed = difference(before, self.counts())
        right = changed == ({} if deleted else {name.lower(): 1})
        demand(right, f"a deletion in {what} is not what happened", f"{name}: {told(answer)} {changed}")

    def change(self, collection, body, record, one):
        """Changes the first field that can be."""
        what, name = kind_of(collection), collection["name"]
        fields = (field for field in collection["fields"] if field["name"] in body and field["type"] in CHANGES)
        field = next(fields, None)
        if field is None:
            return
        key, value = field["name"], CHANGES[field["type"]](body[field["name"]])
        answer = self.ask("PATCH", one, json={key: value})
        done = answer.status_code == 200
        demand(done or clear(answer), f"a change in {what} fails", f"{name}: {told(answer)}")
        changed = self.ask("GET", one).json()
        right = changed == (answer.json() if done else record)
        demand(right, f"a change in {what} is not what its answer says", f"{name}: {told(answer)} {changed}")
        right = not done or changed.get(key, value) == value
        demand(right, f"a change in {what} answers 200 and is not what happened", f"{name}: {key}={value} {changed}")

    def ask(self, method, path, **rest):
        return self.root.send(method, path, expect=None, timeout=REQUEST, **rest)

    # --- the database, read beside the server -------------------------------------------------------------------------

    def open(self):
        return sqlite3.connect(f"file:{self.path}?mode=ro", uri=True, timeout=REQUEST)

    def counts(self):
        """How many rows each table has, but those that virtual tables keep, and those that only the server can read."""
        connection, counts = self.open(), {}
        try:
            for name, kind in connection.execute(
                "SELECT name, type FROM pragma_table_list WHERE schema = 'main'"
            ).fetchall():
                if kind not in ("table", "virtual") or name.startswith("sqlite_"):
                    continue
                try:
                    counts[name.lower()] = connection.execute(f"SELECT count(*) FROM {quote(name)}").fetchone()[0]
                except sqlite3.OperationalError:
                    if kind == "table":
                        raise
            return counts
        finally:
            connection.close()

    def is_endless(self, collection):
        """Whether it is a view that takes for ever by itself: then no answer about it is wrong, as long as one comes."""
        if collection["type"] != "view":
            return False
        connection = self.open()
        try:
            steps = iter(range(0, STEPS, 1000))
            connection.set_progress_handler(lambda: next(steps, None) is None, 1000)
            connection.execute(f"SELECT * FROM {quote(collection['name'])} LIMIT 1").fetchall()
            return False
        except sqlite3.OperationalError as error:
            return "interrupted" in str(error)
        finally:
            connection.close()


def difference(before, after):
    """How many rows more each table has."""
    names = sorted(before.keys() | after.keys())
    grown = {name: after.get(name, 0) - before.get(name, 0) for name in names}
    return {name: count for name, count in grown.items() if count}


def told(answer):
    return f"{answer.status_code} {answer.text}"


def kind_of(collection):
    """For the names of faults, which are to be the same for the same fault."""
    if collection["name"].startswith("_"):
        return collection["name"]
    return f"a collection of type {collection['type']}"
