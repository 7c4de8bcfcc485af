"""`unzip`, `7z`, Python's `zipfile` and PocketBase read every kind of entry and archive that is made here."""

import os
import shutil
import subprocess
import zipfile

import pytest

from harness.programs import POCKETBASE
from harness.sample import blob

pytestmark = pytest.mark.ours

MB = 1 << 20


def unzippers_agree(archive, entry_count=None):
    """All three test the whole archive."""
    subprocess.run(["unzip", "-tqq", archive], check=True, stdin=subprocess.DEVNULL, timeout=600)
    subprocess.run([shutil.which("7z") or "7zz", "t", "-bd", archive], check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, timeout=600)
    with zipfile.ZipFile(archive) as opened:
        assert opened.testzip() is None
        names = opened.namelist()
        assert len(names) == len(set(names))
        if entry_count is not None:
            assert len(names) >= entry_count


@pytest.fixture
def stray(server):
    """A folder of the data directory that is packed as it is."""
    folder = server.directory / "storage" / "stray"
    folder.mkdir(parents=True)
    return folder


def archive_of(server, key):
    server.root().back_up(key, 300)
    return server.directory / "backups" / key


def restores_in_pocketbase(launch, archive, *files):
    """PocketBase takes it in, restores it, and has the files."""
    theirs = launch(POCKETBASE)
    root = theirs.root()
    (theirs.directory / "backups").mkdir(exist_ok=True)
    shutil.copyfile(archive, theirs.directory / "backups" / archive.name)
    root.restore(archive.name)
    for name, content in files:
        assert (theirs.directory / "storage" / "stray" / name).read_bytes() == content


def test_every_kind_of_entry(server, launch, stray):
    contents = {
        "empty": b"",
        "one byte": b"x",
        "small text.txt": b"hello " * 30,
        "small noise.bin": blob(1, 700),
        "a mebibyte of text": b"line of text\n" * (MB // 13),
        "long text": b"a longer line of text, the same again\n" * (7 * MB // 38),
        "long noise": blob(2, 5 * MB + 1),
        "noise, then text": blob(3, 2 * MB) + b"text " * MB,
        "ümlaut 文 🦀.bin": blob(4, 70_000),
        "n" * 250: b"a long name",
        "a 'quoted' \"name\" & more": b"q",
        "-dash": b"d",
    }
    for size in (65_534, 65_535, 65_536, 262_143, 262_144, 262_145, MB - 1, MB, MB + 1):
        contents[f"text of {size}"] = (b"0123456789abcdef" * (size // 16 + 1))[:size]
        contents[f"noise of {size}"] = blob(size, size)
    for name, content in contents.items():
        (stray / name).write_bytes(content)
    archive = archive_of(server, "kinds.zip")
    unzippers_agree(archive, len(contents))
    with zipfile.ZipFile(archive) as opened:
        methods = {info.compress_type for info in opened.infolist()}
        assert methods == {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
        assert any(info.flag_bits & 8 for info in opened.infolist()), "none was streamed"
        for name, content in contents.items():
            assert opened.read(f"storage/stray/{name}") == content, name
    restores_in_pocketbase(launch, archive, *contents.items())


def test_more_entries_than_a_plain_zip_can_count(server, launch, stray):
    count = 66_000
    for folder in range(66):
        (stray / f"{folder}").mkdir()
        for n in range(count // 66):
            (stray / f"{folder}" / f"{n}").write_bytes(b"%d" % n)
    archive = archive_of(server, "many.zip")
    unzippers_agree(archive, count)
    restores_in_pocketbase(launch, archive, ("65/999", b"999"))


@pytest.mark.skipif(not os.environ.get("BOSBASE_LONG"), reason="unpacks 4.5 GB four times; BOSBASE_LONG=1 runs it")
def test_an_entry_longer_than_a_plain_zip_can_say(server, stray):
    """4.5 GB of nothing: sparse on the disk, a few megabytes in the archive."""
    with open(stray / "huge", "wb") as file:
        file.truncate(4_500_000_000)
        file.seek(4_400_000_000)
        file.write(b"not nothing")
    assert os.stat(stray / "huge").st_blocks < 1000, "this file system has no sparse files"
    (stray / "zz behind").write_bytes(b"behind")
    archive = archive_of(server, "huge.zip")
    unzippers_agree(archive)
    with zipfile.ZipFile(archive) as opened:
        assert opened.getinfo("storage/stray/huge").file_size == 4_500_000_000
        assert opened.read("storage/stray/zz behind") == b"behind"
