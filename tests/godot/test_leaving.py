"""A program that ends in the midst of requests and subscriptions: it ends at once, runs nothing of its nodes any more, and leaks nothing."""

import re

import pytest

from harness.programs import BOSBASE
from harness.server import Server

from .engine import HERE, Project
from .test_suites import faults

METHODS = re.findall(r"^func ([a-z]\w+)", (HERE / "project" / "leaving.gd").read_text(), re.M)
# Nobody holds what these wait in, so that only an error ends them.
ANSWERED = {"request_in_this_object", "request_in_a_static_function"}
# What no error ends: it must not keep the program from ending, but stays behind.
ENDLESS = {"request_made_again_for_ever"}


@pytest.fixture(scope="module")
def project():
    with Project(HERE / "project") as made:
        made.prepare()
        yield made


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with Server(BOSBASE, tmp_path_factory.mktemp("leaving") / "pb_data") as server:
        yield server


def judge(method, status, output):
    lines = output.splitlines()
    assert "@quit []" in lines, output[-6000:]
    assert status == 0, output[-6000:]
    assert method in ENDLESS or faults(output) == [], output[-6000:]
    after = "\n".join(lines[lines.index("@quit []") :])
    assert "SCRIPT ERROR" not in after, after
    if method not in ANSWERED:
        assert "@answer" not in after, after


@pytest.mark.parametrize("method", METHODS)
def test_what_is_under_way_ends_with_the_program(project, server, method):
    judge(method, *project.run("--verbose", "-s", "runner.gd", "--", "leaving.gd", server.url, method))


def test_a_leak_would_be_seen(project, server):
    _, output = project.run("--verbose", "-s", "runner.gd", "--", "leaving.gd", server.url, *ENDLESS)
    assert any("GDScriptFunctionState" in line for line in faults(output)), output[-6000:]


def test_there_is_enough_under_way():
    assert len(METHODS) >= 14 and set(METHODS) > ANSWERED
