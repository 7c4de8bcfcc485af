"""Records of a backup come back beside random changes, as a model says."""

import random
import threading

import pytest

from .library import file_of, recover

pytestmark = [pytest.mark.ours, pytest.mark.usefixtures("library")]


def test_it_goes_on_beside_writers_and_removals(server, root):
    """Deletions of the very records that come back: in the end each is there with its file, or gone with it."""
    made = [root.create("authors", {"name": f"n{n}"}, files=[("picture", ("f.txt", str(n).encode()))]) for n in range(12)]
    root.back_up("one.zip")
    stop = threading.Event()

    def delete():
        client, rng = server.root(), random.Random(7)
        while not stop.is_set():
            one = rng.choice(made)
            client.send("DELETE", f"/api/collections/authors/records/{one['id']}", expect=(204, 404))

    thread = threading.Thread(target=delete)
    thread.start()
    try:
        for _ in range(25):
            recover(root, "one.zip", collection="authors", ids=[one["id"] for one in made], expect=(200, 503))
    finally:
        stop.set()
        thread.join()
    there = {one["id"]: one for one in root.records("authors")}
    for n, one in enumerate(made):
        folder = server.directory / "storage" / one["collectionId"] / one["id"]
        if one["id"] in there:
            assert (folder / one["picture"][0]).read_bytes() == str(n).encode()
    recover(root, "one.zip", collection="authors", ids=[one["id"] for one in made])
    assert sorted(root.records("authors"), key=lambda one: one["id"]) == sorted(made, key=lambda one: one["id"])
    for n, one in enumerate(made):
        assert file_of(root, one, one["picture"][0]) == str(n).encode()


class Model:
    """What the records of a library are, and what a recovery makes of them."""

    BELOW = {"authors": [("books", "author")], "books": [("chapters", "book")], "chapters": []}

    def __init__(self, now, then):
        self.now, self.then = {name: dict(all) for name, all in now.items()}, then

    def chosen(self, collection, ids):
        """The chosen records and, level by level, those that went with them."""
        chosen = [(collection, one) for one in ids]
        for parent, one in chosen:
            for child, field in self.BELOW[parent]:
                found = (record["id"] for record in self.then[child].values() if record[field] == one)
                chosen += [(child, each) for each in found if (child, each) not in chosen and each not in self.now[child]]
        return chosen

    def recovered(self, collection, ids, overwrite):
        """Whether it can be; changes what is now."""
        chosen = self.chosen(collection, ids)
        for name, one in chosen:
            wanted, there = dict(self.then[name][one]), self.now[name].get(one)
            if there is not None and not overwrite:
                continue
            for field, target in (("author", "authors"), ("book", "books")):
                if wanted.get(field) and wanted[field] not in self.now[target] and (target, wanted[field]) not in chosen:
                    if field == "book":
                        return False
                    wanted[field] = ""
            self.now[name][one] = wanted
        # An index keeps the names of authors unique: in the end, not at each step.
        names = [author["name"] for author in self.now["authors"].values()]
        return len(set(names)) == len(names)


def test_random_changes_are_recovered_as_a_model_says(server, root):
    """Random deletions and changes, then random recoveries from two backups: the data is what the model says, files included."""
    rng = random.Random(15)
    contents = {}
    for n in range(6):
        author = root.create("authors", {"name": f"a{n}"}, files=[("picture", ("p.txt", f"p{n}".encode()))])
        contents[author["picture"][0]] = f"p{n}".encode()
        for m in range(2):
            book = root.create("books", {"title": f"b{n}{m}", "author": author["id"]}, files=[("text", ("t.txt", f"t{n}{m}".encode()))])
            contents[book["text"]] = f"t{n}{m}".encode()
            root.create("chapters", {"n": m, "book": book["id"]})

    def state():
        return {name: {one["id"]: one for one in root.records(name)} for name in Model.BELOW}

    def disturb():
        name = rng.choice(sorted(Model.BELOW)[:2])
        records = sorted(root.records(name), key=lambda record: record["id"])
        if not records:
            return
        one = rng.choice(records)
        if name == "authors" and len(records) > 1 and rng.random() < 0.5:
            one, other = rng.sample(records, 2)
            for record, taken in ((one, "between"), (other, one["name"]), (one, other["name"])):
                root.patch(f"/api/collections/authors/records/{record['id']}", json={"name": taken})
        elif rng.random() < 0.5:
            root.delete(f"/api/collections/{name}/records/{one['id']}")
        else:
            field = {"authors": "name", "books": "title"}[name]
            root.patch(f"/api/collections/{name}/records/{one['id']}", json={field: f"changed {rng.random()}"})

    backups = {}
    for key in ("first.zip", "second.zip"):
        root.back_up(key)
        backups[key] = state()
        for _ in range(4):
            disturb()
    outcomes = []
    for _ in range(40):
        key, name, overwrite = rng.choice(sorted(backups)), rng.choice(sorted(Model.BELOW)), rng.random() < 0.5
        if not backups[key][name]:
            continue
        ids = rng.sample(sorted(backups[key][name]), k=rng.randint(1, min(3, len(backups[key][name]))))
        before = state()
        model = Model(before, backups[key])
        can_be = model.recovered(name, ids, overwrite)
        asked = {"collection": name, "ids": ids, "children": True, "overwrite": overwrite}
        dry = recover(root, key, dryRun=True, **asked)
        assert state() == before and (dry["blocked"] == 0) == can_be
        answer = recover(root, key, expect=200 if can_be else 400, **asked)
        assert state() == (model.now if can_be else before), (key, asked, answer)
        outcomes.append((can_be, overwrite))
        if can_be:
            assert [answer[count] for count in ("added", "changed", "left")] == [dry[count] for count in ("added", "changed", "left")]
        disturb()
    assert len(set(outcomes)) >= 3, "the seed tries too little"
    for record in root.records("authors") + root.records("books"):
        for name in record.get("picture") or [record["text"]]:
            assert file_of(root, record, name) == contents[name]
    lying = {path.name for path in (server.directory / "storage").rglob("*") if path.is_file() and not path.name.endswith(".attrs")}
    named = {name for record in root.records("authors") + root.records("books") for name in record.get("picture") or [record["text"]]}
    assert lying == named
