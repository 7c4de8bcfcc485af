"""What the SDK offers: all of it is documented and typed, and all of it is used by the tests."""

import re

from .engine import HERE, SDK

SCRIPTS = sorted((SDK / "src").rglob("*.gd"))
PUBLIC = r"(?:static )?(?:func|var|signal|const|enum|class) ([A-Za-z]\w*)"
# What services and stores are made of is used through them.
INTERNAL = {"http", "transport.gd", "value.gd", "backup_jobs.gd"}


def undocumented(text):
    """Public members of a script, and of its inner classes, with no `##` above them."""
    found, lines = [], text.splitlines()
    inner = False
    for number, line in enumerate(lines):
        inner = line.startswith("class ") or (inner and (not line or line.startswith("\t")))
        declared = re.match(rf"^{PUBLIC}", line) or (inner and re.match(rf"^\t{PUBLIC}", line))
        if not declared:
            continue
        above = number - 1
        while lines[above].strip().startswith("@"):
            above -= 1
        if not lines[above].strip().startswith("##"):
            found.append(declared[1])
    return found


def test_every_public_member_has_its_help():
    assert len(SCRIPTS) >= 29
    assert {path.name: found for path in SCRIPTS if (found := undocumented(path.read_text()))} == {}
    assert [path.name for path in SCRIPTS if not re.search(r"^(class_name|extends) .*\n(class_name .*\n|extends .*\n)?## ", path.read_text(), re.M)] == []


def test_a_member_without_help_would_be_found():
    assert undocumented("## x\nvar a: int\nvar b: int\nvar _c: int\n\n\n## x\nclass D:\n\textends X\n\t## x\n\tvar e: int\n\tvar f: int\n") == ["b", "f"]


def test_every_public_method_is_called_by_a_suite():
    suites = "\n".join(path.read_text() for path in (HERE / "project").glob("*.gd"))
    scripts = [path for path in SCRIPTS if not INTERNAL & {path.name, path.parent.name}]
    methods = {(path.name, name) for path in scripts for name in re.findall(r"^(?:static )?func ([a-z]\w*)", path.read_text(), re.M)}
    assert len(methods) > 75
    # The batch's own, by which its collections add to it.
    methods -= {("batch_service.gd", "add")}
    assert sorted(each for each in methods if not re.search(rf"\.{each[1]}\(", suites)) == []
