"""Every setting that is accepted is enforced or refused: the table of them is what a server shows, and each is checked.

A setting that is stored, shown and not honoured is a promise that nobody keeps.
"""

from pathlib import Path

import pytest

from alarms.conftest import sink, stopping  # noqa: F401

from .checks import find
from .leaves import of_auth_collection, of_settings
from .table import AUTH, SECRETS, SETTINGS, Check, Covered

TESTS = Path(__file__).resolve().parents[1]

KNOWN = {**SETTINGS, **AUTH, **SECRETS}
CHECKS = sorted({entry.name for entry in KNOWN.values() if isinstance(entry, Check)})
ELSEWHERE = {leaf: entry for leaf, entry in KNOWN.items() if isinstance(entry, Covered)}
OURS_ALONE = {"scheduled_backups_are_kept"}


@pytest.mark.ours
def test_the_table_is_what_the_server_shows(server):
    root = server.root()
    shown = of_settings(root) | of_auth_collection(root)
    listed = set(SETTINGS) | set(AUTH)
    assert not shown - listed, f"classify what is new: {sorted(shown - listed)}"
    assert not listed - shown, f"the server does not show any more: {sorted(listed - shown)}"


@pytest.mark.parametrize("name", CHECKS)
def test_it_is_enforced_or_refused(server, sink, name):  # noqa: F811
    if server.program.name != "bosbase" and name in OURS_ALONE:
        pytest.skip("PocketBase has no such setting")
    find(name)(server, server.root(), sink)


@pytest.mark.parametrize("leaf", sorted(ELSEWHERE))
def test_the_test_that_covers_it_is_there_and_sets_it(leaf):
    file, name = ELSEWHERE[leaf].name.split("::")
    in_browser = file.endswith(".mjs")
    source = ((TESTS.parent if in_browser else TESTS) / file).read_text()
    assert (f'test("{name}"' if in_browser else f"def {name}(") in source, f"{leaf}: {ELSEWHERE[leaf].name} is gone"
    if in_browser:
        assert f"{leaf.rsplit('.', 1)[-1]}:" in source, f"{leaf}: nothing in {file} sets it"
        return
    key = leaf.rsplit(".", 1)[-1].removesuffix("[]")
    suite = [path.read_text() for path in (TESTS / file).parent.glob("*.py")]
    assert any(f'"{key}"' in text or f"{key}=" in text for text in suite), f"{leaf}: nothing beside {file} sets it"
