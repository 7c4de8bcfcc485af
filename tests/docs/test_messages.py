"""The messages that docs/troubleshooting.md explains are messages of the program."""

import re

import pytest

from harness.programs import ROOT

# What S3 providers say, and the system and the library for TLS of a connection to one.
THEIRS = {
    "AccessDenied",
    "InvalidAccessKeyId",
    "SignatureDoesNotMatch",
    "NoSuchBucket",
    "Connection refused",
    "failed to lookup address information",
    "received corrupt message of type InvalidContentType",
}


def explained():
    """The messages in the first column of the page's tables."""
    for line in (ROOT / "docs/troubleshooting.md").read_text().splitlines():
        if line.startswith("| `"):
            yield from re.findall(r"`([^`]+)`", line.split(" | ")[0])


@pytest.fixture(scope="module")
def sources():
    texts = (path.read_text() for path in sorted((ROOT / "crates").glob("*/src/**/*.rs")))
    # Texts go on behind a backslash at a line's end.
    return "\n".join(re.sub(r"\\\n\s*", "", text) for text in texts)


def test_the_page_explains_messages():
    assert len(list(explained())) > 60


@pytest.mark.parametrize("message", [one for one in explained() if one not in THEIRS])
def test_the_program_says_it(sources, message):
    said = r"[^\"\n]*?".join(re.escape(part.strip()) for part in message.split("…"))
    # A name in the text, or a part of it, may stand in another constant.
    assert re.search(said, sources), message
