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


def test_a_superuser_made_beside_a_running_server_can_log_in_at_once(server):
    server.program.superuser(server.directory, "late@example.com", "late-pass-1")
    assert server.root("late@example.com", "late-pass-1").get("/api/backups") == []
