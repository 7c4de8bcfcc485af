"""One version: the program's, the Godot addon's, and the newest of the changelog."""

import re
import tomllib

import pytest

from harness.programs import BOSBASE, ROOT
from harness.version import VERSION

pytestmark = pytest.mark.ours


def test_the_program_is_of_the_version_in_the_manifest():
    assert BOSBASE.run("--version").stdout == f"bosbase {VERSION}\n"
    assert re.fullmatch(r"\d+\.\d+\.\d+", VERSION)


def test_all_crates_are_of_it():
    packages = tomllib.loads((ROOT / "Cargo.lock").read_text())["package"]
    own = {package["name"]: package["version"] for package in packages if package["name"].startswith("bosbase")}
    assert len(own) > 8 and set(own.values()) == {VERSION}, own


def test_the_godot_addon_is_of_it():
    assert re.findall(r'^version="(.*)"$', (ROOT / "gdscript-sdk/addon/plugin.cfg").read_text(), re.M) == [VERSION]


def test_the_changelog_begins_with_it():
    """What is not released yet may stand above it."""
    headings = re.findall(r"^## (.*)$", (ROOT / "CHANGELOG.md").read_text(), re.M)
    assert [heading for heading in headings if heading != "Unreleased"][0] == VERSION
