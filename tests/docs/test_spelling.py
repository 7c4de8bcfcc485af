"""Documents, comments and the program's texts are spelled right, as far as `typos` knows."""

import os
import subprocess
from pathlib import Path

import pytest

from harness.programs import CACHE, ROOT

from .pages import markdown

TYPOS = Path(os.environ.get("TYPOS_BIN") or CACHE / "typos" / "bin" / "typos")


def test_words_are_spelled_right():
    if not TYPOS.exists():
        pytest.skip("typos is not installed: `./check docs` does that")
    sources = [str(path.relative_to(ROOT)) for path in sorted(ROOT.glob("crates/*/src"))]
    done = subprocess.run([TYPOS, "--format", "brief", *markdown(), *sources, "dashboard/src", "tests/docs"], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
