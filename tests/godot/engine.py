"""Godot: where it is, projects copied to where it sees them, and its output."""

import functools
import itertools
import os
import shutil
import subprocess
import sys
from pathlib import Path

from harness.programs import ROOT

HERE = Path(__file__).resolve().parent
SDK = ROOT / "gdscript-sdk"
_numbers = itertools.count()


@functools.cache
def command():
    """The words that run Godot; the script installs it where it is missing."""
    done = subprocess.run([HERE / "install"], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise AssertionError(f"Godot cannot be installed:\n{done.stdout}{done.stderr}")
    print(done.stderr, end="", file=sys.stderr)
    return done.stdout.split("\n")[:-1]


def root():
    """The folder that Godot sees as `/`."""
    words = command()
    return Path(words[words.index("chroot") + 1]) if "chroot" in words else Path("/")


class Project:
    """A copy of a Godot project with the SDK in it, imported; a context manager that removes it."""

    def __init__(self, source, *, sdk=True):
        base = root() / "tmp" / f"bosbase-godot-{os.getpid()}-{next(_numbers)}"
        shutil.copytree(source, base, ignore=shutil.ignore_patterns(".godot", "gdscript-sdk"))
        if sdk:
            shutil.copytree(SDK / "src", base / "gdscript-sdk" / "src")
        self.folder = base
        self.path = "/" + str(base.relative_to(root()))
        self.imported = None
        # Of the environment of what runs.
        self.variables = {}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.folder)

    def environment(self):
        # `user://` and the editor's settings stay in the copy.
        home = f"{self.path}/.home"
        (self.folder / ".home").mkdir(exist_ok=True)
        return {"PATH": os.environ["PATH"], "HOME": home, "LANG": "C.UTF-8", **self.variables}

    def start(self, *arguments):
        words = [*command(), "--headless", "--path", self.path, *arguments]
        return subprocess.Popen(
            words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", env=self.environment()
        )

    def template(self):
        """What a Linux game in release mode is exported with, as Godot sees it."""
        return os.environ.get("GODOT_TEMPLATE") or "/usr/bin/godot-template-release"

    def outside_the_engine(self):
        """The words before a program that was exported: it looks for its own file in /proc, which a bare folder has not."""
        words = command()
        if "chroot" not in words:
            return []
        enter = 'mount --bind /proc "$0/proc" && exec chroot "$0" "$@"'
        return [*words[: words.index("chroot")], "unshare", "--mount", "sh", "-c", enter, str(root())]

    def run(self, *arguments, timeout=300):
        """Runs Godot to its end; returns its exit code and all it said."""
        process = self.start(*arguments)
        try:
            output, _ = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            output = process.communicate()[0] + f"\nkilled after {timeout} s"
        return process.returncode, output

    def prepare(self):
        """Makes the list of global classes, as the editor does."""
        if self.imported is None:
            self.imported = self.run("--import")[1]
        return self.imported
