"""Every link from one document to another leads somewhere, to the very heading."""

import re
from functools import cache
from urllib.parse import unquote

import pytest

from harness.programs import ROOT

from .pages import markdown

FENCES = re.compile(r"^ *```.*?^ *```$", re.M | re.S)
LINK = re.compile(r"!?\[(?:[^\]\[]|\[[^\]]*\])*\]\(\s*<?([^)\s>]+)>?\s*\)")


@cache
def text_of(path):
    return FENCES.sub("", path.read_text())


@cache
def anchors(path):
    """The anchors of a document's headings, made as GitHub makes them."""
    found = {}
    for heading in re.findall(r"^#+ +(.*?) *#*$", text_of(path), re.M):
        words = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "")
        anchor = re.sub(r"[^\w\- ]", "", words.lower()).replace(" ", "-")
        found[anchor] = found.get(anchor, -1) + 1
    return {anchor if number == 0 else f"{anchor}-{number}" for anchor, times in found.items() for number in range(times + 1)}


def broken(document):
    path = ROOT / document
    for target in LINK.findall(text_of(path)):
        if re.match(r"[a-z]+:", target):
            continue
        file, _, anchor = unquote(target).partition("#")
        there = (path.parent / file).resolve() if file else path
        if not there.exists():
            yield f"{target}: there is no {file}"
        elif anchor and anchor not in anchors(there):
            yield f"{target}: no heading of {there.name} makes #{anchor}"


@pytest.mark.parametrize("document", markdown())
def test_links_lead_somewhere(document):
    assert list(broken(document)) == []


def test_every_page_can_be_reached_from_the_readme():
    reached, waiting = set(), [ROOT / "README.md"]
    while waiting:
        path = waiting.pop()
        reached.add(path)
        for target in LINK.findall(text_of(path)):
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
