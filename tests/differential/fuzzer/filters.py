"""Filters, rules and sorts: mostly right for the collection at hand, now and then wrong."""

import re

from . import texts

SIGNS = ["=", "!=", ">", ">=", "<", "<=", "~", "!~", "?=", "?!=", "?>", "?>=", "?<", "?<=", "?~", "?!~"]
MACROS = ["@now", "@todayStart", "@todayEnd", "@monthStart", "@yearEnd", "@year", "@yesterday", "@tomorrow"]
LITERALS = ["''", "null", "true", "false", "0", "1", "-1", "1.5", "'a'", "'b'", "'ab'", "'A'", "'%'", "'_'", "'a%'", "'%b'", "'1'", "'true'", "'ä ö'", "'x\\'y'", "\"a\"", "'100%'", "'100\\%'", "'a_b'", "'[]'", "'null'", "2", "100", "'日本'", "'😀'", "'a\\\\b'"]
WRONG = ["", "(", ")", "a", "= 1", "id = ", "id = 1 &&", "id == 1", "nope = 1", "id = 'a", "id ? 1", "1", "id = 1 id = 2", "@request.nope = 1", "@collection.nope.id = 1", "id:nope = 1", "id.x = 1", "// c", "id = 'a' // c", "@nope = 1", "((id = 1)", "id = -", "id = 1e3", "id = 0x1", "id ~~ 1", "id = `a`", "id && id", "@request.auth.nope = 1", "id = 'a' & id = 'b'", "expand.x = 1", "collectionName = 'a'", "@rowid > 0", "id in ('a')", "!id = 1"]


def is_no_chance(field):
    """Hashes, keys and names of files are other ones on each server."""
    return field["type"] not in ("password", "file") and field["name"] != "tokenKey"


class Filters:
    def __init__(self, r, model):
        self.r, self.model = r, model

    # --- what is compared ---------------------------------------------------------------------------------------------

    def path(self, name, depth=2):
        """A path that begins in a collection."""
        r, fields = self.r, [field for field in self.model.fields(name) if is_no_chance(field)]
        if not fields or r.random() < 0.02:
            return r.choice(["nope", "id", "created", "collectionId", "@rowid"])
        if depth and r.random() < 0.15:
            back = self.model.relations_to(name)
            if back:
                other, field = r.choice(back)
                return f"{other}_via_{field['name']}.{self.path(other, depth - 1)}"
        field = r.choice(fields)
        if depth and field["type"] == "relation" and r.random() < 0.7:
            target = self.model.by_id(field.get("collectionId"))
            if target:
                return f"{field['name']}.{self.path(target, depth - 1)}"
        return field["name"] + self.modifier(field)

    def modifier(self, field):
        r, kind = self.r, field["type"]
        if kind == "json" and r.random() < 0.6:
            return r.choice([".a", ".b", ".b.0", ".b.2.c", ".a.b", ".0", ".1", "[0]", ".0.a", ".nope", ":length", ":each"])
        if kind == "geoPoint" and r.random() < 0.7:
            return r.choice([".lon", ".lat", ".lon", ".nope"])
        if kind in ("select", "relation", "file") and r.random() < 0.4:
            return r.choice([":length", ":each", ":lower", ":length"])
        if r.random() < 0.06:
            return r.choice([":lower", ":lower", ":isset", ":changed", ":length", ":each", ":nope"])
        return ""

    def request(self, name):
        r = self.r
        kind = r.random()
        if kind < 0.35:
            if r.random() < 0.5:
                return "@request.auth." + r.choice(["id", "id", "email", "verified", "collectionName", "collectionId", "created", "nope", "emailVisibility", "username"])
            accounts = self.model.named("auth") or ["users"]
            return "@request.auth." + self.path(r.choice(accounts), 1)
        if kind < 0.65:
            field = r.choice(self.model.fields(name) or [{"name": "nope", "type": "text"}])
            path = f"@request.body.{field['name']}"
            if field["type"] == "relation" and r.random() < 0.4 and (target := self.model.by_id(field.get("collectionId"))):
                return f"{path}.{self.path(target, 1)}"
            return path + r.choice(["", "", ":isset", ":changed", ":length", ":each", ":lower", ".a"])
        return r.choice(["@request.query.q", "@request.query.q:isset", "@request.headers.x_test", "@request.headers.nope:isset", "@request.method", "@request.context", "@request.query.page", "@request.body.nope", "@request.body.nope:isset", "@request.headers.content_type"])

    def literal(self, field=None):
        r = self.r
        if r.random() < 0.25:
            return r.choice(["'2024-01-02 03:04:05.678Z'", "'2024-01-02'", "'2024'"] + MACROS)
        if r.random() < 0.2:
            ids = [id for ids in self.model.records.values() for id in ids]
            if ids:
                return f"'{r.choice(ids)}'"
        if r.random() < 0.15:
            return "'" + r.choice(texts.WORDS).replace("\\", "\\\\").replace("'", "\\'") + "'"
        return r.choice(LITERALS)

    def operand(self, name, rule):
        r, kind = self.r, self.r.random()
        if kind < (0.3 if rule else 0.06):
            return self.request(name)
        if kind < (0.4 if rule else 0.1):
            other = r.choice(self.model.named() or ["users"])
            # An alias that two collections share means in PocketBase whichever comes last.
            return f"@collection.{other}{r.choice(['', '', f':x{other}'])}.{self.path(other, 1)}"
        if kind < 0.44:
            point = next((field["name"] for field in self.model.fields(name) if field["type"] == "geoPoint"), None)
            if point:
                # Never from -73.9, 40.7 to itself: what stands where 0 should is chance.
                return f"geoDistance({point}.lon, {point}.lat, {r.choice(['0, 0', '1, 2', f'{point}.lat, {point}.lon', '-73.8, 40.6'])})"
            return r.choice(["strftime('%Y', '2024-01-02')", "strftime('%d', id)", "strftime('%Y-%m', @now)"])
        return self.path(name)

    def compare(self, name, rule):
        r = self.r
        sign = r.choice(SIGNS if r.random() < 0.5 else ["=", "!=", "~", ">"])
        left = self.operand(name, rule)
        right = self.literal() if r.random() < 0.8 else self.operand(name, rule)
        if r.random() < 0.04:
            left, right = right, left
        if r.random() < 0.03:
            left = self.literal()
        if self.is_moment(left) and (self.is_moment(right) or "~" in sign):
            # Which of two moments of one record came first is chance, and so are their digits.
            right = "''"
        if "~" in sign and re.search(r"@request\.body\..*:each$", right):
            # PocketBase can't evaluate it.
            right = right.removesuffix(":each")
        space = " " if r.random() < 0.95 else ""
        return f"{left}{space}{sign}{space}{right}"

    def filter(self, name, rule=False, depth=2):
        r = self.r
        if depth == 2 and r.random() < 0.05:
            return r.choice(WRONG)
        if depth and r.random() < 0.4:
            join = r.choice([" && ", " || ", "&&", "||"])
            parts = [self.filter(name, rule, depth - 1) for _ in range(r.randint(2, 3))]
            text = join.join(f"({part})" if r.random() < 0.5 else part for part in parts)
            return text if r.random() < 0.8 else f"({text})"
        return self.compare(name, rule)

    def rule(self, name):
        """None, open, or a filter."""
        kind = self.r.random()
        if kind < 0.15:
            return None
        if kind < 0.5:
            return ""
        return self.filter(name, True)

    # --- orders, and what is shown ------------------------------------------------------------------------------------

    def sort(self, name):
        r = self.r
        paths = [self.path(name, 1) if r.random() < 0.8 else r.choice(["id", "@rowid", "nope", "id"]) for _ in range(r.randint(1, 2))]
        # Of two records that were made within the same millisecond on one server alone, either comes first. Where a path leads to several records,
        # the database's plan says which of them counts.
        keys = [r.choice(["", "", "-", "+"]) + path for path in paths if not self.is_moment(path) and not self.leads_to_several(name, path)]
        return ",".join([*keys, "id"] if r.random() < 0.9 else keys)

    def leads_to_several(self, name, path):
        steps = path.split(".")
        for step in steps[:-1]:
            field = next((field for field in self.model.fields(name) if field["name"] == step), None)
            if field is None or field["type"] != "relation":
                return "_via_" in step
            name = self.model.by_id(field.get("collectionId"))
            if field.get("maxSelect", 1) > 1 or name is None:
                return True
        return False

    def is_moment(self, path):
        moments = {field["name"] for one in self.model.collections.values() for field in one["fields"] if field["type"] == "autodate"}
        return path.split(".")[-1].split(":")[0] in moments | {"created", "updated"}

    def expand(self, name, depth=2):
        r, names = self.r, []
        for _ in range(r.randint(1, 2)):
            relations = [field for field in self.model.fields(name) if field["type"] == "relation"]
            back = self.model.relations_to(name)
            if relations and (not back or r.random() < 0.6):
                field = r.choice(relations)
                step, target = field["name"], self.model.by_id(field.get("collectionId"))
            elif back:
                target, field = r.choice(back)
                step = f"{target}_via_{field['name']}"
            else:
                step, target = r.choice(["nope", "id", "x_via_y", "users_via_x"]), None
            names.append(f"{step}.{self.expand(target, depth - 1)}" if target and depth and r.random() < 0.4 else step)
        return ",".join(names)

    def fields(self, name):
        r = self.r
        some = [field["name"] for field in self.model.fields(name)] or ["id"]
        # A few letters of a file's name may be chance.
        words = [field["name"] for field in self.model.fields(name) if field["type"] != "file"] or ["id"]
        picks = ["*", "id", "expand", "nope", "expand.*", "collectionName", "a.b", "items", "*.id", "", f"{r.choice(words)}:excerpt(3)", f"{r.choice(words)}:excerpt(4,true)", f"{r.choice(some)}:nope", f"{r.choice(some)}.lon", f"{r.choice(some)}.a", f"expand.{r.choice(some)}.id", f"expand.{r.choice(some)}"]
        return ",".join(r.choice(some) if r.random() < 0.6 else r.choice(picks) for _ in range(r.randint(1, 4)))
