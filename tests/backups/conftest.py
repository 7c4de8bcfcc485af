"""What the tests of backups begin with."""

import pytest

from .library import make_library


@pytest.fixture
def root(server):
    """A superuser of a fresh server."""
    return server.root()


@pytest.fixture
def library(root):
    """Authors, books and chapters, without a record."""
    make_library(root)
