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


SCENARIOS = [
    fields_of_an_answer, expansions, refusals_in_their_order, json_that_is_nothing, views_of_records_without_an_id, what_was_sent_beside_a_text,
    values_that_end_a_sentence, needless_parts_of_a_path, parts_of_nothing, bodies_that_go_on,
]
