"""What `./package` makes of the program under test."""

import os
import subprocess

import pytest

from harness.programs import BOSBASE, ROOT
from harness.version import VERSION

MAJOR, MINOR, PATCH = map(int, VERSION.split("."))
NEWER = f"{MAJOR}.{MINOR}.{PATCH + 1}"


def build(folder, version, **environment):
    command = [ROOT / "package", "--binary", BOSBASE.path, "--version", version, "--into", folder]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, env={**os.environ, **environment})
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.fixture(scope="session")
def dist(tmp_path_factory):
    return build(tmp_path_factory.mktemp("dist"), VERSION)


@pytest.fixture(scope="session")
def newer(tmp_path_factory, dist):
    return build(tmp_path_factory.mktemp("newer"), NEWER, DEBFULLNAME="Ada Example", DEBEMAIL="ada@example.com")


def only(folder, pattern):
    (found,) = folder.glob(pattern)
    return found
