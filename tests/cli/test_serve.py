"""`serve`: its start, its end, its flags."""

import re
import signal
import sqlite3
import subprocess
import threading
import time

import pytest

from harness.programs import BOSBASE, POCKETBASE
from harness.server import free_port


def test_it_ends_with_0_on_sigterm_and_answers_what_it_has_begun(server):
    root = server.root()
    root.post("/api/collections", json={"name": "notes", "type": "base", "createRule": "", "fields": [{"name": "title", "type": "text"}]})
    answers, stopping = [], threading.Event()

    def write():
        client = server.client()
        while not stopping.is_set():
            try:
                answers.append(client.send("POST", "/api/collections/notes/records", json={"title": "x"}, expect=None, timeout=30).json())
            except Exception:
                return

    writers = [threading.Thread(target=write) for _ in range(4)]
    for writer in writers:
        writer.start()
    time.sleep(0.5)
    assert server.stop() == 0
    stopping.set()
    for writer in writers:
        writer.join()
    server.start()
    kept = {record["id"] for record in server.root().records("notes")}
    acknowledged = {answer["id"] for answer in answers if "id" in answer}
    assert acknowledged and acknowledged <= kept, "an acknowledged write is lost"


def test_it_ends_with_0_on_sigint(server):
    server.process.send_signal(signal.SIGINT)
    assert server.wait_until_dead(30) == 0


def test_an_acknowledged_write_survives_a_kill(server):
    root = server.root()
    root.post("/api/collections", json={"name": "notes", "type": "base", "fields": [{"name": "title", "type": "text"}]})
    for _ in range(5):
        made = [root.create("notes", {"title": str(n)})["id"] for n in range(20)]
        server.kill()
        server.start()
        root = server.root()
        assert set(made) <= {record["id"] for record in root.records("notes")}


@pytest.mark.ours
def test_a_second_server_on_the_same_data_is_refused_in_a_line(server):
    began = time.monotonic()
    second = BOSBASE.run("serve", "--dir", server.directory, "--http", f"127.0.0.1:{free_port()}", check=False, timeout=30)
    assert second.returncode not in (0, None)
    assert time.monotonic() - began < 10
    assert len(second.stderr.strip().splitlines()) == 1, second.stderr
    assert "already" in second.stderr or "in use" in second.stderr, second.stderr
    assert server.root().get("/api/health")["code"] == 200


@pytest.mark.ours
def test_a_taken_port_is_refused_in_a_line(server, tmp_path):
    second = BOSBASE.run("serve", "--dir", tmp_path / "other", "--http", f"127.0.0.1:{server.port}", check=False, timeout=30)
    assert second.returncode != 0
    assert len(second.stderr.strip().splitlines()) == 1 and str(server.port) in second.stderr, second.stderr
    assert not (tmp_path / "other" / "data.db").exists()


@pytest.mark.ours
@pytest.mark.parametrize(
    "arguments",
    [
        ("serve", "--http", "nonsense"),
        ("serve", "--nonsense"),
        ("nonsense",),
        ("superuser", "upsert", "a@example.com"),
        ("backup", "restore"),
        ("serve", "--encryptionEnv", "NOT_SET_ANYWHERE"),
    ],
    ids=" ".join,
)
def test_what_was_typed_wrongly_is_told_without_a_panic(arguments, tmp_path):
    done = BOSBASE.run(*arguments, "--dir", tmp_path / "pb_data", check=False, timeout=30)
    assert done.returncode not in (0, 101)
    assert done.stderr.strip() and "panicked" not in done.stderr and not done.stdout.strip(), (done.stdout, done.stderr)
    assert not (tmp_path / "pb_data").exists()


def test_version_and_help_are_told(tmp_path):
    assert re.search(r"\d+\.\d+\.\d+", BOSBASE.run("--version").stdout)
    shown = BOSBASE.run("--help").stdout
    assert "serve" in shown and "superuser" in shown


@pytest.mark.ours
@pytest.mark.parametrize("words", [(), ("backup",), ("backup", "extract"), ("superuser",), ("superuser", "upsert"), ("config", "check"), ("serve",)], ids=" ".join)
def test_help_can_be_asked_for_as_a_command(words):
    """`bosbase help` was an unknown command."""
    asked = BOSBASE.run("help", *words)
    assert asked.stdout == BOSBASE.run(*words, "--help").stdout and f"Usage: {' '.join(('bosbase', *words))} " in asked.stdout
    assert asked.stderr == "" and BOSBASE.run("help", "nonsense", check=False).returncode == 2


@pytest.mark.ours
def test_extract_says_what_it_takes():
    """Its usage was one list of ids, though records can be named by a filter as well."""
    text = BOSBASE.run("backup", "extract", "--help").stdout
    assert "<KEY> <COLLECTION> <ID>...\n" in text and "<KEY> <COLLECTION> --filter <FILTER>\n" in text, text
    assert "--filter <FILTER>" in BOSBASE.run("backup", "extract", "one.zip", check=False).stderr


@pytest.mark.ours
def test_the_first_start_without_a_superuser_tells_how_to_make_one(launch):
    fresh = launch(BOSBASE, superuser=False)
    assert "superuser" in fresh.log()


@pytest.mark.ours
def test_a_superuser_can_be_made_by_the_environment(launch):
    server = launch(
        BOSBASE,
        superuser=False,
        env={"BOSBASE_SUPERUSER_EMAIL": "env@example.com", "BOSBASE_SUPERUSER_PASSWORD": "from-the-env-1"},
    )
    server.root("env@example.com", "from-the-env-1").get("/api/settings")


def test_encrypted_settings_are_read_both_ways(launch, tmp_path):
    directory = tmp_path / "pb_data"
    options = {"flags": ("--encryptionEnv=PB_KEY",), "env": {"PB_KEY": "k" * 32}}
    programs = [POCKETBASE, BOSBASE, POCKETBASE]
    POCKETBASE.superuser(directory)
    for n, program in enumerate(programs):
        server = launch(program, directory, superuser=False, **options)
        root = server.root()
        if n:
            assert root.get("/api/settings")["meta"]["appName"] == f"name {n - 1}"
        root.patch("/api/settings", json={"meta": {"appName": f"name {n}"}, "smtp": {"password": "deeply-hidden"}})
        server.stop()
        database = sqlite3.connect(directory / "data.db")
        stored = database.execute("SELECT value FROM _params WHERE id = 'settings'").fetchone()[0]
        database.close()
        assert "deeply-hidden" not in stored and "name" not in stored, program.name
        assert not stored.startswith("{"), program.name


@pytest.mark.ours
def test_settings_encrypted_with_another_key_are_not_served(launch, tmp_path):
    directory = tmp_path / "pb_data"
    BOSBASE.superuser(directory)
    server = launch(BOSBASE, directory, superuser=False, flags=("--encryptionEnv=PB_KEY",), env={"PB_KEY": "k" * 32})
    server.root().patch("/api/settings", json={"meta": {"appName": "kept"}})
    server.stop()
    refused = BOSBASE.run(
        "serve", "--dir", directory, "--http", f"127.0.0.1:{free_port()}", "--encryptionEnv=PB_KEY", check=False, timeout=30, env={"PB_KEY": "x" * 32}
    )
    assert refused.returncode != 0 and "panicked" not in refused.stderr
    assert "give the key that they were encrypted with" in refused.stderr.strip().splitlines()[-1], refused.stderr


@pytest.mark.ours
def test_only_named_origins_may_call_from_a_page(launch):
    server = launch(BOSBASE, flags=("--origins=https://one.example,https://two.example",))
    for origin, allowed in (("https://one.example", True), ("https://evil.example", False)):
        answer = server.client().send("GET", "/api/health", headers={"Origin": origin})
        assert (answer.headers.get("Access-Control-Allow-Origin") == origin) is allowed, answer.headers


@pytest.mark.ours
def test_output_that_nobody_reads_does_not_end_the_server(tmp_path):
    """A closed standard output once ended servers whose supervisor went away."""
    directory = tmp_path / "pb_data"
    BOSBASE.superuser(directory)
    port = free_port()
    process = subprocess.Popen(
        BOSBASE.serve(directory, f"127.0.0.1:{port}"), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=tmp_path
    )
    try:
        process.stdout.close()
        time.sleep(1.5)
        assert process.poll() is None
    finally:
        process.kill()
        process.wait()
