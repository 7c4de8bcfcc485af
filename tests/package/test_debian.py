"""The Debian package in a fresh Debian: installed, served, upgraded, removed and purged by dpkg."""

import re
import subprocess

import pytest

from harness.client import Client
from harness.programs import EMAIL, PASSWORD
from harness.server import Server, free_port

from .conftest import NEWER, VERSION, only
from .debian import Debian

pytestmark = pytest.mark.ours
CONFIGURATION = "/etc/bosbase/bosbase.env"
DATA = "/var/lib/bosbase"


@pytest.fixture(scope="module")
def debian(tmp_path_factory, dist):
    """With the package installed. The tests of this file follow each other in it."""
    debian = Debian(tmp_path_factory.mktemp("debian") / "tree")
    debian.said = debian.install(only(dist, "*.deb"))
    return debian


class Installed(Server):
    """What the unit starts, started as its user."""

    def __init__(self, debian, log):
        self.debian, self.log_path, self.port, self.process = debian, log, free_port(), None

    def start(self, wait=True):
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                self.debian.command("/usr/bin/bosbase", "serve", user="bosbase"),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                env=self.debian.environment(BOSBASE_HTTP=f"127.0.0.1:{self.port}"),
            )
        self.program = self
        self.name = "the installed server"
        self.wait_until_healthy()
        return self


def test_it_installs_without_a_complaint_and_what_is_secret_is_nobody_elses(debian):
    assert not re.search(r"warning|error", debian.said, re.I), debian.said
    assert debian.run("dpkg-query", "--show", "--showformat=${Status} ${Version}", "bosbase") == f"install ok installed {VERSION}-1"
    # No address that nobody reads.
    assert debian.run("dpkg-query", "--show", "--showformat=${Maintainer}", "bosbase") == "the bosbase authors"
    assert debian.owner(CONFIGURATION) == "root:bosbase 640"
    assert debian.owner(DATA) == "bosbase:bosbase 700"
    assert debian.owner("/usr/bin/bosbase") == "root:root 755"
    user = debian.run("getent", "passwd", "bosbase").strip().split(":")
    assert 100 <= int(user[2]) < 1000 and user[5:] == [DATA, "/usr/sbin/nologin"]
    assert debian.run("dpkg", "--verify", "bosbase") == ""
    assert "/usr/share/doc/bosbase/copyright" in debian.run("dpkg", "--listfiles", "bosbase")


def test_the_service_is_enabled_and_its_unit_is_one_that_systemd_reads(debian):
    assert debian.run("systemctl", "is-enabled", "bosbase.service").strip() == "enabled"
    unit = debian.run("sh", "-c", "ls /lib/systemd/system/bosbase.service /usr/lib/systemd/system/bosbase.service 2>/dev/null | head -1").strip()
    said = debian.run("systemd-analyze", "verify", "--recursive-errors=no", unit, expect=None)
    assert not [line for line in said.splitlines() if "bosbase" in line], said
    # From 0 (safe) to 100.
    said = debian.run("systemd-analyze", "security", "--offline=true", "--threshold=25", "--no-pager", unit)
    assert "bosbase.service" in said


def test_what_it_is_set_to_is_read_by_its_user_and_by_root_and_by_nobody_else(debian):
    for user in (None, "bosbase"):
        said = debian.run("bosbase", "config", "check", user=user)
        assert said.startswith(f"The configuration is good. The file is {CONFIGURATION}."), said
        assert re.search(rf"^BOSBASE_DIR +{DATA} +file, line \d+$", said, re.M), said
    # It is about the service's data, and others may run the program for their own.
    refused = debian.run("bosbase", "config", "check", "--dir", DATA, user="nobody", expect=2)
    assert "Permission denied" in refused and "--config=" in refused and len(refused.splitlines()) == 1, refused
    debian.run("bosbase", "config", "check", "--dir", "/tmp/own", user="nobody")
    debian.run("bosbase", "config", "check", "--config=", user="nobody")
    assert debian.run("bosbase", "routes", user="nobody").startswith("GET")


def test_it_serves_and_is_upgraded_and_the_data_and_what_was_configured_stay(debian, newer, tmp_path):
    # Root's commands find the server's data without being told, and leave it the server's.
    debian.run("bosbase", "superuser", "upsert", EMAIL, PASSWORD)
    assert debian.owner(f"{DATA}/data.db").startswith("bosbase:bosbase ")
    server = Installed(debian, tmp_path / "log").start()
    try:
        root = Client(server.url).login("_superusers", EMAIL, PASSWORD)
        root.back_up("before_upgrade.zip")
        assert "before_upgrade.zip" in debian.run("bosbase", "backup", "list")
    finally:
        assert server.stop() == 0, server.log()
    with open(debian.path(CONFIGURATION), "a") as file:
        file.write("BOSBASE_QUERY_TIMEOUT=11\n")
    debian.run("chmod", "600", CONFIGURATION)
    said = debian.install(only(newer, "*.deb"))
    assert not re.search(r"warning|error", said, re.I), said
    assert debian.run("dpkg-query", "--show", "--showformat=${Status} ${Version}", "bosbase") == f"install ok installed {NEWER}-1"
    assert debian.run("dpkg-query", "--show", "--showformat=${Maintainer}", "bosbase") == "Ada Example <ada@example.com>"
    assert debian.owner(CONFIGURATION) == "root:bosbase 600" and "TIMEOUT=11" in debian.path(CONFIGURATION).read_text()
    debian.run("chmod", "640", CONFIGURATION)
    server = Installed(debian, tmp_path / "log").start()
    try:
        root = Client(server.url).login("_superusers", EMAIL, PASSWORD)
        assert "before_upgrade.zip" in root.backups()
    finally:
        assert server.stop() == 0, server.log()


def test_each_command_has_a_man_page_without_a_warning(debian):
    pages = sorted(path.name for path in debian.path("/usr/share/man/man1").glob("bosbase*"))
    assert {"bosbase.1.gz", "bosbase-serve.1.gz", "bosbase-backup-restore.1.gz", "bosbase-config-check.1.gz", "bosbase-superuser-upsert.1.gz"} <= set(pages)
    assert "bosbase-manual.1.gz" not in pages and len(pages) > 20, pages
    for page in pages:
        said = debian.run("man", "--warnings", "--encoding=UTF-8", "--local-file", f"/usr/share/man/man1/{page}", MANWIDTH="100", MANPAGER="cat", PAGER="cat")
        assert not re.search(r"warning|error|cannot", said.split("NAME")[0], re.I), said[:500]
        assert "SYNOPSIS" in said, said[:500]
    said = debian.run("man", "bosbase-serve", MANPAGER="cat", MANWIDTH="100")
    assert "BOSBASE_HTTP" in said and "127.0.0.1:8090" in said, said


def test_shells_complete_its_commands_and_flags(debian):
    bash = """
        source /usr/share/bash-completion/completions/bosbase
        for line in 'bosbase ba' 'bosbase backup re' 'bosbase serve --que'; do
            COMP_WORDS=($line) COMP_CWORD=$((${#COMP_WORDS[@]} - 1)) COMPREPLY=()
            _bosbase bosbase "${COMP_WORDS[-1]}" "${COMP_WORDS[-2]}"
            echo "${COMPREPLY[@]}"
        done"""
    assert debian.run("bash", "-c", bash).splitlines() == ["backup", "restore", "--queryTimeout"]
    fish = lambda line: [said.split("\t")[0] for said in debian.run("fish", "-c", f"complete -C '{line}'", HOME="/tmp").splitlines()]  # noqa: E731
    assert fish("bosbase ba") == ["backup"] and fish("bosbase backup re") == ["restore"] and "--queryTimeout" in fish("bosbase serve --que")
    debian.run("zsh", "-n", "/usr/share/zsh/vendor-completions/_bosbase")
    assert debian.path("/usr/share/zsh/vendor-completions/_bosbase").read_text().startswith("#compdef bosbase")


def test_a_removal_keeps_what_is_configured_and_a_purge_keeps_only_data(debian):
    debian.run("dpkg", "--remove", "bosbase")
    assert not debian.path("/usr/bin/bosbase").exists() and debian.path(CONFIGURATION).exists()
    assert debian.path(f"{DATA}/data.db").exists()
    configured = debian.path(CONFIGURATION).read_text()
    said = debian.run("dpkg", "--purge", "bosbase")
    assert "data in /var/lib/bosbase" in said, said
    assert not debian.path("/etc/bosbase").exists() and debian.path(f"{DATA}/data.db").exists()
    assert debian.owner(DATA) == "bosbase:bosbase 700", "who it belongs to stays known"
    # The key of encrypted settings may be nowhere else.
    kept = f"{DATA}/.bosbase/bosbase.env"
    assert debian.path(kept).read_text() == configured and debian.owner(kept) == "bosbase:bosbase 600"


def test_it_is_installed_again_onto_the_data_that_is_left_and_leaves_nothing_where_there_is_none(debian, newer):
    debian.install(only(newer, "*.deb"))
    assert "before_upgrade.zip" in debian.run("bosbase", "backup", "list")
    debian.run("sh", "-c", f"rm -r {DATA} && install -d -o bosbase -g bosbase -m 700 {DATA}")
    before = set(path.name for path in debian.path("/etc/systemd/system").rglob("*"))
    assert "bosbase.service" in before
    debian.run("dpkg", "--purge", "bosbase")
    debian.run("getent", "passwd", "bosbase", expect=2)
    left = debian.run("find", "/", "-xdev", "-name", "*bosbase*", "-not", "-path", "/var/log/*", "-not", "-path", "/var/cache/man/*").split()
    assert left == [], left
    assert not debian.has_mounts()
