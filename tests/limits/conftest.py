"""One open application for the tests of a file, revived where one of them brought it down."""

import pytest

from .place import Place


@pytest.fixture(scope="module")
def shared_place(tmp_path_factory):
    place = Place(tmp_path_factory.mktemp("limits") / "pb_data")
    yield place
    place.server.kill()


@pytest.fixture
def place(shared_place):
    return shared_place.refresh()
