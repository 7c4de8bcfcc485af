"""The same tests in a game that was exported in release mode: compiled scripts, no editor, no list of classes but the exported one."""

import subprocess

import pytest

from harness.programs import BOSBASE
from harness.server import Server

from .engine import HERE, Project
from .test_leaving import METHODS, judge
from .test_suites import SUITES, TESTS, faults, parse

PRESET = """[preset.0]

name="Linux"
platform="Linux"
runnable=true
export_filter="all_resources"
include_filter=""
exclude_filter=""
export_path=""

[preset.0.options]

custom_template/release="{template}"
binary_format/embed_pck=true
"""


@pytest.fixture(scope="session")
def exported():
    with Project(HERE / "project") as made:
        (made.folder / "export_presets.cfg").write_text(PRESET.format(template=made.template()))
        with open(made.folder / "project.godot", "a") as settings:
            settings.write('run/main_scene="res://main.tscn"\nrun/main_loop_type="Runner"\n')
        (made.folder / "main.tscn").write_text('[gd_scene format=3]\n\n[node name="Main" type="Node"]\n')
        runner = made.folder / "runner.gd"
        runner.write_text("class_name Runner\n" + runner.read_text())
        made.prepare()
        (made.folder / ".out").mkdir()
        status, output = made.run("--export-release", "Linux", f"{made.path}/.out/app")
        assert status == 0 and (made.folder / ".out" / "app").stat().st_size > 10_000_000, output[-4000:]
        # Nothing but what was exported may be of use to it.
        for script in made.folder.rglob("*.gd"):
            script.unlink()
        yield made


@pytest.fixture(scope="session")
def results(exported, tmp_path_factory):
    known = {}

    def of(suite):
        if suite not in known:
            with Server(BOSBASE, tmp_path_factory.mktemp("exported") / "pb_data") as server:
                known[suite] = parse(*play(exported, suite, server.url))
        return known[suite]

    return of


def play(exported, *arguments):
    done = subprocess.run(
        [*exported.outside_the_engine(), f"{exported.path}/.out/app", "--headless", "--verbose", "--", *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        env=exported.environment(),
        timeout=300,
        check=False,
    )
    return done.returncode, done.stdout


@pytest.mark.parametrize("suite", [path.name for path in SUITES])
def test_a_suite_passes_in_an_exported_game(results, suite):
    status, said, output = results(suite)
    wanted = [name for where, name in TESTS if where == suite]
    assert wanted and list(said) == wanted, output[-6000:]
    assert {name: why for name, why in said.items() if why} == {}, output[-6000:]
    assert status == 0 and faults(output) == [], output[-6000:]


def test_an_exported_game_ends_in_the_midst_of_all_without_a_leak(exported, tmp_path):
    with Server(BOSBASE, tmp_path / "pb_data") as server:
        for method in METHODS:
            judge(method, *play(exported, "leaving.gd", server.url, method))
