"""Collections of every type, with fields of every kind, indexes, rules and options: mostly right ones."""

from .filters import is_no_chance

KINDS = ["text", "text", "number", "bool", "email", "url", "editor", "date", "autodate", "select", "select", "relation", "relation", "json", "file", "geoPoint", "password"]
NAMES = ["a", "b", "title", "n", "Flag", "note_1", "x", "data", "place", "link", "day", "tags", "owner", "friends", "doc", "long_name_of_a_field", "Z"]
WRONG_FIELDS = [
    {}, {"name": "x"}, {"type": "text"}, {"name": "x", "type": "nope"}, {"name": "a b", "type": "text"}, {"name": "id", "type": "number"}, {"name": "expand", "type": "text"},
    {"name": "collectionId", "type": "text"}, {"name": "1a", "type": "text"}, {"name": "ä", "type": "text"}, {"name": "x", "type": "text", "min": 5, "max": 2}, {"name": "x", "type": "text", "pattern": "["},
    {"name": "x", "type": "number", "min": 5, "max": 2}, {"name": "x", "type": "select", "values": []}, {"name": "x", "type": "select", "values": ["a", "a"]}, {"name": "x", "type": "select", "values": ["a"], "maxSelect": 3},
    {"name": "x", "type": "relation", "collectionId": "nope"}, {"name": "x", "type": "file", "thumbs": ["x"]}, {"name": "x", "type": "file", "maxSize": -1}, {"name": "x", "type": "date", "min": "nope"}, {"name": "x", "type": "autodate"},
    {"name": "x", "type": "email", "onlyDomains": ["a.b"], "exceptDomains": ["c.d"]}, {"name": "x", "type": "text", "required": "yes"}, {"name": "x", "type": "text", "max": "5"}, {"name": 5, "type": "text"}, {"name": "x", "type": "text", "max": 1.5},
    {"name": "_via_", "type": "text"}, {"name": "a_via_b", "type": "text"}, {"name": "x", "type": "text", "hidden": None}, {"name": "x" * 101, "type": "text"}, {"name": "x", "type": "password", "cost": 3},
]
OPTIONS = [
    {"passwordAuth": {"enabled": True, "identityFields": ["email"]}}, {"passwordAuth": {"enabled": False, "identityFields": ["email"]}}, {"passwordAuth": {"enabled": True, "identityFields": ["email", "title"]}},
    {"passwordAuth": {"enabled": True, "identityFields": []}}, {"authRule": None}, {"authRule": "verified = true"}, {"authRule": "nope = 1"}, {"manageRule": ""}, {"manageRule": "@request.auth.id != ''"}, {"manageRule": "id = @request.auth.id"},
    {"authToken": {"duration": 5}}, {"authToken": {"duration": 3600}}, {"fileToken": {"duration": 0}}, {"otp": {"enabled": True, "duration": 300, "length": 6}}, {"otp": {"enabled": True, "duration": 1, "length": 2}},
    {"mfa": {"enabled": True, "duration": 600, "rule": ""}}, {"mfa": {"enabled": True, "duration": 600}, "otp": {"enabled": True, "duration": 300, "length": 6}}, {"authAlert": {"enabled": False}},
    {"oauth2": {"enabled": True, "providers": [{"name": "github", "clientId": "a", "clientSecret": "b"}]}}, {"oauth2": {"enabled": True, "providers": [{"name": "nope"}]}}, {"oauth2": {"enabled": True, "mappedFields": {"name": "title", "avatarURL": "nope"}}},
    {"verificationTemplate": {"subject": "", "body": "x"}}, {"verificationTemplate": {"subject": "s", "body": "{TOKEN}"}}, {"resetPasswordTemplate": "x"}, {"authToken": {"secret": "x" * 40, "duration": 60}}, {"authToken": {"secret": "short"}},
]


class Schemas:
    def __init__(self, r, model, filters):
        self.r, self.model, self.filters = r, model, filters

    def field(self, taken=(), wrong=0.03):
        r = self.r
        if r.random() < wrong:
            return dict(r.choice(WRONG_FIELDS))
        free = [name for name in NAMES if name not in taken] or ["more"]
        kind = r.choice(KINDS)
        field = {"name": r.choice(free), "type": kind}
        maybe = lambda chance, **options: field.update(options) if r.random() < chance else None  # noqa: E731
        maybe(0.12, required=True)
        maybe(0.1, hidden=True)
        maybe(0.1, presentable=True)
        if r.random() < 0.3:
            field["id"] = f"{kind}{r.randint(1000, 9999)}"
        if kind == "text":
            maybe(0.15, min=r.choice([1, 2, 3]))
            maybe(0.15, max=r.choice([3, 5, 20]))
            maybe(0.1, pattern=r.choice(["^[a-z]+$", "^\\d+$", "^\\w+$", "a", "^(?:a|b)$", "^[^\\s]*$", "(?i)^A", "^\\p{L}+$"]))
            maybe(0.08, autogeneratePattern=r.choice(["[x]{3}-y", "aaa", "[b]{2}"]))
        elif kind == "number":
            maybe(0.15, min=r.choice([-5, 0, 1.5]))
            maybe(0.15, max=r.choice([5, 10, 2.5]))
            maybe(0.15, onlyInt=True)
        elif kind in ("email", "url"):
            maybe(0.1, onlyDomains=["example.com"])
            maybe(0.1, exceptDomains=["test.org"])
        elif kind == "date":
            maybe(0.15, min="2000-01-01 00:00:00.000Z")
            maybe(0.15, max="2025-01-01 00:00:00.000Z")
        elif kind == "autodate":
            field.update(r.choice([{"onCreate": True}, {"onUpdate": True}, {"onCreate": True, "onUpdate": True}]))
        elif kind == "select":
            field["values"] = r.choice([["a", "b", "c"], ["a"], ["1", "2", "true"], ["ä ö", "x,y", "[b", "a"]])
            maybe(0.6, maxSelect=r.randint(1, len(field["values"])))
        elif kind == "relation":
            field["collectionId"] = self.model.collections[r.choice(self.model.named() or ["users"])]["id"] if self.model.named() else "_pb_users_auth_"
            maybe(0.5, maxSelect=r.choice([2, 3, 99]))
            maybe(0.1, minSelect=r.choice([1, 2]))
            maybe(0.3, cascadeDelete=True)
        elif kind == "json":
            maybe(0.15, maxSize=r.choice([10, 50]))
        elif kind == "file":
            maybe(0.5, maxSelect=r.choice([2, 3]))
            maybe(0.2, maxSize=r.choice([10, 100]))
            maybe(0.2, mimeTypes=r.choice([["text/plain"], ["image/png"], ["text/plain; charset=utf-8", "image/png"]]))
            maybe(0.2, thumbs=["10x10", "5x0"])
            maybe(0.2, protected=True)
        elif kind == "editor":
            maybe(0.15, maxSize=r.choice([10, 20]))
            maybe(0.1, convertURLs=True)
        elif kind == "password":
            maybe(0.2, min=5)
            maybe(0.1, max=10)
            field["cost"] = 4
        return field

    def index(self, name, fields):
        r = self.r
        # Whether two records came in the same millisecond is chance, and so is what a unique index says of that.
        names = [field["name"] for field in fields if isinstance(field.get("name"), str) and field.get("type") != "autodate"] or ["id"]
        column = r.choice(names)
        self.model.made += 1
        called = f"idx_{self.model.made}"
        if r.random() < 0.1:
            return r.choice([f"CREATE INDEX `{called}` ON `{name}` (`nope`)", "nope", f"CREATE INDEX {called} ON other (id)", f"CREATE INDEX ON `{name}` (`id`)", f"CREATE INDEX `idx_1` ON `{name}` (`{column}`)", "", f"CREATE INDEX `{called}` ON `{name}` (`{column}`) WHERE nope > 1"])
        return r.choice([
            f"CREATE INDEX `{called}` ON `{name}` (`{column}`)", f"CREATE UNIQUE INDEX `{called}` ON `{name}` (`{column}`)", f"create unique index {called} on {name}({column}) where {column} != ''",
            f"CREATE INDEX `{called}` ON `{name}` (`{column}` COLLATE NOCASE DESC, id)", f"CREATE UNIQUE INDEX `{called}` ON `{name}` (`{column}`, `{r.choice(names)}`)", f"CREATE INDEX IF NOT EXISTS {called} ON \"{name}\" (\"{column}\"  asc)",
        ])

    def rules(self, name):
        r = self.r
        return {f"{verb}Rule": self.filters.rule(name) for verb in ("list", "view", "create", "update", "delete") if r.random() < 0.85}

    def name(self):
        r = self.r
        self.model.made += 1
        if r.random() < 0.03:
            return r.choice(["", "1a", "a b", "users", "_x", "ünï", "a" * 256, "_superusers", "sqlite_x", "a-b", "x_via_y", "USERS"])
        return r.choice(["c", "things", "Posts", "t_"]) + str(self.model.made)

    def body(self, kind=None):
        """What makes a collection, and its name."""
        r = self.r
        name = self.name()
        kind = kind or r.choice(["base", "base", "base", "auth", "view"])
        body = {"name": name, "type": kind}
        if r.random() < 0.5:
            body["id"] = f"pbc_{self.model.made:011}"
        if kind == "view":
            body["viewQuery"] = self.query()
            body.update({key: value for key, value in self.rules(name).items() if key in ("listRule", "viewRule")} if r.random() < 0.5 else {"listRule": "", "viewRule": ""})
            return name, body
        fields = []
        for _ in range(r.randint(1, 7)):
            fields.append(self.field({field.get("name") for field in fields}))
        if r.random() < 0.3:
            fields += [{"name": "created", "type": "autodate", "onCreate": True}, {"name": "updated", "type": "autodate", "onCreate": True, "onUpdate": True}]
        body["fields"] = fields
        # Rules may speak of the fields that are about to be there.
        self.model.collections[name] = {"id": body.get("id", ""), "name": name, "type": kind, "fields": [{"name": "id", "type": "text"}, *[f for f in fields if isinstance(f.get("name"), str) and f.get("type")]]}
        body.update(self.rules(name))
        if r.random() < 0.3:
            body["indexes"] = [self.index(name, fields) for _ in range(r.randint(1, 2))]
        if kind == "auth":
            for _ in range(r.randint(0, 2)):
                body.update(r.choice(OPTIONS))
            if r.random() < 0.8:
                fields.append({"name": "password", "type": "password", "cost": 4, "min": r.choice([8, 8, 5])})
        self.model.collections.pop(name)
        return name, body

    def change(self, name):
        """What changes a collection."""
        r, one = self.r, self.model.collections[name]
        fields = [dict(field) for field in one["fields"]]
        kind, body = r.random(), {}
        if one["type"] == "view":
            return r.choice([{"viewQuery": self.query()}, {"listRule": self.filters.rule(name)}, {"name": self.name()}, {"fields": fields[:1]}])
        if kind < 0.35:
            body.update(self.rules(name))
        elif kind < 0.55:
            body["fields"] = [*fields, self.field({field["name"] for field in fields}, 0.1)]
        elif kind < 0.65:
            own = [field for field in fields if not field.get("system")]
            gone = r.choice(own)["name"] if own else "id"
            body["fields"] = [field for field in fields if field["name"] != gone]
        elif kind < 0.75:
            own = [field for field in fields if not field.get("system")] or fields
            changed = r.choice(own)
            changed.update(r.choice([{"name": r.choice(NAMES)}, {"required": True}, {"hidden": True}, {"hidden": False}, {"max": 2}, {"maxSelect": 1}, {"maxSelect": 3}, {"type": "text"}, {"min": 1}, {"system": True}, {"values": ["a"]}, {"id": "changed1"}]))
            body["fields"] = fields
        elif kind < 0.8:
            body["name"] = self.name()
        elif kind < 0.88:
            body["indexes"] = [*(one.get("indexes", []) if r.random() < 0.6 else []), self.index(name, fields)]
        elif kind < 0.94 and one["type"] == "auth":
            body.update(r.choice(OPTIONS))
        elif kind < 0.97:
            r.shuffle(fields)
            body["fields"] = fields
        else:
            body.update(r.choice([{"type": "auth"}, {"type": "view"}, {"system": True}, {"id": "other"}, {"created": "2020-01-01 00:00:00.000Z"}, {"nope": 1}, {"fields": None}, {"fields": "x"}, {"indexes": None}, {"indexes": "x"}, {"name": None}, {"listRule": 5}, {"fields": []}]))
        return body

    def query(self):
        """What a view shows."""
        r = self.r
        tables = self.model.named("base") + self.model.named("auth")
        table = r.choice(tables or ["users"])
        if r.random() < 0.08:
            return r.choice(["", "nope", "SELECT 1", *([f"SELECT * FROM {table}"] if table not in self.model.named("auth") else []), "SELECT id FROM nope", f"DELETE FROM {table}", f"SELECT id FROM {table}; SELECT 1", f"SELECT id, nope FROM {table}", f"SELECT id as other FROM {table}", f"SELECT null as id FROM {table}", f"select '1' id from {table} --c", f"SELECT id, count(*) FROM {table}"])
        fields = [field["name"] for field in self.model.fields(table) if is_no_chance(field)] or ["id"]
        # Under another name it could not be told from what is no chance.
        steady = [field["name"] for field in self.model.fields(table) if is_no_chance(field) and field["type"] != "autodate"] or ["id"]
        pick = lambda: r.choice(steady)  # noqa: E731
        columns = ["t.id"]
        for n in range(r.randint(0, 4)):
            a = pick()
            columns.append(r.choice([
                f"t.{r.choice(fields)}", f"t.{a} as c{n}", f"CAST(t.{a} AS TEXT) as c{n}", f"CAST(t.{a} AS INT) as c{n}", f"CAST(t.{a} AS REAL) c{n}", f"CAST(t.{a} AS BOOL) as c{n}", f"(t.{a} || 'x') as c{n}", f"count(t.id) as c{n}", f"'x' as c{n}", f"1 as c{n}",
                f"null as c{n}", f"json_array(1, 2) as c{n}", f"(SELECT count(*) FROM {r.choice(tables or ['users'])}) as c{n}", f"coalesce(t.{a}, '') as c{n}", f"max(t.{a}) as c{n}", f"CASE WHEN t.{a} = '' THEN 1 ELSE 0 END as c{n}", f"CAST(t.{a} as json) c{n}", f"total(t.{a}) as c{n}", f"sum(t.{a}) as c{n}", f"avg(t.{a}) as c{n}",
            ]))
        grouped = any("count(t" in c or "max(" in c or "total(" in c or "sum(" in c or "avg(" in c for c in columns)
        tail = " GROUP BY t.id" if grouped else r.choice(["", "", f" WHERE t.{pick()} != ''", " ORDER BY t.id DESC", " LIMIT 3"])
        relations = [field for field in self.model.fields(table) if field["type"] == "relation"]
        if relations and r.random() < 0.3:
            field = r.choice(relations)
            target = self.model.by_id(field.get("collectionId"))
            if target:
                columns.append(f"o.id as o, o.{r.choice([f['name'] for f in self.model.fields(target) if is_no_chance(f) and f['type'] != 'autodate'] or ['id'])} as p")
                return f"SELECT {', '.join(columns)} FROM {table} t LEFT JOIN {target} o ON o.id = t.{field['name']}{tail}"
        if r.random() < 0.1:
            return f"WITH w AS (SELECT * FROM {table}) SELECT w.id, w.{pick()} as c FROM w"
        if r.random() < 0.1:
            return f"SELECT id, {pick()} as c FROM {table} UNION SELECT id, {pick()} as c FROM {table}"
        return f"SELECT {', '.join(columns)} FROM {table} t{tail}"
