"""Root restores into another user's data directory: that user's server can write what it finds."""

import os
import shutil
import signal
import stat
import subprocess
import tempfile
from pathlib import Path

import pytest
import requests

from harness.client import wait_for
from harness.programs import BOSBASE, EMAIL, PASSWORD
from harness.server import free_port

pytestmark = [pytest.mark.ours, pytest.mark.skipif(os.geteuid() != 0, reason="only root can act for another user")]

USER = 65534


@pytest.fixture
def home():
    """A folder that other users reach, and a copy of the program beside it."""
    folder = Path(tempfile.mkdtemp(prefix="bosbase-owner-", dir="/tmp"))
    folder.chmod(0o755)
    shutil.copy(BOSBASE.path, folder / "bosbase")
    (folder / "bosbase").chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def as_user(folder, *arguments, check=True):
    return subprocess.run(
        [folder / "bosbase", *map(str, arguments)], user=USER, group=USER, extra_groups=[], capture_output=True, text=True, timeout=60, check=check, cwd=folder
    )


def as_root(folder, *arguments, check=True):
    return subprocess.run([folder / "bosbase", *map(str, arguments)], capture_output=True, text=True, timeout=60, check=check, cwd="/")


class Serving:
    def __init__(self, folder, directory, user=USER):
        self.url = f"http://127.0.0.1:{(port := free_port())}"
        self.log = open(folder / "log", "ab")  # noqa: SIM115
        self.process = subprocess.Popen(
            [folder / "bosbase", "serve", "--dir", directory, "--http", f"127.0.0.1:{port}"], user=user, group=user, extra_groups=[], stdout=self.log, stderr=self.log, cwd=folder
        )

    def __enter__(self):
        wait_for(lambda: requests.get(f"{self.url}/api/health", timeout=5).ok, 60, "the start", ignore=(requests.RequestException,))
        login = requests.post(f"{self.url}/api/collections/_superusers/auth-with-password", json={"identity": EMAIL, "password": PASSWORD}, timeout=20)
        login.raise_for_status()
        self.headers = {"Authorization": login.json()["token"]}
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(30)
        self.log.close()

    def write(self):
        return requests.patch(f"{self.url}/api/settings", json={"meta": {"appName": "written"}}, headers=self.headers, timeout=20)


def strangers(directory):
    return [path for path in [directory, *directory.rglob("*")] if path.lstat().st_uid != USER]


@pytest.mark.parametrize("mode", (0o700, 0o750))
def test_what_root_restores_is_the_owners_to_write(home, mode):
    """The server came up, said that it was healthy, and answered every write with a bare 500."""
    directory = home / "pb_data"
    directory.mkdir()
    os.chown(directory, USER, USER)
    directory.chmod(mode)
    as_user(home, "superuser", "upsert", EMAIL, PASSWORD, "--dir", directory)
    as_root(home, "backup", "create", "one.zip", "--dir", directory)
    as_root(home, "backup", "restore", "one.zip", "--dir", directory)
    assert strangers(directory) == []
    assert stat.S_IMODE(directory.stat().st_mode) == mode
    assert stat.S_IMODE((directory / "data.db").stat().st_mode) == mode & 0o660
    with Serving(home, directory) as server:
        assert server.write().status_code == 200
    as_root(home, "backup", "undo", "--dir", directory)
    assert strangers(directory) == []
    with Serving(home, directory) as server:
        assert server.write().status_code == 200


def test_a_new_machine_is_filled_by_root_for_the_user_who_serves(home):
    source, directory = home / "source", home / "pb_data"
    as_root(home, "superuser", "upsert", EMAIL, PASSWORD, "--dir", source)
    as_root(home, "backup", "create", "one.zip", "--dir", source)
    # What is roots alone to read.
    archive = home / "secret" / "one.zip"
    archive.parent.mkdir(mode=0o700)
    shutil.copy(source / "backups" / "one.zip", archive)
    directory.mkdir()
    os.chown(directory, USER, USER)
    as_root(home, "backup", "import", archive, "--dir", directory)
    as_root(home, "backup", "restore", "one.zip", "--dir", directory)
    assert strangers(directory) == []
    with Serving(home, directory) as server:
        assert server.write().status_code == 200


@pytest.mark.parametrize("name", ("data.db", "auxiliary.db"))
def test_a_database_that_cannot_be_written_fails_the_start_with_its_path(home, name):
    directory = home / "pb_data"
    directory.mkdir()
    os.chown(directory, USER, USER)
    as_user(home, "superuser", "upsert", EMAIL, PASSWORD, "--dir", directory)
    os.chown(directory / name, 0, 0)
    (directory / name).chmod(0o644)
    done = as_user(home, "serve", "--dir", directory, "--http", "127.0.0.1:0", check=False)
    assert done.returncode == 1 and str(directory / name) in done.stderr, done.stderr
    assert len([line for line in done.stderr.strip().split("\n") if line.startswith("Error")]) == 1


def test_root_is_told_when_it_serves_what_is_anothers(home):
    directory = home / "pb_data"
    directory.mkdir()
    os.chown(directory, USER, USER)
    as_user(home, "superuser", "upsert", EMAIL, PASSWORD, "--dir", directory)
    with Serving(home, directory) as server:
        assert server.write().status_code == 200
    assert "root" not in (home / "log").read_text()
    with Serving(home, directory, user=0) as server:
        assert server.write().status_code == 200
    (line,) = [line for line in (home / "log").read_text().splitlines() if "root's" in line]
    assert f"sudo -u '#{USER}' bosbase serve --dir {directory}" in line


def test_nothing_that_root_does_leaves_files_that_the_owner_cannot_write(home):
    directory, out = home / "pb_data", home / "out"
    directory.mkdir()
    os.chown(directory, USER, USER)
    as_user(home, "superuser", "upsert", EMAIL, PASSWORD, "--dir", directory)
    as_root(home, "backup", "create", "one.zip", "--dir", directory)
    # What is root's alone to write.
    out.mkdir(mode=0o700)
    every = ("--filter", "id != ''")
    for arguments in (
        # Those that write elsewhere come first: what they make, no other has made.
        ("backup", "extract", "one.zip", "_superusers", *every, "--into", out / "records"),
        ("backup", "export", "one.zip", out / "one.zip"),
        ("backup", "extract", "one.zip", "_superusers", *every),
        ("backup", "extract", "one.zip", "_superusers", *every, "--into", "live"),
        ("backup", "list"),
        ("backup", "verify", "one.zip"),
        ("backup", "import", out / "one.zip", "two.zip"),
        ("backup", "delete", "two.zip"),
        ("backup", "take-over"),
        ("superuser", "unlock"),
    ):
        as_root(home, *arguments, "--dir", directory)
        assert strangers(directory) == [], arguments
    # Nothing of ours lies there yet.
    shutil.rmtree(directory / ".bosbase")
    as_root(home, "backup", "export", "one.zip", out / "again.zip", "--dir", directory)
    as_root(home, "backup", "extract", "one.zip", "_superusers", *every, "--into", out / "more", "--dir", directory)
    as_root(home, "check", directory, check=False)
    assert strangers(directory) == []
    assert {path.name for path in out.iterdir()} == {"one.zip", "again.zip", "records", "more"}
    assert {path.stat().st_uid for path in out.rglob("*")} == {0}
    with Serving(home, directory) as server:
        assert server.write().status_code == 200
