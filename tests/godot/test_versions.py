"""The SDK uses nothing of the engine that Godot 4.4 does not know.

Only 4.6 is run (the registries have no other), so this holds the words of the SDK against the engine's description of its own classes
in both versions, and its annotations and declarations against what GDScript had in 4.4.
"""

import functools
import json
import re
import subprocess
from pathlib import Path

from .engine import HERE, SDK

# Annotations of GDScript 4.4 that the SDK may use; `@abstract` came with 4.5.
ANNOTATIONS = {"@tool", "@onready", "@export", "@icon", "@static_unload", "@warning_ignore", "@warning_ignore_start", "@warning_ignore_restore"}


@functools.cache
def descriptions():
    done = subprocess.run(
        ["cargo", "metadata", "--format-version=1", "--locked", "--manifest-path", HERE / "api" / "Cargo.toml"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=True,
    )
    packages = json.loads(done.stdout)["packages"]
    return Path(next(each for each in packages if each["name"] == "gdextension-api")["manifest_path"]).parent / "src"


@functools.cache
def words(version):
    """Every name of a version's API, and for methods `(class, arguments)`."""
    api = json.loads((descriptions() / version / "extension_api.json").read_text())
    known = {}
    for each in api["utility_functions"]:
        known.setdefault(each["name"], set()).add(("", len(each.get("arguments", []))))
    for owner in [*api["builtin_classes"], *api["classes"], {"name": "", "enums": api["global_enums"]}]:
        enums = owner.get("enums") or []
        plain = [owner, *enums, *(value for enum in enums for value in enum["values"])]
        for kind in ("constants", "properties", "members", "signals"):
            plain += owner.get(kind) or []
        for each in plain:
            known.setdefault(each["name"], set())
        for method in owner.get("methods") or []:
            known.setdefault(method["name"], set()).add((owner["name"], len(method.get("arguments") or [])))
    return known


def scripts():
    return sorted([*(SDK / "src").rglob("*.gd"), *(SDK / "demo").rglob("*.gd")])


def code(text):
    """A script without its comments and texts."""
    return re.sub(r'"""(?s:.*?)"""|"(?:\\.|[^"\\\n])*"|#.*', "", text)


def newer(text):
    """What of a script Godot 4.4 would not know."""
    used = code(text)
    own = set(re.findall(r"\b(?:func|var|const|signal|class|class_name|enum)\s+(\w+)", used)) | set(re.findall(r"\bp_\w+", used))
    names = {name for name in re.findall(r"[A-Za-z_]\w*", used) if name in words("4.6") and name not in words("4.4")} - own
    calls = {name for name in re.findall(r"\.(\w+)\(", used) if more_arguments(name)} - own
    annotations = set(re.findall(r"^\s*(@\w+)", used, re.M)) - ANNOTATIONS
    return names | calls | annotations | set(re.findall(r"\.\.\.", used))


def more_arguments(name):
    """Whether a class has this method with more arguments than 4.4's."""
    before = dict(words("4.4").get(name, ()))
    return any(owner in before and count > before[owner] for owner, count in words("4.6").get(name, ()) if owner)


def test_the_sdk_uses_only_what_godot_4_4_knows():
    assert len(scripts()) >= 28
    assert {path.name: found for path in scripts() if (found := newer(path.read_text()))} == {}


def test_something_newer_would_be_found():
    assert "Node" not in newer("extends Node") and "Node" in words("4.4")
    assert newer("@abstract\nclass_name X") == {"@abstract"}
    assert newer("func f(...p_rest: Array) -> void:\n\tpass") == {"..."}
    added = sorted(set(words("4.6")) - set(words("4.4")))
    assert len(added) > 50 and newer(f"var _x: Variant = y.{added[0]}") == {added[0]}
