"""What alarms are sent to."""

import ssl

import pytest
import trustme

from .receiver import Receiver
from .sink import Sink

# Real disks that are full.
from fulldisk.conftest import small_disk  # noqa: F401

# The real S3 server, and the proxy that spoils its answers.
from s3.conftest import proxy_to, s3  # noqa: F401


class Authority:
    """A certificate authority of our own; who is started with `environment` trusts it."""

    def __init__(self, folder):
        authority = trustme.CA()
        self.path = folder / "authority.pem"
        authority.cert_pem.write_to_path(str(self.path))
        self.environment = {"SSL_CERT_FILE": str(self.path)}
        self.context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        authority.issue_cert("127.0.0.1", "localhost").configure_cert(self.context)


@pytest.fixture(scope="session")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def stopping():
    """Stops at the end what it is given."""
    running = []

    def keep(one):
        running.append(one)
        return one

    yield keep
    for one in running:
        one.stop()


@pytest.fixture
def sink(stopping):
    return stopping(Sink())


@pytest.fixture
def receiver(stopping):
    return stopping(Receiver())
