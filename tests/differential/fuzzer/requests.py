"""The next request, made for what the application is by then."""

import base64
import json
import re

from . import texts

CHOSEN = "abcdefghijklmnopqrstuvwxyz0123456789"
PNG = "base64:" + base64.b64encode(
    bytes.fromhex("89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360000002000001e221bc330000000049454e44ae426082")
).decode()
FILES = [("a.txt", "hello\n"), ("b.txt", "x" * 50), ("Ü b (1).TXT", "ü"), ("page.html", "<!DOCTYPE html><p>x</p>"), ("image.png", PNG), ("d.json", '{"a":1}'), ("noext", "plain"), ("e.bin", "base64:AAECAwQ="), ("long name of a file.tar.gz", "y" * 120), ("empty.txt", ""), ("ab", "z")]
# Of a batch that fails, PocketBase counts the requests up to the fault alone: no limit counts what batches do.
SETTINGS = [
    {"meta": {"appName": "Fuzz"}}, {"meta": {"appName": ""}}, {"meta": {"hideControls": True}}, {"batch": {"enabled": True, "maxRequests": 3, "timeout": 20}}, {"batch": {"enabled": False}}, {"batch": {"enabled": True, "maxRequests": 20, "timeout": 20}}, {"batch": {"maxRequests": -1}},
    {"trustedProxy": {"headers": ["X-Real-IP"], "useLeftmostIP": True}}, {"backups": {"cron": "x"}}, {"logs": {"maxDays": -1}}, {"nope": 1}, {"meta": 5}, {"smtp": {"enabled": True, "host": ""}}, {"rateLimits": {"enabled": True, "rules": []}}, {"rateLimits": {"enabled": False}},
    {"rateLimits": {"enabled": True, "rules": [{"label": "*:list", "maxRequests": 5, "duration": 3600}]}}, {"rateLimits": {"enabled": True, "rules": [{"label": "GET /api/collections/", "maxRequests": 10, "duration": 3600, "audience": "@guest"}]}}, {"superuserIPs": ["10.0.0.1", "x"]},
]
ELSEWHERE = [
    ("GET", "/api/health"), ("HEAD", "/api/health"), ("POST", "/api/health"), ("GET", "/api"), ("GET", "/api/"), ("GET", "/api/nope"), ("GET", "/api/crons"), ("POST", "/api/crons/nope"), ("GET", "/api/collections/meta/scaffolds"), ("GET", "/api/collections/meta/oauth2-providers"),
    ("GET", "/api/settings"), ("GET", "/api/logs/nope"), ("POST", "/api/realtime"), ("POST", "/api/files/token"), ("PUT", "/api/collections"), ("DELETE", "/api/collections"), ("GET", "/api/collections/"), ("PATCH", "/api/collections"), ("OPTIONS", "/api/collections"), ("GET", "/api/oauth2-redirect"), ("GET", "/api/collections/nope"),
    ("POST", "/api/settings/test/email"), ("POST", "/api/settings/test/s3"), ("POST", "/api/settings/apple/generate-client-secret"),
]


class Requests:
    def __init__(self, r, model, schemas, filters):
        self.r, self.model, self.schemas, self.filters = r, model, schemas, filters

    def next(self):
        r = self.r
        ways = [
            (9, self.make_collection), (7, self.change_collection), (1, self.remove_collection), (2, self.look_at_collections), (1, self.import_collections), (0.7, self.empty_collection),
            (24, self.create), (14, self.update), (5, self.delete), (22, self.list), (5, self.view), (6, self.batch), (4, self.account), (7, self.log_in), (4, self.about_accounts), (3, self.file), (0.8, self.change_settings), (2, self.elsewhere),
        ]
        if len(self.model.named()) < 3:
            return self.make_collection()
        if len(self.model.named()) > 12 and r.random() < 0.5:
            ways = ways[1:]
        step = r.choices([way for _, way in ways], [weight for weight, _ in ways])[0]()
        return self.oddly(step) if r.random() < 0.03 else step

    # --- who, which and what ------------------------------------------------------------------------------------------

    def who(self, root=0.5):
        r = self.r
        if r.random() < root:
            return "root"
        labels = self.model.tokens
        return r.choice(labels) if labels and r.random() < 0.65 else "nobody"

    def which(self, kind=None):
        r, names = self.r, self.model.named(kind)
        if not names or r.random() < 0.01:
            return r.choice(["nope", "users", "_superusers", "_mfas", "_externalAuths", "_authOrigins", "_otps"])
        # The ones that hold something are more telling.
        full = [name for name in names if self.model.records.get(name)]
        return r.choice(full) if full and r.random() < 0.5 else r.choice(names)

    def spelled(self, name):
        """Collections answer to their name in any case, and to their id."""
        r = self.r
        if r.random() < 0.93 or name not in self.model.collections:
            return name
        return r.choice([name.upper(), self.model.collections[name]["id"]])

    def id(self, name):
        r, ids = self.r, self.model.records.get(name, [])
        if ids and r.random() < 0.95:
            return r.choice(ids)
        return r.choice(["missing00000000", "x", "nope", "A" * 15, "%20", "a%2Fb"])

    def new_id(self):
        r = self.r
        if r.random() < 0.04:
            return r.choice(["short", "A" * 15, "toolongforarecord", "ä" * 15, "a b c d e f g h", "..", "abcdefghijklmn.", "null", "CON"])
        return "".join(r.choice(CHOSEN) for _ in range(15))

    def seen(self, pairs, step):
        """The step; the answer shows the id where the server makes one up, so that the record can be deleted again."""
        if not any(called == "id" for called, _ in pairs):
            step["params"] = [pair for pair in step["params"] if pair[0] != "fields"]
        return step

    def params(self, name, listed=False):
        r, params = self.r, []
        if listed:
            if r.random() < 0.75:
                params.append(["filter", self.filters.filter(name)])
            if r.random() < 0.9:
                params.append(["sort", self.filters.sort(name)])
            if r.random() < 0.3:
                params.append(["perPage", r.choice(["1", "2", "5", "100", "1000", "0", "-1", "x", "5000", "1e3", " 3"])])
            if r.random() < 0.25:
                params.append(["page", r.choice(["1", "2", "3", "99", "0", "-1", "x", "1.5", "99999999999999999999"])])
            if r.random() < 0.15:
                params.append(["skipTotal", r.choice(["1", "true", "0", "x", ""])])
        if r.random() < 0.3:
            params.append(["expand", self.filters.expand(name)])
        if r.random() < 0.2:
            params.append(["fields", self.filters.fields(name)])
        if r.random() < 0.1:
            params.append(["q", r.choice(texts.WORDS)])
        if r.random() < 0.02:
            params.append(["filter", "id != ''"])
        return params

    def oddly(self, step):
        """The same in an odd shape."""
        r = self.r
        kind = r.randint(0, 8)
        step.pop("save", None)
        if kind == 0 and "json" in step:
            step["json"] = r.choice([step["json"][:-1], "", "[]", "null", "1", '"x"', "{bad", step["json"] + " x", "[" + step["json"] + "]", " " + step["json"] + "\n"])
        elif kind == 1:
            step.setdefault("headers", {})["Content-Type"] = r.choice(["text/plain", "application/json; charset=utf-8", "application/xml", "APPLICATION/JSON", "multipart/form-data", "", "application/x-www-form-urlencoded", "application/merge-patch+json"])
        elif kind == 2:
            step["method"] = r.choice(["GET", "POST", "PATCH", "DELETE", "PUT", "HEAD"])
            step.pop("about", None)
            if step["method"] == "POST" and step["path"].endswith("/records"):
                # It may make a record, with an id that is chance.
                step.update(about="record", name=step["path"].split("/")[3], params=[pair for pair in step.get("params", []) if pair[0] != "fields"])
        elif kind == 3:
            step.setdefault("headers", {})["Authorization"] = r.choice(["Bearer ${token:root}", "bearer ${token:root}", "x", "Basic abc", "${token:root}x", "Bearer", "  ${token:root}"])
        elif kind == 4:
            step["path"] = step["path"] + r.choice(["/", "//", "/x", "%00", "%20", "/.."])
            step.pop("about", None)
        elif kind == 5:
            step["by"] = r.choice(["nobody", "root"])
        elif kind == 6:
            step.setdefault("headers", {})["X-Test"] = r.choice(["yes", "no", "a"])
        elif kind == 7:
            step["path"] = step["path"].replace("/api/", r.choice(["/API/", "//api/", "/api//", "/api/./"]), 1)
            step.pop("about", None)
        else:
            step["params"] = [*step.get("params", []), *r.choice([[["page", "2"], ["page", "1"]], [["a b", "c"]], [["", "x"]], [["fields", ""]], [["expand", ""]], [["sort", ""]], [["filter", ""]]])]
        return step

    def headers(self):
        return {"X-Test": self.r.choice(["yes", "a", "1"])} if self.r.random() < 0.1 else {}

    # --- collections --------------------------------------------------------------------------------------------------

    def make_collection(self):
        name, body = self.schemas.body()
        by = "root" if self.r.random() < 0.97 else self.who(0)
        return {"method": "POST", "path": "/api/collections", "json": json.dumps(body), "by": by, "about": "collection", "name": name}

    def change_collection(self):
        names = self.model.named()
        name = self.r.choice(names)
        by = "root" if self.r.random() < 0.97 else self.who(0)
        return {"method": "PATCH", "path": f"/api/collections/{self.spelled(name)}", "json": json.dumps(self.schemas.change(name)), "by": by, "about": "collection", "name": name}

    def remove_collection(self):
        name = self.which()
        return {"method": "DELETE", "path": f"/api/collections/{self.spelled(name)}", "by": self.who(0.95), "about": "gone", "name": name}

    def empty_collection(self):
        name = self.which()
        return {"method": "DELETE", "path": f"/api/collections/{name}/truncate", "by": self.who(0.9), "about": "emptied", "name": name}

    def look_at_collections(self):
        r = self.r
        if r.random() < 0.4:
            return {"method": "GET", "path": f"/api/collections/{self.spelled(self.which())}", "by": self.who(0.9), "params": r.choice([[], [["fields", "name,fields.name,*.id"]], [["fields", "id,indexes"]]])}
        if r.random() < 0.4:
            return {"method": "GET", "path": "/api/collections", "params": [["perPage", "500"]], "by": "root", "about": "collections"}
        params = [["sort", r.choice(["name", "-name", "type,name", "id", "system,-id", "nope", "fields", "-@rowid"])]]
        if r.random() < 0.6:
            params.append(["filter", r.choice(["type = 'auth'", "system = false", "name ~ 'c'", "nope = 1", "id != ''", "name ?= 'users'", "created > '2020'", "listRule = null", "fields ~ 'text'", "name:lower = 'users'", "indexes:length > 0", "options.x = 1"])])
        params.append(["fields", r.choice(["name", "name,type", "id,name,fields.name", "*"])])
        params += r.choice([[], [["perPage", "3"]], [["page", "2"], ["perPage", "2"]], [["skipTotal", "1"]]])
        return {"method": "GET", "path": "/api/collections", "params": params, "by": self.who(0.95)}

    def import_collections(self):
        r = self.r
        some = [dict(self.model.collections[name]) for name in r.sample(self.model.named(), min(2, len(self.model.named())))]
        for one in some:
            one.pop("created", None), one.pop("updated", None)
            if r.random() < 0.5 and one["type"] != "view":
                one["fields"] = [*one["fields"], self.schemas.field({field["name"] for field in one["fields"]}, 0.1)]
        if r.random() < 0.5:
            some.append(self.schemas.body("base")[1])
        body = {"collections": some}
        if r.random() < 0.15:
            body["deleteMissing"] = True
        if r.random() < 0.05:
            body = r.choice([{}, {"collections": []}, {"collections": [{}]}, {"collections": "x"}, {"collections": [{"name": "a b"}]}])
        return {"method": "PUT", "path": "/api/collections/import", "json": json.dumps(body), "by": self.who(0.97)}

    # --- records ------------------------------------------------------------------------------------------------------

    def pairs(self, name, creating):
        """Names and JSON texts of a record, some of them with modifiers."""
        r, pairs = self.r, []
        for field in self.model.fields(name):
            chance = (0.9 if field.get("required") else 0.6) if creating else 0.3
            if field["name"] == "id" or field.get("system") and r.random() < 0.95 or field["type"] == "autodate" and r.random() < 0.9 or field["type"] == "file" and r.random() < 0.8 or r.random() > chance:
                continue
            called = field["name"]
            if r.random() < (0.04 if creating else 0.3) and (field["type"] in ("number", "select", "relation", "file", "text") or r.random() < 0.1):
                called = r.choice([f"{called}+", f"{called}-", f"+{called}", f"{called}+", f"{called}-", f"{called}:autogenerate" if field["type"] == "text" and field.get("autogeneratePattern") else f"{called}+"])
            if field["type"] == "file" and not creating and (ids := self.model.records.get(name)):
                pairs.append((called, json.dumps(f"${{file:{name}/{self.last}/{field['name']}/{r.randint(0, 1)}}}" if ids and r.random() < 0.8 else r.choice(["", []]))))
                continue
            pairs.append((called, texts.value(r, field, self.model)))
        if r.random() < 0.05:
            pairs.append(r.choice([("nope", "1"), ("collectionId", '"x"'), ("collectionName", '"users"'), ("expand", '{"a":1}'), ("created", '"2020-01-01 00:00:00.000Z"'), ("tokenKey", '"x"'), ("verified", "true"), ("email", '"z@example.com"'), ("emailVisibility", "true"), ("@rowid", "1")]))
        r.shuffle(pairs)
        return pairs

    def body(self, name, pairs):
        """The same as JSON, as a form, or as parts with files."""
        r = self.r
        files = [field for field in self.model.fields(name) if field["type"] == "file"]
        kind = r.random()
        if files and kind < 0.6:
            parts = self.as_texts(name, pairs)
            if r.random() < 0.2:
                parts = [["@jsonPayload", None, texts.document(pairs)]]
            for field in r.sample(files, r.randint(1, len(files))):
                for _ in range(r.choice([1, 1, 1, 2, 4])):
                    called = field["name"] + (r.choice(["+", "-"]) if r.random() < 0.15 else "")
                    called = "+" + field["name"] if r.random() < 0.05 else called
                    filename, content = r.choice(FILES)
                    parts.append([called, filename, content])
            return {"parts": parts}
        if kind < 0.64:
            return {"parts": self.as_texts(name, pairs)}
        if kind < 0.68:
            return {"form": [[called, content] for called, _, content in self.as_texts(name, pairs)]}
        return {"json": texts.document(pairs)}

    def as_texts(self, name, pairs):
        """Each value as a text of a form; lists as several. A JSON `null` that is sent as text is another value in PocketBase, on purpose."""
        documents = {field["name"] for field in self.model.fields(name) if field["type"] == "json"}
        out = []
        for called, text in pairs:
            value = json.loads(text)
            for one in value if isinstance(value, list) and value else [value]:
                # A number as it is: `1e3` is no URL, and `1000.0` is one here and none in PocketBase.
                out.append([called, None, one if isinstance(one, str) else text if isinstance(value, float) else json.dumps(one)])
        return [part for part in out if "\0" not in part[2] and not (part[0].strip("+-") in documents and part[2].strip() == "null")]

    def create(self):
        r, name = self.r, self.which()
        pairs = self.pairs(name, True)
        if r.random() < 0.995 or self.decides_by_id(name):
            pairs.insert(0, ("id", json.dumps(self.new_id())))
        if self.model.collections.get(name, {}).get("type") == "auth":
            return self.account(name)
        return self.seen(pairs, {"method": "POST", "path": f"/api/collections/{self.spelled(name)}/records", "params": self.params(name), "by": self.who(0.6), "about": "record", "name": name, "headers": self.headers(), **self.body(name, pairs)})

    def decides_by_id(self, name):
        """Whether the rule of a new record looks at its id, which each server makes up where none is sent."""
        return bool(re.search(r"(?<![\w.])id\b", self.model.collections.get(name, {}).get("createRule") or ""))

    def account(self, name=None):
        """A new record of an auth collection."""
        r = self.r
        name = name or self.which("auth")
        email, password = f"{r.choice('abcdefgh')}{r.randint(1, 30)}@example.com", r.choice(["12345678", "abcdefghij", "password-ü"])
        pairs = [pair for pair in self.pairs(name, True) if pair[0] not in ("email", "password")]
        pairs += [("email", json.dumps(email)), ("password", json.dumps(password)), ("passwordConfirm", json.dumps(password if r.random() < 0.96 else "other"))]
        if r.random() < 0.995 or self.decides_by_id(name):
            pairs.insert(0, ("id", json.dumps(self.new_id())))
        if r.random() < 0.3:
            pairs.append(("verified", "true"))
        if r.random() < 0.2:
            pairs.append(("emailVisibility", "true"))
        if r.random() < 0.05:
            pairs.pop(r.randrange(int(self.decides_by_id(name)), len(pairs)))
        return self.seen(pairs, {"method": "POST", "path": f"/api/collections/{name}/records", "params": self.params(name), "by": self.who(0.7), "about": "record", "name": name, "account": {"email": email, "password": password}, **self.body(name, pairs)})

    def update(self):
        r, name = self.r, self.which()
        self.last = id = self.id(name)
        pairs = self.pairs(name, False)
        if self.model.collections.get(name, {}).get("type") == "auth" and r.random() < 0.3:
            pairs += r.choice([
                [("password", '"new-password"'), ("passwordConfirm", '"new-password"')], [("password", '"new-password"'), ("passwordConfirm", '"new-password"'), ("oldPassword", '"12345678"')], [("email", '"changed@example.com"')], [("verified", "true")], [("emailVisibility", "true")],
                [("password", '"x"')], [("passwordConfirm", '"x"')], [("tokenKey", '"short"')], [("oldPassword", '"wrong"')], [("password", '""')], [("email", '""')],
            ])
        if r.random() < 0.03:
            pairs.append(("id", json.dumps(self.new_id())))
        return {"method": "PATCH", "path": f"/api/collections/{self.spelled(name)}/records/{id}", "params": self.params(name), "by": self.who(0.55), "headers": self.headers(), **self.body(name, pairs)}

    def delete(self):
        name = self.which()
        id = self.id(name)
        return {"method": "DELETE", "path": f"/api/collections/{self.spelled(name)}/records/{id}", "by": self.who(0.5), "about": "deleted", "name": name, "id": id, "params": [["q", "a"]] if self.r.random() < 0.1 else []}

    def list(self):
        name = self.which()
        return {"method": "GET", "path": f"/api/collections/{self.spelled(name)}/records", "params": self.params(name, True), "by": self.who(0.45), "headers": self.headers()}

    def view(self):
        name = self.which()
        return {"method": "GET", "path": f"/api/collections/{self.spelled(name)}/records/{self.id(name)}", "params": self.params(name), "by": self.who(0.4), "headers": self.headers()}

    def batch(self):
        r, requests, parts = self.r, [], []
        for n in range(r.randint(1, 4)):
            name = self.which()
            where = f"/api/collections/{self.spelled(name)}/records"
            self.last = self.id(name)
            kind = r.random()
            query = "?expand=" + self.filters.expand(name).replace("&", "") if r.random() < 0.15 else "?fields=id" if r.random() < 0.1 else ""
            if kind < 0.4:
                one = {"method": "POST", "url": where + query}, [("id", json.dumps(self.new_id())), *self.pairs(name, True)]
            elif kind < 0.55:
                one = {"method": "PUT", "url": where + query}, [("id", json.dumps(self.last if r.random() < 0.5 else self.new_id())), *self.pairs(name, True)]
            elif kind < 0.8:
                one = {"method": "PATCH", "url": f"{where}/{self.last}{query}"}, self.pairs(name, False)
            elif kind < 0.95:
                one = {"method": "DELETE", "url": f"{where}/{self.last}"}, []
            else:
                one = r.choice([{"method": "GET", "url": where}, {"method": "POST", "url": "/api/nope"}, {"method": "POST"}, {"url": where}, {}, {"method": "PATCH", "url": where}, {"method": "POST", "url": "/api/collections"}, {"method": "POST", "url": where, "headers": {"X-Test": "yes"}}]), []
            request, pairs = one
            if "headers" in request:
                pairs = [("id", json.dumps(self.new_id()))]
            text = json.dumps(request)
            if pairs:
                text = text[:-1] + (", " if request else "") + f'"body": {texts.document(pairs)}}}'
            requests.append(text)
            for field in self.model.fields(name):
                if field["type"] == "file" and r.random() < 0.4:
                    filename, content = r.choice(FILES)
                    parts.append([r.choice([f"requests.{n}.{field['name']}", f"requests[{n}].{field['name']}"]), filename, content])
        text = '{"requests": [' + ", ".join(requests) + "]}"
        passwords = sorted({field["name"] for name in self.model.collections for field in self.model.fields(name) if field["type"] == "password"})
        step = {"method": "POST", "path": "/api/batch", "by": self.who(0.6), "headers": self.headers(), "passwords": passwords}
        return {**step, "parts": [["@jsonPayload", None, text], *parts]} if parts else {**step, "json": text}

    # --- accounts -----------------------------------------------------------------------------------------------------

    def log_in(self):
        r = self.r
        if not self.model.accounts:
            return self.account()
        one = r.choice(self.model.accounts)
        wrong = r.random() < 0.06
        body = {"identity": one["email"] if not wrong else r.choice([one["email"].upper(), "nobody@example.com", "", one["id"]]), "password": one["password"] if r.random() < 0.95 else r.choice(["wrong", "", "x" * 80])}
        if r.random() < 0.05:
            body["identityField"] = r.choice(["email", "title", "nope", ""])
        params = self.params(one["collection"])
        return {"method": "POST", "path": f"/api/collections/{one['collection']}/auth-with-password", "json": json.dumps(body), "by": "nobody", "save": f"{one['collection']}/{one['id']}", "params": [pair for pair in params if pair[0] != "fields"]}

    def about_accounts(self):
        r, name = self.r, self.which("auth")
        by = self.who(0.3)
        if by != "root" and by != "nobody" and r.random() < 0.6:
            name = by.split("/")[0]
        where = f"/api/collections/{self.spelled(name)}"
        id = self.id(name)
        email = r.choice([account["email"] for account in self.model.accounts] + ["nobody@example.com", "x", ""])
        return r.choice([
            {"method": "POST", "path": f"{where}/auth-refresh", "by": by, "save": by if by not in ("nobody",) else "other", "params": self.params(name)},
            {"method": "GET", "path": f"{where}/auth-methods", "by": by, "params": r.choice([[], [["fields", "password,mfa"]]])},
            {"method": "POST", "path": f"{where}/impersonate/{id}", "by": self.who(0.8), "json": json.dumps(r.choice([{}, {"duration": 60}, {"duration": -1}, {"duration": "x"}, {"duration": 0}])), "params": self.params(name), "save": f"{name}/{id}"},
            {"method": "POST", "path": "/api/files/token", "by": by, "save": "file"},
            {"method": "POST", "path": f"{where}/request-otp", "by": by, "json": json.dumps(r.choice([{}, {"email": "x"}, {"email": ""}, {"email": "nobody@example.com"}]))},
            {"method": "POST", "path": f"{where}/auth-with-otp", "by": by, "json": json.dumps(r.choice([{}, {"otpId": "x", "password": "y"}, {"otpId": "", "password": ""}, {"otpId": "x" * 300, "password": "1"}]))},
            {"method": "POST", "path": f"{where}/request-verification", "by": by, "json": json.dumps(r.choice([{}, {"email": "x"}, {"email": "nobody@example.com"}]))},
            {"method": "POST", "path": f"{where}/request-password-reset", "by": by, "json": json.dumps(r.choice([{}, {"email": "x"}, {"email": "nobody@example.com"}]))},
            {"method": "POST", "path": f"{where}/request-email-change", "by": by, "json": json.dumps(r.choice([{}, {"newEmail": "x"}, {"newEmail": email}]))},
            {"method": "POST", "path": f"{where}/{r.choice(['confirm-verification', 'confirm-password-reset', 'confirm-email-change'])}", "by": by, "json": json.dumps(r.choice([{}, {"token": "x"}, {"token": "${token:root}", "password": "12345678", "passwordConfirm": "12345678"}, {"token": "x", "password": "y", "passwordConfirm": "z"}]))},
            {"method": "POST", "path": f"{where}/auth-with-oauth2", "by": by, "json": json.dumps(r.choice([{}, {"provider": "nope", "code": "x", "redirectURL": "http://x"}, {"provider": "github"}, {"provider": "", "code": ""}]))},
        ])

    # --- all else -----------------------------------------------------------------------------------------------------

    def file(self):
        r = self.r
        with_files = [name for name in self.model.named() if any(field["type"] == "file" for field in self.model.fields(name)) and self.model.records.get(name)]
        if not with_files:
            return self.list()
        name = r.choice(with_files)
        field = r.choice([field for field in self.model.fields(name) if field["type"] == "file"])
        id = self.id(name)
        wanted = f"${{file:{name}/{id}/{field['name']}/0}}" if r.random() < 0.9 and "%" not in id else r.choice(["nope.txt", "..%2fdata.db", "%2e%2e"])
        params = r.choice([[], [], [["download", "1"]], [["thumb", "10x10"]], [["thumb", "nope"]], [["token", "${token:file}"]], [["token", "x"]], [["token", "${token:root}"]]])
        return {"method": r.choice(["GET", "GET", "HEAD"]), "path": f"/api/files/{self.spelled(name)}/{id}/{wanted}", "params": params, "by": self.who(0.4), "headers": {"Range": r.choice(["bytes=0-2", "bytes=-2", "bytes=2-"])} if r.random() < 0.1 else {}}

    def change_settings(self):
        r = self.r
        if r.random() < 0.3:
            return {"method": "GET", "path": "/api/settings", "by": self.who(0.9), "params": r.choice([[], [["fields", "meta,batch.enabled"]]])}
        return {"method": "PATCH", "path": "/api/settings", "json": json.dumps(r.choice(SETTINGS)), "by": self.who(0.95)}

    def elsewhere(self):
        r = self.r
        method, path = r.choice(ELSEWHERE)
        step = {"method": method, "path": path, "by": self.who(0.5)}
        if method in ("POST", "PATCH", "PUT"):
            step["json"] = r.choice(["{}", "", "[]", "{bad", '{"clientId":"x","subscriptions":["a"]}', '{"email":"x","template":"y"}', '{"filesystem":"storage"}'])
        return step
