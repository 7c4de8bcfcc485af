"""A server under everything at once for a while; each state that a backup, a restore or a recovery of records shows is held against the model.

Reproducible as far as concurrency allows: the seed decides what is done, not how the threads' requests meet.
"""

import contextlib
import io
import json
import random
import sqlite3
import tempfile
import threading
import time
import zipfile
from collections import Counter
from pathlib import Path

from harness.client import wait_for
from harness.jobs import jobs
from harness.programs import BOSBASE
from harness.sample import blob
from harness.server import Server

from .clients import COLLECTION, Reader, Writer
from .model import check_cut, check_recovery, check_switch, difference, digest, digest_in, recovered

WRITERS, READERS = 4, 3
MOST_BACKUPS = 5
# Work for a backup, so that many changes happen while it runs.
BALLAST = 24 << 20
SKIPPED = object()


class Soak:
    def __init__(self, directory, seed, say=print):
        self.random, self.seed, self.say = random.Random(seed), seed, say
        self.stopping, self.may_be_refused, self.may_be_gone = threading.Event(), threading.Event(), threading.Event()
        self.counts, self.backups, self.before_restore = Counter(), {}, None
        self.server = Server(BOSBASE, Path(directory) / "pb_data").start()
        self.root = self.server.root()
        self.token = self.root.token
        made = self.root.post(
            "/api/collections",
            json={
                "name": COLLECTION,
                "type": "base",
                "listRule": "",
                "viewRule": "",
                "fields": [
                    {"name": "writer", "type": "number"},
                    {"name": "n", "type": "number"},
                    {"name": "paper", "type": "file", "maxSelect": 1, "maxSize": 1 << 20},
                ],
            },
        )
        self.folder = f"storage/{made['id']}"
        ballast = self.server.directory / "storage" / "ballast"
        ballast.mkdir(parents=True)
        (ballast / "noise.bin").write_bytes(blob(seed, BALLAST))
        self.can_undo = "undo-restore" in BOSBASE.run("routes").stdout
        self.writers = [Writer(self, n, f"{seed}/{n}") for n in range(WRITERS)]
        self.readers = [Reader(self, f"reader {n}", f"{seed}/r{n}") for n in range(READERS)]

    # --- the run ------------------------------------------------------------------------------------------------------

    def run(self, seconds):
        """Returns what was done; raises AssertionError at the first thing that is wrong."""
        began, deck = time.monotonic(), []
        actions = [self.back_up] * 4 + [self.restore, self.restore_while_writing, self.recover_while_writing] * 2
        actions += [self.recover, self.extract, self.verify, self.upload, self.delete, self.kill]
        if self.can_undo:
            actions += [self.undo] * 2
        for worker in self.writers + self.readers:
            worker.start()
        try:
            while time.monotonic() - began < seconds and not self.stopping.is_set():
                # Drawn like cards, so that each of them has its turn also in a short run.
                if not deck:
                    deck = self.random.sample(actions, len(actions))
                action = deck.pop() if self.backups else self.back_up
                self.say(f"{time.monotonic() - began:7.1f} s  {action.__name__}")
                if action() is not SKIPPED:
                    self.counts[action.__name__] += 1
                self.stopping.wait(self.random.uniform(0.1, 1.0))
            self.assert_well()
            with self.held():
                self.compare(self.expected(), "at the end")
            return self.report(time.monotonic() - began)
        except BaseException:
            self.say(f"seed {self.seed}; the server's last words:\n{self.server.log()}")
            raise
        finally:
            self.stopping.set()
            for worker in self.writers + self.readers:
                worker.join(90)
            self.server.kill()

    def report(self, seconds):
        return {
            "seed": self.seed,
            "seconds": round(seconds, 1),
            "changes": sum(writer.done for writer in self.writers),
            "reads": sum(reader.done for reader in self.readers),
            "slowest request, seconds": round(max(worker.slowest for worker in self.writers + self.readers), 3),
            **dict(sorted(self.counts.items())),
        }

    def assert_well(self):
        failures = [worker.failure for worker in self.writers + self.readers if worker.failure]
        assert not failures, failures[0]

    @contextlib.contextmanager
    def held(self):
        """Nothing is written meanwhile; readers go on."""
        with contextlib.ExitStack() as stack:
            for writer in self.writers:
                stack.enter_context(writer.hold)
            yield

    def expected(self):
        return {writer.number: writer.history.state() for writer in self.writers}

    def seen(self):
        """The records by writer, as the API tells them, each file read and compared with its name."""
        states = {writer.number: {} for writer in self.writers}
        for record in self.root.records(COLLECTION):
            name = record["paper"]
            if name:
                content = self.root.send("GET", f"/api/files/{COLLECTION}/{record['id']}/{name}").content
                assert digest(content) == digest_in(name), f"{record['id']}: {name} has other bytes than were uploaded"
            states[int(record["writer"])][record["id"]] = (int(record["n"]), digest_in(name))
        return states

    def compare(self, wanted, when):
        seen = self.seen()
        for number in wanted:
            assert seen[number] == wanted[number], f"{when}: writer {number}: {difference(wanted[number], seen[number])}"

    def ended(self, known, kind):
        """The end of the one job that is not among the `known` ones."""

        def look():
            new = [job for job in jobs(self.root) if job["id"] not in known]
            assert len(new) <= 1, f"more than one job was begun: {new}"
            return new and new[0]["state"] != "running" and new[0]

        job = wait_for(look, 300, f"the end of {kind}")
        assert job["kind"] == kind, job
        return job

    def begin(self, path, kind, **rest):
        """Asks for a job and waits for its end."""
        self.root.wait_until_idle()
        known = {job["id"] for job in jobs(self.root)}
        self.root.post(path, expect=204, **rest)
        job = self.ended(known, kind)
        assert job["state"] == "succeeded", f"{kind} failed: {job}"
        return job

    # --- what is done -------------------------------------------------------------------------------------------------

    def back_up(self):
        if len(self.backups) >= MOST_BACKUPS:
            self.delete()
        key = f"soak_{self.random.getrandbits(40):x}.zip"
        least = {writer.number: len(writer.history.changes) for writer in self.writers}
        self.begin("/api/backups", "create", json={"name": key})
        most = {writer.number: writer.begun for writer in self.writers}
        # The changes that were under way just now are answered before the cut is looked for.
        with self.held():
            pass
        seen = self.inside(self.root.download(key))
        histories = {writer.number: writer.history for writer in self.writers}
        cut = check_cut(histories, seen, least, most)
        self.counts["changes during backups"] += sum(most[number] - least[number] for number in cut)
        self.backups[key] = seen

    def inside(self, archive):
        """The records in an archive by writer, each file read and compared with its name."""
        states = {writer.number: {} for writer in self.writers}
        with zipfile.ZipFile(io.BytesIO(archive)) as opened, tempfile.TemporaryDirectory() as scratch:
            database = sqlite3.connect(opened.extract("data.db", scratch))
            try:
                assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
                rows = database.execute(f"SELECT id, writer, n, paper FROM {COLLECTION}").fetchall()
            finally:
                database.close()
            names = set(opened.namelist())
            for record, writer, n, name in rows:
                if name:
                    path = f"{self.folder}/{record}/{name}"
                    assert path in names, f"{path} is named by a record and not in the archive"
                    assert digest(opened.read(path)) == digest_in(name), f"{path} has other bytes than were uploaded"
                states[int(writer)][record] = (int(n), digest_in(name))
        return states

    def restore(self):
        """While nobody writes: what is served then is the backup, record for record."""
        key = self.random.choice(sorted(self.backups))
        with self.held():
            before = self.expected()
            self.begin(f"/api/backups/{key}/restore", "restore")
            self.compare(self.backups[key], f"after the restore of {key}")
            self.go_on_from(self.backups[key])
            self.before_restore = before

    def restore_while_writing(self):
        """Writers go on: what they were told before the switch is gone with the old data, what after it is kept."""
        key = self.random.choice(sorted(self.backups))
        self.may_be_gone.set()
        since = {writer.number: len(writer.history.changes) for writer in self.writers}
        self.begin(f"/api/backups/{key}/restore", "restore")
        with self.held():
            seen = self.seen()
            for writer in self.writers:
                try:
                    check_switch(writer.history, self.backups[key][writer.number], since[writer.number], seen[writer.number])
                except AssertionError as error:
                    raise AssertionError(f"{writer.name}, restore of {key}: {error}") from None
            self.go_on_from(seen)
            self.before_restore = None  # what was written until the switch is known to nobody
            self.may_be_gone.clear()

    def undo(self):
        """What the last restore replaced is served again, also what was written since is gone."""
        if self.before_restore is None:
            return SKIPPED
        with self.held():
            self.begin("/api/backups/undo-restore", "undo")
            self.compare(self.before_restore, "after the undo")
            self.go_on_from(self.before_restore)
            self.before_restore = None

    def chosen(self):
        """Some records of a backup, by writer: most are gone by now, and some of the newest backup's are others."""
        key = self.random.choice([self.random.choice(sorted(self.backups)), list(self.backups)[-1]])
        ids = {number: self.random.sample(sorted(then), self.random.randint(0, len(then))) for number, then in self.backups[key].items()}
        return key, ids, self.random.random() < 0.7

    def ask_to_recover(self, key, ids, overwrite, dry=False):
        """What is answered of each record, by writer; None where others changed all the time what it builds on."""
        body = {"collection": COLLECTION, "ids": [record for some in ids.values() for record in some], "overwrite": overwrite, "dryRun": dry}
        self.root.wait_until_idle()
        answer = self.root.send("POST", f"/api/backups/{key}/recover", json=body, expect=(200, 503))
        if answer.status_code == 503:
            assert "changed by others all the time" in answer.text, answer.text
            return None
        told = answer.json()
        assert not told["blocked"] and not any(one["missingFiles"] for one in told["records"]), told
        actions = {one["id"]: one["action"] for one in told["records"]}
        assert [told[name] for name in ("added", "changed", "left")] == [list(actions.values()).count(name) for name in ("added", "changed", "left")], told
        return {number: {record: actions[record] for record in some} for number, some in ids.items()}

    def recover(self):
        """While nobody writes: the chosen records are the backup's, with their files, and all others as they were."""
        key, ids, overwrite = self.chosen()
        if not any(ids.values()):
            return SKIPPED
        with self.held():
            before = self.expected()
            wanted = {number: recovered(before[number], self.backups[key][number], some, overwrite) for number, some in ids.items()}
            for dry in (True, False):
                answered = self.ask_to_recover(key, ids, overwrite, dry)
                assert answered == {number: actions for number, (_, actions) in wanted.items()}, (key, dry, answered, wanted)
                self.compare({number: before[number] if dry else state for number, (state, _) in wanted.items()}, f"after a recovery out of {key}, {dry=}")
            self.go_on_from({number: state for number, (state, _) in wanted.items()})
        self.count(answered)

    def recover_while_writing(self):
        """Writers go on, also with the records that come back: each came back at one moment between two changes."""
        key, ids, overwrite = self.chosen()
        if not any(ids.values()):
            return SKIPPED
        since = {writer.number: len(writer.history.changes) for writer in self.writers}
        answered = self.ask_to_recover(key, ids, overwrite)
        if answered is None:
            return SKIPPED
        with self.held():
            seen = self.seen()
            for writer in self.writers:
                n = writer.number
                try:
                    check_recovery(writer.history, self.backups[key][n], ids[n], overwrite, since[n], answered[n], seen[n])
                except AssertionError as error:
                    raise AssertionError(f"{writer.name}, recovery out of {key}, {overwrite=}: {error}") from None
            self.go_on_from(seen)
        self.count(answered)

    def count(self, answered):
        for actions in answered.values():
            for action in actions.values():
                self.counts[f"records {action}"] += 1

    def extract(self):
        """The command line takes a backup's records out beside the server: they are what the backup showed."""
        key = self.random.choice(sorted(self.backups))
        states = {writer.number: {} for writer in self.writers}
        with tempfile.TemporaryDirectory() as scratch:
            folder = Path(scratch) / "out"
            BOSBASE.run("backup", "extract", key, COLLECTION, "--filter", "id != ''", "--into", str(folder), "--dir", str(self.server.directory))
            file = folder / f"{COLLECTION}.json"
            for record in json.loads(file.read_text()) if file.exists() else []:
                if record["paper"]:
                    assert digest((folder / COLLECTION / record["id"] / record["paper"]).read_bytes()) == digest_in(record["paper"])
                states[int(record["writer"])][record["id"]] = (int(record["n"]), digest_in(record["paper"]))
        assert states == self.backups[key], f"extract of {key}: {states} and not {self.backups[key]}"

    def go_on_from(self, states):
        for writer in self.writers:
            writer.restart(states[writer.number])

    def verify(self):
        self.begin(f"/api/backups/{self.random.choice(sorted(self.backups))}/verify", "verify")

    def upload(self):
        """A backup that goes out and comes in again is the same."""
        key = self.random.choice(sorted(self.backups))
        copy = f"copy_{self.random.getrandbits(40):x}.zip"
        archive = self.root.download(key)
        self.root.wait_until_idle()
        self.root.upload(io.BytesIO(archive), name=copy)
        assert self.root.download(copy) == archive
        self.backups[copy] = self.backups[key]
        if len(self.backups) > MOST_BACKUPS:
            self.delete()

    def delete(self):
        key = self.random.choice(sorted(self.backups))
        self.root.wait_until_idle()
        self.root.delete(f"/api/backups/{key}")
        del self.backups[key]
        assert set(self.root.backups()) == set(self.backups)

    def kill(self):
        """A power cut of the process: all that was acknowledged is there afterwards, and of what was not answered all or nothing."""
        self.root.wait_until_idle()
        self.may_be_refused.set()
        self.may_be_gone.set()
        self.server.kill()
        self.server.start()
        self.root = self.server.root()
        with self.held(), contextlib.ExitStack() as readers:
            for reader in self.readers:
                readers.enter_context(reader.hold)
            self.may_be_refused.clear()
            self.may_be_gone.clear()
            seen = self.seen()
            for writer in self.writers:
                changes = writer.history.changes
                lost = [change for change in changes if change.status == 0]
                wanted = writer.history.state()
                # One request at a time: after the first without an answer none reached the server before it was back.
                possible = [wanted, *(after(wanted, change) for change in lost)]
                assert seen[writer.number] in possible, f"after a kill: {writer.name}: {difference(wanted, seen[writer.number])}"
            self.go_on_from(seen)
        assert set(self.root.backups()) == set(self.backups)


def after(state, change):
    state = dict(state)
    change.apply(state)
    return state


def soak(directory, seconds, seed=None, say=print):
    """Runs and returns the report."""
    seed = random.SystemRandom().getrandbits(32) if seed is None else seed
    say(f"seed {seed}")
    report = Soak(directory, seed, say).run(seconds)
    say(json.dumps(report, indent=2))
    return report
