"""The SDK for Godot is written as gdformat writes it, and gdlint finds nothing in it."""

import subprocess

from harness.programs import CACHE, ROOT

TOOLS = CACHE / "gdtoolkit" / "bin"


def finds_nothing(*command):
    done = subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_gdformat_would_change_no_file():
    finds_nothing(TOOLS / "gdformat", "--check", "gdscript-sdk", "tests/godot")


def test_gdlint_finds_nothing_in_the_sdk():
    finds_nothing(TOOLS / "gdlint", "gdscript-sdk")
