"""Rounds: each a pair of fresh servers, and requests until one of them would no longer speak of the same state."""

import contextlib
import json
import random
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from . import meant
from .compare import differences, kind_of
from .filters import Filters
from .model import Model
from .requests import Requests
from .schemas import Schemas
from .side import Side, Template

STEPS = 250


@dataclass
class Finding:
    kind: str
    seed: int
    steps: list
    ours: object
    theirs: object
    found: list
    times: int = 1


@dataclass
class Tally:
    """What a run has seen."""

    requests: int = 0
    rounds: int = 0
    statuses: Counter = field(default_factory=Counter)
    meant: Counter = field(default_factory=Counter)
    findings: dict = field(default_factory=dict)

    def tell(self, finding):
        """True the first time that a kind is seen."""
        if known := self.findings.get(finding.kind):
            known.times += 1
            return False
        self.findings[finding.kind] = finding
        return True


class Place:
    """Where servers are made: a template of each program, and copies of it."""

    def __init__(self, ours, theirs, folder):
        self.folder = Path(folder)
        self.templates = [Template(name, program, self.folder / "templates") for name, program in (("ours", ours), ("theirs", theirs))]

    @contextlib.contextmanager
    def pair(self):
        with tempfile.TemporaryDirectory(dir=self.folder) as folder:
            sides = []
            try:
                for template in self.templates:
                    sides.append(Side(template, Path(folder)))
                for side in sides:
                    side.ready()
                yield sides
            finally:
                for side in sides:
                    side.close()


def ask(sides, step):
    """The answers of both, who work at the same time."""
    for side in sides:
        side.begin(step)
    return [side.end(step) for side in sides]


def diverged(step, ours, theirs):
    """Whether the two now hold different things, so that what follows tells nothing new."""
    good = lambda answer: 200 <= answer.status < 300  # noqa: E731
    if 0 in (ours.status, theirs.status):
        return True
    return step["method"] not in ("GET", "HEAD") and (good(ours) != good(theirs) or good(ours) and ours.told != theirs.told)


def goes_on_with_what_failed(sides, model, step):
    """Whether PocketBase knows a collection or a field that neither stored: it remembers some of an import that it refused.

    The lists come from the databases, everything else from what is remembered."""
    if differences(*ask(sides, {"method": "GET", "path": "/api/collections", "params": [["perPage", "500"], ["sort", "name"]], "by": "root"})):
        return False
    named = {one.get("name"): one.get("fields") for one in collections_of(step) if isinstance(one.get("name"), str)}
    for name in {*named, *model.collections}:
        at = f"/api/collections/{quote(name, safe='')}"
        fields = named.get(name) if isinstance(named.get(name), list) else []
        sorts = [[], *([["sort", field["name"]]] for field in fields if isinstance(field, dict) and isinstance(field.get("name"), str))]
        lists = [ask(sides, {"method": "GET", "path": f"{at}/records", "params": sort, "by": "root"}) for sort in sorts]
        if differences(*ask(sides, {"method": "GET", "path": at, "by": "root"})) or any(ours.status != theirs.status for ours, theirs in lists):
            return True
    return False


def collections_of(step):
    """The collections that an import sends."""
    with contextlib.suppress(KeyError, ValueError, TypeError):
        return [one for one in json.loads(step["json"])["collections"] if isinstance(one, dict)]
    return []


def made_up_an_id(step, answer):
    """Whether a record was made with an id that the server chose."""
    made = answer.raw.get("id") if isinstance(answer.raw, dict) else None
    return step.get("about") == "record" and answer.status == 200 and isinstance(made, str) and made not in step.get("json", "") + str(step.get("parts", "")) + str(step.get("form", ""))


def round(place, seed, tally, steps=STEPS, on_finding=None):
    r = random.Random(seed)
    model = Model()
    filters = Filters(r, model)
    schemas = Schemas(r, model, filters)
    requests = Requests(r, model, schemas, filters)
    said = []
    tally.rounds += 1
    with place.pair() as sides:
        first = {"method": "GET", "path": "/api/collections", "params": [["perPage", "500"]], "by": "root", "about": "collections"}
        for number in range(steps):
            step = first if number == 0 else requests.next()
            said.append(step)
            ours, theirs = ask(sides, step)
            tally.requests += 1
            tally.statuses[theirs.status] += 1
            model.learn(step, theirs)
            found = differences(ours, theirs)
            why = meant.why(step, ours, theirs, found) if found else None
            if why:
                tally.meant[why] += 1
            elif found:
                finding = Finding(kind_of(step, found), seed, list(said), ours, theirs, found)
                if tally.tell(finding) and on_finding:
                    on_finding(finding)
            if found and diverged(step, ours, theirs):
                break
            if step["path"].endswith("/import") and theirs.status == 400 and goes_on_with_what_failed(sides, model, step):
                tally.meant["PocketBase goes on with collections of an import that failed"] += 1
                break
            if step["path"].endswith("/import") and theirs.status == 204:
                said.append(first)
                model.learn(first, ask(sides, first)[1])
            if made_up_an_id(step, theirs):
                # Every comparison with it would be chance.
                said.append({"method": "DELETE", "path": f"/api/collections/{step['name']}/records/${{made}}", "by": "root"})
                ask(sides, said[-1])
    return tally
