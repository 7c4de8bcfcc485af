"""What lies in `dist/` beside the Debian package: the program, what is in it, the Godot addon; and the files of a container."""

import json
import os
import re
import shlex
import shutil
import subprocess
import tomllib
import zipfile

import pytest

from godot.engine import Project
from harness.client import wait_for
from harness.programs import BOSBASE, CACHE, ROOT
from harness.server import Server, free_port
from serving.test_https import Secure

from .conftest import VERSION, only

pytestmark = pytest.mark.ours


def test_checksums_are_those_of_all_files(dist):
    done = subprocess.run(["sha256sum", "--check", "--strict", "SHA256SUMS"], cwd=dist, capture_output=True, text=True, check=True)
    named = {line.split(":")[0] for line in done.stdout.splitlines()}
    assert named == {path.name for path in dist.iterdir()} - {"SHA256SUMS"} and len(named) == 4


def test_the_program_is_stripped_and_runs(dist):
    program = only(dist, "bosbase-*-linux-*")
    assert VERSION in subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout
    sections = subprocess.run(["readelf", "--sections", "--wide", program], capture_output=True, text=True, check=True).stdout
    assert ".text" in sections and ".symtab" not in sections and ".debug_info" not in sections


def test_the_list_of_what_is_in_it_is_that_of_the_lock_file(dist):
    told = json.loads(only(dist, "*.cdx.json").read_text())
    assert told["bomFormat"] == "CycloneDX" and told["metadata"]["component"]["version"] == VERSION
    components = {(part["name"], part["version"]) for part in told["components"]}
    locked = {(package["name"], package["version"]) for package in tomllib.loads((ROOT / "Cargo.lock").read_text())["package"]}
    assert components <= locked and {"rusqlite", "axum", "rustls", "bosbase-store"} <= {name for name, _ in components}
    # What only tests use is not in it.
    assert not {"proptest", "tempfile"} & {name for name, _ in components}
    assert all(part.get("licenses") for part in told["components"] if not part["name"].startswith("bosbase"))


SCRIPT = """extends SceneTree


func _init() -> void:
	var pb := BosBase.new(OS.get_cmdline_user_args()[0])
	var auth: Variant = await pb.admins().auth_with_password("root@example.com", "correct-horse-1")
	print("@login ", not auth is ClientResponseError)
	var begun: Variant = await pb.backups.create("from_the_zip.zip")
	print("@begun ", not begun is ClientResponseError)
	var job: Variant = await pb.backups.wait_until_finished("from_the_zip.zip")
	print("@job ", job.state if job is Dictionary and "state" in job else job)
	quit()
"""


def test_the_addon_unpacked_into_a_new_project_is_loaded_and_makes_a_backup(dist, tmp_path):
    source = tmp_path / "project"
    source.mkdir()
    with zipfile.ZipFile(only(dist, "bosbase-godot-*.zip")) as packed:
        assert packed.testzip() is None
        names = packed.namelist()
        packed.extractall(source)
    assert all(name.startswith("addons/bosbase/") for name in names)
    wanted = {"plugin.cfg", "plugin.gd", "icon.png", "LICENSE.md", "README.md", "docs/.gdignore", "docs/backups.md", "src/bosbase.gd"}
    assert {f"addons/bosbase/{name}" for name in wanted} <= set(names)
    (source / "project.godot").write_text(
        'config_version=5\n\n[application]\n\nconfig/name="New"\n\n[editor_plugins]\n\nenabled=PackedStringArray("res://addons/bosbase/plugin.cfg")\n'
    )
    (source / "main.gd").write_text(SCRIPT)
    with Server(BOSBASE, tmp_path / "pb_data") as server, Project(source, sdk=False) as project:
        imported = project.prepare()
        assert not re.search(r"SCRIPT ERROR|Parse Error|Failed to load|Unable to load|addons/bosbase.*error", imported, re.I), imported[-4000:]
        status, output = project.run("-s", "main.gd", "--", server.url)
        assert status == 0 and "SCRIPT ERROR" not in output, output[-4000:]
        said = [line for line in output.splitlines() if line.startswith("@")]
        assert said == ["@login true", "@begun true", "@job succeeded"], output[-4000:]
        assert "from_the_zip.zip" in server.root().backups()
        # The plugin itself runs in the editor, and its entry of the menu is there.
        (project.folder / "addons" / "asks").mkdir()
        (project.folder / "addons" / "asks" / "plugin.cfg").write_text('[plugin]\n\nname="Asks"\ndescription=""\nauthor=""\nversion="1"\nscript="plugin.gd"\n')
        (project.folder / "addons" / "asks" / "plugin.gd").write_text(ASKS)
        settings = project.folder / "project.godot"
        settings.write_text(settings.read_text().replace('plugin.cfg")', 'plugin.cfg", "res://addons/asks/plugin.cfg")'))
        _, output = project.run("--editor", "--quit-after", "60")
        assert "@entry true" in output and "SCRIPT ERROR" not in output, output[-4000:]


ASKS = """@tool
extends EditorPlugin


func _enter_tree() -> void:
	await get_tree().process_frame
	var found := false
	for menu: PopupMenu in get_tree().root.find_children("*", "PopupMenu", true, false):
		for at in menu.item_count:
			found = found or menu.get_item_text(at) == "BosBase: help of the SDK"
	print("@entry ", found)
"""


def test_the_pages_of_the_addon_lead_nowhere_that_is_not_in_it(dist, tmp_path):
    with zipfile.ZipFile(only(dist, "bosbase-godot-*.zip")) as packed:
        packed.extractall(tmp_path)
    folder = tmp_path / "addons" / "bosbase"
    for page in folder.rglob("*.md"):
        text = page.read_text()
        for target in re.findall(r"\]\(([^)#]+)", text):
            assert target.startswith("http") or (page.parent / target).exists(), f"{page.name}: {target}"
        assert "gdscript-sdk/" not in text.replace("https://", ""), page.name
    assert f'version="{VERSION}"' in (folder / "plugin.cfg").read_text()
    assert (folder / "icon.png").read_bytes()[16:24] == bytes.fromhex("0000008000000080"), "128 by 128"


DOCKERFILE = ROOT / "packaging" / "Dockerfile"


def test_a_linter_finds_nothing_in_the_dockerfile():
    # DL3008: versions of Debian's packages are those of the release.
    done = subprocess.run([CACHE / "containers" / "bin" / "hadolint", "--ignore", "DL3008", DOCKERFILE], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_health_check_has_options_that_every_builder_knows():
    """Debian 12's buildah knows no `--start-interval`, and builds nothing then."""
    (health,) = re.findall(r"^HEALTHCHECK(.*?)CMD", DOCKERFILE.read_text(), re.M | re.S)
    options = set(re.findall(r"--([a-z-]+)=", health))
    assert options and options <= {"interval", "timeout", "start-period", "retries"}


def is_healthy(port):
    """What the container's health check says of the server on this port."""
    (health,) = re.findall(r"^HEALTHCHECK.*?CMD (\[.*?\])$", DOCKERFILE.read_text(), re.M | re.S)
    return subprocess.run(json.loads(health), env={"PATH": "/usr/bin:/bin", "BOSBASE_HTTP": f"0.0.0.0:{port}"}, check=False, capture_output=True).returncode == 0


def test_the_health_check_of_the_container_tells_a_server_that_answers(launch):
    server = launch()
    assert is_healthy(server.port)
    rule = {"label": "/api/health", "maxRequests": 1, "duration": 600}
    server.root().patch("/api/settings", json={"rateLimits": {"enabled": True, "rules": [rule]}})
    wait_for(lambda: not is_healthy(server.port), 20, "a refusal (429)")
    server.kill()
    wait_for(lambda: not is_healthy(server.port), 20, "a failed health check")


def test_the_health_check_of_the_container_takes_a_server_that_leads_on_to_https_for_healthy(tmp_path):
    """With domains, plain HTTP answers 302, which looked like a failure."""
    nobody = f"https://127.0.0.1:{free_port()}/directory"
    with Secure(tmp_path / "pb_data", ["app.example"], env={"BOSBASE_ACME_DIRECTORY": nobody}) as server:
        assert is_healthy(server.port)


def test_the_container_gets_all_that_a_build_reads(tmp_path):
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0")
    let_in = [line[1:] for line in (ROOT / "packaging" / "Dockerfile.dockerignore").read_text().splitlines() if line.startswith("!")]
    for name in tracked:
        if any(name == each or name.startswith(f"{each}/") for each in let_in):
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, tmp_path / name)
    # What other systems' builds want was never fetched here.
    host = subprocess.run(["rustc", "--print", "host-tuple"], capture_output=True, text=True, check=True).stdout.strip()
    metadata = ["cargo", "metadata", "--locked", "--offline", "--format-version=1", "--filter-platform", host]
    subprocess.run(metadata, cwd=tmp_path, capture_output=True, check=True)
    assert (tmp_path / "dashboard/dist/index.html").exists() and (tmp_path / ".cargo/config.toml").exists()
    outside = subprocess.run(["grep", "-rnoE", r'include_(str|bytes|dir)!\("(\.\./)+[^"]*"', "crates", "--exclude-dir=tests"], cwd=tmp_path, capture_output=True, text=True, check=False).stdout
    for line in outside.splitlines():
        path, _, found = line.split(":", 2)
        assert ((tmp_path / path).parent / found.split('"')[1]).exists(), line


def test_the_compose_file_sets_what_the_server_takes():
    to_json = "import json, sys, yaml; print(json.dumps(yaml.safe_load(sys.stdin)))"
    with open(ROOT / "packaging" / "compose.yaml") as file:
        compose = json.loads(subprocess.run([CACHE / "containers" / "bin" / "python", "-c", to_json], stdin=file, capture_output=True, check=True).stdout)
    service = compose["services"]["bosbase"]
    assert (ROOT / "packaging" / service["build"]["context"] / service["build"]["dockerfile"]).resolve() == DOCKERFILE
    volume, at = service["volumes"][0].split(":")
    assert volume in compose["volumes"] and f"VOLUME {at}\n" in DOCKERFILE.read_text()
    # It is passed on as a whole: a list of names would leave some out.
    assert service["env_file"] == [{"path": ".env", "required": False}]
    # What goes before that file is what the image says, and where volume and port are.
    (of_image,) = re.findall(r"^ENV (.*)$", DOCKERFILE.read_text(), re.M)
    assert service["environment"] == dict(pair.split("=") for pair in of_image.split())
    assert service["environment"]["BOSBASE_DIR"] == at
    assert service["ports"][0].rpartition(":")[2] == service["environment"]["BOSBASE_HTTP"].rpartition(":")[2]
    unset = {name: "" for name in os.environ if name.startswith("BOSBASE_")}
    known = BOSBASE.run("config", "check", "--config=", env=unset).stdout
    assert set(service["environment"]) <= set(re.findall(r"^BOSBASE_\w+", known, re.M))


def test_secrets_of_the_compose_file_are_neither_committed_nor_built_in(tmp_path):
    done = subprocess.run(["git", "check-ignore", "packaging/.env"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "!packaging" not in (ROOT / "packaging" / "Dockerfile.dockerignore").read_text()


@pytest.mark.alone
def test_cargo_installs_it_from_the_source(tmp_path):
    """As `cargo install --path crates/server` does, with what `./check` has compiled: a release would take minutes."""
    command = f"cargo install --path crates/server --debug --locked --quiet --root {shlex.quote(str(tmp_path))} --target-dir target"
    done = subprocess.run(shlex.split(command), cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "serve" in subprocess.run([tmp_path / "bin" / "bosbase", "--help"], capture_output=True, text=True, check=True).stdout
