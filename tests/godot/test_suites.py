"""Every test of the Godot projects, each with a result of its own: one that did not run has failed."""

import re

import pytest

from harness.programs import BOSBASE
from harness.server import Server

from .engine import HERE, Project

SUITES = sorted((HERE / "project").glob("test_*.gd"))
TESTS = [(path.name, name) for path in SUITES for name in re.findall(r"^func (test_\w+)", path.read_text(), re.M)]


@pytest.fixture(scope="session")
def project():
    with Project(HERE / "project") as made:
        made.prepare()
        yield made


@pytest.fixture(scope="session")
def results(project, tmp_path_factory):
    """`results(suite)` runs a suite once: what its tests said by name, and all output."""
    known = {}

    def of(suite):
        if suite not in known:
            with Server(BOSBASE, tmp_path_factory.mktemp("godot") / "pb_data") as server:
                known[suite] = parse(*project.run("--verbose", "-s", "runner.gd", "--", suite, server.url))
        return known[suite]

    return of


def parse(status, output):
    said = {name: why.strip() for name, why in re.findall(r"^@(?:pass|fail) (test_\w+)(.*)$", output, re.M)}
    return status, said, output


def faults(output):
    wrong = r"SCRIPT ERROR|Leaked instance|leaked at exit|still in use at exit|Orphan Node"
    return [line for line in output.splitlines() if re.search(wrong, line)]


@pytest.mark.parametrize(("suite", "name"), TESTS, ids=[f"{suite}::{name}" for suite, name in TESTS])
def test_in_godot(results, suite, name):
    _, said, output = results(suite)
    assert name in said, f"{name} did not run to its end:\n{output[-6000:]}"
    assert said[name] == "", f"{said[name]}\n{output[-3000:]}"


@pytest.mark.parametrize("suite", [path.name for path in SUITES])
def test_all_of_a_suite_ran_and_nothing_leaked(results, suite):
    status, said, output = results(suite)
    wanted = [name for where, name in TESTS if where == suite]
    assert wanted and list(said) == wanted
    assert f"@done {len(wanted)}" in output.splitlines()
    assert status == 0
    assert faults(output) == [], output[-6000:]


def test_the_count_of_tests():
    print(f"{len(TESTS)} tests in {len(SUITES)} Godot suites")
    assert len(TESTS) >= 81
