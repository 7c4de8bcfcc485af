"""Random applications and requests, the same to the real PocketBase and to bosbase; every difference is a finding.

    cd tests && BOSBASE_BIN=… .cache/venv/bin/python -m differential.fuzzer --requests 100000

Prints its seed; --seed N repeats a run, --round N one round of it. Findings lie in tests/.cache/findings, one file a kind: the steps that lead to it,
as few as were found, and both answers. `--repeat FILE` runs such a file again.
"""

import argparse
import json
import os
import secrets
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from differential.fuzzer import minimise, run  # noqa: E402
from harness.programs import BOSBASE, CACHE, POCKETBASE  # noqa: E402


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(2**32))
    parser.add_argument("--round", type=int, help="the seed of the one round to run")
    parser.add_argument("--requests", type=int, default=100_000)
    parser.add_argument("--steps", type=int, default=run.STEPS, help="of a round")
    parser.add_argument("--minutes", type=float, default=1e9)
    parser.add_argument("--findings", type=Path, default=CACHE / "findings")
    parser.add_argument("--no-minimise", action="store_true")
    parser.add_argument("--all-cores", action="store_true", help="without it, one core for all: others may want to build")
    parser.add_argument("--repeat", type=Path)
    parser.add_argument("--minimise", type=Path, nargs="+")
    chosen = parser.parse_args()
    os.nice(5)
    if not chosen.all_cores:
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    chosen.findings.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="fuzzer") as folder:
        place = run.Place(BOSBASE, POCKETBASE, folder)
        if chosen.repeat:
            return repeat(place, json.loads(chosen.repeat.read_text()))
        if chosen.minimise:
            return make_smaller(place, chosen.minimise)
        return fuzz(place, chosen)


def make_smaller(place, files):
    for file in files:
        told = json.loads(file.read_text())
        finding = run.Finding(told["kind"], told["seed"], told["steps"], None, None, told["found"])
        minimise.minimise(place, finding, 200)
        if finding.ours:
            file.write_text(as_text(finding))
        print(f"{file}: {len(told['steps'])} steps, now {len(finding.steps)}" + ("" if finding.ours else "; it does not differ any more"), flush=True)


def as_text(finding):
    told = {"kind": finding.kind, "seed": finding.seed, "ours": finding.ours.shown(), "theirs": finding.theirs.shown(), "found": [[str(part)[:500] for part in one] for one in finding.found[:6]], "steps": finding.steps}
    return json.dumps(told, ensure_ascii=False, indent=1)


def fuzz(place, chosen):
    print(f"seed {chosen.seed}", flush=True)
    tally, began, number = run.Tally(), time.monotonic(), 0

    def write(finding):
        name = f"{abs(hash_of(finding.kind)):08x}.json"
        (chosen.findings / name).write_text(as_text(finding))
        return name

    def on_finding(finding):
        print(f"[{tally.requests}] round {finding.seed}: {finding.kind}\n    {write(finding)}", flush=True)

    while tally.requests < chosen.requests and time.monotonic() - began < chosen.minutes * 60:
        seed = chosen.round if chosen.round is not None else chosen.seed + number
        before = set(tally.findings)
        run.round(place, seed, tally, chosen.steps, on_finding)
        if not chosen.no_minimise:
            for kind in set(tally.findings) - before:
                write(minimise.minimise(place, tally.findings[kind]))
        number += 1
        if number % 20 == 0:
            print(f"[{tally.requests}] {number} rounds, {time.monotonic() - began:.0f} s, {len(tally.findings)} kinds", flush=True)
        if chosen.round is not None:
            break
    print(f"\n{tally.requests} requests in {tally.rounds} rounds, {time.monotonic() - began:.0f} s; PocketBase's answers: {dict(sorted(tally.statuses.items()))}")
    print("meant:", *(f"\n  {times:6} {why}" for why, times in tally.meant.most_common()))
    print(f"{len(tally.findings)} kinds of findings", *(f"\n  {one.times:6} {kind}" for kind, one in sorted(tally.findings.items(), key=lambda pair: -pair[1].times)))
    return 1 if tally.findings else 0


def hash_of(text):
    import zlib

    return zlib.crc32(text.encode())


def repeat(place, told):
    with place.pair() as sides:
        for step in told["steps"]:
            ours, theirs = run.ask(sides, step)
            mark = "  " if not run.differences(ours, theirs) else "! "
            print(f"{mark}{step['method']} {step['path']} {step.get('params') or ''} by {step.get('by')} {step.get('json') or step.get('form') or step.get('parts') or ''}")
            print(f"     ours   {ours.shown()[:1500]}")
            if mark != "  ":
                print(f"     theirs {theirs.shown()[:1500]}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
