"""A server that is given one mutated archive after the other, and what must hold of it each time.

Either a restore is refused, or it takes itself back, or what it brought can be lived with: the server is healthy, a superuser gets in
(with the command line's help if need be), creates answer the truth, a backup can be made, the server ends when told to and starts again,
and the undo brings the old data back.
"""

import base64
import json
import shutil
import sqlite3
import subprocess
import time

import requests

from harness.client import Client
from harness.programs import BOSBASE, EMAIL, PASSWORD
from harness.server import Server

from . import application
from .archive import Unpacked
from .faults import Fault, clear, clear_text, demand
from .use import REQUEST, Use

# How long anything may take on a machine that is busy with others.
JOB, END, START = 90, 30, 60
# A token that lasts no longer is none: it would be over in the middle of what is done with it.
LASTS = 60


class Place:
    """Makes the base once; `renew` goes back to it after a fault."""

    def __init__(self, folder):
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.number = 0
        self.server = Server(BOSBASE, folder / "pb_data").start()
        root = self.server.root()
        application.make(root)
        # Hashed anew, for what it costs now.
        BOSBASE.superuser(self.server.directory)
        root = self.server.root()
        root.back_up("base.zip")
        self.base = Unpacked.base(self.server.directory / "backups" / "base.zip", folder / "base")
        root.delete("/api/backups/base.zip")
        self.seen = application.seen(root)
        demand(self.server.stop(END) == 0, "the base does not end")
        self.template = folder / "template"
        shutil.copytree(self.server.directory, self.template)
        self.start()

    def close(self):
        self.server.kill()

    def renew(self):
        """A new server on the data of the base, after a fault."""
        self.server.kill()
        shutil.rmtree(self.server.directory)
        shutil.copytree(self.template, self.server.directory)
        self.server.log_path.unlink(missing_ok=True)
        self.start()

    def start(self):
        try:
            self.server.start()
        except AssertionError as error:
            raise Fault("a start fails", error) from None
        self.root = self.login()
        demand(self.root, "nobody can log in to the base")

    # --- one archive --------------------------------------------------------------------------------------------------

    def unpacked(self):
        """A copy of the base to mutate."""
        return self.base.copy(self.folder / "mutated")

    def judge(self, unpacked, offline=False, again=False):
        """Restores it and returns what came of it: `refused`, `failed`, `served`. Raises `Fault`.

        `offline` takes the command line for the undo; `again` also restores the backup that is made of the restored data.
        """
        self.number += 1
        key = f"mutated_{self.number}.zip"
        unpacked.pack(self.server.directory / "backups" / key)
        try:
            outcome = self.restore(key)
            if outcome == "served":
                root, backup = self.live_with_it()
                self.undo(root, offline)
                if again and backup:
                    self.well()
                    demand(self.restore(backup) == "served", "a backup of restored data cannot be restored", self.job)
                    self.undo(self.login(), offline)
            self.well()
            return outcome
        except requests.RequestException as error:
            raise Fault("a request gets no answer", repr(error)) from error
        except sqlite3.Error as error:
            raise Fault("the database that is served cannot be read by another SQLite", repr(error)) from error
        finally:
            for file in (self.server.directory / "backups").glob("*.zip"):
                file.unlink()

    def restore(self, key):
        known = {job["id"] for job in self.jobs()}
        answer = self.root.send("POST", f"/api/backups/{key}/restore", expect=None, timeout=REQUEST)
        if answer.status_code == 400:
            demand(clear(answer), "a restore is refused without a reason", answer.text)
            self.job = answer.text
            return "refused"
        demand(
            answer.status_code == 204, "a restore is neither begun nor refused", f"{answer.status_code} {answer.text}"
        )
        job = self.job = self.ended("restore", known)
        self.wait_for_health()
        if job["state"] == "failed":
            demand(clear_text(job["error"]), "a restore fails without a reason", job)
            return "failed"
        return "served"

    def live_with_it(self):
        """Returns a superuser's client and the name of a backup of it, if there are any."""
        root, backup = self.get_in(), None
        if root:
            use = Use(root, self.server.directory, self.number)
            use.everything()
            backup = self.back_up(root, use.settings())
        self.end()
        self.begin()
        return root, backup

    def get_in(self):
        """A superuser's client, or None where only the command line can help and the restore has said so."""
        if root := self.login():
            return root
        upsert = self.command("superuser", "upsert", EMAIL, PASSWORD)
        demand(upsert.returncode == 0, "no superuser can log in, nor be made", upsert.stderr)
        if root := self.login():
            return root
        demand("undo" in self.job["warning"], "a restore locks superusers out and says nothing of it", self.job)
        return None

    def login(self):
        body = {"identity": EMAIL, "password": PASSWORD}
        path = "/api/collections/_superusers/auth-with-password"
        for _ in range(5):
            answer = Client(self.server.url).send("POST", path, json=body, expect=None, timeout=REQUEST)
            wait = answer.headers.get("Retry-After", "")
            if answer.status_code != 429 or not wait.isdecimal() or int(wait) > 5:
                break
            time.sleep(int(wait))
        told = f"{answer.status_code} {answer.text}"
        # One factor is right, and the other one can't be given.
        if answer.status_code == 401 and "mfaId" in answer.text:
            return None
        demand(answer.status_code == 200 or clear(answer), "a login is answered vaguely", told)
        if answer.status_code != 200:
            return None
        # A token is worth something only while it lasts, and where it is taken.
        token = answer.json()["token"]
        if lasts_until(token) < time.time() + LASTS:
            return None
        root = Client(self.server.url, token)
        answer = root.send("GET", "/api/backups/status", expect=None, timeout=REQUEST)
        told = f"{answer.status_code} {answer.text}"
        demand(answer.status_code in (200, 401, 403), "the backups' status cannot be read after a login", told)
        return root if answer.status_code == 200 else None

    def back_up(self, root, settings):
        known = {job["id"] for job in self.jobs()}
        key = f"of_{self.number}.zip"
        answer = root.send("POST", "/api/backups", json={"name": key}, expect=None, timeout=REQUEST)
        # A bucket that the settings name may not be there; then the answer says so.
        elsewhere = settings["backups"]["s3"]["enabled"] or settings["s3"]["enabled"]
        if answer.status_code != 204:
            demand(
                elsewhere and clear(answer),
                "a backup of restored data is not begun",
                f"{answer.status_code} {answer.text}",
            )
            return None
        job = self.ended("create", known)
        if job["state"] != "succeeded":
            demand(elsewhere and clear_text(job["error"]), "a backup of restored data fails", job)
            return None
        return key if (self.server.directory / "backups" / key).exists() else None

    def undo(self, root, offline):
        """Brings the base back, over HTTP where a superuser can ask for it."""
        if root and not offline:
            known = {job["id"] for job in self.jobs()}
            answer = root.send("POST", "/api/backups/undo-restore", expect=None, timeout=REQUEST)
            demand(answer.status_code == 204, "an undo is not begun", f"{answer.status_code} {answer.text}")
            job = self.ended("undo", known)
            demand(job["state"] == "succeeded", "an undo fails", job)
            self.wait_for_health()
        else:
            self.end()
            undone = self.command("backup", "undo")
            demand(undone.returncode == 0, "an undo on the command line fails", undone.stderr)
            self.begin()

    def well(self):
        """The base is served as it was."""
        try:
            seen = application.seen(self.root)
        except AssertionError as error:
            raise Fault("the base cannot be read any more", error) from None
        for part in seen:
            demand(
                seen[part] == self.seen[part], "the base is not what it was", f"{part}: {seen[part]} {self.seen[part]}"
            )
        demand("panicked" not in self.server.log(10_000_000), "the server panicked", self.server.log())

    # --- the process --------------------------------------------------------------------------------------------------

    def end(self):
        try:
            code = self.server.stop(END)
        except subprocess.TimeoutExpired:
            raise Fault("SIGTERM does not end the server", f"within {END} s") from None
        demand(code == 0, "SIGTERM ends the server badly", code)

    def begin(self):
        """As a supervisor would start it again."""
        try:
            self.server.start()
        except AssertionError as error:
            self.server.kill()
            raise Fault("the restored data is served once and never again", error) from None

    def command(self, *arguments):
        try:
            return BOSBASE.run(*arguments, "--dir", self.server.directory, check=False, timeout=JOB)
        except subprocess.TimeoutExpired:
            raise Fault(f"{' '.join(arguments[:2])} on the command line does not end", f"within {JOB} s") from None

    def jobs(self):
        """Every remembered job; from the disk, since there may be no superuser to ask for."""
        try:
            return json.loads((self.server.directory / ".bosbase" / "jobs.json").read_text())
        except FileNotFoundError:
            return []

    def ended(self, kind, known):
        deadline = time.monotonic() + JOB
        while True:
            job = next((job for job in self.jobs() if job["id"] not in known and job["kind"] == kind), None)
            if job and job["state"] != "running":
                return job
            self.demand_alive(kind)
            demand(
                time.monotonic() < deadline,
                f"a job does not end: {kind}",
                f"within {JOB} s: {job}; {self.server.log(600)}",
            )
            time.sleep(0.02)

    def demand_alive(self, kind):
        """A server that ends of restored data has not taken the restore back; says whether it does when it is started again."""
        if self.server.process.poll() is None:
            return
        code, tail = self.server.process.returncode, self.server.log(900)
        for attempt in range(1, 4):
            try:
                self.server.start()
            except AssertionError:
                continue
            raise Fault(f"the server ends in a {kind}, and serves at start {attempt}", f"exit {code}: {tail}")
        raise Fault(f"the server ends in a {kind}, and does not start any more", f"exit {code}: {tail}")

    def wait_for_health(self):
        try:
            self.server.wait_until_healthy(START)
        except AssertionError as error:
            self.demand_alive("restore")
            raise Fault("the server is not healthy", error) from None


def lasts_until(token):
    """What a token says of its own end, in Unix seconds."""
    claims = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))["exp"]
