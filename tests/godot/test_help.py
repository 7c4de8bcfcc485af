"""What Godot's help says of the SDK, asked of the engine itself: something of every public class, method, member, signal and constant."""

import re
from xml.etree import ElementTree

import pytest

from .engine import HERE, Project
from .test_versions import words

KINDS = "methods/method", "members/member", "signals/signal", "constants/constant"


@pytest.fixture(scope="module")
def classes():
    """The engine's documents of the SDK's classes, by name."""
    with Project(HERE / "strict") as project:
        project.prepare()
        (project.folder / "help").mkdir()
        status, output = project.run("--doctool", f"{project.path}/help", "--gdscript-docs", "res://gdscript-sdk/src")
        assert status == 0, output[-4000:]
        roots = [ElementTree.parse(path).getroot() for path in (project.folder / "help").glob("*.xml")]
        return {root.get("name"): root for root in roots}


def test_godot_shows_help_for_all_that_is_public(classes):
    assert len(classes) >= 29
    silent = []
    for name, root in classes.items():
        if not root.findtext("brief_description", "").strip():
            silent.append(name)
        for each in (each for kind in KINDS for each in root.findall(kind)):
            text = each.findtext("description") or each.text or ""
            # What is inherited is explained where it comes from.
            if not each.get("name").startswith("_") and not each.get("overrides") and not text.strip():
                silent.append(f"{name}.{each.get('name')}")
    assert silent == []


def test_godot_knows_what_the_help_refers_to(classes):
    names = {name: {each.get("name") for kind in KINDS for each in root.findall(kind)} for name, root in classes.items()}
    parents = {name: root.get("inherits") for name, root in classes.items()}

    def has(owner, member):
        while owner in names:
            if member in names[owner]:
                return True
            owner = parents[owner]
        return member in words("4.6")

    missing, found = [], 0
    for name, root in classes.items():
        for text in root.itertext():
            for kind, target in re.findall(r"\[(method|member|signal|constant) ([^\]]+)\]", text):
                owner, _, member = target.rpartition(".")
                found += 1
                if not owner.startswith("@") and owner != "Object" and not has(owner or name, member):
                    missing.append(f"{name}: [{kind} {target}]")
            missing += [f"{name}: [{target}]" for target in re.findall(r"\[(BosBase\w*|ClientResponseError)\]", text) if target not in classes]
    assert found > 20 and missing == []
