"""`POST /api/sql` as PocketBase answers it, and what it may not do here.

Every statement was sent to PocketBase first; what only we promise is marked.
"""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from harness.memory import Peak
from harness.programs import BOSBASE, EMAIL, PASSWORD
from harness.server import Server
from harness.tokens import token

POSTS = {"name": "posts", "type": "base", "fields": [{"name": "title", "type": "text"}, {"name": "n", "type": "number"}]}


@pytest.fixture
def root(server):
    return server.root()


def sql(client, query, expect=200):
    return client.post("/api/sql", json={"query": query}, expect=expect)


def rows(client, query):
    return sql(client, query)["rows"]


def refused(client, query):
    answer = sql(client, query, expect=400)
    assert answer["status"] == 400 and answer["data"] == {}
    start = "Failed to execute query. Raw error:\n"
    assert answer["message"].startswith(start), answer
    return answer["message"].removeprefix(start)


def test_what_is_sent_has_to_be_a_query(root):
    path = "/api/sql"
    for body in ({}, {"query": ""}, {"query": None}):
        answer = root.post(path, json=body, expect=400)
        assert answer["message"] == "An error occurred while validating the submitted data."
        assert answer["data"] == {"query": {"code": "validation_required", "message": "Cannot be blank."}}
    for long in ("a" * 5001, "é" * 2501):
        error = root.post(path, json={"query": long}, expect=400)["data"]["query"]
        assert error["code"] == "validation_length_too_long" and error["params"] == {"max": 5000, "min": 0}
    for body in ({"query": 5}, {"query": ["select 1"]}):
        assert root.post(path, json=body, expect=400)["message"] == "An error occurred while loading the submitted data."
    assert refused(root, " \n ") == "empty query."
    longest = "select '" + "a" * (5000 - 15) + "' as id"
    assert sql(root, longest)["columns"] == [{"name": "id", "type": "", "nullable": True}]
    for how in ({"data": {"query": "select 1"}}, {"files": {"query": (None, "select 1")}}):
        assert root.post(path, **how)["rows"] == [["1"]]
    assert root.post(path + "?fields=rows", json={"query": "select 1"}) == {"rows": [["1"]]}


def test_only_superusers_may(server, root):
    root.create("users", {"email": "u@example.com", "password": PASSWORD, "passwordConfirm": PASSWORD})
    user = server.client().login("users", "u@example.com", PASSWORD)
    expired = server.client().with_token(token(server.directory, "_superusers", root.auth["record"]["id"], expires_in=-5))
    for path in ("/api/sql", "/api/collections/meta/dry-run-view"):
        body = {"query": "select 1 as id"}
        for client, status in ((server.client(), 401), (user, 403), (expired, 401)):
            assert client.post(path, json=body, expect=status)["data"] == {}
        root.post(path, json=body)


def test_rows_are_texts_or_null(root):
    answer = sql(root, "select 1, 2.5, null, 'a' as t, x'6162' as b, 1e15, 1e-7, 1000000.0, -0.0, 9e999, 9007199254740993, true")
    assert answer["rows"] == [["1", "2.5", None, "a", "ab", "1e+15", "1e-07", "1e+06", "-0", "+Inf", "9007199254740993", "1"]]
    assert [column["name"] for column in answer["columns"]][:5] == ["1", "2.5", "null", "t", "b"]
    assert answer["affectedRows"] == 0 and isinstance(answer["execTime"], int)
    assert all(column["type"] == "" and column["nullable"] is True for column in answer["columns"])
    assert rows(root, "select x'ff41', '<&>é☃', 'a'||char(0)||'b'") == [["\ufffdA", "<&>é☃", "a\0b"]]
    declared = sql(root, "select id, verified, rowid, email as e, count(*) as c from users")["columns"]
    assert [(one["name"], one["type"]) for one in declared] == [
        ("id", "TEXT"), ("verified", "BOOLEAN"), ("rowid", "INTEGER"), ("e", "TEXT"), ("c", ""),
    ]  # fmt: skip
    many = rows(root, "with recursive n(i) as (select 1 union all select i+1 from n) select i from n")
    assert len(many) == 1000 and many[-1] == ["1000"], "a query without end is answered with its first rows"
    assert rows(root, "values (1, 2), (3, null)") == [["1", "2"], ["3", None]]
    assert sql(root, "select 1 where 0")["rows"] == []


def test_of_several_statements_the_last_is_answered(root):
    for query in ("select 1;select 2", "select 1; select 2 ;  ", ";select 2", "-- one\nselect 1; /* two */ select 2"):
        answer = sql(root, query)
        assert (answer["columns"][0]["name"], answer["rows"]) == ("2", [["2"]]), query
    assert refused(root, "select 1; select nope") == "SQL logic error: no such column: nope (1)."
    assert refused(root, "select nope; select 1") == "SQL logic error: no such column: nope (1)."


@pytest.mark.parametrize(
    ("query", "error"),
    [
        ("invalid", 'SQL logic error: near "invalid": syntax error (1).'),
        ("select * from nope", "SQL logic error: no such table: nope (1)."),
        ("insert into nope values (1)", "SQL logic error: no such table: nope (1)."),
        ("drop table nope", "SQL logic error: no such table: nope (1)."),
        ("delete from sqlite_schema", "SQL logic error: table sqlite_master may not be modified (1)."),
        ("select ?", "missing argument with index 1."),
        ("select :a", 'missing named argument "a".'),
        ("select json('{')", "SQL logic error: malformed JSON (1)."),
    ],
)
def test_what_cannot_be_run_is_said_as_sqlite_says_it(root, query, error):
    assert refused(root, query) == error


def test_writes_answer_how_many_rows_they_changed(root):
    root.post("/api/collections", json=POSTS)
    ids = [root.create("posts", {"title": str(n), "n": n})["id"] for n in range(5)]
    changed = sql(root, "update posts set title = 'x' where n < 3")
    assert (changed["affectedRows"], changed["columns"], changed["rows"]) == (3, [], [])
    assert [record["title"] for record in root.records("posts", sort="n")] == ["x", "x", "x", "3", "4"]
    assert sql(root, "update posts set title = 'y' where n = 99")["affectedRows"] == 0
    assert sql(root, "delete from posts where n = 4; delete from posts where n < 2")["affectedRows"] == 2
    assert {record["id"] for record in root.records("posts")} == {ids[2], ids[3]}
    assert sql(root, "insert into posts (id, title) values ('aaaaaaaaaaaaaaa', 'new')")["affectedRows"] == 1
    assert root.get("/api/collections/posts/records/aaaaaaaaaaaaaaa")["title"] == "new"
    doubled = refused(root, "insert into posts (id, title) values ('aaaaaaaaaaaaaaa', 'again')")
    assert doubled == "constraint failed: UNIQUE constraint failed: posts.id (1555)."


def test_statements_are_one_transaction(root):
    made = sql(root, "create table own (a int not null, b); insert into own values (1, 2), (3, 4)")
    assert (made["affectedRows"], made["columns"], made["rows"]) == (2, [], [])
    for wrong in ("invalid", "insert into own values (null, 1)", "select nope"):
        refused(root, f"insert into own values (5, 6); {wrong}")
        refused(root, f"create table other (a); {wrong}")
    assert rows(root, "select * from own") == [["1", "2"], ["3", "4"]]
    assert refused(root, "select * from other") == "SQL logic error: no such table: other (1)."
    sql(root, "create index own_b on own (b)")
    sql(root, "drop table own")
    refused(root, "select * from own")


def test_the_schema_can_be_looked_at(root):
    assert ["email", "TEXT"] in [[row[1], row[2]] for row in rows(root, "pragma table_info(users)")]
    assert rows(root, "select name from pragma_table_info('users') where name = 'email'") == [["email"]]
    assert rows(root, "pragma journal_mode") == [["wal"]]
    assert any(row[1] == "users" for row in rows(root, "pragma table_list"))
    assert rows(root, "select name from sqlite_schema where name = 'users'") == [["users"]]
    assert "SCAN" in rows(root, "explain query plan select * from users")[0][3]
    assert rows(root, "select name from _collections where name = 'users'") == [["users"]]
    assert rows(root, "pragma integrity_check") == [["ok"]]


# --- what only we promise ---------------------------------------------------------------------------------------------


@pytest.mark.ours
def test_what_is_written_is_known_at_once(server, root):
    """Rules, logins and tokens go by what a statement left."""
    person = {"email": "u@example.com", "password": PASSWORD, "passwordConfirm": PASSWORD}
    user = root.create("users", person)
    client = server.client().login("users", "u@example.com", PASSWORD)
    view = f"/api/collections/users/records/{user['id']}"
    assert client.get(view)["email"] == "u@example.com"
    sql(root, "update users set name = 'Mary' where email = 'u@example.com'")
    assert client.get(view)["name"] == "Mary"
    sql(root, "update users set tokenKey = lower(hex(randomblob(20)))")
    client.get(view, expect=404)
    client = server.client().login("users", "u@example.com", PASSWORD)
    client.get(view)
    sql(root, "delete from users")
    client.get(view, expect=404)
    login = {"identity": "u@example.com", "password": PASSWORD}
    server.client().post("/api/collections/users/auth-with-password", json=login, expect=400)
    # Of superusers as well: what one is remembered by is gone with the row.
    other = root.create("_superusers", {**person, "email": "other@example.com"})
    second = server.root("other@example.com", PASSWORD)
    second.get("/api/settings")
    sql(root, f"delete from _superusers where id = '{other['id']}'")
    second.get("/api/settings", expect=401)


@pytest.mark.ours
def test_what_is_kept_in_memory_is_left_to_its_routes(server, root):
    root.post("/api/collections", json=POSTS)
    before = root.get("/api/collections?perPage=100"), root.get("/api/settings")
    for query in (
        "update _collections set listRule = ''",
        "UPDATE \"_COLLECTIONS\" SET name = 'x'",
        "delete from _collections where name = 'posts'",
        "insert into _collections (id, name) values ('x', 'x')",
        "update _params set value = '{}'",
        "delete from _params",
        "delete from _migrations",
        "drop table _params",
        "alter table _collections rename to gone",
        "alter table _params add column x",
        "with x as (select 1) update _collections set listRule = ''",
        "select 1; replace into _params (id, value) values ('settings', '{}')",
        "create index i on _collections (name)",
    ):
        assert refused(root, query).startswith("not authorized: _collections, _params and _migrations are read only"), query
    assert before == (root.get("/api/collections?perPage=100"), root.get("/api/settings"))


@pytest.mark.ours
def test_the_collections_and_the_database_go_on_agreeing(server, root):
    root.post("/api/collections", json={**POSTS, "indexes": ["create index of_n on posts (n)"]})
    root.post("/api/collections", json={"name": "seen", "type": "view", "viewQuery": "select id, title from posts"})
    sql(root, "create table own (a)")
    root.post("/api/collections", json={"name": "told", "type": "view", "viewQuery": "select a as id from own"})
    for query, part in (
        ("drop table posts", 'The collection "posts" has no table'),
        ("alter table posts drop column title", ""),
        ("alter table posts rename column title to t", 'The field "title" of "posts" has no column'),
        ("alter table posts add column more", 'The column "more" of "posts" is no field'),
        ("alter table posts rename to others", 'The collection "posts" has no table'),
        ("drop index of_n", 'The index "of_n" of "posts" is missing'),
        ("create unique index mine on posts (title)", 'The index "mine" of "posts" is not listed'),
        ("drop view seen", 'The view collection "seen" has no view'),
        ("create view mine as select 1 as id", 'The view "mine" belongs to no collection'),
        ("drop table own", 'The view "told"'),
        ("insert into own values ('x'); drop table users", 'The collection "users" has no table'),
        ("select 1; drop table users; create table users (id text)", 'The field "'),
    ):
        said = refused(root, query)
        assert part in said, (query, said)
        assert said.startswith("not authorized: the collections would not agree") or not part, said
    assert rows(root, "select count(*) from own") == [["0"]], "something of a refused request was kept"
    assert {"posts", "seen", "told", "users"} <= {one["name"] for one in root.get("/api/collections?perPage=100")["items"]}
    for name in ("posts", "seen", "told", "users"):
        root.get(f"/api/collections/{name}/records")
    # Own tables may do as they like.
    sql(root, "create table free (a); create index free_a on free (a); alter table free add column b; analyze free; reindex free")
    sql(root, "alter table free rename column b to c; alter table free drop column c; alter table free rename to freed")
    sql(root, "drop index free_a; drop table freed")
    server.stop()
    server.start()
    assert "no table" not in server.log() and "is not listed" not in server.log()


@pytest.mark.ours
@pytest.mark.parametrize(
    "query",
    [
        "attach 'x.db' as x",
        "attach '' as x",
        "detach main",
        "pragma writable_schema = on",
        "pragma writable_schema",
        "pragma query_only = off",
        "pragma journal_mode = delete",
        "pragma synchronous = off",
        "pragma foreign_keys = off",
        "pragma wal_checkpoint(truncate)",
        "pragma wal_autocheckpoint = 1",
        "pragma locking_mode = exclusive",
        "pragma hard_heap_limit = 1000",
        "pragma temp_store_directory = '/tmp'",
        "pragma user_version = 5",
        "pragma optimize",
        "pragma shrink_memory",
        "vacuum",
        "vacuum into 'x.db'",
        "select load_extension('x')",
        "select * from pragma_wal_checkpoint",
        "begin",
        "commit",
        "rollback",
        "end",
        "savepoint x",
        "release request",
        "rollback to request",
        "delete from users; commit; select 1",
        "create temp table users (id)",
        "create temporary view users as select 1",
        "create table temp.users (id)",
        "insert into temp.sqlite_schema values (1)",
        "create trigger t after insert on users begin delete from users; end",
        "create virtual table f using fts5(a)",
        "create virtual table f using dbstat",
        "update sqlite_schema set sql = ''",
        "select 1; attach 'x.db' as x",
        "insert into users (id) values ('a'); attach 'x.db' as x",
        "select 1\0; attach 'x.db' as x",
        "explain attach 'x.db' as x",
    ],
)
def test_nothing_reaches_beyond_the_transaction(shared, query):
    server, root = shared
    assert refused(root, query)
    # Nothing of it stays with a connection: each is asked, and the writer as well.
    for _ in range(12):
        assert rows(root, "select count(*) from users") == [["0"]]
    assert sql(root, "update users set name = ''")["affectedRows"] == 0
    assert rows(root, "pragma query_only") == [["1"]]
    assert not list(server.directory.glob("**/x.db")) and not list(server.directory.parent.glob("x.db"))
    email = f"after{time.time_ns()}@example.com"
    person = root.create("_superusers", {"email": email, "password": PASSWORD, "passwordConfirm": PASSWORD})
    root.delete(f"/api/collections/_superusers/records/{person['id']}")


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    with Server(BOSBASE, tmp_path_factory.mktemp("console") / "pb_data") as server:
        yield server, server.root()


@pytest.mark.ours
def test_a_table_keeps_its_primary_key(root):
    """The usual way to change a table: without its key two records could have one id."""
    root.post("/api/collections", json=POSTS)
    remake = "create table made ({}); insert into made select id, title, n from posts; drop table posts; alter table made rename to posts"
    without, within = "id text, title text, n numeric", "id text primary key not null, title text default '' not null, n numeric default 0 not null"
    assert refused(root, remake.format(without)) == "not authorized: the id of posts would not be its primary key any more."
    made = root.create("posts", {"title": "one"})
    sql(root, remake.format(within))
    assert root.get(f"/api/collections/posts/records/{made['id']}")["title"] == "one"


@pytest.mark.ours
def test_the_last_superuser_stays(server, root):
    for query in ("delete from _superusers", "delete from _superusers where email like '%@example.com'"):
        assert refused(root, query) == "not authorized: the last superuser would be gone."
    # The account of the first-run page is nobody's.
    installer = "__pbinstaller@example.com"
    root.create("_superusers", {"email": installer, "password": PASSWORD, "passwordConfirm": PASSWORD})
    assert refused(root, f"delete from _superusers where email != '{installer}'") == "not authorized: the last superuser would be gone."
    server.root(EMAIL, PASSWORD)


@pytest.mark.ours
@pytest.mark.alone
def test_a_query_without_end_ends_and_others_are_served_meanwhile(server, root):
    endless = "with recursive n(i) as (select 1 union all select i+1 from n) select count(*) from n"
    began = time.monotonic()
    with requests.Session() as waiting:
        def run(query):
            headers = {"Authorization": root.token}
            return waiting.post(f"{server.url}/api/sql", json={"query": query}, headers=headers, timeout=120)

        with ThreadPoolExecutor(2) as pool:
            reads, writes = pool.submit(run, endless), pool.submit(run, f"insert into users (id, name) values ('x', ({endless}))")
            while not reads.done():
                root.get("/api/collections/users/records")
                time.sleep(0.2)
            # The writer is held up for as long as one write may take, and no longer.
            answers = [reads.result(), writes.result()]
    took = time.monotonic() - began
    assert 25 < took < 75, took
    for answer in answers:
        assert answer.status_code == 400, answer.text
        assert answer.json()["message"].endswith("interrupted: it took longer than a query may."), answer.text
    root.create("users", {"email": "u@example.com", "password": PASSWORD, "passwordConfirm": PASSWORD})


@pytest.mark.ours
@pytest.mark.alone
def test_what_sqlite_cannot_be_interrupted_in_is_short(server, root):
    """`instr` of two long values takes the product of their lengths, and is one instruction."""
    long = "select instr(zeroblob(250000), zeroblob(120000) || x'01')"
    began = time.monotonic()
    sql(root, long)
    assert time.monotonic() - began < 30
    for query in (
        "select instr(zeroblob(1000000), zeroblob(500000) || x'01')",
        "select replace(hex(zeroblob(500000)), '00', '11')",
        "select zeroblob(20000000)",
        "select hex(zeroblob(10000000))",
    ):
        assert refused(root, query).startswith("string or blob too big (18): a value may have"), query
    objects = "select json_group_object({}, 1) as o from (with recursive n(i) as (select 1 union all select i+1 from n limit 100000) select i from n)"
    began = time.monotonic()
    one, other = objects.format("i"), objects.format("'x' || i")
    patched = f"select length(json_patch(a.o, b.o)) from ({one}) a, ({other}) b"
    assert refused(root, patched).startswith("string or blob too big"), patched
    assert time.monotonic() - began < 30
    for kept in (
        "create table t (a, b, c as (instr(a, b)))",
        "create table t (a check (a like 'x'))",
        "create index i on users (replace(name, 'a', 'b'))",
        "create table t (a); alter table t add column b as (json_patch(a, a))",
    ):
        assert refused(root, kept) == "not authorized: a table or an index may not call a function that is slow on long values."
    assert "LIKE or GLOB pattern too complex" in refused(root, "select 'a' like hex(zeroblob(5000))")


@pytest.mark.ours
@pytest.mark.alone
def test_memory_is_bounded(server, root):
    cells = "with recursive n(i) as (select 1 union all select i+1 from n limit 1000) select hex(zeroblob({})) from n"
    with Peak(server.process) as peak:
        for _ in range(3):
            assert "more bytes than may be answered" in refused(root, cells.format(500_000))
            assert len(rows(root, cells.format(10_000))) == 1000
            many = "create table if not exists w (a); insert into w " + cells.format(2_000) + "; delete from w returning a"
            assert "more bytes than may be answered" in refused(root, "select 1; " + many)
            refused(root, "select group_concat(hex(zeroblob(1000000))) from (" + cells.format(1) + ")")
            # All values of one row at a time.
            assert refused(root, "select " + ", ".join(["randomblob(16000000)"] * 200)).startswith("string or blob too big")
    assert peak.peak < 400 << 20, peak
    root.get("/api/collections/users/records")
