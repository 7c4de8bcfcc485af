"""Each page is followed as a reader would, from top to bottom, on a machine such as it supposes."""

import os
import re
import sqlite3
import stat
import zipfile

import pytest

from alarms.conftest import authority, receiver, stopping  # noqa: F401
from alarms.sink import PASSWORD as SMTP_PASSWORD
from alarms.sink import USERNAME as SMTP_USERNAME
from alarms.sink import Sink
from harness.client import Client, wait_for
from harness.jobs import ended
from harness.programs import BOSBASE, POCKETBASE, ROOT
from harness.server import Server
from s3.conftest import ACCESS_KEY, SECRET, s3  # noqa: F401

from .machine import EMAIL, PASSWORD, Machine
from .pages import steps

pytestmark = pytest.mark.ours

PAGES = {"start", "protect", "recover", "operate", "security", "from-pocketbase", "from-bosbase"}
# Documents whose commands other tests run, and those that show none to be pasted.
ELSEWHERE = {"api", "design", "filters", "performance", "troubleshooting"}
POSTS = {
    "name": "posts",
    "type": "base",
    "listRule": "",
    "viewRule": "",
    "fields": [{"name": "title", "type": "text"}, {"name": "cover", "type": "file"}],
}
POST = "examplepost0001"


@pytest.fixture
def machine():
    made = Machine()
    yield made
    made.close()


def follow(machine, page, until=None, case=None):
    return machine.follow(steps(f"docs/{page}.md", until), case)


def root_of(machine):
    return Client(machine.url).login("_superusers", EMAIL, PASSWORD)


def service(machine):
    """The server runs as a service, and has a superuser."""
    done = machine.run(
        machine.here(
            "sudo install -d -m 700 -o bosbase -g bosbase /var/lib/bosbase\n"
            f"sudo bosbase superuser upsert {EMAIL} {PASSWORD} --dir /var/lib/bosbase\n"
            "sudo systemctl start bosbase\n"
            "curl -sS --retry 60 --retry-delay 1 --retry-connrefused http://127.0.0.1:8090/api/health\n"
        )
    )
    assert done.returncode == 0, done.stdout + done.stderr + machine.logs()


def with_bucket(machine, s3):
    """What pages call acme-backups is a bucket of a real S3 server."""
    (s3.directory / "acme-backups").mkdir()
    machine.changes |= {
        "https://s3.eu-central-1.amazonaws.com": f"http://{s3.address}",
        "eu-central-1": "us-east-1",
        "YOUR-ACCESS-KEY": ACCESS_KEY,
        "YOUR-SECRET": SECRET,
        "FORCE_PATH_STYLE=false": "FORCE_PATH_STYLE=true",
        '"forcePathStyle": false': '"forcePathStyle": true',
    }


def with_mail(machine, authority, stopping):
    """What pages call smtp.example.com is a real mail server that encrypts and wants a login."""
    sink = stopping(Sink(encryption="starttls", context=authority.context, login=True))
    # The server's user can't look into pytest's folders.
    trusted = machine.root / "etc" / "authority.pem"
    trusted.write_bytes(authority.path.read_bytes())
    machine.environment["SSL_CERT_FILE"] = str(trusted)
    machine.changes |= {
        '"host": "smtp.example.com", "port": 587, "username": "app@example.com", "password": "YOUR-PASSWORD"': f'"host": "{sink.host}", "port": {sink.port}, "username": "{SMTP_USERNAME}", "password": "{SMTP_PASSWORD}"'
    }
    return sink


def test_every_page_is_followed():
    assert {path.stem for path in (ROOT / "docs").glob("*.md")} == PAGES | ELSEWHERE
    for page in PAGES:
        assert any(not step.hidden and not step.not_run for step in steps(f"docs/{page}.md")), page


def test_start(machine):
    follow(machine, "start")
    root = root_of(machine)
    assert "from_the_shell.zip" in root.backups()
    assert root.get("/api/collections/posts/records/myfirstpost0001")["title"] == "Hello"


def test_protect(machine, s3, authority, stopping, receiver):
    with_bucket(machine, s3)
    sink = with_mail(machine, authority, stopping)
    machine.changes["https://ops.example.com"] = receiver.url
    service(machine)
    follow(machine, "protect")
    assert [key for key in s3.objects("acme-backups") if not key.startswith(".bosbase-proofs/")] == ["first.zip"]
    assert sink.mails and sink.mails[0].recipients == ["ops@example.com"] and sink.mails[0].encrypted
    assert receiver.events("test")
    assert (machine.root / "mnt/usb/first.zip").stat().st_size > 0
    shown = root_of(machine).get("/api/settings")["backups"]
    assert shown["keepMonthly"] == 12 and shown["alarmAfterHours"] == 3
    assert_nobody_else_reads_the_configuration(machine)
    stored = sqlite3.connect(machine.data / "data.db").execute("SELECT value FROM _params WHERE id = 'settings'").fetchone()[0]
    assert "acme-backups" not in stored and SECRET not in stored, "the settings are encrypted"


def assert_nobody_else_reads_the_configuration(machine):
    state = machine.configuration.stat()
    assert (state.st_uid, state.st_gid, stat.S_IMODE(state.st_mode)) == (os.geteuid(), machine.gid, 0o640)


def writers_of_the_configuration():
    """The steps that a reader pastes to make the configuration file or to put something into it, by page."""
    found = {}
    for page in sorted(PAGES):
        for step in steps(f"docs/{page}.md"):
            if re.search(r"(?:/dev/null|tee -a) /etc/bosbase/bosbase\.env", step.script):
                found.setdefault(page, []).append(step)
    return found


def test_pages_that_write_the_configuration_are_known():
    assert set(writers_of_the_configuration()) == {"operate", "protect", "recover"}


@pytest.mark.parametrize("before", ["no file", "a file that all can read"])
@pytest.mark.parametrize("page", writers_of_the_configuration())
def test_nobody_else_reads_the_configuration_where_the_servers_group_is_missing(machine, page, before):
    """A newcomer without the user `bosbase`: `install -g bosbase` failed, and `tee` made the file with mode 644 and the key."""
    machine.changes |= {"root:bosbase": "root:no-such-group", "sudo systemctl": "true", "curl -sS --retry": "true"}
    if before != "no file":
        machine.configuration.parent.mkdir()
        machine.configuration.write_text("BOSBASE_HTTP=127.0.0.1:8090\n")
        machine.configuration.chmod(0o644)
    # A shell into which somebody pastes lines goes on after one that failed.
    script = "".join(step.script for step in writers_of_the_configuration()[page])
    said = machine.run(machine.here("umask 022\nset +e\n" + script))
    assert "invalid group" in said.stderr
    assert stat.S_IMODE(machine.configuration.stat().st_mode) == 0o600, said.stderr
    assert page == "operate" or re.search(r"^BOSBASE_\w+(?:KEY|SECRET)=.+$", machine.configuration.read_text(), re.M)


def burnt_down(machine, s3, directory, **options):
    """A server that made one backup as a file, then one into the bucket, and is gone."""
    with_bucket(machine, s3)
    with Server(BOSBASE, directory / "old" / "pb_data", superuser=False, **options) as old:
        BOSBASE.run("superuser", "upsert", EMAIL, PASSWORD, "--dir", old.directory, *old.flags, env=old.env)
        root = old.root(EMAIL, PASSWORD)
        root.post("/api/collections", json=POSTS)
        root.create("posts", {"id": POST, "title": "kept"}, files={"cover": ("cover.txt", b"a cover")})
        # What a cascade deletes with a post.
        posts = root.get("/api/collections/posts")["id"]
        post = {"name": "post", "type": "relation", "collectionId": posts, "maxSelect": 1, "cascadeDelete": True}
        root.post("/api/collections", json={"name": "comments", "type": "base", "fields": [post]})
        root.create("comments", {"post": POST})
        # What names a post and is only emptied.
        root.post("/api/collections", json={"name": "likes", "type": "base", "fields": [{**post, "cascadeDelete": False}]})
        root.create("likes", {"id": "examplelike0001", "post": POST})
        make(root, "monday.zip")
        (machine.root / "mnt/usb/monday.zip").write_bytes(root.download("monday.zip"))
        root.patch("/api/settings", json={"backups": {"s3": s3.settings(bucket="acme-backups")}})
        make(root, "before_the_fire.zip")


def test_recover(machine, s3, tmp_path):
    burnt_down(machine, s3, tmp_path)
    said = follow(machine, "recover")
    for word in ("before_the_fire.zip", "where there was no data", "API is healthy", "ok\n", '"kind":"undo","state":"succeeded"'):
        assert word in said, said
    assert all(path.lstat().st_uid == machine.uid for path in [machine.data, *machine.data.rglob("*")])
    root = wait_for(lambda: root_of(machine), 60, "the server", ignore=(AssertionError, OSError))
    assert root.get(f"/api/collections/posts/records/{POST}")["title"] == "kept"


def test_recover_with_an_encryption_key(machine, s3, tmp_path):
    key = "0123456789abcdef0123456789abcdef"
    burnt_down(machine, s3, tmp_path, flags=("--encryptionEnv", "KEY"), env={"KEY": key})
    machine.changes["YOUR-32-CHARACTERS"] = key
    said = follow(machine, "recover", until="### 7. Check what the backup brought back", case="key")
    assert "API is healthy" in said
    assert_nobody_else_reads_the_configuration(machine)
    root = root_of(machine)
    assert root.get(f"/api/collections/posts/records/{POST}")["title"] == "kept"
    assert root.get("/api/settings")["backups"]["s3"]["bucket"] == "acme-backups"


def make(root, key):
    root.post("/api/backups", json={"name": key}, expect=204)
    assert ended(root, "create")["state"] == "succeeded"


def test_operate(machine, authority, stopping):
    sink = with_mail(machine, authority, stopping)
    machine.configuration.parent.mkdir()
    machine.configuration.write_text("BOSBASE_METRICS_TOKEN=THE-TOKEN\n")
    os.chown(machine.configuration, -1, machine.gid)
    machine.configuration.chmod(0o640)
    said = follow(machine, "operate")
    assert "bosbase_backup_storage_up 1" in said
    assert [mail.recipients for mail in sink.mails] == [["you@example.com"]]
    assert "before_upgrade.zip" in root_of(machine).backups()


def test_security(machine):
    service(machine)
    follow(machine, "security")
    assert root_of(machine).get("/api/settings")["superuserIPs"]


def pocketbase_serves(machine, title):
    """The real PocketBase with a superuser and a record, started as a service."""
    directory = machine.root / "var/lib/pocketbase/pb_data"
    POCKETBASE.superuser(directory, EMAIL, PASSWORD)
    done = machine.run(machine.here(f"chown -R {machine.uid}:{machine.gid} /var/lib/pocketbase /var/lib\nsystemctl start pocketbase\n"))
    assert done.returncode == 0, done.stderr
    root = wait_for(lambda: root_of(machine), 60, "PocketBase", ignore=(AssertionError, OSError))
    root.post("/api/collections", json=POSTS)
    root.create("posts", {"id": POST, "title": title})
    return root


def test_from_pocketbase(machine):
    pocketbase_serves(machine, "written by PocketBase")
    follow(machine, "from-pocketbase")
    # PocketBase packs all of its directory, and nothing of ours is left in it.
    root = root_of(machine)
    root.post("/api/backups", json={"name": "back_at_pocketbase.zip"}, expect=204)
    with zipfile.ZipFile(machine.root / "var/lib/pocketbase/pb_data/backups/back_at_pocketbase.zip") as archive:
        names = archive.namelist()
    assert "data.db" in names and [name for name in names if "bosbase" in name] == []


def test_switching_back_leaves_a_restore_that_is_unfinished_alone(machine):
    data = machine.root / "var/lib/pocketbase/pb_data"
    (removal,) = (step for step in steps("docs/from-pocketbase.md") if "restore.journal" in step.script)
    for kept in ("data.db", "storage/posts/cover.txt"):
        (data / kept).parent.mkdir(parents=True, exist_ok=True)
        (data / kept).write_text("kept")
    ours = [data / ".bosbase/undo-1/data.db", data / "storage/.bosbase-undo-1/cover.txt"]
    for path in ours:
        path.parent.mkdir(parents=True)
        path.write_text("replaced")
    journal = data / ".bosbase/restore.journal"
    journal.write_text("staged")
    said = machine.run(machine.here(removal.script))
    assert said.returncode == 0 and "start bosbase once more" in said.stdout
    assert journal.exists() and all(path.exists() for path in ours)
    journal.unlink()
    said = machine.run(machine.here(removal.script))
    assert (said.returncode, said.stdout) == (0, ""), said.stderr
    assert sorted(str(path.relative_to(data)) for path in data.rglob("*") if path.is_file()) == ["data.db", "storage/posts/cover.txt"]


def test_from_bosbase(machine, launch):
    """BosBase itself wants a PostgreSQL; of its API this page uses what PocketBase has, too."""
    old = pocketbase_serves(machine, "written on the old server")
    new = launch(BOSBASE)
    new_root = new.root()
    machine.environment |= {"OLD": machine.url, "OLD_TOKEN": old.token, "URL": new.url, "TOKEN": new_root.token}
    follow(machine, "from-bosbase")
    assert new_root.get(f"/api/collections/posts/records/{POST}")["title"] == "written on the old server"
