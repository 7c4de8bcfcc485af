"""Servers whose mails go to a real SMTP server."""

import contextlib

import pytest

from alarms.sink import Sink
from harness.client import wait_for
from harness.programs import BOSBASE, POCKETBASE
from harness.server import Server


class Mailbox(Sink):
    """What was mailed, waited for."""

    def next(self, seen):
        """The mail that comes after the first `seen`."""
        return wait_for(lambda: len(self.mails) > seen and self.mails[seen], 20, "a mail")


@pytest.fixture
def mailbox():
    box = Mailbox()
    yield box
    box.stop()


def use(root, mailbox):
    root.patch("/api/settings", json={"smtp": mailbox.settings(), "meta": {"appName": "Acme", "appURL": "http://app.example"}})
    return root


@contextlib.contextmanager
def ours_and_pocketbase(tmp_path_factory):
    """Both servers, each with the collections `clients` (auth) and `plain` (base)."""
    with contextlib.ExitStack() as running:
        servers = []
        for program in (BOSBASE, POCKETBASE):
            server = Server(program, tmp_path_factory.mktemp(program.name) / "pb_data").start()
            running.callback(server.kill)
            for kind, name in (("auth", "clients"), ("base", "plain")):
                server.root().post("/api/collections", json={"name": name, "type": kind})
            servers.append(server)
        yield servers
