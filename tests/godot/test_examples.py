"""Every GDScript example of the SDK's documentation, and of the specification as it stands, run by Godot against the server.

Comments above an example say how. `<!-- run: … -->` are statements behind it, which call what it defines; `<!-- says: … -->` the
errors that it is to push, in order, as patterns (none unless said); `<!-- then: … -->` what must hold at its end;
`<!-- with: next -->` puts the next example's definitions beside it. `<!-- autoload: Name -->` makes it an autoload, and
`<!-- plugin: addons/name -->` an editor plugin, which runs in the editor.
"""

import re
import textwrap
from dataclasses import dataclass, field

import pytest

from harness.programs import BOSBASE, ROOT
from harness.server import Server

from .engine import HERE, Project

EMAIL, PASSWORD = "admin@example.com", "password"
SPEC = HERE / "spec" / "examples.md"
DOCUMENTS = [SPEC, *sorted((ROOT / "gdscript-sdk").glob("*.md")), *sorted((ROOT / "gdscript-sdk" / "docs").glob("*.md"))]


@dataclass
class Example:
    where: str
    code: str
    orders: dict = field(default_factory=dict)

    @property
    def is_class(self):
        return re.search(r"^class_name \w+", self.code, re.M) is not None

    @property
    def autoload(self):
        """Its name, where it is one."""
        return next(iter(self.orders["autoload"]), None)

    @property
    def plugin(self):
        """The folder, where it is an editor plugin."""
        return next(iter(self.orders["plugin"]), None)

    @property
    def is_beside(self):
        """Whether it is a script of its own."""
        return self.is_class or self.autoload or self.plugin

    @property
    def is_definitions(self):
        """Whether all that is not indented belongs to a class rather than to a function."""
        return re.search(r"^(static )?func ", self.code, re.M) is not None

    def script(self, following, url):
        code = self.code.replace("http://127.0.0.1:8090", url)
        runs, then = self.orders["run"], self.orders["then"]
        body = [] if self.is_beside or self.is_definitions else [code]
        beside = [code] if self.is_definitions and not self.is_beside else []
        if self.orders["with"] == ["next"]:
            beside.append(following.code)
        body += runs
        for claim in then:
            body.append(f"if not ({claim}):\n\tprint({('@wrong ' + claim)!r})")
        parts = ["extends Example", *beside, "func example() -> void:", textwrap.indent("\n".join(body or ["pass"]), "\t")]
        return "\n\n".join(parts) + "\n"


def examples(path):
    found, orders = [], {}
    text = path.read_text()
    for match in re.finditer(r"^<!-- (run|says|then|with|autoload|plugin): (.*?) -->$|^```gdscript\n(.*?)^```$", text, re.M | re.S):
        if match[1]:
            orders.setdefault(match[1], []).append(match[2])
            continue
        line = text[: match.start()].count("\n") + 2
        given = {order: orders.get(order, []) for order in ("run", "says", "then", "with", "autoload", "plugin")}
        found.append(Example(f"{path.relative_to(ROOT)}:{line}", match[3], given))
        orders = {}
    assert not orders, f"{path}: orders without an example"
    return found


EXAMPLES = {path: examples(path) for path in DOCUMENTS}
ALL = [(path, number, example) for path in DOCUMENTS for number, example in enumerate(EXAMPLES[path]) if not example.plugin]
PLUGINS = [(path, example) for path in DOCUMENTS for example in EXAMPLES[path] if example.plugin]


@pytest.fixture(scope="session")
def outcomes(tmp_path_factory):
    """`outcomes(document)` runs a document's examples once, in order, on a server of their own: all that Godot said."""
    known = {}

    def of(path):
        if path not in known:
            known[path] = play(EXAMPLES[path], tmp_path_factory.mktemp("examples"))
        return known[path]

    return of


def play(found, home):
    directory = home / "pb_data"
    server = Server(BOSBASE, directory, superuser=False)
    BOSBASE.superuser(directory, EMAIL, PASSWORD)
    with server, Project(HERE / "examples") as project:
        root = server.root(EMAIL, PASSWORD)
        root.back_up("seed.zip")
        (project.folder / "seed.zip").write_bytes(root.download("seed.zip"))
        root.delete("/api/backups/seed.zip")
        for number, example in enumerate(found):
            if example.plugin:
                continue
            if example.is_class:
                (project.folder / f"class_{number:02}.gd").write_text(example.code)
            if example.autoload:
                name = example.autoload.lower()
                (project.folder / f"{name}.gd").write_text(example.code.replace("http://127.0.0.1:8090", server.url))
                with open(project.folder / "project.godot", "a") as settings:
                    settings.write(f'\n[autoload]\n\n{example.autoload}="*res://{name}.gd"\n')
            following = found[number + 1] if number + 1 < len(found) else None
            (project.folder / f"run_{number:02}.gd").write_text(example.script(following, server.url))
        project.prepare()
        return project.run("-s", "runner.gd", "--", server.url)[1]


@pytest.mark.parametrize(("path", "number", "example"), ALL, ids=[example.where for _, _, example in ALL])
def test_an_example_runs(outcomes, path, number, example):
    output = outcomes(path)
    name = f"run_{number:02}.gd"
    ran = re.search(rf"^@begin {name}$(.*)^@start {name}$(.*)^@stop {name}$(.*)^@end {name}$", output, re.M | re.S)
    assert ran, f"did not run to its end:\n{output[-6000:]}"
    assert "SCRIPT ERROR" not in ran[0], ran[0]
    assert "@wrong" not in ran[0], ran[0]
    pushed = re.findall(r"^(?:USER )?ERROR: (.*)\n +at: push_error", ran[2], re.M)
    patterns = list(example.orders["says"])
    for said in pushed:
        while patterns and not re.fullmatch(patterns[0], said) and re.fullmatch(patterns[0], ""):
            patterns.pop(0)
        assert patterns and re.fullmatch(patterns.pop(0), said), f"unexpected: {said}\n{ran[0]}"
    assert all(re.fullmatch(pattern, "") for pattern in patterns), f"not said: {patterns}\n{ran[0]}"


@pytest.mark.parametrize(("path", "example"), PLUGINS, ids=[example.where for _, example in PLUGINS])
def test_an_example_of_an_editor_plugin_runs_in_the_editor(path, example, tmp_path):
    server = Server(BOSBASE, tmp_path / "pb_data", superuser=False)
    BOSBASE.superuser(tmp_path / "pb_data", EMAIL, PASSWORD)
    with server, Project(HERE / "plugin") as project:
        folder = project.folder / example.plugin
        folder.mkdir(parents=True)
        (folder / "plugin.gd").write_text(example.code.replace("http://127.0.0.1:8090", server.url))
        after = path.read_text().split(example.code, 1)[1]
        (folder / "plugin.cfg").write_text(re.search(r"^```ini\n(.*?)^```$", after, re.M | re.S)[1])
        project.variables = {"BOSBASE_EMAIL": EMAIL, "BOSBASE_PASSWORD": PASSWORD}
        project.prepare()
        status, output = project.run("--editor", timeout=240)
        assert status == 0 and "@chosen" in output.splitlines(), output[-4000:]
        assert "The server is backed up." in output.splitlines(), output[-4000:]
        assert "SCRIPT ERROR" not in output and "push_error" not in output, output[-4000:]
        assert "from_the_editor.zip" in server.root(EMAIL, PASSWORD).backups()


def test_every_example_of_the_specification_is_there_as_it_stands():
    spec = [line.strip() for line in (HERE / "spec" / "gdscript-backups-api.txt").read_text().splitlines()]
    left = list(spec)
    for example in EXAMPLES[SPEC]:
        lines = [line.strip() for line in example.code.splitlines()]
        at = next((i for i in range(len(left)) if left[i : i + len(lines)] == lines), None)
        assert at is not None, f"{example.where} is not in the specification as it stands"
        del left[at : at + len(lines)]
    telltales = re.compile(r"\bawait\b|^func |^var |push_error|^return\b|^if .*:$|^for .*:$|class_name|print\(")
    assert [line for line in left if telltales.search(line)] == []


def test_the_examples_are_many():
    print(f"{len(ALL)} examples in {len(DOCUMENTS)} documents")
    assert len(EXAMPLES[SPEC]) == 17
    assert len(ALL) >= 52 and len(PLUGINS) == 1
