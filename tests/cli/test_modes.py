"""Who may look into what the program creates: its user, and its group where the data directory says so."""

import os
import stat

import pytest

from harness.programs import BOSBASE
from harness.sample import make_application

pytestmark = pytest.mark.ours


@pytest.fixture(autouse=True)
def usual_umask():
    """What most machines have, whatever this one's is."""
    before = os.umask(0o022)
    yield
    os.umask(before)


def modes(directory):
    """The mode of everything there is, by its name."""
    paths = [directory, *directory.rglob("*")]
    return {str(path.relative_to(directory)): stat.S_IMODE(path.lstat().st_mode) for path in paths if not path.is_symlink()}


def assert_open(directory, files, folders, but=()):
    found = {name: mode for name, mode in modes(directory).items() if name not in but}
    for name, mode in found.items():
        wanted = folders if (directory / name).is_dir() else files
        # What SQLite makes is for nobody but the owner to write.
        allowed = {wanted, wanted & ~0o022} if ".db" in name else {wanted}
        assert mode in allowed, f"{name}: {mode:o}, not {wanted:o}"
    assert {"data.db", "backups/all.zip", ".bosbase/jobs.json"} <= set(found), sorted(found)


def use(launch, directory):
    """All that creates files: an application with uploads, a backup, a restore, and the databases' side files while it runs."""
    server = launch(directory=directory)
    root = server.root()
    make_application(root)
    root.back_up("all.zip")
    root.restore("all.zip")
    assert list(directory.glob("storage/*/*/*")) and (directory / "data.db-wal").exists()
    return server


def test_what_is_created_is_its_users_alone(launch, tmp_path):
    directory = tmp_path / "home" / "pb_data"
    use(launch, directory)
    assert_open(directory, 0o600, 0o700)
    BOSBASE.run("backup", "export", "all.zip", tmp_path / "taken.zip", "--dir", directory)
    assert stat.S_IMODE((tmp_path / "taken.zip").stat().st_mode) == 0o600


def test_a_directory_that_is_there_keeps_its_mode_and_one_for_everybody_tells_nothing(launch, tmp_path):
    """Docker's, and `mkdir`'s."""
    directory = tmp_path / "home" / "pb_data"
    directory.mkdir(parents=True)
    directory.chmod(0o755)
    (directory / "mine.txt").write_text("of before")
    server = launch(directory=directory)
    server.root().back_up("all.zip")
    assert modes(directory)["."] == 0o755 and modes(directory)["mine.txt"] == 0o644
    assert_open(directory, 0o600, 0o700, but=(".", "mine.txt"))


@pytest.mark.parametrize(("umask", "of_directory", "files", "folders"), [(0o022, 0o750, 0o640, 0o750), (0o002, 0o2770, 0o660, 0o2770), (0o077, 0o2770, 0o600, 0o2700)])
def test_a_directory_for_a_group_stays_the_groups_as_far_as_the_umask_allows(launch, tmp_path, umask, of_directory, files, folders):
    directory = tmp_path / "home" / "pb_data"
    directory.mkdir(parents=True)
    directory.chmod(of_directory)
    os.umask(umask)
    use(launch, directory)
    assert modes(directory)["."] == of_directory
    assert_open(directory, files, folders, but=(".",))


def test_a_restore_opens_no_file_further_than_what_is_created(launch, tmp_path):
    """An archive of a version, or a PocketBase, that left everything open to everybody."""
    directory = tmp_path / "home" / "pb_data"
    server = launch(directory=directory)
    root = server.root()
    (directory / "notes").mkdir()
    for name, mode in {"open.txt": 0o644, "run.sh": 0o755, "secret.txt": 0o600}.items():
        (directory / "notes" / name).write_text(name)
        (directory / "notes" / name).chmod(mode)
    root.back_up("all.zip")
    root.restore("all.zip")
    found = modes(directory)
    assert [oct(found[f"notes/{name}"]) for name in ("open.txt", "run.sh", "secret.txt")] == ["0o600", "0o700", "0o600"]
