"""`superuser …`: what both PocketBase and bosbase do."""

import pytest

from harness.programs import BOSBASE


def logs_in(launch, directory, email, password):
    server = launch(BOSBASE, directory, superuser=False)
    try:
        answer = server.client().send(
            "POST",
            "/api/collections/_superusers/auth-with-password",
            json={"identity": email, "password": password},
            expect=(200, 400),
        )
        return answer.status_code == 200
    finally:
        server.stop()


def test_superusers_are_created_changed_and_deleted(launch, tmp_path):
    directory = tmp_path / "pb_data"
    # In a mistyped directory it said that all went well, and the login failed.
    said = BOSBASE.run("superuser", "create", "one@example.com", "first-1234", "--dir", directory).stdout
    assert "new data directory was made there" in said and str(directory) in said
    assert logs_in(launch, directory, "one@example.com", "first-1234")
    BOSBASE.run("superuser", "update", "one@example.com", "second-1234", "--dir", directory)
    assert not logs_in(launch, directory, "one@example.com", "first-1234")
    assert logs_in(launch, directory, "one@example.com", "second-1234")
    BOSBASE.run("superuser", "upsert", "one@example.com", "third-1234", "--dir", directory)
    said = BOSBASE.run("superuser", "upsert", "two@example.com", "other-1234", "--dir", directory).stdout
    assert "new data directory" not in said
    assert logs_in(launch, directory, "two@example.com", "other-1234")
    BOSBASE.run("superuser", "delete", "one@example.com", "--dir", directory)
    assert not logs_in(launch, directory, "one@example.com", "third-1234")


@pytest.mark.parametrize(
    "arguments",
    [
        ("create", "no-address", "long-enough-1"),
        ("create", "a@example.com", "short"),
        ("create", "taken@example.com", "long-enough-1"),
        ("update", "missing@example.com", "long-enough-1"),
    ],
    ids=" ".join,
)
def test_what_cannot_be_done_is_told_in_a_line(arguments, tmp_path):
    directory = tmp_path / "pb_data"
    BOSBASE.superuser(directory, "taken@example.com")
    done = BOSBASE.run("superuser", *arguments, "--dir", directory, check=False)
    assert done.returncode != 0
    said = (done.stderr + done.stdout).strip()
    assert said and "panicked" not in said and "long-enough-1" not in said, said


@pytest.mark.ours
@pytest.mark.parametrize(
    "arguments",
    [
        ("delete", "a@example.com", "s3cret-Word"),
        ("otp", "a@example.com", "s3cret-Word"),
        ("unlock", "s3cret-Word"),
        ("upsert", "a@example.com", "long-enough-1", "s3cret-Word"),
        ("upsert", "a@example.com", "--s3cret-Word"),
        ("upsert", "a@example.com", "-s3cret-Word"),
        ("s3cret-Word",),
        ("upsrt", "a@example.com", "s3cret-Word"),
    ],
    ids=" ".join,
)
def test_a_word_that_was_not_expected_is_not_shown(arguments, tmp_path):
    """A password in the wrong place stood in the terminal, and in the log of what had run the command."""
    done = BOSBASE.run("superuser", *arguments, "--dir", tmp_path / "pb_data", check=False)
    assert done.returncode == 2 and "Word" not in done.stderr + done.stdout, done
    assert "See: bosbase superuser" in done.stderr and len(done.stderr.splitlines()) == 1
    assert not (tmp_path / "pb_data").exists()


@pytest.mark.ours
def test_a_flag_that_is_mistyped_is_named(tmp_path):
    done = BOSBASE.run("superuser", "upsert", "a@example.com", "s3cret-Word", "--directory", tmp_path, check=False)
    assert done.returncode == 2 and "--directory" in done.stderr and "s3cret-Word" not in done.stderr, done


@pytest.mark.ours
@pytest.mark.parametrize("arguments", [("a@example.com", "s3cret-Word"), ("s3cret-Word",), ("superuser", "upsert", "a@example.com", "s3cret-Word"), ("--password", "s3cret-Word"), ("--password=s3cret-Word",)])
def test_serve_does_not_show_a_password(arguments, tmp_path):
    """`serve EMAIL PASSWORD` ordered a certificate for the password, and wrote it into the log each minute."""
    done = BOSBASE.run("serve", *arguments, "--dir", tmp_path / "pb_data", check=False, timeout=30)
    assert done.returncode in (1, 2) and "Word" not in done.stderr + done.stdout, done
    assert not (tmp_path / "pb_data").exists()


def test_a_superuser_made_beside_a_running_server_can_log_in_at_once(server):
    server.program.superuser(server.directory, "late@example.com", "late-pass-1")
    assert server.root("late@example.com", "late-pass-1").get("/api/backups") == []
