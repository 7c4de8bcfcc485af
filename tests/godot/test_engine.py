"""What Godot itself says of the SDK: no warning, usable in the editor, memory that does not grow with what is sent."""

import hashlib
import io
import re
import shutil
import zipfile
from pathlib import Path

from harness.programs import BOSBASE
from harness.server import Server

from .engine import HERE, SDK, Project
from .test_suites import faults

MIB = 1024 * 1024


def test_no_script_causes_any_warning():
    with Project(HERE / "strict") as project:
        project.prepare()
        status, output = project.run("-s", "load.gd")
    assert status == 0
    assert not re.search(r"@fail|ERROR: .*(Parse|Failed)", output), output[-6000:]
    count = len(list((SDK / "src").rglob("*.gd")))
    assert count >= 28 and f"@done {count}" in output.splitlines(), output[-2000:]


def test_a_warning_would_be_seen():
    with Project(HERE / "strict") as project:
        with open(project.folder / "gdscript-sdk/src/value.gd", "a") as script:
            script.write("\n\nfunc _careless():\n\tvar x = 1\n")
        project.prepare()
        assert "@fail value.gd" in project.run("-s", "load.gd")[1]


def test_it_works_under_addons_as_well(tmp_path):
    with Server(BOSBASE, tmp_path / "pb_data") as server, Project(HERE / "broken", sdk=False) as project:
        shutil.copytree(SDK / "src", project.folder / "addons" / "bosbase" / "src")
        server.root().back_up("broken.zip")
        project.prepare()
        _, output = project.run("-s", "download.gd", "--", server.url)
        assert "@answer true" in output and "SCRIPT ERROR" not in output, output[-4000:]
        assert (project.folder / "down.zip").read_bytes() == server.root().download("broken.zip")


def test_it_works_without_a_scene_tree(tmp_path):
    with Server(BOSBASE, tmp_path / "pb_data") as server, Project(HERE / "broken") as project:
        project.prepare()
        status, output = project.run("--verbose", "-s", "bare.gd", "--", server.url)
        said = [line for line in output.splitlines() if line.startswith("@")]
        assert said[:5] == ["@tree false", "@login true", "@create true", "@job succeeded", "@download true"], output[-4000:]
        assert said[5] == "@refused ClientResponseError 0: Nobody answers at 127.0.0.1:1."
        assert status == 0 and faults(output) == [], output[-4000:]
        assert (project.folder / "bare.zip").read_bytes() == server.root().download("bare.zip")


def test_300_mb_go_up_and_come_down_in_little_memory(tmp_path):
    with Server(BOSBASE, tmp_path / "pb_data") as server, Project(HERE / "large") as project:
        root = server.root()
        root.back_up("small.zip")
        made = project.folder / "large.zip"
        with zipfile.ZipFile(io.BytesIO(root.download("small.zip"))) as small, zipfile.ZipFile(made, "w") as large:
            for name in ("data.db", "auxiliary.db"):
                large.writestr(name, small.read(name))
            noise = hashlib.shake_256(b"noise").digest(MIB)
            with large.open("storage/c/r/noise.bin", "w") as entry:
                for number in range(300):
                    entry.write(number.to_bytes(4) + noise[4:])
        project.prepare()
        process = project.start("-s", "large.gd", "--", server.url)
        idle, output = 0, []
        for line in process.stdout:
            output.append(line)
            if line.startswith("@ready"):
                idle = memory(process.pid, "VmRSS")
            if line.startswith("@over"):
                break
        peak = memory(process.pid, "VmHWM")
        output += process.communicate(timeout=60)[0].splitlines(keepends=True)
        said = "".join(output)
        assert said.count("@pass") == 2 and "@fail" not in said, said
        assert digest(project.folder / "down.zip") == digest(made)
        print(f"idle {idle / MIB:.0f} MiB, at most {peak / MIB:.0f} MiB, file {made.stat().st_size / MIB:.0f} MiB")
        assert idle > 0 and peak - idle < 32 * MIB
        assert root.backups()["large.zip"]["size"] == made.stat().st_size


def memory(pid, name):
    """Bytes, of the process or of the child that it only started (sudo)."""
    children = Path(f"/proc/{pid}/task/{pid}/children")
    if Path(f"/proc/{pid}/comm").read_text().strip() == "sudo" and children.exists():
        pid = int(children.read_text().split()[0])
    return int(re.search(rf"^{name}:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text(), re.M)[1]) * 1024


def digest(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def test_the_demo_does_what_it_shows(tmp_path):
    with Server(BOSBASE, tmp_path / "pb_data") as server, Project(SDK / "demo") as project:
        (project.folder / "drive.gd").write_text((HERE / "demo" / "drive.gd").read_text())
        project.prepare()
        _, output = project.run("-s", "drive.gd", "--", server.url)
        assert "@done" in output.splitlines() and "@fail" not in output and "SCRIPT ERROR" not in output, output[-4000:]
        assert output.count("@pass") == 16, output[-4000:]
