"""What is configured and not honoured is said at start, and refused where going on without it could do harm.

A record that a hook would have refused was stored; migrations that were not applied, one-time passwords, batch
requests and misspelt variables were passed over without a word.
"""

import signal
import socket
import sqlite3
import subprocess

import pytest
import requests

from harness.client import wait_for
from harness.programs import BOSBASE, EMAIL, PASSWORD, POCKETBASE
from harness.server import free_port
from harness.tokens import token

pytestmark = pytest.mark.ours

HOOK = 'onRecordCreateRequest((e) => { throw new BadRequestError("no") })'
MIGRATION = "migrate((app) => {}, (app) => {})"


def refused(directory, *flags, code=2):
    done = BOSBASE.run("serve", "--dir", directory, "--http", f"127.0.0.1:{free_port()}", *flags, check=False, timeout=60)
    assert done.returncode == code, done
    line = done.stderr.strip()
    assert "\n" not in line, line
    return line


def plant(parent, folder, **files):
    (parent / folder).mkdir(parents=True)
    for name, text in files.items():
        (parent / folder / name.replace("__", ".")).write_text(text)


def test_hooks_stop_the_start_until_told_otherwise(tmp_path, launch):
    plant(tmp_path / "app", "pb_hooks", main__pb__js=HOOK, README__md="none")
    directory = tmp_path / "app" / "pb_data"
    line = refused(directory)
    assert "main.pb.js" in line and "--ignore-hooks" in line and "README" not in line
    assert not directory.exists(), "it was touched before it was refused"
    server = launch(directory=directory, flags=["--ignore-hooks"])
    assert "Not run: the hooks in pb_hooks (main.pb.js)." in server.log()


def test_hooks_are_found_however_the_directory_is_named(tmp_path):
    """With `--dir .`, behind a link, or started by a service manager that passes a socket, they were passed over."""
    plant(tmp_path / "app", "pb_hooks", main__pb__js=HOOK)
    directory = tmp_path / "app" / "pb_data"
    directory.mkdir()
    (tmp_path / "link").symlink_to(directory)
    port = free_port()
    for cwd, name in ((directory, "."), (directory, "../pb_data"), (tmp_path, "link"), (tmp_path / "app", "pb_data")):
        command = [str(BOSBASE.path), "serve", "--dir", name, "--http", f"127.0.0.1:{port}"]
        done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=60)
        assert done.returncode == 2 and "--ignore-hooks" in done.stderr, (name, done)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        listener.set_inheritable(True)
        script = 'export LISTEN_PID=$$ LISTEN_FDS=1 LISTEN_FDS_FIRST_FD=$0; exec "$@"'
        passed = ["sh", "-c", script, str(listener.fileno()), str(BOSBASE.path), "serve", "--dir", str(directory)]
        done = subprocess.run(passed, pass_fds=[listener.fileno()], capture_output=True, text=True, timeout=60)
        assert done.returncode == 2 and "--ignore-hooks" in done.stderr, done


def test_migrations_that_were_not_applied_stop_the_start(tmp_path, launch):
    directory = tmp_path / "app" / "pb_data"
    plant(tmp_path / "app", "pb_migrations", **{"1700000001_one__js": MIGRATION})
    # PocketBase applies it, and from then on there is nothing that was not.
    POCKETBASE.run("migrate", "up", "--dir", directory, "--migrationsDir", tmp_path / "app" / "pb_migrations")
    with_it = launch(directory=directory)
    assert "Not applied" not in with_it.log()
    with_it.stop()
    for number in range(2, 10):
        (tmp_path / "app" / "pb_migrations" / f"170000000{number}_more.js").write_text(MIGRATION)
    line = refused(directory)
    assert "1700000002_more.js" in line and "3 more" in line and "--ignore-migrations" in line and "_one" not in line
    server = launch(directory=directory, flags=["--ignore-migrations"])
    assert "Not applied: migrations in pb_migrations" in server.log()


def test_a_restart_after_a_restore_is_not_held_up_by_either(tmp_path, launch):
    """The restored data may lack what was applied since; the server is back all the same, and says so."""
    directory = tmp_path / "app" / "pb_data"
    server = launch(directory=directory)
    root = server.root()
    root.back_up("before.zip")
    plant(tmp_path / "app", "pb_migrations", **{"1700000001_one__js": MIGRATION})
    root.restore("before.zip")
    assert "Not applied: migrations in pb_migrations (1700000001_one.js)." in server.log()
    assert "BOSBASE_RESTARTED" not in server.log(), "what the program says to itself"


def test_what_settings_and_collections_ask_for_in_vain_is_said(launch, tmp_path):
    server = launch(env={"BOSBASE_BACKUP_S3_BUCKET": "typo", "BOSBASE_LOG": "info"})
    fresh = server.log()
    assert "BOSBASE_BACKUP_S3_BUCKET" in fresh and "BOSBASE_LOG is" not in fresh
    assert "this version" not in fresh, "nothing else is configured"
    root = server.root()
    root.patch("/api/collections/users", json={"otp": {"enabled": True}})
    server.stop()
    server.start()
    said = "Collection users mails one-time passwords (otp), and no mail server is set up"
    assert server.log().count(said) == 1
    server.root().patch("/api/settings", json={"smtp": {"enabled": True, "host": "127.0.0.1", "port": 1}})
    server.stop()
    server.start()
    assert server.log().count(said) == 1, "mail is set up now"


def test_addresses_for_alarms_without_a_mail_server_are_said_at_the_change_at_the_start_and_in_the_status(launch):
    """The addresses were taken without a word, and nobody was mailed when backups failed."""
    said = "settings.backups.alarmEmails names addresses, and no mail server is set up (settings.smtp)"
    server = launch()
    root = server.root()
    shown = lambda: root.get("/api/backups/status")["alarms"]["troubles"]  # noqa: E731
    assert shown() == [] and said not in server.log()
    root.patch("/api/settings", json={"backups": {"alarmEmails": ["ops@example.com"]}})
    assert shown() == [{"cause": "alarms", "error": f"{said}: nobody is told when a backup fails."}]
    assert root.get("/api/health")["data"]["backupTroubles"] == ["alarms"]
    assert "bosbase_backup_troubles 1" in root.send("GET", "/api/metrics").text
    root.patch("/api/settings", json={"meta": {"appName": "Other"}})
    assert server.log().count(said) == 1, "a change of something else says it again"
    lines = lambda: root.get("/api/logs", params={"filter": 'message ~ "alarmEmails" && level = 4'})["items"]  # noqa: E731
    assert len(wait_for(lines, 10, "a line in the log")) == 1
    server.stop()
    server.start()
    root = server.root()
    assert server.log().count(said) == 2 and len(shown()) == 1, "the start says it"
    root.patch("/api/settings", json={"smtp": {"enabled": True, "host": "127.0.0.1", "port": 1}})
    assert shown() == [] and "backupTroubles" not in root.get("/api/health")["data"]
    # Also said where not the addresses are new, but the mail server is gone.
    root.patch("/api/settings", json={"smtp": {"enabled": False}, "backups": {"alarmWebhook": {"url": "http://127.0.0.1:9"}}})
    assert server.log().count(f"{said}: alarms go to the webhook alone.") == 1
    root.patch("/api/settings", json={"backups": {"alarmEmails": []}})
    assert shown() == []


def test_what_another_program_switched_on_can_be_kept_and_taken_back(tmp_path, launch):
    directory = tmp_path / "app" / "pb_data"
    theirs = launch(POCKETBASE, directory)
    root = theirs.root()
    root.patch("/api/collections/_superusers", json={"mfa": {"enabled": True}, "otp": {"enabled": True}})
    theirs.stop()
    ours = launch(directory=directory)
    assert "Collection _superusers mails one-time passwords (otp), and no mail server is set up" in ours.log()
    first = {"identity": EMAIL, "password": PASSWORD}
    assert ours.client().post("/api/collections/_superusers/auth-with-password", json=first, expect=401)["mfaId"]
    # Everything else can be changed with a token that is still good.
    still_good = token(directory, "_superusers", root.auth["record"]["id"])
    ours.client().with_token(still_good).patch("/api/collections/_superusers", json={"authToken": {"duration": 7200}})
    ours.stop()
    assert "mfa is off" in BOSBASE.run("superuser", "unlock", "--dir", directory).stdout
    ours.start()
    ours.root()


def test_a_way_back_from_a_wrong_address(server):
    root = server.root()
    root.patch("/api/settings", json={"superuserIPs": ["10.0.0.0/8"]})
    root.get("/api/settings", expect=401)
    done = BOSBASE.run("superuser", "unlock", "--dir", server.directory)
    assert "superuserIPs" in done.stdout and "restarted" in done.stdout
    server.stop()
    server.start()
    assert server.root().get("/api/settings")["superuserIPs"] == []
    assert "Nothing had to be changed" in BOSBASE.run("superuser", "unlock", "--dir", server.directory).stdout
    missing = BOSBASE.run("superuser", "unlock", "--dir", server.directory.parent / "none", check=False)
    assert missing.returncode == 1 and not (server.directory.parent / "none").exists()


def test_the_way_back_does_not_depend_on_what_else_is_wrong(server):
    """Another mistake in the settings kept `unlock` from doing anything, and what it can't mend was said to be well."""
    root = server.root()
    server.stop()
    database = sqlite3.connect(server.directory / "data.db")
    broken = "json_set(value, '$.meta.appName', '', '$.superuserIPs', json('[\"10.0.0.0/8\"]'))"
    database.execute(f"UPDATE _params SET value = {broken} WHERE id = 'settings'")
    database.execute("UPDATE _collections SET options = json_set(options, '$.authToken.secret', '') WHERE name = '_superusers'")
    database.execute("UPDATE _superusers SET password = ''")
    database.commit()
    database.close()
    said = BOSBASE.run("superuser", "unlock", "--dir", server.directory).stdout
    assert "superuserIPs" in said and "new secret" in said, said
    assert "Still no superuser can log in: none has a password" in said and "superuser upsert" in said, said
    BOSBASE.superuser(server.directory)
    assert "can log in from any address" in BOSBASE.run("superuser", "unlock", "--dir", server.directory).stdout
    server.start()
    assert server.root().auth["record"]["id"] == root.auth["record"]["id"]


def test_a_look_at_the_migrations_changes_nothing_and_hides_nothing(tmp_path):
    plant(tmp_path / "app", "pb_migrations", **{"1700000001_one__js": MIGRATION, "helpers__go": "package migrations"})
    directory = tmp_path / "app" / "pb_data"
    BOSBASE.superuser(directory)
    before = {path.name: path.read_bytes() for path in directory.iterdir() if path.is_file()}
    line = refused(directory)
    assert "1700000001_one.js" in line and "helpers" not in line
    assert {path.name: path.read_bytes() for path in directory.iterdir() if path.is_file()} == before
    (directory / "data.db").write_bytes(b"no database" * 1000)
    assert "is damaged" in refused(directory, code=1)


def test_a_closed_terminal_ends_it_in_order(tmp_path):
    """SIGHUP killed it without draining: requests were cut off and the databases not closed."""
    directory = tmp_path / "pb_data"
    process, url = serve(directory, signal.SIG_DFL)
    with process:
        process.send_signal(signal.SIGHUP)
        assert process.wait(30) == 0
    assert "draining" in (tmp_path / "log").read_text()
    assert not (directory / "data.db-wal").exists() or (directory / "data.db-wal").stat().st_size == 0
    with pytest.raises(requests.RequestException):
        requests.get(f"{url}/api/health", timeout=5)


def serve(directory, hangup):
    """A healthy server that was started with this disposition of SIGHUP, whatever the tests were started with; and its URL."""
    url = f"http://127.0.0.1:{(port := free_port())}"
    command = [str(BOSBASE.path), "serve", "--dir", str(directory), "--http", f"127.0.0.1:{port}"]
    with open(directory.parent / "log", "wb") as log:
        process = subprocess.Popen(command, preexec_fn=lambda: signal.signal(signal.SIGHUP, hangup), stdout=log, stderr=log)
    healthy = lambda: requests.get(f"{url}/api/health", timeout=5).status_code == 200  # noqa: E731
    wait_for(healthy, 60, "the server", ignore=(requests.RequestException,))
    return process, url


def test_a_server_that_is_to_outlive_its_terminal_does(tmp_path):
    """`nohup bosbase serve &` ended at the logout: a handler had taken back that SIGHUP was ignored."""
    process, url = serve(tmp_path / "pb_data", signal.SIG_IGN)
    try:
        process.send_signal(signal.SIGHUP)
        for _ in range(20):
            assert requests.get(f"{url}/api/health", timeout=5).status_code == 200 and process.poll() is None
    finally:
        process.kill()
        process.wait(30)


def test_options_that_cannot_be_read_do_not_stop_a_start(tmp_path, launch):
    server = launch()
    server.stop()
    database = sqlite3.connect(server.directory / "data.db")
    database.execute("UPDATE _collections SET options = json_set(options, '$.mfa', 'x') WHERE name = 'users'")
    database.commit()
    database.close()
    server.start()
    assert "The options of collection users can't be read" in server.log()


def test_the_routes_are_in_the_help():
    assert "routes" in BOSBASE.run("--help").stdout
