"""The documentation as a list of steps: its `sh` blocks, and what HTML comments before them say to the tests.

    <!-- run: COMMAND -->          a step that readers don't see: what the story has done to the machine, or a check
    <!-- not run: REASON -->       the next block can't be run here
    <!-- in the background -->     the next block is a server that goes on running
    <!-- exit code: N -->          the next block ends with N
    <!-- only: CASE -->            the next block is for one case among those that the page speaks of
"""

import re
import textwrap
from dataclasses import dataclass, field

from harness.programs import ROOT

FENCES = re.compile(r"^ *```.*?^ *```$", re.M | re.S)
STEP = re.compile(r"^ *<!-- (?P<said>.*?) -->$|^(?P<indent> *)```sh\n(?P<block>.*?)^ *```$", re.M | re.S)
DIRECTIVE = re.compile(r"(run|not run|exit code|only): (.*)|(in the background)", re.S)


@dataclass
class Step:
    where: str
    script: str
    hidden: bool = False
    says: dict = field(default_factory=dict)

    @property
    def not_run(self):
        return self.says.get("not run")

    def is_for(self, case):
        return self.says.get("only", case) == case


def steps(document, until=None):
    """What a document says to do, from top to bottom, or to a heading."""
    text = (ROOT / document).read_text()
    if until:
        text, heading, _ = text.partition(f"\n{until}\n")
        assert heading, f"{document} has no heading {until}"
    found, says = [], {}
    for match in STEP.finditer(text):
        where = f"{document}:{text.count(chr(10), 0, match.start()) + 1}"
        if match["block"] is not None:
            found.append(Step(where, textwrap.dedent(match["block"]), says=says))
            says = {}
            continue
        directive = DIRECTIVE.fullmatch(match["said"])
        if directive is None:
            continue  # An ordinary comment.
        if directive[1] == "run":
            found.append(Step(where, directive[2] + "\n", hidden=True))
        else:
            says[directive[1] or directive[3]] = directive[2] or True
    assert not says, f"{document} ends with {says}, and no block"
    return found


def markdown():
    """All documents that readers have."""
    folders = ("", "docs", "gdscript-sdk", "gdscript-sdk/docs", "bench", "dashboard")
    return sorted(str(path.relative_to(ROOT)) for folder in folders for path in (ROOT / folder).glob("*.md"))
