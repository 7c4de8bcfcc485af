"""Values that nobody expects where they are put."""

PLAIN = [
    None, "", " ", "x", "0", 0, 1, -1, 2**31, 2**63 - 1, -(2**63), 1e308, 0.5, True, False, b"", b"\xff\xfe\x00", "\0", "a\0b", "é", "\u202e", "🦀",
    "null", "[]", "{}", "[null]", "[{}]", '"x"', "{", '{"a":', "[" * 2000 + "]" * 2000, "x" * 100_000, "../../x", "/etc/passwd", "'; DROP TABLE notes; --",
    "`", '"', "]", "%", "_superusers", "notes", "NOTES", "sqlite_schema", "sqlite_x", "auth", "base", "view", "AUTH", "@request.auth.id != ''",
    "@collection.notes.id ?= id", "(((", "id = id", "9999-12-31 00:00:00.000Z", "-1", "1e999", "NaN",
]  # fmt: skip
JSON = [
    None, True, False, 0, 1, -1, 1.5, 2**53, 2**63, 2**64, -(2**63), 1e308, "", " ", "x", "id", "\0", "é" * 300, "x" * 70_000, [], {}, [None], [[]], [{}], {"": None},
    {"id": 1}, ["x", "x"], "_superusers", "notes", "NOTES", "text", "relation", "auth", "@request.auth.id", "(((", "255.255.255.255/0", "::/129", "127.0.0.1", ["203.0.113.9"],
    "* * * * *", "not a cron", "http://127.0.0.1:1", "^(((a+)+)+)$", "[", "(?<", "CREATE INDEX", "CREATE UNIQUE INDEX `x` ON `notes` (`title`)", "DROP TABLE notes",
]  # fmt: skip


def mutate_json(value, random):
    """The same with something in it left out, exchanged, renamed or twice; and what was done."""
    places = list(spots(value))
    if not places:
        return random.choice(JSON), "the whole value"
    holder, key, path = random.choice(places)
    kind = random.randrange(5)
    if kind == 0:
        del holder[key]
        return value, f"without {path}"
    if kind == 1 and isinstance(holder, list):
        holder.insert(random.randrange(len(holder) + 1), holder[key])
        return value, f"{path} twice"
    if kind == 2 and isinstance(holder, dict):
        name = random.choice([key.upper(), key + "x", "", "id"])
        holder[name] = holder.pop(key)
        return value, f"{path} called {name!r}"
    if kind == 3:
        _, _, other = places[random.randrange(len(places))]
        found = next(h[k] for h, k, p in places if p == other)
        holder[key] = found if not isinstance(found, (dict, list)) else []
        return value, f"{path} as {other}"
    new = random.choice(JSON)
    holder[key] = new
    return value, f"{path} = {new!r:.80}"


def spots(value, path=""):
    """(the list or dictionary, the key in it, a name for the place) of everything in a JSON value."""
    if isinstance(value, dict):
        items = list(value.items())
    elif isinstance(value, list):
        items = list(enumerate(value))
    else:
        return
    for key, inner in items:
        here = f"{path}.{key}"
        yield value, key, here
        yield from spots(inner, here)
