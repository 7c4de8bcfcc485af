"""The commands that the documentation shows are run as they stand: with `$URL` and `$TOKEN` set, from top to bottom."""

import os
import re
import subprocess

import pytest

from harness.programs import BOSBASE, EMAIL, PASSWORD, ROOT
from harness.server import Server

pytestmark = pytest.mark.ours


def blocks(document):
    """The fenced `sh` blocks of a document with the line they begin at."""
    path = ROOT / document
    text = path.read_text() if path.exists() else ""
    for found in re.finditer(r"^```sh\n(.*?)^```$", text, re.M | re.S):
        yield f"{document}:{text[: found.start()].count(chr(10)) + 2}", found.group(1)


API = list(blocks("docs/api.md"))


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    home = tmp_path_factory.mktemp("docs")
    with Server(BOSBASE, home / "pb_data") as server:
        yield server, home


def test_the_api_document_has_examples():
    assert len(API) > 10


@pytest.mark.parametrize(("where", "script"), API, ids=[block[0] for block in API])
def test_an_example_of_the_api_document_runs(place, where, script):
    server, home = place
    server.wait_until_healthy()
    environment = {**os.environ, "URL": server.url, "TOKEN": server.root().token, "EMAIL": EMAIL, "PASSWORD": PASSWORD}
    # `curl` must not hide a refusal: --fail-with-body makes it one.
    script = f'curl() {{ command curl --fail-with-body -sS "$@"; }}\nset -e\n{script}'
    done = subprocess.run(["bash", "-c", script], env=environment, cwd=home, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, f"{where}: exit {done.returncode}\n{done.stdout}\n{done.stderr}"
    server.root().wait_until_idle()
