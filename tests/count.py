"""Adds up what `./check` ran: a table of the suites, each failure in short, what was skipped and why, one line of totals.

Usage: count.py REPORTS LOGS SUITE...

Each step of a run leaves NAME.end (exit status and seconds) in REPORTS and NAME.log (all it said) in LOGS. Beside NAME.end
lies what its runner reported: NAME.xml (JUnit, of pytest and nextest) or NAME.tap (of node). A log with `test result:`
lines is cargo's. What is left counts as one test, which exit status 77 skips for the reason in the log's last line.

Exits 1 unless something passed and nothing failed. A runner that failed without naming a test is a failure; so is a SUITE
that left nothing.
"""

import re
import sys
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass, field
from pathlib import Path

SKIPPED = 77
# What pytest ends with when it was to run no test; a suite that then left nothing is missed all the same.
NO_TEST = 5
# Of all failures together and of one: the reader of a failed run may see no more than its last hundred lines.
LINES, FEWEST, WIDTH = 48, 6, 160


@dataclass
class Suite:
    passed: int = 0
    failures: list = field(default_factory=list)  # (test, its last words)
    skips: list = field(default_factory=list)
    seconds: float = 0


def junit(name, text, add):
    """The suite of a test from outside is the first folder of its name; of any other it is the step itself."""
    failed = set()
    for case in ElementTree.fromstring(text).iter("testcase"):
        # A file that pytest could not import has no class name.
        test = f"{case.get('classname')}::{case.get('name')}" if case.get("classname") else case.get("name")
        suite = add(test.split(".")[0] if name in ("together", "alone") else name)
        suite.seconds += float(case.get("time") or 0)
        wrong = [each for each in (case.find("failure"), case.find("error")) if each is not None]
        skipped = case.find("skipped")
        # Each worker fails to import a file, and one that replaces a crashed worker may crash at the same test.
        if wrong and test not in failed:
            failed.add(test)
            why = "\n".join(each.text or each.get("message") or "" for each in wrong)
            # What a Rust test said comes before the list of calls, and is worth more.
            suite.failures.append((test, why.partition("\nstack backtrace:")[0]))
        elif skipped is not None:
            suite.skips.append(f"{test}: {why_ignored(case.get('name')) or skipped.get('message')}")
        elif not wrong:
            suite.passed += 1


def why_ignored(test):
    """What a Rust test's `#[ignore = "…"]` says: nextest does not tell."""
    for path in Path("crates").rglob("*.rs"):
        if said := re.search(rf'#\[ignore = "(.+)"\]\s+(?:async )?fn {re.escape(test.rpartition("::")[2])}\b', path.read_text()):
            return said[1]
    return None


def tap(name, text, add):
    totals = [re.search(rf"^# {word} (\d+)$", text, re.M) for word in ("pass", "fail", "cancelled")]
    if not all(totals):
        raise ValueError("no closing totals")
    passed, failed, cancelled = (int(total.group(1)) for total in totals)
    suite = add(name)
    suite.passed = passed
    suite.skips = re.findall(r"^\s*ok \d+ - (.+ # SKIP.*)$", text, re.M)
    wrong = re.findall(r"^( *)not ok \d+ - (.+)\n\1  ---\n((?s:.*?))^\1  \.\.\.$", text, re.M)
    # A test that failed for a test within it is counted by the latter.
    suite.failures = [(test, why) for _, test, why in wrong if "subtestsFailed" not in why]
    suite.failures += [("not named", "")] * (failed + cancelled - len(suite.failures))


def cargo(name, text, add):
    suite = add(name)
    suite.passed = sum(int(count) for count in re.findall(r"^test result: \w+\. (\d+) passed;", text, re.M))
    suite.skips = re.findall(r"^test (.+?) \.\.\. ignored", text, re.M)
    for test in re.findall(r"^test (.+) \.\.\. FAILED$", text, re.M):
        said = re.search(rf"^---- {re.escape(test)} stdout ----\n((?s:.*?))(?=^----|^failures:|\Z)", text, re.M)
        suite.failures.append((test, said.group(1) if said else ""))


def read(end, logs, add):
    name = end.stem
    status, seconds = map(int, end.read_text().split())
    log = (logs / f"{name}.log").read_text(errors="replace")
    found = {}

    def one(suite):
        return found.setdefault(suite, add(suite))

    try:
        if (report := end.with_suffix(".xml")).exists():
            junit(name, report.read_text(errors="replace"), one)
        elif (report := end.with_suffix(".tap")).exists():
            tap(name, report.read_text(errors="replace"), one)
        elif re.search(r"^test result:", log, re.M):
            cargo(name, log, one)
        elif status == SKIPPED:
            one(name).skips.append(log.strip().rpartition("\n")[2])
        elif status == 0:
            one(name).passed += 1
    except (OSError, ValueError, ElementTree.ParseError) as error:
        one(name).failures.append((f"{name}'s report", f"{log}\n{error}"))
    if status not in (0, SKIPPED, NO_TEST) and not any(suite.failures for suite in found.values()):
        one(name).failures.append((f"{name} ended with status {status}", log))
    if name in found:
        found[name].seconds = seconds


def ending(text, lines):
    """The last lines of a text that say something."""
    said = [line.rstrip() for line in text.splitlines() if line.strip()]
    return [line if len(line) <= WIDTH else line[:WIDTH] + " …" for line in said[-lines:]]


def main():
    reports, logs, wanted = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:]
    suites = {}
    for end in sorted(reports.glob("*.end"), key=lambda end: end.stat().st_mtime):
        read(end, logs, lambda name: suites.setdefault(name, Suite()))
    missing = [name for name in wanted if name not in suites]
    suites.update((name, Suite(failures=[(name, "")])) for name in missing)

    print(f"\n{'suite':<20} passed  failed skipped  seconds")
    for name, suite in suites.items():
        print(f"{name:<20} {suite.passed:6} {len(suite.failures):7} {len(suite.skips):7} {suite.seconds:8.0f}")
    if missing:
        print("\n-- did not run to their end:", *missing)
    failed = [(name, *failure) for name, suite in suites.items() for failure in suite.failures if name not in missing]
    for name, test, text in failed:
        print(f"\n-- {name}: {test}", *ending(text, max(FEWEST, LINES // len(failed))), sep="\n")
    if any(suite.skips for suite in suites.values()):
        print("\nskipped:", *(f"  {name}: {skip}" for name, suite in suites.items() for skip in suite.skips), sep="\n")
    passed = sum(suite.passed for suite in suites.values())
    failures = sum(len(suite.failures) for suite in suites.values())
    if failures:
        print("\nfailed:", *(f"{name} ({len(suite.failures)})" for name, suite in suites.items() if suite.failures))
    print(f"\n{passed} passed, {failures} failed, {sum(len(suite.skips) for suite in suites.values())} skipped")
    sys.exit(0 if passed and not failures else 1)


if __name__ == "__main__":
    main()
