"""A bucket of uploaded files belongs to one data directory, and no other deletes in it: a copy of the data names the bucket of the original."""

import shutil
import time

import pytest

from harness.client import wait_for
from harness.programs import BOSBASE, POCKETBASE

from .files import BUCKET, collection, create, delete, environment, expire, gone, keep_in, keys, read

pytestmark = pytest.mark.ours


def says_foreign(server):
    return server.root().get("/api/health")["data"].get("filesBucketOwned") is False


def stays(server, s3, *records):
    """What was to be removed is worked off at once where it may be, else never."""
    if (server.directory / ".bosbase" / "undo.json").exists():
        # For as long as that may be had back, nothing would be deleted in any case.
        expire(server)
    else:
        server.stop()
        server.start()
    wait_for(lambda: says_foreign(server), 20, "the health check to say it")
    time.sleep(3)
    assert set(keys(*records)) <= set(s3.objects(BUCKET)), "it was deleted"
    assert "the bucket of the uploaded files" in server.log(10**6) and "bosbase files take-over" in server.log(10**6)


@pytest.fixture
def production(launch, s3):
    server = launch()
    root = server.root()
    keep_in(root, s3)
    collection(root)
    return server


def rehearsal(launch, production, tmp_path, backup, name="rehearsal"):
    """Another machine, on which a backup of production is restored."""
    archive = tmp_path / f"{name}.zip"
    archive.write_bytes(production.root().download(backup))
    directory = tmp_path / name / "pb_data"
    BOSBASE.run("backup", "import", archive, "--dir", directory)
    BOSBASE.run("backup", "restore", archive.name, "--dir", directory)
    return launch(directory=directory, superuser=False)


def test_a_rehearsal_of_a_restore_deletes_nothing_that_is_productions(launch, production, s3, tmp_path):
    root = production.root()
    first, second = create(root, b"first"), create(root, b"second")
    root.back_up("a.zip")
    wait_for(lambda: s3.owner(BUCKET), 20, "the mark")
    copy = rehearsal(launch, production, tmp_path, "a.zip")
    delete(copy.root(), first)
    stays(copy, s3, first, second)
    assert read(production.client(), first, first["files"][0]).content == b"first"
    assert not says_foreign(production)
    # What the copy stores it can serve; it adds and never takes away.
    added = create(copy.root(), b"added")
    assert read(copy.client(), added, added["files"][0]).content == b"added"
    # What a restore on the copy replaced goes for good when its time is over, and what that alone named stays.
    root.delete(f"/api/collections/docs/records/{second['id']}")
    gone(s3, keys(second))
    third = create(root, b"third")
    root.back_up("b.zip")
    again = rehearsal(launch, production, tmp_path, "b.zip", "again")
    archive = tmp_path / "rehearsal.zip"
    again.root().upload(archive)
    again.root().restore("rehearsal.zip")
    stays(again, s3, third)
    # Production goes on as before, a restore of its own included.
    root.restore("a.zip")
    root = production.root()
    delete(production.root(), first)
    expire(production)
    gone(s3, keys(first))
    assert not says_foreign(production)


def test_a_copied_directory_deletes_nothing_until_it_takes_over(launch, production, s3, tmp_path):
    root = production.root()
    first, second = create(root, b"first"), create(root, b"second")
    owner = wait_for(lambda: s3.owner(BUCKET), 20, "the mark")
    production.stop()
    shutil.copytree(production.directory, tmp_path / "copy" / "pb_data")
    production.start()
    copy = launch(directory=tmp_path / "copy" / "pb_data", superuser=False)
    delete(copy.root(), first)
    stays(copy, s3, first, second)
    assert s3.owner(BUCKET) == owner
    said = BOSBASE.run("files", "take-over", "--dir", copy.directory).stdout
    assert f"bucket {BUCKET} at http://{s3.address}" in said and str(production.directory) in said, said
    assert "begins no deletion there later than five seconds from now" in said, said
    assert s3.owner(BUCKET) not in (owner, None)
    copy.stop()
    copy.start()
    gone(s3, keys(first))
    assert not says_foreign(copy)
    # The machine that was moved from is not to delete any more: it looks every five seconds.
    time.sleep(6)
    delete(production.root(), second)
    stays(production, s3, second)
    # A directory that is only moved stays the owner.
    copy.stop()
    moved = tmp_path / "moved" / "pb_data"
    moved.parent.mkdir()
    copy.directory.rename(moved)
    copy = launch(directory=moved, superuser=False)
    delete(copy.root(), second)
    gone(s3, keys(second))


def test_pocketbases_bucket_is_adopted_by_hand(launch, s3, tmp_path):
    """Whoever tries this program on a copy of PocketBase's data must not lose PocketBase's files."""
    theirs = launch(POCKETBASE)
    root = theirs.root()
    keep_in(root, s3)
    collection(root)
    record, other = create(root, b"one"), create(root, b"two")
    theirs.stop()
    shutil.copytree(theirs.directory, tmp_path / "tried" / "pb_data")
    tried = launch(directory=tmp_path / "tried" / "pb_data", superuser=False)
    delete(tried.root(), record)
    stays(tried, s3, record)
    assert s3.owner(BUCKET) is None
    # Naming it once more is not enough where something lies in it.
    tried.root().patch("/api/settings", json={"s3": {"enabled": False}})
    keep_in(tried.root(), s3)
    stays(tried, s3, record)
    assert s3.owner(BUCKET) is None
    theirs.start()
    assert read(theirs.client(), record, record["files"][0]).content == b"one"
    BOSBASE.run("files", "take-over", "--dir", tried.directory)
    tried.stop()
    tried.start()
    gone(s3, keys(record))
    # PocketBase looks at no mark, nor removes it.
    theirs.root().delete(f"/api/collections/docs/records/{other['id']}")
    gone(s3, keys(other))
    assert s3.owner(BUCKET)


def test_a_new_machine_with_a_new_bucket_owns_it(launch, production, s3, tmp_path):
    root = production.root()
    record = create(root, b"precious")
    root.back_up("a.zip")
    (s3.directory / "fresh").mkdir()
    archive = tmp_path / "a.zip"
    archive.write_bytes(root.download("a.zip"))
    directory = tmp_path / "new" / "pb_data"
    env = environment(s3, bucket="fresh")
    BOSBASE.run("backup", "import", archive, "--dir", directory)
    BOSBASE.run("backup", "restore", archive.name, "--dir", directory, env=env)
    new = launch(directory=directory, superuser=False, env=env)
    assert set(keys(record)) <= set(s3.objects("fresh")) and s3.owner("fresh")
    delete(new.root(), record)
    expire(new)
    wait_for(lambda: not set(keys(record)) & set(s3.objects("fresh")), 20, "it to go")
    assert set(keys(record)) <= set(s3.objects(BUCKET)) and not says_foreign(new)


def test_who_names_an_empty_bucket_owns_it_however_soon_something_lies_there(server, s3, proxy_to):
    """Who looks whether it is empty must not find the very first upload."""
    proxy = proxy_to(s3)
    root = server.root()
    collection(root)
    proxy.rule = lambda request: "slow" if request.is_list else None
    keep_in(root, s3, proxy.url)
    record = create(root, b"first")
    wait_for(lambda: s3.owner(BUCKET), 20, "the mark")
    delete(server.root(), record)
    gone(s3, keys(record))
    assert not says_foreign(server)


def test_who_is_still_looking_when_another_of_its_threads_marks_the_bucket_owns_it(server, s3, proxy_to):
    """It found files in what it had seen without a mark, and held the bucket for nobody's for a minute."""
    proxy = proxy_to(s3)
    root = server.root()
    collection(root)
    proxy.rule = lambda request: "slow" if request.is_list and proxy.count("slow") == 0 else None
    keep_in(root, s3, proxy.url)
    wait_for(lambda: proxy.count("slow"), 20, "a look at the bucket")
    record = create(root, b"first")
    delete(server.root(), record)
    gone(s3, keys(record))
    assert not says_foreign(server)


def test_a_copy_makes_no_empty_bucket_its_own(launch, production, s3, tmp_path):
    """Production may run a version that knows no owners yet, or its bucket was made anew."""
    owner = wait_for(lambda: s3.owner(BUCKET), 20, "the mark")
    production.stop()
    shutil.copytree(production.directory, tmp_path / "copy" / "pb_data")
    shutil.rmtree(s3.directory / BUCKET)
    (s3.directory / BUCKET).mkdir()
    copy = launch(directory=tmp_path / "copy" / "pb_data", superuser=False)
    wait_for(lambda: says_foreign(copy), 20, "the health check to say it")
    assert s3.owner(BUCKET) is None
    # What somebody named by hand is its own anew.
    production.start()
    assert wait_for(lambda: s3.owner(BUCKET), 20, "the mark") == owner
    assert not says_foreign(production)


def test_an_empty_bucket_of_the_environment_is_taken_over_by_hand(launch, s3, proxy_to):
    proxy = proxy_to(s3)
    env = environment(s3, proxy.url)
    server = launch(env=env)
    root = server.root()
    collection(root)
    wait_for(lambda: says_foreign(server), 20, "the health check to say it")
    asked = proxy.marks_asked
    records = [create(root, b"some") for _ in range(10)]
    for record in records:
        delete(server.root(), record)
    time.sleep(1)
    # Every removal asked again, and read all that waited.
    assert proxy.marks_asked - asked <= 2, proxy.marks_asked - asked
    assert set(keys(*records)) <= set(s3.objects(BUCKET)) and s3.owner(BUCKET) is None
    assert "\nbosbase_files_bucket_owned 0\n" in root.send("GET", "/api/metrics").text
    BOSBASE.run("files", "take-over", "--dir", server.directory, env=env)
    # Beside the running server, which asks once a minute.
    gone(s3, keys(*records), 100)
    assert not says_foreign(server)
    assert "\nbosbase_files_bucket_owned 1\n" in root.send("GET", "/api/metrics").text


@pytest.mark.parametrize("how", ["slow", "500"])
def test_who_loses_the_bucket_stops_in_the_middle_of_a_collection(launch, s3, proxy_to, tmp_path, how):
    """It asked before the first file only, and deleted for as long as the collection lasted; and tried again for two minutes."""
    proxy = proxy_to(s3)
    server = launch()
    root = server.root()
    keep_in(root, s3, proxy.url)
    collection(root)
    records = [create(root, b"some") for _ in range(60)]
    wait_for(lambda: s3.owner(BUCKET), 20, "the mark")
    server.stop()
    shutil.copytree(server.directory, tmp_path / "copy" / "pb_data")
    server.start()

    def deletions():
        with proxy.lock:
            return sum(1 for request, _ in proxy.seen if request.method == "DELETE")

    proxy.rule = lambda request: how if request.method == "DELETE" else None
    root.delete("/api/collections/docs")
    wait_for(lambda: deletions() > 1, 20, "the first deletions")
    BOSBASE.run("files", "take-over", "--dir", tmp_path / "copy" / "pb_data")
    time.sleep(7)
    before = deletions()
    time.sleep(6)
    assert deletions() == before
    assert len(set(keys(*records)) & set(s3.objects(BUCKET))) > 20
    assert says_foreign(server)


def test_there_is_nothing_to_take_over_without_a_bucket(server):
    refused = BOSBASE.run("files", "take-over", "--dir", server.directory, check=False)
    assert refused.returncode == 1 and "settings.s3 is not enabled" in refused.stderr
