"""A subscription to a topic that can't be right is taken by the server, which then tells nothing: the SDK warns of it."""

import re

from harness.programs import BOSBASE
from harness.server import Server

from .engine import HERE, Project


def test_a_topic_that_cannot_be_right_is_warned_of_and_no_other(tmp_path):
    with Server(BOSBASE, tmp_path / "pb_data") as server, Project(HERE / "broken") as project:
        project.prepare()
        _, output = project.run("-s", "topics.gd", "--", server.url)
    assert "@done" in output.splitlines() and "SCRIPT ERROR" not in output, output[-4000:]
    said = re.findall(r"^@(right|wrong) (.*)\n((?:.*\n)*?)@taken (\w+)$", output, re.M)
    assert [kind for kind, *_ in said] == ["right"] * 8 + ["wrong"] * 10, output[-4000:]
    warning = r"^WARNING: Nothing may ever be told of the topic .*: [ia].*\n +at: push_warning"
    for kind, topic, between, taken in said:
        assert taken == "true", topic
        warned = len(re.findall(warning, between, re.M))
        assert warned == (1 if kind == "wrong" else 0), f"{topic}\n{between}"
