"""Data directories that bosbase makes or upgrades are what PocketBase 0.40.6 makes of the same."""

import shutil

import pytest

from harness.databases import assert_same_directories
from harness.programs import BOSBASE, POCKETBASE, POCKETBASE_0_23, POCKETBASE_0_30
from harness.sample import USER_PASSWORD, assert_same, content, make_application, without_clone_ids

from .conftest import SKIPPED


def test_a_fresh_directory_has_what_pocketbase_puts_in_its_own(launch):
    ours, theirs = launch(BOSBASE), launch(POCKETBASE)
    assert ours.stop() == 0 and theirs.stop() == 0
    assert_same_directories(ours.directory, theirs.directory)


def test_pocketbase_serves_a_fresh_directory_made_here(launch):
    ours = launch(BOSBASE)
    assert ours.stop() == 0
    taken_over, theirs = launch(POCKETBASE, ours.directory, superuser=False), launch(POCKETBASE)
    seen = [
        {
            collection["name"]: {key: value for key, value in collection.items() if key not in ("created", "updated")}
            for collection in server.root().get("/api/collections", params={"perPage": 100})["items"]
        }
        for server in (taken_over, theirs)
    ]
    assert seen[0] == seen[1]
    make_application(taken_over.root())


@pytest.mark.parametrize("old", [POCKETBASE_0_23, POCKETBASE_0_30], ids=lambda program: program.name)
def test_an_older_directory_is_upgraded_as_pocketbase_upgrades_it(old, launch, tmp_path):
    maker = launch(old)
    make_application(maker.root(), geo=old is not POCKETBASE_0_23)
    assert maker.stop() == 0
    copies = [tmp_path / "ours", tmp_path / "theirs"]
    for copy in copies:
        shutil.copytree(maker.directory, copy)
    ours = launch(BOSBASE, copies[0], superuser=False)
    theirs = launch(POCKETBASE, copies[1], superuser=False)
    served = upgraded_content(theirs)
    assert_same(upgraded_content(ours), served)
    ours.client().login("users", "user2@example.com", USER_PASSWORD)
    assert ours.stop() == 0 and theirs.stop() == 0
    assert_same_directories(*copies)

    # And PocketBase finds nothing left to do.
    again = launch(POCKETBASE, copies[0], superuser=False)
    assert_same(upgraded_content(again), served)


def upgraded_content(server):
    """What a server shows, without the moment and the random ids of its upgrade."""
    seen = without_clone_ids(content(server.root(), SKIPPED))
    for collection in seen["collections"].values():
        del collection["updated"]
    return seen
