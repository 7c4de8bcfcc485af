"""Reads what a test runner left behind and prints `PASSED FAILED SKIPPED`, then the skipped tests' names, one a line.

Usage: count.py cargo LOG | count.py junit FILE.xml | count.py tap FILE.tap
Exits 1 when the runner's closing lines are missing: a suite that did not run to its end has not passed.
"""

import re
import sys
import xml.etree.ElementTree as ElementTree


def cargo(text):
    results = re.findall(r"^test result: \w+\. (\d+) passed; (\d+) failed; (\d+) ignored;", text, re.M)
    if not results:
        raise ValueError("no `test result:` line")
    skipped = re.findall(r"^test (.+?) \.\.\. ignored", text, re.M)
    return [sum(int(result[i]) for result in results) for i in range(3)], skipped


def junit(text):
    cases = list(ElementTree.fromstring(text).iter("testcase"))
    if not cases:
        raise ValueError("no test case in the report")
    failed = skipped = 0
    names = []
    for case in cases:
        if case.find("failure") is not None or case.find("error") is not None:
            failed += 1
        elif case.find("skipped") is not None:
            skipped += 1
            names.append(f"{case.get('classname')}::{case.get('name')}: {case.find('skipped').get('message')}")
    return [len(cases) - failed - skipped, failed, skipped], names


def tap(text):
    totals = [re.search(rf"^# {word} (\d+)$", text, re.M) for word in ("pass", "fail", "cancelled", "skipped")]
    if not all(totals):
        raise ValueError("no closing totals")
    passed, failed, cancelled, skipped = (int(total.group(1)) for total in totals)
    names = re.findall(r"^\s*ok \d+ - (.+ # SKIP.*)$", text, re.M)
    return [passed, failed + cancelled, skipped], names


def main():
    kind, path = sys.argv[1:]
    try:
        with open(path, encoding="utf-8", errors="replace") as report:
            counts, skipped = {"cargo": cargo, "junit": junit, "tap": tap}[kind](report.read())
    except (OSError, ValueError, ElementTree.ParseError) as error:
        sys.exit(f"count: {path}: {error}")
    print(*counts)
    for name in skipped:
        print(name)


if __name__ == "__main__":
    main()
