"""What the command line says to somebody who mistyped, and whom it does not leave with a riddle."""

import os
import shutil
import stat
import subprocess
import tempfile
from pathlib import Path

import pytest

from harness.programs import BOSBASE, EMAIL, PASSWORD

pytestmark = pytest.mark.ours


def said(*arguments, **rest):
    """What a command that fails says of it."""
    done = BOSBASE.run(*arguments, check=False, **rest)
    assert done.returncode in (1, 2), done
    return done.stderr


@pytest.mark.parametrize("name", ("restore <KEY>", "list", "create", "undo", "extract <KEY> <COLLECTION>", "verify <KEY>", "delete <KEY>", "import <FILE>", "export <KEY> <FILE>", "take-over"))
def test_a_command_below_another_is_named_with_that(name):
    """`bosbase restore first.zip` was answered with a hint at `serve`."""
    told = said(name.split()[0], "first.zip")
    assert f"It is: bosbase backup {name}." in told and "serve" not in told, told


def test_what_takes_the_place_of_pocketbase_s_commands_is_said():
    assert "A new version is a new program" in said("update") and "with PocketBase before you switch" in said("migrate", "up")
    assert "as a value" not in said("backup", "create", "--name", "x.zip")


def test_the_flag_of_the_address_and_the_variable_of_the_password_are_named():
    for flag in ("--port", "--host"):
        assert "--http 127.0.0.1:8091" in said("serve", flag, "8091")
    told = said("superuser", "upsert", EMAIL)
    assert "BOSBASE_SUPERUSER_PASSWORD" in told and "<PASSWORD>" in told
    # Where nothing is alike, the commands are named.
    assert "Did you mean" not in said("nonsense") and "Its commands are serve, check, " in said("nonsense")


WRONG = {
    "": "bosbase needs a command. Its commands are serve, check, config, completions, routes, backup, files and superuser. See: bosbase --help.",
    "--dir x": "bosbase needs a command. Its commands are serve, ",
    "backup": "bosbase backup needs a command. Its commands are create, list, status, verify, restore, extract, undo, take-over, delete, export and import. See: bosbase backup --help.",
    "backup restroe": "bosbase backup has no command restroe. Did you mean restore? See: bosbase backup --help.",
    "srve": "bosbase has no command srve. Did you mean serve? See: bosbase --help.",
    "help nonsense": "bosbase has no command nonsense. Its commands are serve, ",
    "backup restore": "bosbase backup restore needs <KEY>. See: bosbase backup restore --help.",
    "backup export": "bosbase backup export needs <KEY> and <FILE>. See: bosbase backup export --help.",
    "backup extract one.zip": "bosbase backup extract needs <COLLECTION> and <ID>. Name the records by their ids, or by --filter <FILTER> in place of these. See: bosbase backup extract --help.",
    "backup extract one.zip users a --filter x": "can't be used together with",
    "backup list more": "bosbase backup list does not take more. See: bosbase backup list --help.",
    "backup undo --yes=1": '--yes takes no value "1". See: bosbase backup undo --help.',
    "superuser otp": "bosbase superuser otp needs <EMAIL>. See: bosbase superuser otp --help.",
    "completions powershel": '<SHELL> can\'t be "powershel": bash, elvish, fish, powershell or zsh is expected. Did you mean powershell? See: bosbase completions --help.',
    "serve --htp :80": "bosbase serve does not take --htp. Did you mean --http? See: bosbase serve --help.",
    "serve --http": "--http <HOST:PORT> needs a value. See: bosbase serve --help.",
    "serve --dev=maybe": '--dev[=<BOOL>] can\'t be "maybe": true or false is expected. See: bosbase serve --help.',
    "--queryTimeout=soon serve": '--queryTimeout <SECONDS> can\'t be "soon": a whole number is expected. See: bosbase serve --help.',
    "serve --hooksPool 1.5": '--hooksPool <NUMBER> can\'t be "1.5": a whole number is expected. See: bosbase serve --help.',
    "backup delete a.zip --yse": "bosbase backup delete does not take --yse.",
    "-http=127.0.0.1:0": "A flag has two dashes: --http, not -http. See: bosbase --help.",
    "serve -http 127.0.0.1:0": "A flag has two dashes: --http, not -http. See: bosbase serve --help.",
    "-dev serve": "A flag has two dashes: --dev, not -dev. See: bosbase serve --help.",
    "serve -dir=x": "A flag has two dashes: --dir, not -dir. See: bosbase serve --help.",
    "serve -help": "A flag has two dashes: --help, not -help. See: bosbase serve --help.",
    "backup list -hello": "bosbase backup list does not take -hello. See: bosbase backup list --help.",
    "serve --dir -http=x": "--dir <DIR> needs a value. See: bosbase serve --help.",
    "superuser upsert --email a@b.co --password 12345678": "bosbase superuser upsert does not take --email. It is: bosbase superuser upsert <EMAIL> <PASSWORD>. See: ",
    "superuser create --email=a@b.co": "bosbase superuser create does not take --email. It is: bosbase superuser create <EMAIL> <PASSWORD>. See: ",
    "superuser update a@b.co --password=12345678": "bosbase superuser update does not take --password. It is: bosbase superuser update <EMAIL> <PASSWORD>. See: ",
    "superuser delete --email a@b.co": "bosbase superuser delete does not take --email. It is: bosbase superuser delete <EMAIL>. See: ",
    "superuser otp --user a@b.co": "bosbase superuser otp does not take one of the words that were typed (not shown, as it may be a password). It is: bosbase superuser otp <EMAIL>. See: ",
    "superuser otp a@b.co geheim": "bosbase superuser otp does not take one of the words that were typed (not shown, as it may be a password). It is: bosbase superuser otp <EMAIL>. See: ",
    "backup restore --name a.zip": "bosbase backup restore does not take --name. It is: bosbase backup restore <KEY>. See: ",
    "backup create --name a.zip": "bosbase backup create does not take --name. It is: bosbase backup create [NAME]. See: ",
    "backup export --key a.zip --file b.zip": "bosbase backup export does not take --key. It is: bosbase backup export <KEY> <FILE>. See: ",
    "backup import a.zip --name b.zip": "bosbase backup import does not take --name. It is: bosbase backup import <FILE> [NAME]. See: ",
    "backup verify a.zip b.zip": "bosbase backup verify does not take b.zip. It is: bosbase backup verify <KEY>. See: ",
    "backup extract a.zip users --id x": "bosbase backup extract does not take --id. It is: bosbase backup extract <KEY> <COLLECTION> [ID]. See: ",
    "serve --domain example.com": "bosbase serve does not take --domain. It is: bosbase serve [DOMAINS]. See: ",
    "check --directory x": "bosbase check does not take --directory. It is: bosbase check [DIRECTORY]. See: ",
    "completions --shell bash": "bosbase completions does not take --shell. It is: bosbase completions <SHELL>. See: ",
    "superuser nonsense": "bosbase superuser has no command of the name that was typed (not shown, as it may be a password). See: bosbase superuser --help.",
}


@pytest.mark.parametrize("typed", WRONG)
def test_what_is_wrong_with_a_command_line_is_said_in_one_line(typed):
    """It took four lines and more, with the usage, and `bosbase backup` alone printed the whole help as an error."""
    done = BOSBASE.run(*typed.split(), check=False)
    assert done.returncode == 2 and done.stdout == "", done
    (line,) = done.stderr.splitlines()
    assert line.startswith("Error: ") and WRONG[typed] in line and line.endswith(" --help."), line


def test_a_line_stays_one_where_a_word_has_several():
    for typed in (("a\nb",), ("serve", "--a\nb"), ("serve", "--queryTimeout", "a\nb"), ("backup", "list", "a\n\x1b[2J")):
        (line,) = said(*typed).splitlines()
        assert "\\n" in line and "\x1b" not in line, line
    done = subprocess.run([BOSBASE.path, b"serve", b"--http", b"\xff"], capture_output=True, timeout=60)
    assert done.returncode == 2 and len(done.stderr.splitlines()) == 1 and b"UTF-8" in done.stderr, done


def test_help_is_asked_for_without_an_error():
    for typed in (("--help",), ("-h",), ("help",), ("backup", "--help"), ("--version",)):
        done = BOSBASE.run(*typed)
        assert done.stderr == "" and len(done.stdout.splitlines()) >= 1, done


def test_an_empty_list_says_where_it_looked(tmp_path):
    directory = tmp_path / "pb_data"
    BOSBASE.superuser(directory)
    done = BOSBASE.run("backup", "list", "--dir", directory)
    assert done.stdout == "" and done.stderr == f"Note: There are no backups in {directory / 'backups'}.\n"
    (tmp_path / "other").mkdir()
    done = BOSBASE.run("backup", "list", "--dir", tmp_path / "other")
    assert "There are no backups in" in done.stderr and f"There is no data.db in {tmp_path / 'other'}" in done.stderr


def test_a_name_that_cannot_be_a_backups_is_told_with_the_form_and_one_that_is_taken_as_taken(tmp_path):
    directory = tmp_path / "pb_data"
    BOSBASE.superuser(directory)
    told = said("backup", "create", "My Backup.zip", "--dir", directory)
    assert '"My Backup.zip"' in told and "lower case letters, digits, - and _" in told and ".zip" in told
    BOSBASE.run("backup", "create", "first.zip", "--dir", directory)
    assert "The backup first.zip already exists." in said("backup", "create", "first.zip", "--dir", directory)
    (tmp_path / "junk.zip").write_bytes(b"no archive")
    assert said("backup", "import", tmp_path / "junk.zip", "--dir", directory).splitlines()[-1] == f"Error: {tmp_path / 'junk.zip'} is no ZIP archive."
    shutil.copy(directory / "backups" / "first.zip", tmp_path / "first.zip")
    assert "The backup first.zip already exists." in said("backup", "import", tmp_path / "first.zip", "--dir", directory)


def test_a_wrong_filter_is_told_without_brackets(tmp_path):
    directory = tmp_path / "pb_data"
    BOSBASE.superuser(directory)
    BOSBASE.run("backup", "create", "first.zip", "--dir", directory)
    told = said("backup", "extract", "first.zip", "users", "--filter", "id ~~ 3", "--dir", directory)
    assert told.startswith("Error: The filter can't be used: ") and told.endswith(".\n") and "(" not in told, told


def test_a_record_whose_parent_is_gone_is_told_of_once(server):
    """Its sentence stood there twice."""
    root = server.root()
    books = root.post("/api/collections", json={"name": "books", "type": "base", "fields": [{"name": "title", "type": "text"}]})
    relation = {"name": "book", "type": "relation", "collectionId": books["id"], "required": True, "cascadeDelete": True, "maxSelect": 1}
    root.post("/api/collections", json={"name": "chapters", "type": "base", "fields": [relation]})
    book = root.post("/api/collections/books/records", json={"title": "one"})
    chapter = root.post("/api/collections/chapters/records", json={"book": book["id"]})
    root.back_up("one.zip")
    root.delete(f"/api/collections/books/records/{book['id']}")
    told = said("backup", "extract", "one.zip", "chapters", chapter["id"], "--into", "live", "--dir", server.directory)
    assert told.count("Bring that back too.") == 1, told


def test_an_undo_that_leaves_nothing_is_asked_for_twice(tmp_path):
    """It went back to an empty application without a word, and then advised to unlock superusers that there were not."""
    source, directory = tmp_path / "source", tmp_path / "pb_data"
    BOSBASE.superuser(source)
    BOSBASE.run("backup", "create", "first.zip", "--dir", source)
    BOSBASE.run("backup", "import", source / "backups" / "first.zip", "--dir", directory)
    BOSBASE.run("backup", "restore", "first.zip", "--dir", directory)
    before = (directory / "data.db").read_bytes()
    told = said("backup", "undo", "--dir", directory)
    assert "leaves an empty application" in told and "backup undo --yes" in told and (directory / "data.db").read_bytes() == before
    told = BOSBASE.run("backup", "undo", "--yes", "--dir", directory).stdout
    assert told.startswith("The application is empty again, as before the restore of first.zip.")
    assert "superuser upsert EMAIL PASSWORD" in told and "unlock" not in told
    assert "is an undo, after the restore of first.zip" in said("backup", "undo", "--dir", directory)
    told = BOSBASE.run("backup", "undo", "--yes", "--dir", directory).stdout
    assert told.startswith("The last undo is undone: the data that it took away is back.") and "Warning" not in told


def test_settings_that_are_encrypted_name_the_lines_that_are_missing(tmp_path):
    directory = tmp_path / "pb_data"
    BOSBASE.superuser(directory)
    key = {"A_KEY": "k" * 32}
    flags = ("--encryptionEnv", "A_KEY", "--dir", directory)
    BOSBASE.run("backup", "create", "first.zip", *flags, env=key)
    told = said("backup", "create", "second.zip", "--dir", directory)
    assert "BOSBASE_ENCRYPTION_ENV=BOSBASE_ENCRYPTION_KEY" in told and "BOSBASE_ENCRYPTION_KEY=…" in told, told


@pytest.fixture
def home():
    """A folder that other users reach, and a copy of the program beside it."""
    folder = Path(tempfile.mkdtemp(prefix="bosbase-hints-", dir="/tmp"))
    folder.chmod(0o755)
    shutil.copy(BOSBASE.path, folder / "bosbase")
    (folder / "bosbase").chmod(0o755)
    yield folder
    shutil.rmtree(folder)


AT_DIRECTORY = [("check",), *(("backup", *rest) for rest in (["list"], ["create"], ["verify", "a.zip"], ["restore", "a.zip"], ["undo"], ["extract", "a.zip", "users", "x"], ["delete", "a.zip"], ["take-over"])), ("superuser", "otp", EMAIL)]
ROOT_ALONE = pytest.mark.skipif(os.geteuid() != 0, reason="only root can act for another user")


@ROOT_ALONE
@pytest.mark.parametrize("mode", (0o700, 0o755))
def test_who_may_not_read_the_data_is_told_so(home, mode):
    """`check` said that there was no data.db."""
    directory = home / "pb_data"
    BOSBASE.run("superuser", "upsert", EMAIL, PASSWORD, "--dir", directory)
    BOSBASE.run("backup", "create", "a.zip", "--dir", directory)
    directory.chmod(mode)
    for arguments in AT_DIRECTORY:
        done = subprocess.run([home / "bosbase", *arguments, "--dir", directory], user=65534, group=65534, extra_groups=[], capture_output=True, text=True, timeout=60, cwd="/")
        told = done.stdout + done.stderr
        assert done.returncode in (1, 2) and "Run this as the owner of the data, or with sudo." in told, (arguments, told)
        assert "no data.db" not in told and told.count("with sudo") == 1, (arguments, told)


@ROOT_ALONE
def test_what_root_takes_out_of_anothers_data_is_roots_alone(home):
    """The archive and the records were open to everybody on the machine."""
    directory = home / "pb_data"
    directory.mkdir()
    os.chown(directory, 65534, 65534)
    before = os.umask(0o022)
    try:
        BOSBASE.run("superuser", "upsert", EMAIL, PASSWORD, "--dir", directory)
        BOSBASE.run("backup", "create", "a.zip", "--dir", directory)
        BOSBASE.run("backup", "export", "a.zip", home / "a.zip", "--dir", directory)
        BOSBASE.run("backup", "extract", "a.zip", "_superusers", "--filter", "id != ''", "--into", home / "taken", "--dir", directory)
    finally:
        os.umask(before)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (home / "a.zip", home / "taken", *(home / "taken").rglob("*"))}
    assert modes == {"a.zip": 0o600, "taken": 0o700, "_superusers.json": 0o600}
