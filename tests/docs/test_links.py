"""Every link from one document to another leads somewhere, to the very heading. `lychee` follows them; addresses elsewhere it leaves alone."""

import json
import os
import re
import subprocess
from pathlib import Path

import pytest

from harness.programs import CACHE, ROOT

from .pages import FENCES, markdown

LYCHEE = Path(os.environ.get("LYCHEE_BIN") or CACHE / "lychee" / "bin" / "lychee")
LINK = re.compile(r"!?\[(?:[^\]\[]|\[[^\]]*\])*\]\(\s*<?([^)\s>]+)>?\s*\)")


def followed(folder, *documents):
    """What `lychee` says of the documents' links: how many there are, and those that lead nowhere by document."""
    if not LYCHEE.exists():
        pytest.skip("lychee is not installed: `./check docs` does that")
    command = [LYCHEE, "--offline", "--include-fragments", "--no-progress", "--format", "json", *documents]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120)
    said = json.loads(done.stdout)
    assert (done.returncode == 0) == (said["errors"] == 0), done.stderr
    broken = [f"{page}: {link['url']}: {link['status']['text']}" for page, links in said["error_map"].items() for link in links]
    return said["successful"], broken


def test_links_lead_somewhere():
    found, broken = followed(ROOT, *markdown())
    assert broken == []
    # Nearly all documents have some.
    assert found > len(markdown())


def test_a_link_that_leads_nowhere_is_found(tmp_path):
    (tmp_path / "there.md").write_text("# Here\n\n[of it](#here) [of `code`](#get-apibackupskey)\n\n## `GET /api/backups/{key}`\n")
    (tmp_path / "page.md").write_text("[good](there.md#here) [gone](gone.md) [no heading](there.md#nowhere) [nor here](#nowhere) ![no picture](gone.png)\n")
    found, broken = followed(tmp_path, "there.md", "page.md")
    assert found == 3
    assert sorted(line.split(str(tmp_path))[1].split(": ")[0] for line in broken) == ["/gone.md", "/gone.png", "/page.md#nowhere", "/there.md#nowhere"]


def test_every_page_can_be_reached_from_the_readme():
    reached, waiting = set(), [ROOT / "README.md"]
    while waiting:
        path = waiting.pop()
        reached.add(path)
        for target in LINK.findall(FENCES.sub("", path.read_text())):
            there = (path.parent / target.partition("#")[0]).resolve()
            if there.suffix == ".md" and there.exists() and there not in reached:
                waiting.append(there)
    assert [path.name for path in (ROOT / "docs").glob("*.md") if path not in reached] == []


def test_nothing_outside_of_the_documents_names_a_page_that_is_gone():
    named = []
    for folder in ("crates", "dashboard/src", "gdscript-sdk", "tests", "bench", "fuzz"):
        for path in (ROOT / folder).rglob("*"):
            if path.suffix not in {".rs", ".ts", ".tsx", ".gd", ".py", ".md", ".mjs"} or {"node_modules", ".cache", "target"} & set(path.parts):
                continue
            for page in re.findall(r"docs/([a-z-]+\.md)", path.read_text(errors="replace")):
                if not any((ROOT / folder / page).exists() for folder in ("docs", "gdscript-sdk/docs")):
                    named.append(f"{path.relative_to(ROOT)}: docs/{page}")
    assert named == []
