"""Drops steps, and parts of the last one, for as long as the last step's answers still differ in the same way."""

import json
import re

from .compare import differences, kind_of
from .run import ask


def still(place, steps, kind):
    """What the last step is answered, where that still differs in the same way."""
    with place.pair() as sides:
        for step in steps[:-1]:
            ask(sides, step)
        ours, theirs = ask(sides, steps[-1])
    found = differences(ours, theirs)
    return (ours, theirs, found) if found and (kind_of(steps[-1], found) == kind or kind is None) else None


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
    again = True
    while again and tries < 2 * patience:
        again = False
        for smaller in shrunk(steps[-1]):
            tries += 1
            if better := still(place, [*steps[:-1], smaller], finding.kind):
                steps, seen, again = [*steps[:-1], smaller], better, True
                break
            if tries > 2 * patience:
                break
    finding.steps, (finding.ours, finding.theirs, finding.found) = steps, seen
    return finding


def shrunk(step):
    """The step without one of its parameters, without one value of its body, or with one part of a filter alone."""
    params = step.get("params", [])
    for n, (name, value) in enumerate(params):
        yield {**step, "params": params[:n] + params[n + 1 :]}
        parts = pieces(value) if name == "filter" else value.split(",") if "," in value else []
        for part in parts:
            yield {**step, "params": [*params[:n], [name, part], *params[n + 1 :]]}
    if "json" in step:
        try:
            body = json.loads(step["json"])
        except ValueError:
            return
        if isinstance(body, dict):
            for key, value in body.items():
                yield {**step, "json": json.dumps({name: other for name, other in body.items() if name != key})}
                if isinstance(value, list):
                    for n in range(len(value)):
                        yield {**step, "json": json.dumps({**body, key: value[:n] + value[n + 1 :]})}
                if key.endswith("Rule") and isinstance(value, str):
                    for part in pieces(value):
                        yield {**step, "json": json.dumps({**body, key: part})}
    for name in ("parts", "form"):
        for n in range(len(step.get(name, []))):
            yield {**step, name: step[name][:n] + step[name][n + 1 :]}


def pieces(text):
    """The comparisons that a filter is made of."""
    parts = [part.strip().strip("()").strip() for part in re.split(r"&&|\|\|", text)]
    return [part + ")" * (part.count("(") - part.count(")")) for part in parts if part] if len(parts) > 1 else []
