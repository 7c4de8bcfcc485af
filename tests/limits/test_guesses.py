"""Passwords: guesses come to an end, right logins pass, hashing takes turns, all accounts cost the same."""

import json
import os
import statistics
import time

import pytest

from harness.client import wait_for
from harness.programs import EMAIL, PASSWORD
from harness.sampler import Sampler
from harness.wire import Wire, ask_json

from .place import OPEN, Place, at_once, shape
from .place import PASSWORD as USERS_PASSWORD
from .test_slow_queries import processor_seconds

pytestmark = pytest.mark.ours

LOGIN = "/api/collections/{}/auth-with-password"


def log_in(server, identity, password, collection="_superusers", **how):
    return ask_json(server.port, "POST", LOGIN.format(collection), {"identity": identity, "password": password}, **how)


def test_a_hundred_guesses_come_to_an_end(server):
    """99 guesses of a superuser's password were answered in eight seconds."""
    answers = at_once(8, [lambda n=n: log_in(server, EMAIL, f"guess-{n:04}") for n in range(99)])
    assert {answer.status for answer in answers} == {400, 429}, answers[-1]
    refused = [answer for answer in answers if answer.status == 429]
    assert all(not shape(answer) for answer in refused), shape(refused[0])
    assert len(refused) > 30, f"only {len(refused)} of 99 guesses were refused"
    # Guessing is refused, its victim is not: the login works from elsewhere at once, and from there later.
    assert log_in(server, EMAIL, PASSWORD, source="127.0.0.2").status == 200
    again = log_in(server, EMAIL, PASSWORD)
    if again.status == 429:
        time.sleep(min(int(again.headers["retry-after"]), 120))
        wait_for(lambda: log_in(server, EMAIL, PASSWORD).status == 200, 60, "the superuser's login")


def test_guessing_names_comes_to_an_end_as_well(server):
    """One guess for each of many accounts."""
    answers = at_once(4, [lambda n=n: log_in(server, f"user{n}@example.com", "summer-2026", "users") for n in range(99)])
    assert 429 in {answer.status for answer in answers}, answers[-1]


def test_a_burst_of_right_logins_passes(tmp_path):
    """A whole office logs in from one address in the morning."""
    place = Place(tmp_path / "here" / "pb_data")
    try:
        root = place.server.root()
        password = {"password": USERS_PASSWORD, "passwordConfirm": USERS_PASSWORD}
        for n in range(10):
            root.create("users", {"email": f"office{n}@example.com", **password})
        logins = [lambda n=n: log_in(place.server, f"office{n % 10}@example.com", USERS_PASSWORD, "users") for n in range(30)]
        assert {answer.status for answer in at_once(8, logins)} == {200}
        same = [lambda: log_in(place.server, EMAIL, PASSWORD)] * 20
        assert {answer.status for answer in at_once(8, same)} == {200}
    finally:
        place.server.kill()


def test_a_mistyped_password_or_three_does_not_lock_anybody_out(server):
    for n in range(3):
        assert log_in(server, EMAIL, f"typo-{n}").status == 400
    assert log_in(server, EMAIL, PASSWORD).status == 200


class Running(Sampler):
    """How many threads of a process want a processor at the same time, sampled every 10 ms.

    Threads that wake only to wait again are seen, too, now and then: the median counts."""

    def __init__(self, pid):
        super().__init__()
        self.tasks, self.seen = f"/proc/{pid}/task", []

    def run(self):
        while not self.stopping.wait(0.01):
            self.seen.append(sum(self._runs(task) for task in os.listdir(self.tasks)))

    @property
    def usual(self):
        return statistics.median(self.seen)

    def _runs(self, task):
        try:
            with open(f"{self.tasks}/{task}/stat") as stat:
                return stat.read().rsplit(") ", 1)[1][0] == "R"
        except OSError:
            return False


CROWD = 100


@pytest.mark.parametrize("kind", ["registration", "old password", "login", "login of nobody", "superuser's first password"])
def test_hashing_takes_turns(server, kind):
    """600 registrations at once hashed at once, on every thread there was, and health waited for 5.4 seconds."""
    root = server.root()
    fields = [{"name": "n", "type": "number"}]
    root.post("/api/collections", json={"name": "members", "type": "auth", "fields": fields, **OPEN})
    password = {"password": USERS_PASSWORD, "passwordConfirm": USERS_PASSWORD}
    member = root.create("members", {"email": "member@example.com", **password})
    paths = {
        "registration": ("POST", "/api/collections/members/records", lambda n: {"email": f"m{n}@example.com", **password}),
        "old password": ("PATCH", f"/api/collections/members/records/{member['id']}", lambda n: {"oldPassword": f"wrong-{n}", **password}),
        "login": ("POST", LOGIN.format("members"), lambda n: {"identity": "member@example.com", "password": USERS_PASSWORD}),
        "login of nobody": ("POST", LOGIN.format("members"), lambda n: {"identity": f"nobody{n}@example.com", "password": "wrong-1234"}),
        "superuser's first password": ("POST", "/api/collections/_superusers/records", lambda n: {"email": f"s{n}@example.com", **password}),
    }
    method, path, body = paths[kind]
    wires = [Wire(server.port) for _ in range(CROWD)]
    headers = {"Content-Type": "application/json", "Authorization": root.token if kind.startswith("superuser") else ""}
    with Running(server.process.pid) as running:
        for n, wire in enumerate(wires):
            wire.send(method, path, headers, json.dumps(body(n)).encode())
        # As long as the first ten are worked on the others wait for their turn, or are told to come again.
        answers = [wire.answer(method) for wire in wires[:10]]
    assert all(answer.status in (200, 400, 429, 503) and not shape(answer) for answer in answers), answers[0]
    allowed = 2 * os.cpu_count() + 8
    assert running.usual <= allowed, f"{running.usual} threads wanted a processor at the same time, {allowed} may"
    for wire in wires:
        wire.close()


@pytest.mark.parametrize("cost", [None, 12])
def test_a_login_costs_the_same_whether_the_account_is_there_or_not(server, cost):
    """After a change of bcrypt's cost, unknown accounts took the new time and known ones the old.

    The test measures the process's own processor time, which no other program changes."""
    root = server.root()
    password = {"password": USERS_PASSWORD, "passwordConfirm": USERS_PASSWORD}
    for n in range(4):
        root.create("users", {"email": f"known{n}@example.com", **password})
    if cost:
        users = root.get("/api/collections/users")
        next(field for field in users["fields"] if field["name"] == "password")["cost"] = cost
        root.patch("/api/collections/users", json={"fields": users["fields"]})
    took = {"known": [], "unknown": []}
    for n in range(4):
        for kind in took:
            before = processor_seconds(server.process.pid)
            # From an address of its own, since guesses are counted.
            answer = log_in(server, f"{kind}{n}@example.com", "wrong-1234", "users", source=f"127.0.0.{10 + n}")
            assert answer.status == 400, answer
            took[kind].append(processor_seconds(server.process.pid) - before)
    known, unknown = (statistics.median(took[kind]) for kind in took)
    assert 0.6 < (known + 0.02) / (unknown + 0.02) < 1.7, took
