"""The drop-in test: what was made to start PocketBase starts bosbase, with nothing but the program's name changed.

The command lines are those of PocketBase's documentation (a systemd unit, a Dockerfile) with the flags that people add.
First PocketBase serves by them, then bosbase, then PocketBase again, and the same is found each time.
"""

import configparser
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import time

import pytest
import requests

from harness.client import Client
from harness.programs import BOSBASE, EMAIL, PASSWORD, POCKETBASE
from harness.server import START_SECONDS, free_port

UNIT = """\
[Unit]
Description = {name}

[Service]
Type             = simple
LimitNOFILE      = 4096
Restart          = always
RestartSec       = 5s
StandardOutput   = append:{home}/std.log
StandardError    = append:{home}/std.log
{directory}
Environment      = "PB_ENCRYPTION_KEY=0123456789abcdef0123456789abcdef" LANG=C.UTF-8
ExecStart        = {home}/{name} serve {flags}

[Install]
WantedBy = multi-user.target
"""

DOCKERFILE = """\
FROM alpine:latest
WORKDIR {directory}
COPY ./pb_migrations /pb/pb_migrations
EXPOSE {port}
CMD {command}
"""

MIGRATION = """\
migrate((app) => {
  app.save(new Collection({ name: "migrated", type: "base", listRule: "", fields: [{ name: "title", type: "text" }] }));
}, (app) => {
  app.delete(app.findCollectionByNameOrId("migrated"));
});
"""


class Home:
    """A folder as a deployment has it: the program, and what lies beside it."""

    def __init__(self, folder):
        self.folder = folder
        (folder / "pb_public" / "assets").mkdir(parents=True)
        (folder / "pb_public" / "index.html").write_text("<h1>the app</h1>")
        (folder / "pb_public" / "assets" / "app.js").write_text("start()")
        (folder / "pb_migrations").mkdir()
        (folder / "pb_migrations" / "1700000001_one.js").write_text(MIGRATION)
        for program in (POCKETBASE, BOSBASE):
            shutil.copy2(program.path.resolve(), folder / program.path.name)


class Started:
    """A process that a service manager or a container runtime would start so."""

    def __init__(self, arguments, cwd, environment, port, log):
        self.arguments, self.cwd, self.port, self.log = arguments, cwd, port, log
        # Go takes a program in a temporary folder for one under development.
        self.environment = {"PATH": os.environ["PATH"], "TMPDIR": "/var/tmp", "HOME": str(cwd), **environment}

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                self.arguments, cwd=self.cwd, env=self.environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                if requests.get(f"{self.url}/api/health", timeout=5).status_code == 200:
                    return self
            except requests.RequestException:
                pass
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.process.kill()
                raise AssertionError(self.log.read_text())
            time.sleep(0.05)

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        try:
            assert self.process.wait(30) in (0, -signal.SIGTERM)
        finally:
            self.process.kill()


def from_unit(text, port, log):
    """What systemd makes of a unit: one name may have no spaces here, and quotes work as in a shell."""
    unit = configparser.ConfigParser(interpolation=None)
    unit.optionxform = str
    unit.read_string(text)
    service = unit["Service"]
    environment = dict(pair.split("=", 1) for pair in shlex.split(service.get("Environment", "")))
    return Started(shlex.split(service["ExecStart"]), service.get("WorkingDirectory", "/"), environment, port, log)


def from_dockerfile(text, root, port, log):
    """What a container runtime makes of the last lines of a Dockerfile, with the image's root at `root`."""
    lines = dict(line.split(" ", 1) for line in text.splitlines() if " " in line)
    command = [re.sub(r"(^|=)/pb/", rf"\1{root}/pb/", part) for part in json.loads(lines["CMD"])]
    return Started(command, root / lines["WORKDIR"].lstrip("/"), {}, port, log)


def fill(url):
    """An application: a rule, a record of an account, a file, a setting."""
    root = Client(url).login("_superusers", EMAIL, PASSWORD)
    root.patch("/api/settings", json={"meta": {"appName": "dropped in", "appURL": url}})
    fields = [{"name": "title", "type": "text"}, {"name": "file", "type": "file", "maxSelect": 1}]
    root.post("/api/collections", json={"name": "notes", "type": "base", "listRule": "", "viewRule": "", "fields": fields})
    root.create("notes", {"title": "kept"}, files={"file": ("hello.txt", b"hello from a file")})
    root.create("users", {"email": "a@example.com", "password": "1234567890", "passwordConfirm": "1234567890", "verified": True})


def seen(url):
    """What the application's users and its owner find."""
    guest, root = Client(url), Client(url).login("_superusers", EMAIL, PASSWORD)
    user = Client(url).login("users", "a@example.com", "1234567890")
    notes = guest.records("notes")
    collections = {one["name"]: one["id"] for one in root.get("/api/collections?perPage=200")["items"]}
    page = {"/": None, "/assets/app.js": None, "/some/page": None, "/assets": None}
    for target in page:
        answer = requests.get(url + target, allow_redirects=False, timeout=30)
        page[target] = (answer.status_code, answer.text, answer.headers.get("Content-Type"), answer.headers.get("Location"))
    return {
        "notes": notes,
        "files": [guest.send("GET", f"/api/files/notes/{note['id']}/{note['file']}").content for note in notes],
        "migrated": guest.records("migrated"),
        "user": user.auth["record"]["id"],
        "collections": collections,
        "name": root.get("/api/settings")["meta"]["appName"],
        "pages": page,
    }


def dropped_in(start):
    """Starts PocketBase, bosbase and PocketBase again by `start(program)`, and compares what each serves."""
    with start(POCKETBASE) as theirs:
        fill(theirs.url)
        before = seen(theirs.url)
    assert before["pages"]["/"][1] == "<h1>the app</h1>" and before["files"] == [b"hello from a file"]
    with start(BOSBASE) as ours:
        assert seen(ours.url) == before
        root = Client(ours.url).login("_superusers", EMAIL, PASSWORD)
        root.create("notes", {"title": "ours"})
        after = seen(ours.url)
    assert len(after["notes"]) == 2
    with start(POCKETBASE) as theirs:
        assert seen(theirs.url) == after


FLAGS = {
    "as documented": "--http=127.0.0.1:{port}",
    "every address": "--http :{port}",
    "all named": (
        "--dir {home}/pb_data --publicDir {home}/pb_public --migrationsDir={home}/pb_migrations "
        "--hooksDir={home}/pb_hooks --hooksWatch=false --automigrate=false --indexFallback --queryTimeout 60 "
        "--origins=https://app.example --http 127.0.0.1:{port}"
    ),
    "encrypted": "--encryptionEnv=PB_ENCRYPTION_KEY --dev=false --http=0.0.0.0:{port}",
}


@pytest.mark.ours
@pytest.mark.parametrize("flags", FLAGS)
def test_a_systemd_unit_of_pocketbase_starts_us(tmp_path, flags):
    home, port = Home(tmp_path / "pb").folder, free_port()
    line = FLAGS[flags].format(home=home, port=port)
    encryption = ["--encryptionEnv=PB_ENCRYPTION_KEY"] if "encryptionEnv" in line else []

    def start(program):
        name = program.path.name
        text = UNIT.format(name=name, home=home, flags=line, directory=f"WorkingDirectory = {home}")
        return from_unit(text, port, home / "std.log")

    more = ["--migrationsDir", home / "pb_migrations", *encryption]
    POCKETBASE.run("superuser", "upsert", EMAIL, PASSWORD, "--dir", home / "pb_data", *more, env={"PB_ENCRYPTION_KEY": "0123456789abcdef" * 2})
    dropped_in(start)


@pytest.mark.ours
@pytest.mark.parametrize("directory", ["/pb", "/"])
def test_a_container_of_pocketbase_starts_us(tmp_path, directory):
    """With the working directory `/`, the data and the pages lie beside the program, as PocketBase's releases have it."""
    home, port = Home(tmp_path / "pb").folder, free_port()
    named = ["--dir=/pb/pb_data", "--publicDir=/pb/pb_public", "--migrationsDir=/pb/pb_migrations"]
    POCKETBASE.run("superuser", "upsert", EMAIL, PASSWORD, "--dir", home / "pb_data", "--migrationsDir", home / "pb_migrations")

    def start(program):
        # The PocketBase at hand is built to look in the working directory alone.
        places = named if program is POCKETBASE or directory == "/pb" else []
        command = [f"/pb/{program.path.name}", "serve", f"--http=0.0.0.0:{port}", *places]
        text = DOCKERFILE.format(directory=directory, port=port, command=json.dumps(command))
        return from_dockerfile(text, tmp_path, port, tmp_path / "log")

    dropped_in(start)
    assert not (tmp_path / "pb_data").exists(), "a second data directory was begun"
