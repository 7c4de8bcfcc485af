"""One application that the real PocketBase made, shared by this folder's tests; each works on its own copy."""

import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from harness.programs import POCKETBASE
from harness.sample import content, fill_measurements, make_application
from harness.server import Server

ROWS = 200_000


@dataclass
class Application:
    directory: Path
    content: dict
    root_token: str
    user_token: str
    file_token: str

    def copy(self, to):
        shutil.copytree(self.directory, to)
        return to


@pytest.fixture(scope="session")
def application(tmp_path_factory):
    directory = tmp_path_factory.mktemp("application") / "pb_data"
    with Server(POCKETBASE, directory) as server:
        make_application(server.root())
        server.stop()
        fill_measurements(directory, ROWS)
        server.start()
        root = server.root()
        user = server.client().login("users", "user0@example.com", "pässwörd-✓-123")
        made = Application(directory, content(root, SKIPPED), root.token, user.token, root.file_token())
        server.stop()
    return made


# Logins write here, so no two looks at it are the same.
SKIPPED = ("_authOrigins",)
