"""The commands that the documentation shows are run as they stand: with `$URL` and `$TOKEN` set, from top to bottom."""

import os
import re
import shlex
import subprocess

import pytest

from harness.programs import BOSBASE, EMAIL, PASSWORD, ROOT
from harness.client import wait_for
from harness.jobs import ended
from harness.server import Server, free_port

from .pages import steps

pytestmark = pytest.mark.ours


def blocks(document):
    """The `sh` blocks of a document, and where they stand."""
    return [step for step in steps(document) if not step.hidden]


API = blocks("docs/api.md")


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    home = tmp_path_factory.mktemp("docs")
    with Server(BOSBASE, home / "pb_data") as server:
        yield server, home


def test_the_api_document_has_examples():
    assert len(API) > 10


@pytest.mark.parametrize("step", API, ids=[step.where for step in API])
def test_an_example_of_the_api_document_runs(place, step):
    # Nothing waits between them but they themselves: so does who copies one after the other.
    server, home = place
    environment = {"URL": server.url, "TOKEN": server.root().token, "EMAIL": EMAIL, "PASSWORD": PASSWORD}
    # `curl` must not hide a refusal: --fail-with-body makes it one.
    run(f"# {step.where}\n{step.script}", home, **environment)


def run(script, home, **environment):
    script = f'curl() {{ command curl --fail-with-body "$@"; }}\nset -eu\n{script}'
    done = subprocess.run(
        ["bash", "-c", script], env={**os.environ, **environment}, cwd=home, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, f"exit {done.returncode}\n{script}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def test_the_minute_of_the_readme_is_as_it_says(tmp_path):
    start, superuser, use, status = (step.script for step in blocks("README.md"))
    assert start.strip() == "cargo run --release -- serve"
    port = free_port()
    server = Server(BOSBASE, tmp_path / "pb_data", superuser=False)
    server.port = port
    with server:
        assert "superuser upsert EMAIL PASSWORD" in server.log(), "it says what to do next"
        run(superuser.replace("target/release/bosbase", shlex.quote(str(BOSBASE.path))), tmp_path)
        said = run(use.replace("127.0.0.1:8090", f"127.0.0.1:{port}"), tmp_path)
        assert "before_upgrade.zip" in said
        root = wait_for(lambda: server.root("you@example.com", "a-long-password"), 20, "a login", ignore=(AssertionError, OSError))
        assert ended(root, "restore")["state"] == "succeeded"
        told = run(f"{status.strip()} || [ $? = 1 ]".replace("target/release/bosbase", shlex.quote(str(BOSBASE.path))), tmp_path)
        assert told.startswith("The data can be brought back to a backup made ") and "before_upgrade.zip, 20" in told


def test_a_login_that_fails_says_so_on_every_page(server):
    """The token became the error's JSON, and each command after it failed for a reason of its own."""
    found = {}
    for page in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]:
        for login in re.findall(r"^TOKEN=\$\((?:.*\n)*?.*/p'\)\n.*\n", page.read_text(), re.M):
            found.setdefault(page.name, []).append(login)
    assert {"README.md", "api.md", "from-pocketbase.md", "operate.md", "protect.md", "recover.md", "start.md"} <= set(found)
    for page, logins in found.items():
        for login in logins:
            environment = {**os.environ, "URL": server.url, "EMAIL": EMAIL, "PASSWORD": "wrong"}
            done = subprocess.run(["bash", "-euc", login + 'echo "token: $TOKEN"'], env=environment, capture_output=True, text=True, timeout=60)
            assert done.stdout == "The login failed: check the address and the password.\ntoken: \n", (page, done)
