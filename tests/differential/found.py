"""What the fuzzer found and was mended since, said to both servers. Each scenario is a function of a `Transcript`."""

OPEN = {"listRule": "", "viewRule": "", "createRule": "", "updateRule": "", "deleteRule": ""}
ID, OTHER, THIRD = "aaaaaaaaaaaaaaa", "baaaaaaaaaaaaaa", "caaaaaaaaaaaaaa"


def _text(name, **rest):
    return {"name": name, "type": "text", **rest}


def _make(t, name, *fields, **rest):
    return t.say("POST", "/api/collections", {"name": name, "type": "base", **OPEN, "fields": list(fields), **rest})


def fields_of_an_answer(t):
    _make(t, "notes", {"name": "j", "type": "json"}, _text("t"), {"name": "r", "type": "relation", "collectionId": "_pb_users_auth_"})
    t.say("POST", "/api/collections/users/records", {"id": ID, "email": "a@b.co", "password": "12345678", "passwordConfirm": "12345678"})
    made = {"a": ["long", "text"], "b": [[{"x": 1, "y": 2}]], "c": [{"x": 1, "y": 2}], "d": "hello", "e": {"f": 1, "g": "abc"}}
    t.say("POST", "/api/collections/notes/records", {"id": ID, "j": made, "t": "hello", "r": ID})
    for fields in (
        "j.a:excerpt(2)", "*:excerpt(2)", "j.*:excerpt(2)", "expand.*.id", "expand.r", "expand,expand.r.id", "j.b.x", "j.c.x", "j.a.x", "j.d.x", "t:excerpt(2),t", "t,t:excerpt(2)", "t:excerpt(2),*",
        "j.e.g:excerpt(1)", "*,expand.r.id", "expand.*,expand.r.id", "*.id", "*.id,t", "*,*.id", "j.", "j..d", ".j", "(t", "t:excerpt(2",
    ):
        t.say("GET", f"/api/collections/notes/records/{ID}", params={"expand": "r", "fields": fields})
        t.say("GET", "/api/collections/notes/records", params={"expand": "r", "fields": fields})
    t.say("GET", "/api/collections/notes", params={"fields": "name,fields.name,*.id"})


def expansions(t):
    """A path that leads nowhere is left out as a whole, but only where there are records to go on from."""
    teams = _make(t, "teams", _text("name"))
    closed = _make(t, "closed", _text("name"), viewRule=None)
    posts = _make(t, "posts", {"name": "team", "type": "relation", "collectionId": teams["id"]}, {"name": "shut", "type": "relation", "collectionId": closed["id"]}, {"name": "all", "type": "relation", "collectionId": teams["id"], "maxSelect": 3})
    _make(t, "replies", {"name": "post", "type": "relation", "collectionId": posts["id"]})
    t.say("POST", "/api/collections/teams/records", {"id": ID, "name": "a"})
    t.say("POST", "/api/collections/closed/records", {"id": ID, "name": "a"})
    t.say("POST", "/api/collections/posts/records", {"id": ID, "team": ID, "shut": ID, "all": [ID]})
    t.say("POST", "/api/collections/posts/records", {"id": OTHER})
    t.say("POST", "/api/collections/replies/records", {"id": ID, "post": ID})
    for by in ("root", "nobody"):
        for expand in (
            "team", "nope", "team.nope", "team,team.nope", "team.nope,all", "team.posts_via_team.nope", "team.posts_via_team,team.nope", "shut", "shut.nope", "shut.posts_via_shut", "replies_via_post", "replies_via_post.nope",
            "replies_via_post.post.nope", "replies_via_post,replies_via_post", "all.posts_via_all.shut", "all.posts_via_all.team,all.posts_via_all.nope", "posts_via_team", "team.replies_via_post", "team.posts_via_team.replies_via_post.post.team.posts_via_team.nope", "team,", "..team..", "te am",
        ):
            t.say("GET", f"/api/collections/posts/records/{ID}", params={"expand": expand}, by=by, label=f"one, {by}: {expand}")
            t.say("GET", f"/api/collections/posts/records/{OTHER}", params={"expand": expand}, by=by, label=f"one of nothing, {by}: {expand}")
            t.say("GET", "/api/collections/posts/records", params={"expand": expand, "sort": "id"}, by=by, label=f"all, {by}: {expand}")


def refusals_in_their_order(t):
    _make(t, "notes", _text("t"))
    _make(t, "closed", _text("t"), listRule=None)
    for name in ("notes", "closed"):
        for asked in ({"page": "x"}, {"page": "x", "filter": "@request.auth.id = ''"}, {"perPage": "1e3", "sort": "@collection.notes.t"}, {"skipTotal": "x", "filter": "("}, {"filter": "@request.auth.id ="}):
            t.say("GET", f"/api/collections/{name}/records", params=asked, by="nobody")
            t.say("GET", f"/api/collections/{name}/records", params=asked)


def json_that_is_nothing(t):
    """Nothing is NULL: unique indexes, views and orders see it."""
    _make(t, "notes", {"name": "j", "type": "json"}, _text("t"), indexes=["CREATE UNIQUE INDEX `idx_j` ON `notes` (`j`)"])
    for n, body in enumerate(({}, {}, {"j": None}, {"j": ""}, {"j": 0}, {"j": []})):
        t.say("POST", "/api/collections/notes/records", {"id": f"{n}{ID[1:]}", **body})
    t.say("POST", "/api/collections/notes/records", {"j": ""})
    t.say("PATCH", f"/api/collections/notes/records/4{ID[1:]}", {"j": None})
    query = "SELECT id, coalesce(j, 'none') AS c, j IS NULL AS isnull, coalesce(t, '') AS e, (t || '') AS f, '' AS g, ' [1] ' AS h, '[1] ' AS k, x'' AS b FROM notes WHERE j IS NULL OR j != ''"
    t.say("POST", "/api/collections", {"name": "seen", "type": "view", "listRule": "", "viewQuery": query})
    t.say("GET", "/api/collections/seen/records", params={"sort": "id"})
    t.say("GET", "/api/collections/seen/records", params={"sort": "id"}, by="nobody")
    for asked in ("j = null", "j != null", "j = ''", "j != ''", "j:length > 0", "j ~ 'null'"):
        t.say("GET", "/api/collections/notes/records", params={"filter": asked, "sort": "id", "fields": "id,j"})
    t.say("GET", "/api/collections/notes/records", params={"sort": "j,id", "fields": "id,j"})


def views_of_records_without_an_id(t):
    _make(t, "notes", _text("t"))
    t.say("POST", "/api/collections/notes/records", {"id": ID})
    for n, what in enumerate(("null", "''", "x''", "cast('' as text)", "1", "' '", "0")):
        t.say("POST", "/api/collections", {"name": f"one{n}", "type": "view", "viewQuery": f"SELECT ({what}) AS id FROM notes"})
    t.say("POST", "/api/collections", {"name": "later", "type": "view", "viewQuery": "SELECT nullif(t, 'none') AS id FROM notes WHERE t != ''"})
    t.say("PATCH", f"/api/collections/notes/records/{ID}", {"t": "none"})
    t.say("PATCH", "/api/collections/later", {})


def what_was_sent_beside_a_text(t):
    """`isset` asks behind a `!=` whether the other side is true, which a word is not."""
    for n, rule in enumerate(("t != @request.body.x:isset", "t = @request.body.x:isset", "@request.body.x:isset != t", "t ?!= @request.query.x:isset", "@request.body.x:isset = false", "@request.body.x:isset != true", "t != false")):
        _make(t, f"notes{n}", _text("t"), updateRule=rule, listRule=rule)
        for id, value in ((ID, "abc"), (OTHER, "1"), (THIRD, "")):
            t.say("POST", f"/api/collections/notes{n}/records", {"id": id, "t": value})
            for body in ({}, {"x": 1}):
                t.say("PATCH", f"/api/collections/notes{n}/records/{id}", body, by="nobody", label=f"{rule}: {value!r} {body}")
        t.say("GET", f"/api/collections/notes{n}/records", params={"sort": "id"}, by="nobody", label=f"{rule}: all")


def values_that_end_a_sentence(t):
    _make(t, "notes", {"name": "s", "type": "select", "values": ["a"]}, {"name": "m", "type": "select", "values": ["a"], "maxSelect": 1})
    for value in (".", " ", "b.", "what?", " b ", "b"):
        t.say("POST", "/api/collections/notes/records", {"s": value, "m": value})


def needless_parts_of_a_path(t):
    for method, path in (("POST", "//api/collections/users/records"), ("PATCH", "/api//collections/users"), ("POST", "/api/collections//users/records?a=b%20c&d=//e"), ("DELETE", "//api/collections/nope/"), ("POST", "/x/../api/health"), ("POST", "/x/./y")):
        for by in ("root", "nobody"):
            t.say(method, path, by=by, allow_redirects=False, shown=("location",), label=f"{method} {path} by {by}")


def parts_of_nothing(t):
    _make(t, "notes", {"name": "f", "type": "file"})
    made = t.say("POST", "/api/collections/notes/records", files=[("f", ("empty.txt", b""))], label="an empty file")
    # Of `bytes=-2` PocketBase sends the part "0--1/0".
    for asked in ("bytes=0-2", "bytes=5-", "bytes=0-"):
        t.say("GET", f"/api/files/notes/{made['id']}/{made['f']}", headers={"Range": asked}, shown=("content-range", "accept-ranges"), label=f"of nothing {asked}")


def bodies_that_go_on(t):
    """The first JSON value is the body; a form has no semicolons."""
    json, form = {"Content-Type": "application/json"}, {"Content-Type": "application/x-www-form-urlencoded"}
    _make(t, "notes", _text("t"))
    t.say("POST", "/api/collections/users/records", {"id": ID, "email": "a@b.co", "password": "12345678", "passwordConfirm": "12345678"})
    login = '{"identity":"a@b.co","password":"12345678"}'
    for body in (login + " x", login + login, " " + login, login + "\n", login[:-1], "x" + login):
        t.say("POST", "/api/collections/users/auth-with-password", data=body, headers=json, by="nobody", label=f"login {body}")
    for n, more in enumerate((" x", "{}", "")):
        t.say("POST", "/api/collections", data=f'{{"name":"made{n}"}}{more}', headers=json, label=f"a collection, then {more!r}")
        t.say("POST", "/api/collections/notes/records", data=f'{{"t":"a{n}"}}{more}', headers=json, label=f"a record, then {more!r}")
    for body in ("t=a;b=c", "t=a%3Bb", "t=a&b=c;d"):
        t.say("POST", "/api/collections/notes/records", data=body, headers=form, label=f"a form {body}")


def a_collection_called_import(t):
    """The route of an import has the name of no collection; all but the import itself are the collection's."""
    for by in ("root", "nobody"):
        for method in ("GET", "HEAD", "PATCH", "DELETE", "POST"):
            t.say(method, "/api/collections/import", {} if method in ("PATCH", "POST") else None, by=by, label=f"{method} of none by {by}")
    _make(t, "import", _text("t"))
    t.say("GET", "/api/collections/import")
    t.say("PATCH", "/api/collections/import", {"listRule": None})
    t.say("POST", "/api/collections/import/records", {"id": ID, "t": "x"})
    t.say("GET", "/api/collections/import/records")
    t.say("DELETE", "/api/collections/import", by="nobody")
    t.say("DELETE", "/api/collections/import")
    t.say("GET", "/api/collections/import", label="after it is gone")


def lists_within_lists(t):
    """The one value that a field keeps of a list is read once more, as if it alone had been sent."""
    _make(t, "notes", {"name": "s", "type": "select", "values": ["[]", "a", '["a"]']}, {"name": "m", "type": "select", "values": ["[]", "a", '["a"]'], "maxSelect": 3}, {"name": "r", "type": "relation", "collectionId": "_pb_users_auth_"})
    t.say("POST", "/api/collections/users/records", {"id": ID, "email": "a@b.co", "password": "12345678", "passwordConfirm": "12345678"})
    for n, value in enumerate((["[]"], ["a", "[]"], ['["a"]'], ['["a","b"]'], ['["[\\"a\\"]"]'], "[]", '["[]"]', '["a"]', ["[b"], 5, [[]], [["a"]], [["a"], "a"], [{"a": 1}], '["a",null]')):
        id = f"{n:015}"
        t.say("POST", "/api/collections/notes/records", {"id": id, "s": value}, label=f"one: {value!r}")
        t.say("POST", "/api/collections/notes/records", {"id": f"m{n:014}", "m": value}, label=f"several: {value!r}")
        t.say("PATCH", f"/api/collections/notes/records/{id}", {"s+": value}, label=f"one more: {value!r}")
    _make(t, "files", {"name": "f", "type": "file"}, {"name": "g", "type": "file", "maxSelect": 3})
    for value in ("x" * 251, "ä" * 126, [["a"]], [[["a"]], "b"], [[1]], [{"a": 1}], [[]], '["a",null]', "[]"):
        for name in ("f", "g"):
            t.say("POST", "/api/collections/files/records", {name: value})
    for value in (["[]"], [f'["{ID}"]'], f'["{ID}"]', [f'["{ID}","x"]'], [[ID]], [[ID], ID]):
        t.say("POST", "/api/collections/notes/records", {"r": value}, label=f"a relation: {value!r}")
    t.say("GET", "/api/collections/notes/records", params={"sort": "id", "filter": "s != '' || m:length > 0"})


def truths_of_views(t):
    """A number that a view casts to a bool is true where it is 1."""
    _make(t, "notes", _text("t"), {"name": "n", "type": "number"}, {"name": "b", "type": "bool"})
    for n, (text, number, truth) in enumerate((("", 0, False), ("1", 1, True), ("-1", -1, True), ("0.5", 0.5, False), ("2", 2, True), ("true", 1e3, False), ("2024-01-02", 3, True))):
        t.say("POST", "/api/collections/notes/records", {"id": f"{n:015}", "t": text, "n": number, "b": truth})
    for name in ("t", "n", "b"):
        t.say("POST", "/api/collections", {"name": f"cast_{name}", "type": "view", "listRule": "", "viewQuery": f"SELECT id, {name}, CAST({name} AS BOOL) AS one, CAST({name} AS BOOLEAN) AS other FROM notes"})
        t.say("GET", f"/api/collections/cast_{name}/records", params={"sort": "id"})
        for asked in ("one = true", "one = 1", "one != 0", "other = false"):
            t.say("GET", f"/api/collections/cast_{name}/records", params={"sort": "id", "filter": asked})


def deletions_that_a_unique_index_refuses(t):
    teams = _make(t, "teams", _text("name"))
    _make(t, "posts", _text("t"), {"name": "team", "type": "relation", "collectionId": teams["id"]}, indexes=["CREATE UNIQUE INDEX `idx_team` ON `posts` (`team`)"])
    for id in (ID, OTHER):
        t.say("POST", "/api/collections/teams/records", {"id": id})
        t.say("POST", "/api/collections/posts/records", {"id": id, "team": id})
    t.say("PATCH", "/api/settings", {"batch": {"enabled": True, "maxRequests": 5, "timeout": 5}})
    t.say("DELETE", f"/api/collections/teams/records/{ID}")
    t.say("DELETE", f"/api/collections/teams/records/{OTHER}")
    t.say("POST", "/api/batch", {"requests": [{"method": "DELETE", "url": f"/api/collections/teams/records/{OTHER}"}]})
    t.say("DELETE", "/api/collections/teams/truncate")
    t.say("GET", "/api/collections/posts/records", params={"sort": "id"})


def the_largest_whole_numbers(t):
    _make(t, "notes", {"name": "n", "type": "number", "onlyInt": True})
    for value in (-(2**63), 2**63, -(2**63) - 2048, 2**63 - 1024, -(2**53) - 1, "-9223372036854775808"):
        t.say("POST", "/api/collections/notes/records", {"n": value})


def views_that_are_refused(t):
    """A name that no field can have is said of the query, too; rules may speak of fields of a view whose records have no ids."""
    _make(t, "notes", _text("t"))
    say = lambda n, query, rule=None: t.say("POST", "/api/collections", {"name": f"view{n}", "type": "view", "viewQuery": query, "listRule": rule})  # noqa: E731
    for n, query in enumerate(("SELECT id, count(*) FROM notes", "SELECT id, t AS expand FROM notes", "SELECT id, t AS `a b` FROM notes", "SELECT id, t AS x, t AS x FROM notes", "SELECT id, t AS `1a` FROM notes", f"SELECT id, t AS {'x' * 101} FROM notes", "SELECT id, 1 AS `` FROM notes", "SELECT t AS id, t AS `x y` FROM notes")):
        say(n, query)
        say(f"a{n}", query, "id = 'a'")
    t.say("POST", "/api/collections/notes/records", {"id": ID})
    for n, query in enumerate(("SELECT null AS id, t FROM notes", "SELECT nope AS id, t FROM notes", "SELECT 1 AS x", "")):
        for rule in ("id = 'a'", "t = 'a'", "nope = 'a'"):
            say(f"b{n}", query, rule)
    _make(t, "others", _text("t"))
    say("late", "SELECT null AS id, t AS u FROM others")
    t.say("POST", "/api/collections/others/records", {"id": ID})
    for change in ({"listRule": "id = 'a'"}, {"listRule": "u = 'a'"}, {"listRule": "t = 'a'"}, {"listRule": "t = 'a'", "viewQuery": "SELECT null AS id, t FROM others"}):
        t.say("PATCH", "/api/collections/viewlate", change)


def modifiers_that_are_none(t):
    """Of every answer, also where it has no such field; what was asked for happens all the same."""
    login = {"identity": "a@b.co", "password": "12345678"}
    _make(t, "notes", _text("t"))
    t.say("POST", "/api/collections/users/records", {"id": ID, "email": login["identity"], "password": login["password"], "passwordConfirm": login["password"]})
    for fields in ("t:nope", "name:excerpt", "x:excerpt(1,2,3)", "a:b:c", "token:nope", "record.name:nope", "name:excerpt(2)", "name"):
        for method, path, body in (
            ("POST", f"/api/collections/users/impersonate/{ID}", {}), ("POST", "/api/collections/users/auth-with-password", login), ("GET", "/api/health", None), ("GET", "/api/settings", None), ("GET", "/api/collections", None),
            ("GET", "/api/collections/notes", None), ("GET", "/api/collections/users/auth-methods", None), ("GET", "/api/crons", None), ("GET", "/api/collections/meta/scaffolds", None), ("GET", "/api/backups", None),
            ("PATCH", "/api/collections/notes", {"listRule": f"t = '{fields[0]}'"}), ("PATCH", "/api/settings", {"meta": {"appName": f"Say {fields[0]}"}}),
        ):
            t.say(method, path, body, params={"fields": fields})
        t.say("GET", "/api/collections/notes", params={"fields": "listRule"}, label=f"the rule after {fields}")


def names_in_another_spelling(t):
    """A rule that says the collection's own name in another spelling speaks of what is stored."""
    _make(t, "notes", _text("t"))
    for n, rule in enumerate(("@collection.users.name = 'a'", "@collection.Users.name = 'a'", "@collection.USERS.t = 'a'", "@collection.users.t = 'a'")):
        t.say("POST", "/api/collections", {"name": "USERS", "type": "base", "fields": [_text("t")], "listRule": rule}, label=f"taken: {rule}")
    for n, name in enumerate(("new0", "NEW1", "New2")):
        _make(t, f"new{n}", _text("t"), listRule=f"@collection.{name}.t = 'a'")
    for rule in ("@collection.notes.u = 'a'", "@collection.NOTES.u = 'a'", "@collection.Notes.t = 'a'"):
        t.say("PATCH", "/api/collections/notes", {"fields": [_text("t"), _text("u")], "listRule": rule})
        t.say("PATCH", "/api/collections/notes", {"fields": [_text("t")], "listRule": ""}, label=f"back after {rule}")


def columns_that_views_need(t):
    _make(t, "notes", _text("t"), _text("u"))
    t.say("POST", "/api/collections", {"name": "seen", "type": "view", "viewQuery": "SELECT id, t FROM notes"})
    t.say("PATCH", "/api/collections/notes", {"fields": [_text("u")]})
    t.say("PATCH", "/api/collections/notes", {"fields": [_text("t")]})


def files_that_rules_see(t):
    """A file that comes is an object to a rule: its name, what its client calls it, its size."""
    for n, rule in enumerate((
        "@request.body.f >= 'or'", "@request.body.f ~ '{%'", "@request.body.f ~ '[%'", "@request.body.f ~ 'a%'", "@request.body.f:length = 1", "@request.body.f:length = 2", "@request.body.f:each ~ '{%'", "@request.body.f:isset = true",
        "@request.body.f:lower = ''", "@request.body.f.size = 1", "@request.body.f.originalName = 'A.txt'", "@request.body.f.0.originalName = 'A.txt'", "@request.body.f:changed = true", "@request.body.f = f", '@request.body.f ~ \'{"name":"%","originalName":"A.txt","size":1}\'',
    )):
        for most in (1, 3):
            name = f"notes{n}_{most}"
            _make(t, name, {"name": "f", "type": "file", "maxSelect": most}, createRule=rule, updateRule=rule)
            for id, keys in ((ID, ["f"]), (OTHER, ["f", "f"]), (THIRD, ["f+"])):
                t.say("POST", f"/api/collections/{name}/records", by="nobody", data={"id": id}, files=[(key, ("A.txt", b"x")) for key in keys], label=f"{rule}: {most} {keys}")
            made = "daaaaaaaaaaaaaa"
            t.say("POST", f"/api/collections/{name}/records", data={"id": made}, files=[("f", ("b.txt", b"x"))], label=f"{rule}: {most} made")
            t.say("PATCH", f"/api/collections/{name}/records/{made}", by="nobody", files=[("f+", ("A.txt", b"x"))], label=f"{rule}: {most} one more")
            t.say("PATCH", f"/api/collections/{name}/records/{made}", {}, by="nobody", label=f"{rule}: {most} none")


def json_that_rules_see(t):
    """The value of a json field in a body is its text to a rule, as it was sent where that is JSON; a path into it leads on."""
    sent = [None, "null", "", "abc", '"abc"', 1, "1.50", True, [], [1, "a"], {"a": 1}, '{"a": 1}', "[1,2", "[1, 2]", 0, {"a": {"c": 2}}, ["<&"]]
    for n, rule in enumerate((
        "@request.body.x = null", "@request.body.x = ''", "@request.body.x = 'null'", "@request.body.x = '\"abc\"'", "@request.body.x = '1.50'", "@request.body.x = '[1, 2]'", "@request.body.x > 0", "@request.body.x ~ 'u003c'",
        "@request.body.x = x", "@request.body.x:lower = x", "@request.body.x:changed = true", "@request.body.x.a = 1", "@request.body.x.0 = 1", "@request.body.x.a.c = 2", "@request.body.x:isset = true",
    )):
        _make(t, f"notes{n}", {"name": "x", "type": "json"}, createRule=rule, updateRule=rule)
        t.say("POST", f"/api/collections/notes{n}/records", {"id": ID, "x": {"a": 1}}, label=f"{rule}: made")
        for value in sent:
            t.say("POST", f"/api/collections/notes{n}/records", {"x": value}, by="nobody", label=f"{rule}: new {value!r}")
            t.say("PATCH", f"/api/collections/notes{n}/records/{ID}", {"x": value}, by="nobody", label=f"{rule}: {value!r}")


def a_backup_called_upload(t):
    """The path of uploads is a backup's too. (One that is not there can't be deleted: that is a 404 here, and a 400 there.)"""
    for by, methods in (("nobody", "GET HEAD DELETE PATCH PUT"), ("root", "GET HEAD PATCH PUT")):
        for method in methods.split():
            t.say(method, "/api/backups/upload", by=by, label=f"{method}, {by}")


def numbers_of_a_new_record(t):
    """Until a column stores them, numbers are fractions to a rule that looks at their text."""
    _make(t, "teams", {"name": "open", "type": "bool"})
    t.say("POST", "/api/collections/teams/records", {"id": ID})
    for n, rule in enumerate(("x ~ y", "x !~ y:each", "x !~ tags:length", "x ~ tags:length", "x ~ '.0'", "x = '1.0'", "x = '1'", "x > '0'", "x ~ '1.5'", "team.open ~ x", "@request.body.team.open ?~ x", "@request.body.x ~ x", "x ~ @request.body.x", "x = 1", "x != 1")):
        fields = [{"name": "x", "type": "number"}, {"name": "y", "type": "number"}, {"name": "tags", "type": "select", "values": ["a", "b"], "maxSelect": 2}, {"name": "team", "type": "relation", "collectionId": t.say("GET", "/api/collections/teams")["id"]}]
        _make(t, f"notes{n}", *fields, createRule=rule, updateRule=rule, listRule=rule)
        for value in (0, 1, 1.5, 10, -1, 1e21):
            t.say("POST", f"/api/collections/notes{n}/records", {"x": value, "team": ID}, by="nobody", label=f"{rule}: new {value}")
            t.say("POST", f"/api/collections/notes{n}/records", {"id": f"{value:.0f}"[-15:].replace("-", "m").ljust(15, "0"), "x": value, "team": ID}, label=f"{rule}: made {value}")
        t.say("GET", f"/api/collections/notes{n}/records", params={"sort": "x,id", "fields": "x"}, by="nobody", label=f"{rule}: listed")


def points_that_rules_see(t):
    """A point in a body is to a rule the text that its column has; a path into it leads on."""
    for n, rule in enumerate(("@request.body.x = x", "@request.body.x:changed = true", "@request.body.x:lower ~ 'lon'", "@request.body.x ~ '{\"lon\":1.5,%'", "@request.body.x.lat = 2", "@request.body.x.lon > 1", "@request.body.x.nope = null")):
        _make(t, f"notes{n}", {"name": "x", "type": "geoPoint"}, createRule=rule, updateRule=rule)
        t.say("POST", f"/api/collections/notes{n}/records", {"id": ID, "x": {"lon": 1.5, "lat": 2}})
        for value in ({"lon": 1.5, "lat": 2}, {"lat": 2, "lon": 1.5}, '{"lat":2,"lon":1.5}', {"lon": 0}, None, "", "[1,2", [1, 2]):
            t.say("POST", f"/api/collections/notes{n}/records", {"x": value}, by="nobody", label=f"{rule}: new {value!r}")
            t.say("PATCH", f"/api/collections/notes{n}/records/{ID}", {"x": value}, by="nobody", label=f"{rule}: {value!r}")


def truths_that_are_searched_for(t):
    """A bool of the request is a word where it is a pattern, and 0 or 1 elsewhere."""
    for n, rule in enumerate(("t ~ @request.body.b", "t !~ @request.body.b", "t ~ @request.body.nope", "'true' ~ @request.body.b", "b ~ @request.body.b", "@request.body.b ~ t", "@request.body.b ~ 'rue'", "@request.body.b = 1", "t ?~ @request.body.b:isset", "t ~ @request.auth.verified", "t ~ true")):
        _make(t, f"notes{n}", _text("t"), {"name": "b", "type": "bool"}, createRule=rule, listRule=rule)
        for text in ("true", "false", "1", "0", "x"):
            for truth in (True, False):
                t.say("POST", f"/api/collections/notes{n}/records", {"t": text, "b": truth, "nope": truth}, by="nobody", label=f"{rule}: {text} {truth}")
        for by in ("root", "nobody"):
            t.say("GET", f"/api/collections/notes{n}/records", params={"sort": "t,b", "fields": "t,b"}, by=by, label=f"{rule}: listed by {by}")
    for filter in ("'a1' ~ @request.auth.emailVisibility", "'false' ~ @request.auth.emailVisibility", "'true' ~ @request.auth.verified", "@request.auth.emailVisibility ~ '0'"):
        t.say("GET", "/api/collections/notes0/records", params={"sort": "t,b", "fields": "t,b", "filter": filter})


def providers_of_superusers(t):
    """They have none; one that is wrong is refused all the same."""
    right = {"name": "github", "clientId": "a", "clientSecret": "b"}
    for providers in ([right], [right, right], [{"name": "github"}], [{"name": "nope"}]):
        for enabled in (True, False):
            t.say("PATCH", "/api/collections/_superusers", {"oauth2": {"enabled": enabled, "providers": providers}})
            t.say("POST", "/api/collections", {"name": "_superusers", "type": "auth", "oauth2": {"enabled": enabled, "providers": providers}})


def traces_of_a_collection_that_goes(t):
    """A collection that is made anew has no link to a provider of the accounts before."""
    tables = (("_authOrigins", {"fingerprint": "x"}), ("_externalAuths", {"provider": "google", "providerId": "1"}), ("_mfas", {"method": "otp"}), ("_otps", {"password": "12345678", "sentTo": ""}))
    ways = (("DELETE", "/api/collections/players", None), ("DELETE", "/api/collections/players/truncate", None), ("PUT", "/api/collections/import", {"collections": [], "deleteMissing": True}), ("PUT", "/api/collections/import", {"collections": [{"name": "notes", "type": "base", "fields": [_text("t")]}], "deleteMissing": True}))
    for method, path, body in ways:
        for name in ("players", "others"):
            made = t.say("POST", "/api/collections", {"name": name, "type": "auth"}, label=f"{path}: {name}")
            id = {"players": ID, "others": OTHER}[name]
            t.say("POST", f"/api/collections/{name}/records", {"id": id, "email": "a@b.co", "password": "12345678", "passwordConfirm": "12345678"}, label=f"{path}: an account of {name}")
            for table, values in tables:
                t.say("POST", f"/api/collections/{table}/records", {"id": id, "collectionRef": made.get("id", ""), "recordRef": id, **values}, label=f"{path}: {table} of {name}")
        t.say(method, path, body, label=f"{path} {body}")
        for table, _ in tables:
            t.say("GET", f"/api/collections/{table}/records", params={"fields": "id,collectionRef,recordRef", "sort": "recordRef", "filter": f"recordRef = '{ID}' || recordRef = '{OTHER}'"}, label=f"{path} {body}: {table}")
        for name in ("players", "others"):
            t.say("DELETE", f"/api/collections/{name}", label=f"{path} {body}: {name} goes")


def accounts_before_bodies(t):
    """Whether a collection admits what is asked is told before anything of the body is looked at."""
    for options in ({}, {"passwordAuth": {"enabled": False}, "otp": {"enabled": True}}):
        t.say("PATCH", "/api/collections/users", options)
        for name in ("_externalAuths", "nope", "users", "_superusers"):
            for what in ("request-password-reset", "confirm-password-reset", "request-verification", "confirm-verification", "request-otp", "auth-with-otp", "request-email-change", "confirm-email-change", "impersonate/abc", "auth-refresh", "auth-with-password", "auth-with-oauth2"):
                t.say("POST", f"/api/collections/{name}/{what}", data="{", headers={"Content-Type": "application/json"}, by="root" if "/" in what else "nobody", label=f"{options} {name} {what}")


def rules_along_a_relation_to_nothing(t):
    for n, rule in enumerate(("doc.id = 'a'", "doc = 'a'", "doc.t = 'a'", "doc:each = 'a'", "@request.body.doc.id = 'a'")):
        for target in ("nope", "", "_pb_users_auth_"):
            for most in (1, 3):
                field = {"name": "doc", "type": "relation", "collectionId": target, "maxSelect": most}
                t.say("POST", "/api/collections", {"name": f"notes{n}{most}", "type": "base", "fields": [field], "listRule": rule})


SCENARIOS = [
    fields_of_an_answer, expansions, refusals_in_their_order, json_that_is_nothing, views_of_records_without_an_id, what_was_sent_beside_a_text,
    values_that_end_a_sentence, needless_parts_of_a_path, parts_of_nothing, bodies_that_go_on,
    a_collection_called_import, lists_within_lists, truths_of_views, deletions_that_a_unique_index_refuses, the_largest_whole_numbers, views_that_are_refused, modifiers_that_are_none, names_in_another_spelling, columns_that_views_need, files_that_rules_see, json_that_rules_see, a_backup_called_upload, numbers_of_a_new_record,
    points_that_rules_see, truths_that_are_searched_for, providers_of_superusers, traces_of_a_collection_that_goes, accounts_before_bodies, rules_along_a_relation_to_nothing,
]
