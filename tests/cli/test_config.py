"""`config check`, and what is in force: a flag before the environment, the environment before the file, the file before what is usual."""

import os
import re
import subprocess

import pytest

from harness.programs import BOSBASE, ROOT
from harness.server import Server, free_port

pytestmark = pytest.mark.ours

SECRET = "deeply-hidden-4711"


def run(*arguments, env=None, cwd=None):
    """Without the variables by which the tests themselves are told what to run."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("BOSBASE_")}
    return subprocess.run(
        [BOSBASE.path, *map(str, arguments)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        cwd=cwd,
        env={**environment, **(env or {})},
    )


def check(*arguments, **rest):
    """What is in force by its name: the value and where it comes from."""
    done = run("config", "check", *arguments, **rest)
    assert done.returncode == 0, done.stderr
    said = [re.fullmatch(r"(\S+) +(.*?) +(flag|environment|file, line \d+|default)", line) for line in done.stdout.splitlines()[1:]]
    return {line[1]: (line[2], line[3]) for line in said}


def file_with(tmp_path, *lines):
    path = tmp_path / "bosbase.env"
    path.write_text("\n".join(lines) + "\n")
    return path


def flags_of_serve():
    """Each flag that the help of serve names, with its variable."""
    text = run("serve", "--help").stdout
    return dict(re.findall(r"^ +(--\w[\w-]*)(?:(?!^ +--|\[env: ).|\n)*?\[env: (\w+)", text, re.M)), re.findall(r"^ {2,6}(?:-\w, )?(--\w[\w-]*)", text, re.M)


def test_each_flag_of_serve_has_a_variable_that_config_check_tells_of(tmp_path):
    variables, flags = flags_of_serve()
    assert set(flags) - set(variables) == {"--help", "--version"} and len(flags) > 15, flags
    told = check("--config=", cwd=tmp_path)
    # A file can't say where it is.
    assert set(variables.values()) - set(told) == {"BOSBASE_CONFIG"}
    assert {"BOSBASE_DOMAINS", "BOSBASE_LOG", "BOSBASE_METRICS_TOKEN", "BOSBASE_STORAGE_S3_SECRET", "BOSBASE_ACME_ROOT"} <= set(told)
    assert {origin for _, origin in told.values()} == {"default"}
    assert told["BOSBASE_HTTP"] == ("127.0.0.1:8090", "default") and told["BOSBASE_DIR"] == ("pb_data", "default")
    assert not list(tmp_path.iterdir()), "a check leaves nothing"


VALUES = {
    "BOSBASE_DIR": "{}/data",
    "BOSBASE_ENCRYPTION_ENV": "A_KEY",
    "BOSBASE_DEV": "true",
    "BOSBASE_PUBLIC_DIR": "{}/pages",
    "BOSBASE_INDEX_FALLBACK": "false",
    "BOSBASE_QUERY_TIMEOUT": "7",
    "BOSBASE_HOOKS_DIR": "{}/hooks",
    "BOSBASE_HOOKS_WATCH": "false",
    "BOSBASE_HOOKS_POOL": "3",
    "BOSBASE_MIGRATIONS_DIR": "{}/migrations",
    "BOSBASE_AUTOMIGRATE": "false",
    "BOSBASE_HTTP": "0.0.0.0:81",
    "BOSBASE_HTTPS": "0.0.0.0:444",
    "BOSBASE_DOMAINS": "a.example,b.example",
    "BOSBASE_ORIGINS": "https://a.example,https://b.example",
    "BOSBASE_IGNORE_HOOKS": "true",
    "BOSBASE_IGNORE_MIGRATIONS": "true",
    "BOSBASE_REHEARSAL": "true",
}


def test_each_variable_is_taken_from_the_environment_and_from_the_file_and_a_flag_goes_before(tmp_path):
    variables, _ = flags_of_serve()
    values = {name: value.format(tmp_path) for name, value in VALUES.items()}
    (tmp_path / "pages").mkdir()
    assert set(variables.values()) | {"BOSBASE_DOMAINS"} == set(values) | {"BOSBASE_CONFIG"}
    key = {"A_KEY": "k" * 32}
    said = check("--config=", env={**values, **key})
    assert {name: said[name] for name in values} == {name: (value, "environment") for name, value in values.items()}
    lines = [f"{name}={value}" for name, value in {**values, **key}.items()]
    path = file_with(tmp_path, "# what is in force", "", *lines)
    said = check("--config", path)
    assert {name: said[name] for name in values} == {name: (value, f"file, line {n}") for n, (name, value) in enumerate(values.items(), 3)}
    assert said["A_KEY"] == ("(hidden)", "file, line 21")
    # The environment may name the file, goes before it, and counts as not set where it is empty.
    said = check("--queryTimeout=9", env={"BOSBASE_CONFIG": str(path), "BOSBASE_HTTP": "127.0.0.1:82", "BOSBASE_HTTPS": "", "BOSBASE_QUERY_TIMEOUT": "8"})
    assert said["BOSBASE_QUERY_TIMEOUT"] == ("9", "flag") and said["BOSBASE_HTTP"] == ("127.0.0.1:82", "environment")
    assert said["BOSBASE_HTTPS"] == (values["BOSBASE_HTTPS"], "file, line 15")
    said = check("--config", path, "--dev=false", "--dir", "elsewhere", "--", "c.example")
    assert said["BOSBASE_DEV"] == ("false", "flag") and said["BOSBASE_DIR"] == ("elsewhere", "flag") and said["BOSBASE_DOMAINS"] == ("c.example", "flag")


def test_a_server_and_a_command_beside_it_do_what_the_file_says(tmp_path):
    port, directory = free_port(), tmp_path / "data"
    path = file_with(
        tmp_path,
        f"BOSBASE_DIR={directory}",
        f"BOSBASE_HTTP=127.0.0.1:{port}",
        "BOSBASE_ORIGINS=https://one.example",
        "BOSBASE_SUPERUSER_EMAIL=env@example.com",
        f"BOSBASE_SUPERUSER_PASSWORD={SECRET}",
        f"BOSBASE_METRICS_TOKEN={SECRET}-token",
        "BOSBASE_LOG=trace",
    )
    with FromFile(directory, path, port) as server:
        root = server.root("env@example.com", SECRET)
        root.back_up("first.zip")
        assert "first.zip" in run("backup", "list", "--config", path).stdout
        metrics = server.client().send("GET", "/api/metrics", headers={"Authorization": f"Bearer {SECRET}-token"})
        assert "bosbase_backup" in metrics.text
        answer = server.client().send("GET", "/api/health", headers={"Origin": "https://evil.example"})
        assert "Access-Control-Allow-Origin" not in answer.headers
        # It reads the file again.
        root.restore("first.zip")
        assert server.stop() == 0
        log = server.log(10_000_000)
        assert str(path) in log and "draining" in log and SECRET not in log


class FromFile(Server):
    """A server that nothing is told but where its configuration is."""

    def __init__(self, directory, path, port):
        program = BOSBASE
        super().__init__(program, directory, superuser=False)
        self.port, self.path = port, path

    def start(self, wait=True):
        with open(self.log_path, "ab") as log:
            command = [self.program.path, "serve", "--config", self.path]
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.directory.parent)
        self.wait_until_healthy()
        return self


WRONG = {
    f"BOSBASE_BACKUPS_S3_SECRETS={SECRET}": "line 1: BOSBASE_BACKUPS_S3_SECRETS is none of this program's settings",
    f"PASSWORD={SECRET}": "line 1: PASSWORD is none of this program's settings",
    "BOSBASE_CONFIG=other.env": "line 1: BOSBASE_CONFIG is none of this program's settings",
    "BOSBASE_RESTARTED=1": "line 1: BOSBASE_RESTARTED is none of this program's settings",
    f"{SECRET}": "line 1: KEY=value is expected",
    f"{SECRET}==": "line 1: KEY=value is expected",
    f"BOSBASE_METRICS_TOKEN='{SECRET}'": "line 1: BOSBASE_METRICS_TOKEN must be written without quotes",
    "BOSBASE_DEV=true\nBOSBASE_DEV=false": "line 2: BOSBASE_DEV is set in line 1 already",
    "BOSBASE_QUERY_TIMEOUT=soon": "BOSBASE_QUERY_TIMEOUT (file, line 1) can't be read: invalid value 'soon'",
    "BOSBASE_DEV=maybe": "BOSBASE_DEV (file, line 1) can't be read: invalid value 'maybe'",
    "BOSBASE_HTTP=:80\nBOSBASE_REHEARSAL=2": "BOSBASE_REHEARSAL (file, line 2) can't be read",
    "BOSBASE_LOG=info,bosbase=loud": "BOSBASE_LOG says no level of logging",
    "BOSBASE_BACKUPS_S3_BUCKET=a": "BOSBASE_BACKUPS_S3_BUCKET is set, so BOSBASE_BACKUPS_S3_REGION must be",
    "BOSBASE_STORAGE_S3_ENABLED=perhaps": "BOSBASE_STORAGE_S3_ENABLED must be true or false",
    "BOSBASE_ENCRYPTION_ENV=A_KEY\nA_KEY=" + SECRET: "A_KEY, which must be set to a key of exactly 32 characters",
    "BOSBASE_DOMAINS=https://example.com": "There is no certificate for",
    "BOSBASE_PUBLIC_DIR=.\nBOSBASE_DIR=./data": "data",
    "BOSBASE_LOG=loud": "BOSBASE_LOG says no level of logging: loud.",
    "BOSBASE_LOG=info,warning": "BOSBASE_LOG says no level of logging: warning.",
    "BOSBASE_HTTP=http://127.0.0.1:8090": "--http can't be",
    "BOSBASE_HTTP=bad host:8090": "--http can't be",
    "BOSBASE_HTTPS=:8443\nBOSBASE_HTTP=127.0.0.1:8443": "--http and --https can't be one address",
    "BOSBASE_DOMAINS=--http=:80": "BOSBASE_DOMAINS (file, line 1) can't be read: a name does not begin with a dash",
    "BOSBASE_DOMAINS=-help": "BOSBASE_DOMAINS (file, line 1) can't be read: a name does not begin with a dash",
    "BOSBASE_ACME_DIRECTORY=acme.example.com\nBOSBASE_DOMAINS=a.example": "BOSBASE_ACME_DIRECTORY can't be",
    "BOSBASE_ACME_ROOT=missing.pem\nBOSBASE_DOMAINS=a.example": "BOSBASE_ACME_ROOT can't be",
    "BOSBASE_ACME_ROOT=bosbase.env\nBOSBASE_DOMAINS=a.example": "BOSBASE_ACME_ROOT can't be",
    "BOSBASE_DIR=bosbase.env": "bosbase.env",
    f"BOSBASE_SUPERUSER_EMAIL=nobody\nBOSBASE_SUPERUSER_PASSWORD={SECRET}": "email: Must be a valid email address.",
    "BOSBASE_SUPERUSER_EMAIL=a@example.com\nBOSBASE_SUPERUSER_PASSWORD=short": "password: Must be at least 8 character(s).",
}


@pytest.mark.parametrize("text", WRONG, ids=lambda text: text.split("=")[0].split("\n")[0])
def test_what_is_wrong_is_told_in_one_line_without_a_secret_and_nothing_starts(tmp_path, text):
    path = file_with(tmp_path, text)
    # What is wrong with the address or the domains is told before a port is taken; the rest would take one.
    address = () if {"BOSBASE_HTTP", "BOSBASE_DOMAINS"} & {line.split("=")[0] for line in text.split("\n")} else ("--http", f"127.0.0.1:{free_port()}")
    for command in (("config", "check"), ("serve", *address)):
        done = run(*command, "--config", path, cwd=tmp_path)
        assert done.returncode in (1, 2) and not done.stdout, (done.stdout, done.stderr)
        (line,) = done.stderr.splitlines()
        assert WRONG[text] in line and SECRET not in line, line
    assert [found.name for found in tmp_path.iterdir()] == [path.name]


def exit_code(command):
    """A start that no other try would mend is told from others: a service manager gives it up."""
    return 2 if command[0] == "serve" else 1


def test_a_restore_while_the_file_is_half_edited_is_tried_again(launch, tmp_path):
    """The service was given up for good, with the restore half done."""
    file = tmp_path / "bosbase.env"
    file.write_text("")
    server = launch(flags=["--config", str(file)])
    root = server.root()
    root.back_up("one.zip")
    root.create("users", {"email": "a@example.com", "password": "1234567890", "passwordConfirm": "1234567890"})
    for text in ("BOSBASE_BACKUPS_S3_BUCKET=acme\n", "BOSBASE_QUERY_TIMEOUT=soon\n"):
        file.write_text(text)
        root.post("/api/backups/one.zip/restore", expect=204)
        assert server.process.wait(60) == 1, server.log()
        assert server.program.run("serve", "--dir", server.directory, "--config", file, "--http", "127.0.0.1:0", check=False).returncode == 2
        file.write_text("")
        server.start()
        root = server.root()
        assert root.records("users") == [] and root.get("/api/backups/status")["jobs"][0]["state"] == "succeeded"


BUCKET = {"BUCKET": "acme", "REGION": "r", "ENDPOINT": "https://s3.example.com", "ACCESS_KEY": SECRET, "SECRET": SECRET}
WRONG_BUCKETS = {
    "a word": ({"ENDPOINT": "nonsense here"}, "the S3 endpoint is not usable"),
    "another scheme": ({"ENDPOINT": "ftp://s3.example.com"}, "it is no http or https address"),
    "no host": ({"ENDPOINT": "https://"}, "it names no host"),
    "a query": ({"ENDPOINT": "https://s3.example.com/?a=b"}, "it must end before a ? or #"),
    "names below an address": ({"ENDPOINT": "http://127.0.0.1:9000"}, "set forcePathStyle to true"),
    "a path for a name": ({"BUCKET": "a/b"}, "the bucket's name is not usable"),
    "no truth": ({"FORCE_PATH_STYLE": "yes"}, "FORCE_PATH_STYLE must be true or false"),
}


@pytest.mark.parametrize("kind", ("BACKUPS", "STORAGE"))
@pytest.mark.parametrize("case", WRONG_BUCKETS)
def test_a_bucket_that_can_be_none_stops_the_start_and_config_check(tmp_path, case, kind):
    """`config check` called any endpoint good, and `serve` went on without backups that worked."""
    wrong, said = WRONG_BUCKETS[case]
    env = {f"BOSBASE_{kind}_S3_{name}": value for name, value in {**BUCKET, **wrong}.items()}
    for command in (("config", "check"), ("serve", "--http", f"127.0.0.1:{free_port()}"), ("backup", "list")):
        done = run(*command, "--config=", env=env, cwd=tmp_path)
        (line,) = done.stderr.splitlines()
        assert done.returncode == exit_code(command) and said in line and f"BOSBASE_{kind}_S3_" in line and SECRET not in line, (command, done)
    # Switched off, it may say anything.
    env[f"BOSBASE_{kind}_S3_ENABLED"] = "false"
    assert run("config", "check", "--config=", env=env, cwd=tmp_path).returncode == 0


UNHEEDED = {
    "BOSBASE_BACKUP_S3_BUCKET=acme": "BOSBASE_BACKUP_S3_BUCKET is none of this program's and has no effect.",
    "BOSBASE_BACKUPS_S3_REGION=r": "BOSBASE_BACKUPS_S3_REGION is set and has no effect without BOSBASE_BACKUPS_S3_BUCKET.",
    f"BOSBASE_STORAGE_S3_SECRET={SECRET}": "BOSBASE_STORAGE_S3_SECRET is set and has no effect without BOSBASE_STORAGE_S3_BUCKET.",
    "BOSBASE_STORAGE_S3_ENABLED=true": "BOSBASE_STORAGE_S3_ENABLED is set and has no effect without BOSBASE_STORAGE_S3_BUCKET.",
    "BOSBASE_SUPERUSER_EMAIL=a@example.com": "BOSBASE_SUPERUSER_EMAIL is set and has no effect without BOSBASE_SUPERUSER_PASSWORD.",
    "BOSBASE_ACME_DIRECTORY=https://acme.example.com": "BOSBASE_ACME_DIRECTORY is set and has no effect without a domain or --https.",
    "BOSBASE_ACME_ROOT=root.pem": "BOSBASE_ACME_ROOT is set and has no effect without a domain or --https.",
    f"BOSBASE_METRICS_TOKEN={SECRET}\u00e4": "BOSBASE_METRICS_TOKEN holds characters that no request can carry",
    "BOSBASE_ORIGINS=https://a.example,b.example": 'No page has the origin "b.example" (--origins)',
}


@pytest.mark.parametrize("text", UNHEEDED, ids=lambda text: text.split("=")[0])
def test_what_would_do_nothing_is_refused_by_config_check_and_said_by_the_start(tmp_path, launch, text):
    name, _, value = text.partition("=")
    done = run("config", "check", "--config=", env={name: value}, cwd=tmp_path)
    (line,) = done.stderr.splitlines()
    assert done.returncode == 1 and not done.stdout and UNHEEDED[text] in line and SECRET not in line, done
    log = launch(env={name: value}).log(10_000_000)
    assert log.count(UNHEEDED[text]) == 1 and SECRET not in log, log


CONFIGURED = [
    ("check",),
    ("backup", "create"),
    ("backup", "list"),
    ("backup", "status"),
    ("backup", "delete", "missing.zip"),
    ("files", "take-over"),
    ("superuser", "upsert", "a@example.com", "long-enough-1"),
]


@pytest.mark.parametrize("command", CONFIGURED, ids=" ".join)
def test_a_misspelt_variable_is_said_by_each_command_that_is_configured(tmp_path, command):
    """The list was that of the data directory, without a word of the bucket that was meant."""
    directory = tmp_path / "pb_data"
    assert run("superuser", "upsert", "a@example.com", "long-enough-1", "--dir", directory, "--config=").returncode == 0
    place = (directory,) if command == ("check",) else ("--dir", directory)
    plain = run(*command, *place, "--config=")
    # What belongs to the server's flags is its business.
    env = {"BOSBASE_BACKUP_S3_BUCKET": SECRET, "BOSBASE_ACME_ROOT": "root.pem", "BOSBASE_SUPERUSER_EMAIL": "a@example.com", "MY_KEY": "k", "BOSBASE_KEYS": ""}
    done = run(*command, *place, "--config=", env=env)
    told = "Note: The environment variable BOSBASE_BACKUP_S3_BUCKET is none of this program's and has no effect. Did you mean BOSBASE_BACKUPS_S3_BUCKET?"
    assert done.stderr.splitlines()[:1] == [told] and done.stderr.count("BOSBASE_") == 2 and SECRET not in done.stderr, done.stderr
    assert done.returncode == plain.returncode and "has no effect" not in plain.stderr, plain
    # One that the command line names is meant.
    named = run(*command, *place, "--config=", "--encryptionEnv=BOSBASE_OWN_KEY", env={"BOSBASE_OWN_KEY": "k" * 32})
    assert "has no effect" not in named.stderr, named.stderr


def test_commands_that_are_not_configured_say_nothing_of_variables(tmp_path):
    for command in ("routes",), ("completions", "bash"), ("manual", tmp_path), ("--version",), ("backup", "--help"):
        done = run(*command, env={"BOSBASE_BACKUP_S3_BUCKET": "acme"})
        assert done.returncode == 0 and done.stderr == "", done


def test_a_directory_of_pages_that_is_not_there_is_said_at_the_start(launch):
    assert "There is no directory nowhere (--publicDir)" in launch(flags=["--publicDir", "nowhere"]).log()


def test_hooks_that_stop_the_start_stop_config_check(tmp_path):
    """It called the configuration good, and the start was refused."""
    (tmp_path / "pb_hooks").mkdir()
    (tmp_path / "pb_hooks" / "main.pb.js").write_text("x")
    for command in ("config", "check"), ("serve", "--http", f"127.0.0.1:{free_port()}"):
        done = run(*command, "--config=", "--dir", tmp_path / "data")
        assert done.returncode == exit_code(command) and "holds main.pb.js" in done.stderr and "--ignore-hooks" in done.stderr, done
    done = run("config", "check", "--config=", "--dir", tmp_path / "data", "--ignore-hooks", "--hooksPool", "5", "--publicDir", "nowhere")
    assert "Note: There is no directory nowhere (--publicDir)" in done.stderr
    assert done.returncode == 0 and "Note: Without effect: --hooksPool." in done.stderr, done


def test_a_wrong_variable_is_told_by_its_name(tmp_path):
    done = run("config", "check", "--config=", env={"BOSBASE_QUERY_TIMEOUT": "soon"})
    assert done.returncode == 2 and "BOSBASE_QUERY_TIMEOUT (environment)" in done.stderr and len(done.stderr.splitlines()) == 1, done.stderr
    done = run("config", "check", "--config=", env={"BOSBASE_BACKUP_S3_SECRET": SECRET})
    assert done.returncode == 1 and "BOSBASE_BACKUP_S3_SECRET" in done.stderr and SECRET not in done.stderr
    done = run("config", "check", "--config", tmp_path / "missing.env")
    assert done.returncode == 2 and "missing.env" in done.stderr and len(done.stderr.splitlines()) == 1, done.stderr
    # What was typed is told as it was.
    done = run("serve", "--queryTimeout=soon", env={"BOSBASE_DEV": "maybe"})
    assert done.returncode == 2 and "--queryTimeout" in done.stderr and "BOSBASE_DEV" not in done.stderr


def test_an_address_without_a_port_is_refused_before_anything_is_opened(tmp_path):
    """`config check` called it good, and the start failed."""
    for command in (["serve"], ["config", "check"]):
        for address in ("8306", "foo", "127.0.0.1:99999", "127.0.0.1:"):
            for flag in ("--http", "--https"):
                told = run(*command, flag, address, "--dir", tmp_path / "none", "--config=")
                assert told.returncode == exit_code(command) and f"{flag} can't be" in told.stderr and "HOST:PORT" in told.stderr, told
    assert not (tmp_path / "none").exists()


def test_secrets_are_not_shown(tmp_path):
    bucket = {"BUCKET": "acme", "REGION": "r", "ENDPOINT": "http://127.0.0.1:1", "FORCE_PATH_STYLE": "true", "ACCESS_KEY": SECRET, "SECRET": SECRET}
    variables = {f"BOSBASE_{kind}_S3_{name}": value for kind in ("BACKUPS", "STORAGE") for name, value in bucket.items()}
    variables |= {"BOSBASE_METRICS_TOKEN": SECRET, "BOSBASE_SUPERUSER_EMAIL": "a@example.com", "BOSBASE_SUPERUSER_PASSWORD": SECRET}
    said = check("--config=", env=variables)
    assert said["BOSBASE_BACKUPS_S3_BUCKET"] == ("acme", "environment")
    hidden = {name for name, (value, _) in said.items() if value == "(hidden)"}
    assert hidden == {name for name, value in variables.items() if value == SECRET}
    assert SECRET not in run("config", "check", "--config=", env=variables).stdout


def test_what_the_package_installs_is_read_with_every_line_in_force(tmp_path):
    """Each line of the file that is shown as an example is one that can be taken."""
    text = (ROOT / "packaging" / "bosbase.env").read_text()
    lines = [re.sub(r"^#(?=[A-Z_0-9]+=)", "", line) for line in text.splitlines()]
    filled = [line + {"KEY": "k" * 32}.get(line[-4:-1], "x" * 12) if line.endswith("=") else line for line in lines if not line.startswith("BOSBASE_HTTP=")]
    said = check("--config", file_with(tmp_path, *filled), "--dir", tmp_path / "data")
    assert sum(origin.startswith("file") for _, origin in said.values()) == sum("=" in line and not line.startswith("#") for line in filled) - 1
    assert said["BOSBASE_ENCRYPTION_KEY"][0] == "(hidden)"
    untouched = check("--config", ROOT / "packaging" / "bosbase.env")
    assert untouched["BOSBASE_DIR"] == ("/var/lib/bosbase", f"file, line {lines.index('BOSBASE_DIR=/var/lib/bosbase') + 1}"), untouched


def test_each_setting_is_listed_once_and_a_typo_is_held_against_the_names_there_are(tmp_path):
    """The key stood there twice, and a mistyped key had to be looked up."""
    lines = ("BOSBASE_ENCRYPTION_ENV=BOSBASE_ENCRYPTION_KEY", "BOSBASE_ENCRYPTION_KEY=" + "k" * 32)
    done = run("config", "check", "--config", file_with(tmp_path, *lines), "--dir", tmp_path / "data")
    names = [line.split()[0] for line in done.stdout.splitlines()[1:]]
    assert done.returncode == 0 and "BOSBASE_ENCRYPTION_KEY" in names and sorted(names) == sorted(set(names)), names
    done = run("config", "check", "--config", file_with(tmp_path, f"BOSBASE_BACKUP_S3_BUCKET={SECRET}"))
    assert done.stderr.endswith("line 1: BOSBASE_BACKUP_S3_BUCKET is none of this program's settings. Did you mean BOSBASE_BACKUPS_S3_BUCKET?\n")
    done = run("config", "check", "--config=", env={"BOSBASE_HTPP": ":80"})
    assert done.returncode == 1 and done.stderr.endswith("Did you mean BOSBASE_HTTP?\n"), done.stderr


def test_a_bucket_that_cannot_be_found_by_its_name_is_told_with_the_way_out(tmp_path):
    bucket = {"BUCKET": "acme", "REGION": "r", "ACCESS_KEY": "a", "SECRET": SECRET}
    variables = {f"BOSBASE_BACKUPS_S3_{name}": value for name, value in bucket.items()}
    for endpoint, told in (
        ("http://127.0.0.1:9000", "its host is an IP address, which has no names below it: set forcePathStyle to true"),
        ("http://nowhere.invalid", "the name is acme.nowhere.invalid; where the provider has no name for each bucket, set forcePathStyle to true"),
    ):
        done = run("backup", "list", "--config=", "--dir", tmp_path / "data", env={**variables, "BOSBASE_BACKUPS_S3_ENDPOINT": endpoint})
        assert done.returncode == 1 and told in done.stderr and SECRET not in done.stderr, done.stderr
