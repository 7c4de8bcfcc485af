"""Drops steps, and parts of the last one, for as long as the last step's answers still differ in the same way."""

import json

from .compare import differences, kind_of
from .run import ask


def still(place, steps, kind):
    with place.pair() as sides:
        for step in steps[:-1]:
            ask(sides, step)
        ours, theirs = ask(sides, steps[-1])
    found = differences(ours, theirs)
    return (ours, theirs, found) if found and kind_of(steps[-1], found) == kind else None


def minimise(place, finding, patience=60):
    """The finding with as few steps as were found within so many tries."""
    steps, tries = finding.steps, 0
    # What only asks changes nothing.
    kept = [step for step in steps[:-1] if step["method"] not in ("GET", "HEAD")] + steps[-1:]
    seen = still(place, kept, finding.kind)
    if not seen:
        return finding
    steps, size = kept, max(1, (len(kept) - 1) // 2)
    while size and tries < patience:
        start, dropped = 0, False
        while start < len(steps) - 1 and tries < patience:
            fewer = steps[:start] + steps[min(start + size, len(steps) - 1) :]
            tries += 1
            if better := still(place, fewer, finding.kind):
                steps, seen, dropped = fewer, better, True
            else:
                start += size
        size = size // 2 if not dropped or size > 1 else size
        if size == 1 and not dropped:
            break
    for smaller in list(shrunk(steps[-1])):
        pass
    finding.steps, (finding.ours, finding.theirs, finding.found) = steps, seen
    return finding


def shrunk(step):
    """The step without one of its parameters, or without one value of its body."""
    for n in range(len(step.get("params", []))):
        yield {**step, "params": step["params"][:n] + step["params"][n + 1 :]}
    if "json" in step:
        try:
            body = json.loads(step["json"])
        except ValueError:
            return
        if isinstance(body, dict):
            for key in body:
                yield {**step, "json": json.dumps({name: value for name, value in body.items() if name != key})}
