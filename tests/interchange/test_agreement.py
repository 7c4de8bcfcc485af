"""Collections and their tables agree after any directory was opened: index texts without a table, names in another letter case,
triggers, what an earlier build dropped."""

import sqlite3
import zipfile

import pytest

from harness.client import Client
from harness.programs import BOSBASE, POCKETBASE, POCKETBASE_0_23, POCKETBASE_0_30
from harness.sample import make_application

ACCOUNT = {"email": "a@example.com", "password": "secret-1234", "passwordConfirm": "secret-1234"}


def scaffolded(root, name, kind):
    """Posts what the server itself proposes for a new collection, under a name."""
    proposed = dict(root.get("/api/collections/meta/scaffolds")[kind], name=name, createRule="")
    if kind == "base":
        proposed["fields"] = [*proposed["fields"], {"name": "t", "type": "text"}]
        proposed["indexes"] = ["CREATE UNIQUE INDEX `idx_t` ON `` (`t`)"]
    return root.post("/api/collections", json=proposed)


def use(server):
    """What an application and its keeper do with such collections."""
    root, anyone = server.root(), Client(server.url)
    anyone.login("members", ACCOUNT["email"], ACCOUNT["password"])
    assert "email" in anyone.create("members", ACCOUNT, expect=400)["data"]
    assert "t" in anyone.create("plain", {"t": "x"}, expect=400)["data"]
    for name in ("members", "plain"):
        before = root.get(f"/api/collections/{name}")
        assert all(f"ON `{name}`" in text for text in before["indexes"]) and before["indexes"]
        root.patch(f"/api/collections/{name}", json={"listRule": ""})
        assert root.get(f"/api/collections/{name}")["indexes"] == before["indexes"]
    exported = root.get("/api/collections", params={"perPage": 200})["items"]
    root.send("PUT", "/api/collections/import", json={"collections": exported, "deleteMissing": True}, expect=204)
    assert "email" in anyone.create("members", ACCOUNT, expect=400)["data"]


def fill(root):
    scaffolded(root, "members", "auth")
    scaffolded(root, "plain", "base")
    root.create("members", ACCOUNT)
    root.create("plain", {"t": "x"})


@pytest.mark.parametrize("old", [POCKETBASE_0_23, POCKETBASE_0_30, POCKETBASE], ids=lambda program: program.name)
def test_collections_made_from_a_scaffold_keep_their_unique_indexes(old, launch):
    maker = launch(old)
    fill(maker.root())
    assert maker.stop() == 0
    ours = launch(BOSBASE, maker.directory, superuser=False)
    use(ours)
    assert ours.stop() == 0
    # And PocketBase finds them in order.
    use(launch(POCKETBASE, maker.directory, superuser=False))


def test_a_servers_own_scaffold_can_be_posted_back(server):
    fill(server.root())
    use(server)


@pytest.mark.parametrize("renamed", ["Links", "linkS"])
@pytest.mark.parametrize("old", [POCKETBASE_0_30, POCKETBASE], ids=lambda program: program.name)
def test_a_collection_renamed_by_letter_case_only_is_the_same_collection(old, renamed, launch):
    maker = launch(old)
    root = maker.root()
    fields = [{"name": "Url", "type": "text"}]
    root.post(
        "/api/collections",
        json={"name": "links", "type": "base", "fields": fields, "indexes": ["CREATE UNIQUE INDEX idx_u ON links (Url)"]},
    )
    root.post("/api/collections", json={"name": "seen", "type": "view", "viewQuery": "SELECT id, Url FROM LINKS", "listRule": ""})
    root.create("links", {"Url": "a"})
    root.patch("/api/collections/links", json={"name": renamed})
    assert maker.stop() == 0
    for program in (BOSBASE, POCKETBASE, BOSBASE):
        server = launch(program, maker.directory, superuser=False)
        root = server.root()
        for name in (renamed, renamed.swapcase(), renamed):
            fields = root.get("/api/collections/LINKS")["fields"]
            for field in fields:
                if field["name"].lower() == "url":
                    field["name"] = field["name"].swapcase()
            root.patch(f"/api/collections/{renamed}", json={"name": name, "fields": fields})
            renamed = name
            assert root.create(name, {fields[-1]["name"]: "a"}, expect=400)["status"] == 400
            assert len(root.records("seen")) == 1 == len(root.records("links"))
            root.post("/api/collections", json={"name": name.swapcase(), "type": "base"}, expect=400)
        assert server.stop() == 0


def damage(directory, sql, database="data.db"):
    connection = sqlite3.connect(directory / database)
    connection.executescript(sql)
    connection.close()


@pytest.mark.ours
@pytest.mark.parametrize("old", [POCKETBASE_0_23, POCKETBASE_0_30, POCKETBASE], ids=lambda program: program.name)
def test_there_is_nothing_to_mend_in_what_pocketbase_made(old, launch):
    maker = launch(old)
    root = maker.root()
    make_application(root, geo=old is not POCKETBASE_0_23)
    for name, query in {
        "counted": "SELECT (ROW_NUMBER() OVER()) as id, name FROM authors",
        "whole": "SELECT count(*) as id, max(score) as most FROM authors",
        "odd": "select /* more */ a.id, a.name as `Other`\n from authors a",
    }.items():
        root.post("/api/collections", json={"name": name, "type": "view", "viewQuery": query})
    assert maker.stop() == 0
    ours = launch(BOSBASE, maker.directory, superuser=False)
    assert "dataFindings" not in ours.root().get("/api/health")["data"], ours.log_path.read_text()


@pytest.mark.ours
def test_what_an_earlier_build_dropped_is_there_again(launch):
    """It noted the migration, dropped both unique indexes of a collection whose texts named no table, and let everybody in twice."""
    server = launch()
    fill(server.root())
    assert server.stop() == 0
    damage(
        server.directory,
        """
        UPDATE _collections SET indexes = replace(indexes, 'ON `members`', 'ON ``') WHERE name = 'members';
        UPDATE _collections SET indexes = replace(indexes, 'ON `plain`', 'ON ``') WHERE name = 'plain';
        DROP INDEX idx_t;
        """,
    )
    connection = sqlite3.connect(server.directory / "data.db")
    for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'index' AND tbl_name = 'members' AND sql NOT NULL").fetchall():
        connection.execute(f"DROP INDEX `{name}`")
    connection.close()
    server.start()
    use(server)
    assert "was missing and is there again" in server.log_path.read_text()
    findings = server.root().get("/api/health")["data"]["dataFindings"]
    assert any("is there again" in finding for finding in findings)
    assert server.stop() == 0
    server.start()
    assert "dataFindings" not in server.root().get("/api/health")["data"]


@pytest.mark.ours
def test_triggers_are_named_and_do_not_run(launch):
    server = launch()
    server.root().post("/api/collections", json={"name": "plain", "type": "base", "fields": [{"name": "t", "type": "text"}]})
    assert server.stop() == 0
    endless = "BEGIN WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT COUNT(*) FROM n; END;"
    damage(
        server.directory,
        f"CREATE TRIGGER a AFTER INSERT ON plain {endless} CREATE TRIGGER b BEFORE INSERT ON users BEGIN SELECT RAISE(IGNORE); END;"
        f"CREATE TRIGGER c AFTER UPDATE ON _params {endless}",
    )
    damage(server.directory, f"CREATE TRIGGER d AFTER INSERT ON _logs {endless}", "auxiliary.db")
    server.start()
    root = server.root()
    assert [finding for finding in root.get("/api/health")["data"]["dataFindings"] if "does not run here" in finding]
    record = root.create("plain", {"t": "x"})
    assert root.get(f"/api/collections/plain/records/{record['id']}")["t"] == "x"
    account = root.create("users", ACCOUNT)
    assert root.get(f"/api/collections/users/records/{account['id']}")["email"] == ACCOUNT["email"]
    root.patch("/api/settings", json={"meta": {"appName": "other"}})
    # The log holds nobody's end up either.
    assert server.stop() == 0


@pytest.mark.ours
def test_a_damaged_log_is_set_aside_and_told(launch):
    server = launch()
    root = server.root()
    root.post("/api/collections", json={"name": "plain", "type": "base"})
    root.back_up("before.zip")
    assert server.stop() == 0
    log = server.directory / "auxiliary.db"
    whole = log.read_bytes()
    log.write_bytes(whole[:4096] + b"\x5a" * (len(whole) - 4096))
    server.start()
    root = server.root()
    assert "The log (auxiliary.db) was damaged" in server.log_path.read_text()
    assert any("auxiliary.db" in finding for finding in root.get("/api/health")["data"]["dataFindings"])
    (kept,) = (server.directory / ".bosbase" / "damaged").glob("*auxiliary.db")
    assert kept.read_bytes()[4096:] == b"\x5a" * (len(whole) - 4096)
    root.get("/api/collections/plain")
    assert root.get("/api/logs")["items"] is not None
    root.back_up("after.zip")


@pytest.mark.ours
def test_a_backup_whose_log_is_damaged_is_restored(launch, tmp_path):
    maker = launch(POCKETBASE)
    maker.root().post("/api/collections", json={"name": "plain", "type": "base"})
    maker.root().create("plain", {})
    assert maker.stop() == 0
    archive = tmp_path / "torn.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        packed.write(maker.directory / "data.db", "data.db")
        packed.writestr("auxiliary.db", b"\x5a" * 8192)
    server = launch()
    root = server.root()
    root.upload(archive)
    root.restore("torn.zip")
    # The superuser is PocketBase's, with the same password.
    root = server.root()
    assert len(root.records("plain")) == 1
    assert any("auxiliary.db" in finding for finding in root.get("/api/health")["data"]["dataFindings"])
    (kept,) = (server.directory / ".bosbase" / "damaged").glob("*auxiliary.db")
    assert kept.read_bytes() == b"\x5a" * 8192
    root.get("/api/logs")
