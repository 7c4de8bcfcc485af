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
# Warnings that both know: a script that names one which its engine does not know is not loaded at all. `missing_await`
# came after 4.4.
WARNINGS = {"return_value_discarded", "unused_signal", "unused_parameter", "shadowed_variable", "unsafe_method_access", "unsafe_call_argument"}
# Functions of GDScript's own, which the engine's description lacks; `ord` came after 4.4.
NEWER_FUNCTIONS = {"ord"}
# Classes that the SDK names, or has values of, learnt these after 4.4. It calls them on others only, which knew them
# before: `erase` of dictionaries and arrays, and so on.
ON_OTHERS = {"erase", "duplicate", "bind", "poll", "get_status"}


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


@functools.cache
def methods(version):
    """What is known of every method, by class and name."""
    api = json.loads((descriptions() / version / "extension_api.json").read_text())
    known = {}
    for owner in [*api["builtin_classes"], *api["classes"]]:
        for method in owner.get("methods") or []:
            arguments = [(each["type"], each.get("default_value")) for each in method.get("arguments") or []]
            answer = method.get("return_type") or (method.get("return_value") or {}).get("type")
            known[owner["name"], method["name"]] = answer, arguments, method.get("is_static")
    return known


def other(text):
    """Methods that a script calls, and that a class it names, or a value of a builtin class, has in 4.6 but not, or not so, in 4.4."""
    used = code(text)
    calls = set(re.findall(r"\.(\w+)\(", used)) - set(re.findall(r"\bfunc\s+(\w+)", used))
    named = set(re.findall(r"\b[A-Z]\w+", used))
    builtin = {owner for owner, _ in methods("4.6") if re.match(r"Packed|String|Array|Dictionary|Callable|Signal", owner)}
    found = set()
    for (owner, name), now in methods("4.6").items():
        if name in calls and owner in named | builtin:
            before = methods("4.4").get((owner, name))
            # What gained an argument with a default, or lost one that nobody gives, is called as ever.
            if before is None or before[0] != now[0] or before[2] != now[2]:
                found.add(name)
    return found


def newer(text):
    """What of a script Godot 4.4 would not know."""
    used = code(text)
    warnings = {name for names in re.findall(r"@warning_ignore\w*\((.*?)\)", text) for name in re.findall(r'"(\w+)"', names)}
    own = set(re.findall(r"\b(?:func|var|const|signal|class|class_name|enum)\s+(\w+)", used)) | set(re.findall(r"\bp_\w+", used))
    names = {name for name in re.findall(r"[A-Za-z_]\w*", used) if name in words("4.6") and name not in words("4.4")} - own
    calls = {name for name in re.findall(r"\.(\w+)\(", used) if more_arguments(name)} - own
    annotations = set(re.findall(r"^\s*(@\w+)", used, re.M)) - ANNOTATIONS
    functions = {name for name in re.findall(r"(?<![.\w])(\w+)\(", used) if name in NEWER_FUNCTIONS} - own
    return names | calls | annotations | functions | (warnings - WARNINGS) | set(re.findall(r"\.\.\.", used))


def more_arguments(name):
    """Whether a class has this method with more arguments than 4.4's."""
    before = dict(words("4.4").get(name, ()))
    return any(owner in before and count > before[owner] for owner, count in words("4.6").get(name, ()) if owner)


def test_the_sdk_uses_only_what_godot_4_4_knows():
    assert len(scripts()) >= 28
    assert {path.name: found for path in scripts() if (found := newer(path.read_text()))} == {}


def test_the_sdk_calls_methods_only_on_what_had_them_in_godot_4_4():
    assert {path.name: found for path in scripts() if (found := other(path.read_text()) - ON_OTHERS)} == {}
    packed = r"\bvar (\w+): Packed\w+"
    for path in scripts():
        text = code(path.read_text())
        assert [name for name in re.findall(packed, text) if re.search(rf"\b{name}\.erase\(", text)] == [], path


# A warning that was named in order to be ignored kept the whole SDK from being loaded by 4.4: "Invalid warning name".
def test_no_script_names_a_warning_that_godot_4_4_does_not_know():
    assert newer('\t@warning_ignore("missing_await")\n\t_f()') == {"missing_await"}
    assert newer('@warning_ignore_start("return_value_discarded", "missing_await")') == {"missing_await"}
    projects = [path for folder in ("demo", "docs", "") for path in (SDK / folder).glob("*.md")]
    assert {path.name: found for path in projects if (found := newer("\n".join(re.findall(r"@warning.*", path.read_text()))))} == {}


def test_something_newer_would_be_found():
    assert newer("var _x: int = ord(y)") == {"ord"}
    assert "erase" in other("var x: PackedStringArray\nx.erase(y)") and other("x.keys()") == set()
    assert "Node" not in newer("extends Node") and "Node" in words("4.4")
    assert newer("@abstract\nclass_name X") == {"@abstract"}
    assert newer("func f(...p_rest: Array) -> void:\n\tpass") == {"..."}
    added = sorted(set(words("4.6")) - set(words("4.4")))
    assert len(added) > 50 and newer(f"var _x: Variant = y.{added[0]}") == {added[0]}
