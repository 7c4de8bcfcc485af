"""The pages for users are in plain English: short sentences, subject first, each page for a reader whom it names.

A sentence that needs a second reading is a mistake as any other. These are the constructions that made pages hard to
read, as far as a regular expression can tell them.

`vale` would be the tool for that. But the packages of PyPI and npm that are named so fetch the program from elsewhere,
past the hashes that pin everything else here, and crates.io and Debian have none.
"""

import re

import pytest

from harness.programs import ROOT

from .pages import FENCES

PAGES = ["README.md", "CHANGELOG.md", *(f"docs/{page}.md" for page in ("start", "protect", "recover", "operate", "security", "troubleshooting", "from-pocketbase", "from-bosbase"))]
# Documents for one kind of reader say so in their first line.
NAME_THEIR_READER = [page for page in PAGES if page.startswith("docs/")]
LONGEST_SENTENCE = 36

FORBIDDEN = {
    r"\b(?:whoever|whomever|whatever|whichever)\b": "say who or what it is",
    r"(?:^|[.!?] )(?:What|Who|Whom|Whose) (?!to\b)[^.?!|]*\.(?: |$)": "begin with the subject, not with a clause",
    r"\bthat which\b|\bthose who\b": "name them",
    r"\b(?:is|are) told (?:of|that)\b": "say who tells whom",
    r"\bas it were\b|\bso to speak\b|\bin order to\b|\bplease note\b|\bit should be noted\b": "leave it out",
    r"\b(?:simply|easily|obviously|of course)\b": "nobody in trouble finds it so",
    r"\bnone of (?:which|whom)\b": "make it a sentence of its own",
    r"\bthere (?:is|are) (?:no|none) [^.]*\bthat there\b": "say it once",
    r"\b(?:therein|thereof|hitherto|henceforth|whilst|amongst)\b": "use the plain word",
}


def prose(document):
    """The paragraphs, list items and table cells of a document, without code, links' addresses and comments."""
    text = FENCES.sub("", (ROOT / document).read_text())
    text = re.sub(r"<!--.*?-->", "", text, flags=re.S)
    text = re.sub(r"^    .*$", "", text, flags=re.M) if document == "README.md" else text
    text = re.sub(r"!\[[^\]]*\]\([^)]*\)", "", text)
    text = re.sub(r"\[([^\]]*)\]\(\s*[^)]*\)", r"\1", text)
    text = re.sub(r"`[^`\n]*(?:\n[^`\n]*)?`", "CODE", text).replace("**", "")
    for block in re.split(r"\n\s*\n|\n(?= *(?:[-*]|\d+\.) )|\n(?=\|)", text):
        for cell in block.split("|") if block.lstrip().startswith("|") else [block]:
            cell = re.sub(r"^ *(?:[-*]|\d+\.) ", "", cell.strip())
            if not cell.startswith("#"):
                yield " ".join(cell.split())


def sentences(document):
    for paragraph in prose(document):
        yield from re.split(r"(?<=[.!?:]) (?=[A-Z])", paragraph)


@pytest.mark.parametrize("document", PAGES)
def test_sentences_are_short(document):
    assert [one for one in sentences(document) if len(one.split()) > LONGEST_SENTENCE] == []


@pytest.mark.parametrize("document", PAGES)
def test_no_sentence_has_to_be_read_twice(document):
    found = [f"{advice}: {match[0].strip()}" for paragraph in prose(document) for pattern, advice in FORBIDDEN.items() for match in re.finditer(pattern, paragraph, re.I if pattern[0] == "\\" else 0)]
    assert found == []


@pytest.mark.parametrize("document", NAME_THEIR_READER)
def test_a_page_names_its_reader_in_the_first_line(document):
    title, empty, first, *_ = (ROOT / document).read_text().splitlines()
    assert title.startswith("# ") and empty == "" and first.startswith("For you ")


@pytest.mark.parametrize("document", [*PAGES, "docs/api.md"])
def test_lines_fit(document):
    outside = FENCES.sub("", (ROOT / document).read_text())
    long = [line for line in outside.splitlines() if len(line) > 125 and not line.startswith(("|", "<!--")) and "http" not in line and " " in line]
    assert long == []
