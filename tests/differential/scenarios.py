"""What is said to both servers. Each scenario is a function of a `Transcript`; its name is the test's."""

AUTODATES = [
    {"name": "created", "type": "autodate", "onCreate": True, "onUpdate": False},
    {"name": "updated", "type": "autodate", "onCreate": True, "onUpdate": True},
]
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360000002000001e221bc330000000049454e44ae426082"
)
KEPT = ("content-type", "content-disposition", "cache-control", "content-security-policy", "content-range", "accept-ranges")


def _field(kind, **options):
    return {"name": "x", "type": kind, **options}


def collections_that_are_wrong(t):
    post = lambda body: t.say("POST", "/api/collections", body)  # noqa: E731
    for name in ("", "1a", "a b", "_x", "a" * 256, "ünï", "users", "USERS", "sqlite_x", "a-b", "a.b", None, 5, "_superusers"):
        post({"name": name, "type": "base"})
    for kind in ("", "nope", None, "BASE"):
        post({"name": "kind", "type": kind})
    bad_fields = [
        {}, {"name": "x"}, {"type": "text"}, {"name": "", "type": "text"}, {"name": "x", "type": "nope"}, {"name": "a b", "type": "text"},
        {"name": "id", "type": "number"}, {"name": "collectionId", "type": "text"}, {"name": "expand", "type": "text"}, {"name": "null", "type": "text"},
        _field("text", min=5, max=2), _field("text", pattern="["), _field("text", max=-1), _field("text", autogeneratePattern="["),
        _field("number", min=5, max=2), _field("select"), _field("select", values=[]), _field("select", values=["a"], maxSelect=5),
        _field("select", values=["a", "a"]), _field("select", values=["a", ""]), _field("relation"), _field("relation", collectionId="nope"),
        _field("relation", collectionId="users", minSelect=5, maxSelect=2), _field("file", maxSize=-1), _field("file", maxSelect=-1),
        _field("file", thumbs=["nope"]), _field("file", mimeTypes=["a/b", ""]), _field("date", min="nope"), _field("date", min="2026-01-02", max="2026-01-01"),
        _field("json", maxSize=-1), _field("email", onlyDomains=["a.b"], exceptDomains=["c.d"]), _field("url", onlyDomains=["nope nope"]),
        _field("autodate"), _field("password", min=-1), _field("password", cost=100), _field("editor", maxSize=-5), _field("bool", required="yes"), _field("password"),
    ]
    for field in bad_fields:
        post({"name": "fielded", "type": "base", "fields": [field]})
    post({"name": "twice", "type": "base", "fields": [{"name": "x", "type": "text"}, {"name": "X", "type": "number"}]})
    for rule in ("nope = 1", "(", "x ~", "@request.auth.nope.y = 1", "@collection.nope.id = 1", "1 = 1", "id = @request.auth.id"):
        post({"name": "r" + str(len(t.steps)), "type": "base", "listRule": rule})
    for index in ("nope", "CREATE INDEX a ON b (c)", "CREATE INDEX `i1` ON `indexed` (`nope`)", "CREATE INDEX ON indexed (id)", "CREATE UNIQUE INDEX `i2` ON `indexed` (`id`); DROP TABLE users"):
        post({"name": "indexed", "type": "base", "indexes": [index]})
    for query in ("", "nope", "SELECT 1", "SELECT * FROM users", "SELECT id FROM nope", "DELETE FROM users", "SELECT id, id as id FROM users", "SELECT id FROM users; SELECT 1", "WITH a AS (SELECT id FROM users) SELECT id FROM a", "SELECT name as id, email FROM users"):
        post({"name": "v" + str(len(t.steps)), "type": "view", "viewQuery": query})
    t.say("POST", "/api/collections", None, data="{bad", headers={"Content-Type": "application/json"})
    t.say("GET", "/api/collections/nope")
    t.say("PATCH", "/api/collections/nope", {})
    t.say("DELETE", "/api/collections/nope")
    t.say("DELETE", "/api/collections/_superusers")
    t.say("PATCH", "/api/collections/_superusers", {"name": "other"})
    t.say("PATCH", "/api/collections/users", {"type": "base"})
    t.say("DELETE", "/api/collections/_superusers/truncate")


def collections_of_every_kind(t):
    made = t.say("POST", "/api/collections", {
        "name": "all", "type": "base", "fields": [
            {"name": "text", "type": "text"}, {"name": "number", "type": "number"}, {"name": "bool", "type": "bool"}, {"name": "email", "type": "email"},
            {"name": "url", "type": "url"}, {"name": "date", "type": "date"}, {"name": "select", "type": "select", "values": ["a", "b"]},
            {"name": "json", "type": "json"}, {"name": "file", "type": "file"}, {"name": "editor", "type": "editor"}, {"name": "geo", "type": "geoPoint"},
            {"name": "relation", "type": "relation", "collectionId": "_pb_users_auth_"}, *AUTODATES,
        ],
    })
    t.say("GET", f"/api/collections/{made.get('id')}")
    t.say("GET", "/api/collections/all", params={"fields": "id,name,fields.name"})
    t.say("PATCH", "/api/collections/all", {"listRule": "number > 1", "indexes": ["create unique index  idx_all on `all`(text)  where text!=''"]})
    t.say("PATCH", "/api/collections/all", {"name": "every", "fields": [field for field in made.get("fields", []) if field["name"] not in ("url", "json")]})
    t.say("POST", "/api/collections", {"name": "members", "type": "auth"})
    t.say("POST", "/api/collections", {"name": "members2", "type": "auth", "fields": [{"name": "nick", "type": "text"}], "passwordAuth": {"enabled": True, "identityFields": ["nick"]}})
    t.say("POST", "/api/collections", {"name": "members3", "type": "auth", "authToken": {"duration": 1}, "otp": {"enabled": True, "length": 2}})
    t.say("PATCH", "/api/collections/members", {"authRule": "verified = true", "manageRule": "id = @request.auth.id", "authToken": {"duration": 600}})
    t.say("PATCH", "/api/collections/members", {"passwordAuth": {"enabled": True, "identityFields": []}})
    t.say("POST", "/api/collections", {"name": "seen", "type": "view", "viewQuery": "SELECT e.id, e.number as n, (e.number + 1) as m, e.bool, e.relation, count(e.id) c, cast(e.text as int) i, e.date, 'x' s FROM every e GROUP BY e.id"})
    t.say("DELETE", "/api/collections/every", label="a collection that a view reads")
    t.say("GET", "/api/collections", params={"perPage": 3, "page": 2, "sort": "-name", "fields": "name,type"})
    t.say("GET", "/api/collections", params={"filter": "type = 'auth'", "fields": "name", "sort": "name"})
    t.say("GET", "/api/collections", params={"filter": "nope = 1"})
    t.say("GET", "/api/collections", params={"sort": "nope"})
    t.say("GET", "/api/collections/meta/scaffolds")
    t.say("DELETE", "/api/collections/seen")
    t.say("DELETE", "/api/collections/every")
    t.say("GET", "/api/collections", params={"fields": "name", "sort": "name"})


def import_of_collections(t):
    t.say("PUT", "/api/collections/import", {})
    t.say("PUT", "/api/collections/import", {"collections": []})
    t.say("PUT", "/api/collections/import", {"collections": [{"name": "imported", "type": "base", "fields": [{"name": "a", "type": "text", "id": "text_a"}]}]})
    t.say("GET", "/api/collections/imported")
    t.say("PUT", "/api/collections/import", {"collections": [{"name": "imported", "type": "base", "fields": [{"name": "b", "type": "number"}]}]})
    t.say("GET", "/api/collections/imported", params={"fields": "name,fields.name,fields.type"})
    t.say("PUT", "/api/collections/import", {"collections": [{"name": "bad name", "type": "base"}]})


def _typed(t):
    t.say("POST", "/api/collections", {
        "name": "typed", "type": "base", "listRule": "", "viewRule": "", "createRule": "", "updateRule": "", "deleteRule": "",
        "fields": [
            {"name": "title", "type": "text", "required": True, "min": 2, "max": 8, "pattern": "^[a-z0-9]+$"},
            {"name": "free", "type": "text"},
            {"name": "num", "type": "number", "min": -5, "max": 10},
            {"name": "whole", "type": "number", "onlyInt": True},
            {"name": "flag", "type": "bool"},
            {"name": "mail", "type": "email", "exceptDomains": ["bad.com"]},
            {"name": "link", "type": "url", "onlyDomains": ["ok.com"]},
            {"name": "day", "type": "date", "min": "2020-01-01 00:00:00.000Z", "max": "2030-01-01 00:00:00.000Z"},
            {"name": "one", "type": "select", "values": ["a", "b", "c"], "maxSelect": 1},
            {"name": "many", "type": "select", "values": ["a", "b", "c"], "maxSelect": 2},
            {"name": "data", "type": "json", "maxSize": 50},
            {"name": "rich", "type": "editor", "maxSize": 60},
            {"name": "place", "type": "geoPoint"},
            {"name": "friend", "type": "relation", "collectionId": "_pb_users_auth_", "maxSelect": 1},
            {"name": "friends", "type": "relation", "collectionId": "_pb_users_auth_", "maxSelect": 2, "minSelect": 0},
            {"name": "auto", "type": "text", "autogeneratePattern": "[x]{3}-y"},
            {"name": "hid", "type": "text", "hidden": True},
            *AUTODATES,
        ],
        "indexes": ["CREATE UNIQUE INDEX `idx_typed_free` ON `typed` (`free`) WHERE `free` != ''"],
    })
    return t.say("POST", "/api/collections/users/records", {"email": "f@example.com", "password": "12345678", "passwordConfirm": "12345678", "name": "F"})["id"]


def values_of_every_field(t):
    friend = _typed(t)
    post = lambda **body: t.say("POST", "/api/collections/typed/records", {"title": "ok", **body})  # noqa: E731
    post()
    for title in ("", "a", "abcdefghi", "UP", None, 12, True, ["x"], {"a": 1}, "  ok "):
        post(title=title)
    for number in (0, 1.5, -6, 11, "7", "x", "", None, True, [1], {"a": 1}, "1e1"):
        post(num=number)
    for whole in (3, 3.5, "3.0", "4"):
        post(whole=whole)
    for flag in (True, "true", "1", 1, 0, "x", None, "false", "t", []):
        post(flag=flag)
    for mail in ("a@ok.com", "a@bad.com", "nope", "A@Ok.com", "a@b", None, 1):
        post(mail=mail)
    for link in ("https://ok.com/x", "https://bad.com", "nope", "ftp://ok.com", "http://sub.ok.com"):
        post(link=link)
    for day in ("2026-01-02", "2026-01-02 03:04:05", "2026-01-02T03:04:05Z", "2026-01-02T03:04:05.123456Z", "2026-01-02 03:04:05+02:00", "2019-01-01", "2031-01-01", "nope", "", None, 1767323045, "2026-13-01", "2026-01-02T03:04"):
        post(day=day)
    for one in ("a", "d", "", None, ["a"], ["a", "b"], 1):
        post(one=one)
    for many in (["a", "b"], "a", ["a", "a"], ["a", "b", "c"], ["d"], [], None, "", '["a"]'):
        post(many=many)
    for data in ({"a": [1, 2.50, None]}, [], "text", "", None, 0, False, '{"b":1}', "nope{", "x" * 60, {"ü": "<>&"}, 1e21, 0.1, 12345678901234567890):
        post(data=data)
    for rich in ("<p>hi</p>", "x" * 61, None, 5):
        post(rich=rich)
    for place in ({"lon": 1.5, "lat": 2}, {"lon": 181, "lat": 0}, {"lon": 0, "lat": -91}, {}, None, "x", {"lon": "3", "lat": "4"}, '{"lon":1,"lat":2}', [1, 2]):
        post(place=place)
    for relation in (friend, "nope", "", None, [friend], [friend, friend], 5):
        post(friend=relation)
        post(friends=relation)
    for auto in ("", "own", None):
        post(auto=auto)
    post(hid="secret")
    post(id="short")
    post(id="abcdefghijklmno")
    post(id="abcdefghijklmno")
    post(id="ABCDEFGHIJKLMNO")
    post(free="unique")
    post(free="unique")
    post(created="2020-01-01 00:00:00Z", updated="x", unknown=5, collectionId="x", collectionName="y", expand={"a": 1})
    t.say("POST", "/api/collections/typed/records", {"title": "ok", "hid": "by a guest"}, by="nobody")
    t.say("POST", "/api/collections/typed/records", {})
    t.say("POST", "/api/collections/typed/records", [1])
    t.say("POST", "/api/collections/typed/records", None, data="{bad", headers={"Content-Type": "application/json"})
    t.say("POST", "/api/collections/typed/records", None, data="title=form&num=4&flag=true&many=a&many=b&data={\"x\":1}", headers={"Content-Type": "application/x-www-form-urlencoded"})
    t.say("POST", "/api/collections/typed/records", None, data="hello", headers={"Content-Type": "text/plain"})
    t.say("POST", "/api/collections/nope/records", {})


def changes_and_modifiers(t):
    friend = _typed(t)
    other = t.say("POST", "/api/collections/users/records", {"email": "g@example.com", "password": "12345678", "passwordConfirm": "12345678"})["id"]
    made = t.say("POST", "/api/collections/typed/records", {"title": "ok", "num": 2, "many": ["a"], "friends": [friend], "free": "f1", "data": {"a": 1}, "hid": "h"})
    patch = lambda body, **more: t.say("PATCH", f"/api/collections/typed/records/{made['id']}", body, **more)  # noqa: E731
    patch({"num+": 3})
    patch({"num-": 1.5})
    patch({"num+": "x"})
    patch({"num+": 100})
    patch({"many+": "b"})
    patch({"many+": ["c"]})
    patch({"many-": "a"})
    patch({"+many": ["c"]})
    patch({"friends+": other})
    patch({"friends-": [friend]})
    patch({"+friends": friend})
    patch({"title+": "x"})
    patch({"title": ""})
    patch({"id": "other0000000000"})
    patch({"created": "2000-01-01 00:00:00.000Z"})
    patch({"data": None, "flag": "yes"})
    patch({}, by="nobody")
    patch({"hid": "changed"}, by="nobody")
    t.say("PATCH", "/api/collections/typed/records/nope", {})
    t.say("GET", f"/api/collections/typed/records/{made['id']}")
    t.say("GET", f"/api/collections/typed/records/{made['id']}", by="nobody")
    t.say("DELETE", f"/api/collections/users/records/{friend}")
    t.say("GET", f"/api/collections/typed/records/{made['id']}")
    t.say("DELETE", f"/api/collections/typed/records/{made['id']}")
    t.say("DELETE", f"/api/collections/typed/records/{made['id']}")


def lists_and_their_parameters(t):
    friend = _typed(t)
    for n in range(6):
        t.say("POST", "/api/collections/typed/records", {
            "title": f"row{n}", "num": n - 2, "flag": n % 2 == 0, "many": ["a", "b", "c"][n % 3 : n % 3 + 2], "friend": friend if n % 2 else "", "friends": [friend] if n > 3 else [],
            "day": f"2026-01-0{n + 1} 00:00:00.000Z", "data": {"n": n, "deep": {"list": [n, n + 1]}}, "rich": f"<p>some <b>long</b> text {n}</p>", "place": {"lon": n, "lat": n}, "hid": f"h{n}",
        })
    get = lambda by="root", **params: t.say("GET", "/api/collections/typed/records", params={"sort": "title", **params}, by=by)  # noqa: E731
    get()
    for params in (
        {"page": 2, "perPage": 4}, {"page": 0}, {"page": -1}, {"page": "x"}, {"perPage": 0}, {"perPage": -1}, {"perPage": 5000, "fields": "id"}, {"perPage": "x", "fields": "id"},
        {"page": 99}, {"skipTotal": "1", "fields": "title"}, {"skipTotal": "true", "fields": "title"}, {"skipTotal": "x", "fields": "title"},
        {"fields": "*"}, {"fields": "title,nope"}, {"fields": "rich:excerpt(4)"}, {"fields": "rich:excerpt(4,true)"}, {"fields": "rich:nope(1)"}, {"fields": "data.deep"}, {"fields": "*,rich:excerpt(2)"}, {"fields": "place.lon"},
        {"expand": "friend", "fields": "title,expand"}, {"expand": "friend,friends,nope"}, {"expand": "friend.nope"}, {"expand": "friend", "fields": "expand.friend.name"},
        {"sort": "-num,title", "fields": "num"}, {"sort": "nope"}, {"sort": "+day", "fields": "day"}, {"sort": "-@rowid", "fields": "title"}, {"sort": "friend.name,title", "fields": "title"}, {"sort": "data.n", "fields": "title"}, {"sort": "hid"}, {"sort": ""},
    ):
        get(**params)
    for filter_ in (
        "num > 1", "num >= 1 && flag = true", "num < 0 || title = 'row3'", "(num = 1 || num = 2) && flag = false", "title ~ 'ow1'", "title !~ 'ow1'", "title ~ 'row%'", "title ~ '%3'", "title ?= 'row1'",
        "many ~ 'b'", "many:length > 1", "many:each = 'a'", "many ?= 'c'", "friend.name = 'F'", "friend.email = 'f@example.com'", "friends.name ?= 'F'", "friend = null", "friend = ''", "friend != ''",
        "day > '2026-01-03'", "day >= '2026-01-03 00:00:00.000Z'", "day > @now", "day < @todayStart", "created > @yesterday", "day >= @yearStart || 1=1", "data.n = 3", "data.deep.list.0 = 2", "data.nope = null", "place.lon > 2", "hid = 'h1'",
        "title = \"row1\"", "title:lower = 'row1'", "@request.auth.id != ''", "@request.query.sort = 'title'", "@request.method = 'GET'", "@collection.users.name ?= 'F'", "geoDistance(place.lon, place.lat, 0, 0) < 300", "strftime('%d', day) = '03'",
        "1 = 1", "true = true", "num = -1", "num = 1.0", "num = '1'", "title = row1", "nope = 1", "(", "num >", "num = 1 &&", "num == 1", "title = 'a' // comment", "'a'='a'", "num = 1 || ", "x" * 4000, "id.x = 1", "friend.nope = 1", "num ~ 1", "flag", "flag = 'true'", "title > 'row3'",
    ):
        get(filter=filter_, fields="title")
        get(by="nobody", filter=filter_, fields="title")
    t.say("GET", "/api/collections/users/records", params={"expand": "typed_via_friend,typed_via_friends", "fields": "name,expand.typed_via_friend.title,expand.typed_via_friends.title"})
    t.say("GET", "/api/collections/users/records", params={"filter": "typed_via_friend.title ?= 'row1'", "fields": "name"})


def rules(t):
    def make(name, email):
        t.say("POST", "/api/collections/users/records", {"email": email, "password": "12345678", "passwordConfirm": "12345678", "name": name, "verified": name == "one"})
        return t.say("POST", "/api/collections/users/auth-with-password", {"identity": email, "password": "12345678"}, by="nobody", label=f"login of {name}")

    one, two = make("one", "one@example.com"), make("two", "two@example.com")
    tokens = {"nobody": "nobody", "one": one["token"], "two": two["token"], "root": "root"}
    for name, rule in (
        ("closed", None), ("open", ""), ("authed", "@request.auth.id != ''"), ("own", "owner = @request.auth.id"), ("bytitle", "title ~ 'pub' || owner.verified = true"),
        ("bodied", "@request.body.title:isset = true && @request.body.title != 'no'"), ("changed", "@request.body.title:changed = false"), ("headed", "@request.headers.x_test = 'yes'"), ("queried", "@request.query.key = 'k'"),
        ("grouped", "@collection.users.id ?= @request.auth.id && @collection.users.verified ?= true"), ("context", "@request.context = 'default'"), ("typed2", "@request.auth.collectionName = 'users'"),
    ):
        t.say("POST", "/api/collections", {
            "name": name, "type": "base", **{f"{verb}Rule": rule for verb in ("list", "view", "create", "update", "delete")},
            "fields": [{"name": "title", "type": "text"}, {"name": "owner", "type": "relation", "collectionId": "_pb_users_auth_", "maxSelect": 1}],
        }, label=f"make {name}")
        mine = t.say("POST", f"/api/collections/{name}/records", {"title": "public", "owner": one["record"]["id"]})
        t.say("POST", f"/api/collections/{name}/records", {"title": "private", "owner": two["record"]["id"]})
        for who, token in tokens.items():
            ask = lambda method, path, body=None, **more: t.say(method, f"/api/collections/{name}/records{path}", body, by=token, label=f"{name}: {method} {path} {body} as {who} {more}", **more)  # noqa: E731, B023
            ask("GET", "", params={"sort": "title", "fields": "title"})
            ask("GET", "", params={"sort": "title", "fields": "title", "key": "k"}, headers={"X-Test": "yes"})
            ask("GET", f"/{mine['id']}")
            ask("PATCH", f"/{mine['id']}", {"title": "public"})
            ask("POST", "", {"title": "no", "owner": one["record"]["id"]})
            new = ask("POST", "", {"title": "pub", "owner": two["record"]["id"]}, params={"key": "k"}, headers={"X-Test": "yes"})
            if isinstance(new, dict) and new.get("id"):
                ask("DELETE", f"/{new['id']}")
        # Who may see what is expanded follows the expanded collection's view rule.
        t.say("GET", f"/api/collections/{name}/records", params={"expand": "owner", "sort": "title"}, by=tokens["two"], label=f"{name}: expanded as two")


def users_and_logins(t):
    post = lambda body, by="nobody": t.say("POST", "/api/collections/users/records", body, by=by)  # noqa: E731
    good = {"email": "u@example.com", "password": "12345678", "passwordConfirm": "12345678"}
    for body in (good, good, {**good, "email": "U@example.com"}, {**good, "email": "nope"}, {**good, "email": ""}, {"email": "x@example.com"}, {**good, "email": "p@example.com", "passwordConfirm": "other"}, {**good, "email": "q@example.com", "password": "short", "passwordConfirm": "short"}, {**good, "email": "w@example.com", "password": "x" * 72, "passwordConfirm": "x" * 72}, {**good, "email": "v@example.com", "verified": True}, {**good, "email": "t@example.com", "tokenKey": "x"}, {**good, "email": "e@example.com", "emailVisibility": True}):
        post(body)
    post({**good, "email": "r@example.com", "verified": True, "tokenKey": "x" * 40}, by="root")
    login = lambda body, collection="users": t.say("POST", f"/api/collections/{collection}/auth-with-password", body, by="nobody")  # noqa: E731
    for body in ({"identity": "u@example.com", "password": "12345678"}, {"identity": "U@EXAMPLE.com", "password": "12345678"}, {"identity": "u@example.com", "password": "wrong"}, {"identity": "nobody@example.com", "password": "12345678"}, {}, {"identity": "", "password": ""}, {"identity": "u@example.com"}, {"identity": "u@example.com", "password": "12345678", "identityField": "email"}, {"identity": "u@example.com", "password": "12345678", "identityField": "name"}, {"identity": "x" * 300, "password": "x"}):
        login(body)
    login({"identity": "a", "password": "b"}, "nope")
    login({"identity": "a", "password": "b"}, "_mfas")
    auth = login({"identity": "u@example.com", "password": "12345678"})
    token, me = auth["token"], auth["record"]["id"]
    t.say("POST", "/api/collections/users/auth-refresh", by=token)
    t.say("POST", "/api/collections/users/auth-refresh", by="root", label="refresh of another collection")
    t.say("POST", "/api/collections/users/auth-refresh", by="nobody")
    for collection in ("users", "_superusers", "nope", "_otps"):
        t.say("GET", f"/api/collections/{collection}/auth-methods", by="nobody")
    change = lambda body, by=token: t.say("PATCH", f"/api/collections/users/records/{me}", body, by=by, label=f"change {body} by {'root' if by == 'root' else 'oneself'}")  # noqa: E731
    change({"name": "New"})
    change({"email": "new@example.com"})
    change({"verified": True})
    change({"emailVisibility": True})
    change({"password": "87654321", "passwordConfirm": "87654321"})
    change({"password": "87654321", "passwordConfirm": "87654321", "oldPassword": "wrong"})
    change({"email": "root@changed.com", "verified": True}, by="root")
    change({"password": "87654321", "passwordConfirm": "87654321", "oldPassword": "12345678"})
    t.say("POST", "/api/collections/users/auth-refresh", by=token, label="refresh with the token of the old password")
    login({"identity": "root@changed.com", "password": "87654321"})
    t.say("GET", "/api/collections/users/records", params={"sort": "email", "fields": "email,verified,emailVisibility"})
    t.say("GET", "/api/collections/users/records", by="nobody")
    t.say("POST", f"/api/collections/users/impersonate/{me}", {"duration": 60})
    t.say("POST", "/api/collections/users/impersonate/nope", {})
    t.say("POST", f"/api/collections/users/impersonate/{me}", {}, by="nobody")
    t.say("POST", "/api/files/token")
    t.say("POST", "/api/files/token", by="nobody")
    for body in ({}, {"email": "s@example.com"}, {"email": "s@example.com", "password": "short", "passwordConfirm": "short"}, {"email": "s@example.com", "password": "12345678", "passwordConfirm": "12345678"}):
        t.say("POST", "/api/collections/_superusers/records", body)
    t.say("GET", "/api/collections/_superusers/records", params={"sort": "email", "fields": "email,verified,collectionName"})
    t.say("PATCH", "/api/collections/users", {"authRule": "verified = true && name = 'never'"}, label="nobody may log in")
    login({"identity": "root@changed.com", "password": "87654321"})
    t.say("PATCH", "/api/collections/users", {"authRule": "", "passwordAuth": {"enabled": False}}, label="no passwords")
    login({"identity": "root@changed.com", "password": "87654321"})


def settings_and_system(t):
    t.say("GET", "/api/settings")
    for body in (
        {"meta": {"appName": ""}}, {"meta": {"appName": "x" * 300}}, {"meta": {"appURL": "nope"}}, {"meta": {"appName": "Ok", "appURL": "https://ok.com", "senderAddress": "nope"}}, {"meta": {"hideControls": True}},
        {"backups": {"cron": "nope"}}, {"backups": {"cron": "* * * *"}}, {"backups": {"cron": "@daily", "cronMaxKeep": 0}}, {"backups": {"cron": "*/5 1-3,7 * JAN *"}}, {"backups": {"cronMaxKeep": -1}}, {"backups": {"cron": "0 0 * * *", "cronMaxKeep": 2}}, {"backups": {"cron": "60 0 * * *"}},
        {"backups": {"s3": {"enabled": True}}}, {"s3": {"enabled": True, "bucket": "b", "region": "r", "endpoint": "https://s3.example.com", "accessKey": "a", "secret": "s"}}, {"s3": {"enabled": False}},
        {"smtp": {"enabled": True}}, {"smtp": {"enabled": True, "host": "nope nope", "port": -1}}, {"smtp": {"enabled": False, "host": "smtp.example.com", "port": 25, "username": "u", "password": "p", "authMethod": "LOGIN", "tls": True}},
        {"logs": {"maxDays": -1}}, {"logs": {"maxDays": 3, "minLevel": 4, "logIP": False, "logAuthId": True}}, {"trustedProxy": {"headers": ["X-Real-IP"], "useLeftmostIP": True}}, {"batch": {"enabled": True, "maxRequests": 0}}, {"batch": {"enabled": True, "maxRequests": 5, "timeout": 2, "maxBodySize": 100}},
        {"rateLimits": {"enabled": True, "rules": []}}, {"rateLimits": {"rules": [{"label": "nope nope", "duration": 0, "maxRequests": 0}]}}, {"superuserIPs": ["nope"]}, {"unknown": {"x": 1}}, {}, [1],
    ):
        t.say("PATCH", "/api/settings", body)
    t.say("PATCH", "/api/settings", {"logs": {"maxDays": 5, "minLevel": 0, "logIP": True}, "trustedProxy": {"headers": [], "useLeftmostIP": False}, "backups": {"cron": ""}}, label="settings back")
    t.say("GET", "/api/settings", params={"fields": "meta.appName,backups.cronMaxKeep"})
    t.say("GET", "/api/crons")
    t.say("GET", "/api/crons", params={"fields": "id"})
    t.say("POST", "/api/crons/nope")
    t.say("GET", "/api/health", by="nobody")
    t.say("GET", "/api/health")
    t.say("HEAD", "/api/health", by="nobody")
    t.say("GET", "/api/logs/nope")
    t.say("GET", "/api/logs", params={"filter": "nope ="})
    t.say("GET", "/api/logs", params={"sort": "nope"})
    t.say("GET", "/api/logs", params={"perPage": 1, "filter": "level < 0"})
    t.say("GET", "/api/logs/stats", params={"filter": "nope ="})
    t.say("POST", "/api/realtime", {}, by="nobody")
    t.say("POST", "/api/realtime", {"clientId": "nope", "subscriptions": ["a"]}, by="nobody")
    t.say("POST", "/api/realtime", {"clientId": "x" * 300, "subscriptions": []}, by="nobody")
    for method, path in (("GET", "/api"), ("GET", "/api/"), ("GET", "/api/nope"), ("POST", "/api/health"), ("DELETE", "/api/settings"), ("GET", "/api/collections/users/nope")):
        t.say(method, path, by="nobody")


def files(t):
    t.say("POST", "/api/collections", {
        "name": "papers", "type": "base", "viewRule": "", "createRule": "", "updateRule": "", "fields": [
            {"name": "one", "type": "file", "maxSelect": 1, "maxSize": 20_000}, {"name": "many", "type": "file", "maxSelect": 3}, {"name": "pictures", "type": "file", "maxSelect": 2, "mimeTypes": ["image/png"]},
            {"name": "closed", "type": "file", "maxSelect": 1, "protected": True}, {"name": "title", "type": "text"}, {"name": "n", "type": "number"},
        ],
    })
    send = lambda method, path, files, data=None, label="", **more: t.say(method, f"/api/collections/papers/records{path}", None, files=files, data=data, label=f"{method} {label or [(part[0], part[1][0]) for part in files]} {data}", **more)  # noqa: E731
    contents = {
        "plain.txt": b"hello\n", "Ünï cödé (1).TXT": "ü".encode(), "page.html": b"<!DOCTYPE html><html><body>x</body></html>", "vector.svg": b'<svg xmlns="http://www.w3.org/2000/svg"></svg>', "image.png": PNG,
        "data.json": b'{"a":1}', "style.css": b"body{}", "script.js": b"alert(1)", "empty.bin": b"", "zeros.bin": bytes(100), "a.tar.gz": b"\x1f\x8b\x08\0" + bytes(20), "noext": b"plain", ".hidden": b"x", "..": b"dots", "a" * 200 + ".txt": b"long", "x.verylongextension12345": b"e", "paper.pdf": b"%PDF-1.4\n%\xe2\xe3\n", "music.mp3": b"\xff\xfb\x90\x64" + bytes(413), "sheet.csv": b"a,b\n1,2\n", "video.mp4": b"\0\0\0\x18ftypmp42" + bytes(16), "UP per.PNG": PNG, "docs.xml": b"<?xml version='1.0'?><a/>",
    }
    for name, content in contents.items():
        made = send("POST", "", [("one", (name, content))], {"title": name})
        if isinstance(made, dict) and made.get("one"):
            for params in ({}, {"download": "1"}, {"thumb": "10x10"} if not name.lower().endswith(".png") else {}):
                t.say("GET", f"/api/files/papers/{made['id']}/{made['one']}", by="nobody", params=params, shown=KEPT, label=f"the file {name} {params}")
    send("POST", "", [("one", ("big.bin", bytes(20_001)))])
    send("POST", "", [("pictures", ("fake.png", b"no picture"))])
    made = send("POST", "", [("many", ("a.txt", b"aaa")), ("many", ("b.txt", b"bbb"))], {"title": "two", "n": "4"})
    record = f"/{made['id']}"
    send("PATCH", record, [("many", ("c.txt", b"ccc"))], label="replaces many")
    send("PATCH", record, [("many+", ("d.txt", b"ddd")), ("many+", ("e.txt", b"eee"))], label="adds two")
    send("PATCH", record, [("many+", ("f.txt", b"fff"))], label="one too many")
    send("PATCH", record, [("+many", ("g.txt", b"ggg"))], {"many-": t.say("GET", f"/api/collections/papers/records{record}")["many"][0]}, label="in front, one away")
    t.say("PATCH", f"/api/collections/papers/records{record}", {"many": []})
    t.say("PATCH", f"/api/collections/papers/records{record}", {"one": "invented.txt"})
    t.say("PATCH", f"/api/collections/papers/records{record}", {"n": "x", "title": 5})
    send("PATCH", record, [("@jsonPayload", (None, '{"title":"from json","n":7}')), ("one", ("j.txt", b"j"))], label="a JSON payload beside a file")
    send("PATCH", record, [("@jsonPayload", (None, "{bad")), ("one", ("k.txt", b"k"))], label="a bad JSON payload")
    send("PATCH", record, [("nope", ("x.txt", b"x"))], label="a file for no field")
    made = send("POST", "", [("closed", ("secret.txt", b"secret"))])
    path = f"/api/files/papers/{made['id']}/{made['closed']}"
    t.say("PATCH", "/api/collections/papers", {"viewRule": None}, label="closes papers")
    token = t.say("POST", "/api/files/token")["token"]
    t.say("GET", path, by="nobody", label="protected without")
    t.say("GET", path, by="root", label="protected with a header")
    t.say("GET", path, by="nobody", params={"token": token}, label="protected with a token", shown=KEPT)
    t.say("GET", path, by="nobody", params={"token": "nope"}, label="protected with nonsense")
    t.say("GET", path, by="nobody", params={"token": token}, headers={"Range": "bytes=1-3"}, label="a range", shown=KEPT)
    t.say("GET", path, by="nobody", params={"token": token}, headers={"Range": "bytes=100-"}, label="a range behind the end", shown=("content-range",))
    t.say("GET", path, by="nobody", params={"token": token}, headers={"Range": "bytes=-2"}, label="the last two", shown=KEPT)
    for wrong in ("/api/files/papers/nope/x.txt", f"/api/files/nope/{made['id']}/x.txt", f"/api/files/papers/{made['id']}/nope.txt", f"/api/files/papers/{made['id']}/..%2f..%2fdata.db", f"/api/files/papers/{made['id']}/%2e%2e"):
        t.say("GET", wrong, by="nobody")
    t.say("DELETE", f"/api/collections/papers/records/{made['id']}")
    t.say("GET", path, by="nobody", params={"token": token}, label="gone")


def relations_and_deletion(t):
    for name in ("parents", "kids", "wards", "needs"):
        t.say("POST", "/api/collections", {"name": name, "type": "base", "viewRule": "", "listRule": "", "fields": [{"name": "title", "type": "text"}]}, label=f"make {name}")
    ids = {name: t.say("GET", f"/api/collections/{name}", label=f"look at {name}") for name in ("parents", "kids", "wards", "needs")}
    add = lambda where, **field: t.say("PATCH", f"/api/collections/{where}", {"fields": [*ids[where]["fields"], {"type": "relation", "collectionId": ids["parents"]["id"], **field}]})  # noqa: E731
    add("kids", name="parent", cascadeDelete=True, maxSelect=1)
    add("wards", name="guardians", maxSelect=3)
    add("needs", name="must", required=True, maxSelect=1)
    parents = [t.say("POST", "/api/collections/parents/records", {"title": f"p{n}"})["id"] for n in range(4)]
    for n in range(3):
        t.say("POST", "/api/collections/kids/records", {"title": f"k{n}", "parent": parents[0]})
    t.say("POST", "/api/collections/wards/records", {"title": "w", "guardians": parents[:3]})
    t.say("POST", "/api/collections/wards/records", {"title": "w", "guardians": parents})
    t.say("POST", "/api/collections/needs/records", {"title": "n", "must": parents[1]})
    t.say("POST", "/api/collections/needs/records", {"title": "n"})
    t.say("GET", f"/api/collections/parents/records/{parents[0]}", params={"expand": "kids_via_parent,wards_via_guardians.guardians,needs_via_must"})
    for parent in parents:
        t.say("DELETE", f"/api/collections/parents/records/{parent}")
    t.say("GET", "/api/collections/kids/records", params={"fields": "title,parent"})
    t.say("GET", "/api/collections/wards/records", params={"fields": "title,guardians"})
    t.say("DELETE", "/api/collections/parents")
    t.say("DELETE", "/api/collections/needs/truncate")
    for name in ("kids", "wards", "needs", "parents"):
        t.say("DELETE", f"/api/collections/{name}")


SCENARIOS = [
    collections_that_are_wrong, collections_of_every_kind, import_of_collections, values_of_every_field, changes_and_modifiers,
    lists_and_their_parameters, rules, users_and_logins, settings_and_system, files, relations_and_deletion,
]
