"""Fixtures of all outside tests: everything a test starts lives in its own temporary folder and dies with it."""

import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

from harness.programs import BOSBASE, ORACLE_RUN, POCKETBASE  # noqa: E402
from harness.server import Server  # noqa: E402


# Folders in which each test measures memory or time, or fills the machine.
ALONE = {"restore_load", "memory", "limits", "fulldisk", "soak"}


def pytest_configure(config):
    config.addinivalue_line("markers", "ours: what only bosbase promises; skipped when the oracle is under test")
    config.addinivalue_line("markers", "alone: `./check` runs it with nothing beside it")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    for item in items:
        if item.path.parent.name in ALONE:
            item.add_marker(pytest.mark.alone)
        if ORACLE_RUN and item.get_closest_marker("ours"):
            item.add_marker(pytest.mark.skip(reason="PocketBase does not promise this"))


@pytest.fixture(scope="session", autouse=True)
def none_of_our_own_variables():
    """What the tests are told is read by now, and the program says of variables like its own that they do nothing."""
    for name in [name for name in os.environ if name.startswith("BOSBASE_")]:
        del os.environ[name]


@pytest.fixture
def launch(tmp_path):
    """Starts servers; stops them all at the end of the test."""
    servers = []

    def start(program=BOSBASE, directory=None, **options):
        directory = directory or tmp_path / f"{program.name}-{len(servers)}" / "pb_data"
        Path(directory).parent.mkdir(parents=True, exist_ok=True)
        server = Server(program, directory, **options)
        servers.append(server)
        return server.start()

    yield start
    for server in servers:
        server.kill()


@pytest.fixture
def server(launch):
    """The server under test on a fresh data directory with one superuser."""
    return launch()


@pytest.fixture
def oracle(launch):
    """The real PocketBase on a fresh data directory with one superuser."""
    return launch(POCKETBASE)
