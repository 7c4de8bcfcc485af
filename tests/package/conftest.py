"""What `./package` makes of the program under test."""

import subprocess

import pytest

from harness.programs import BOSBASE, ROOT

VERSION = "0.1.0"


def build(folder, version):
    command = [ROOT / "package", "--binary", BOSBASE.path, "--version", version, "--into", folder]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.fixture(scope="session")
def dist(tmp_path_factory):
    return build(tmp_path_factory.mktemp("dist"), VERSION)


@pytest.fixture(scope="session")
def newer(tmp_path_factory, dist):
    return build(tmp_path_factory.mktemp("newer"), "0.1.1")


def only(folder, pattern):
    (found,) = folder.glob(pattern)
    return found
