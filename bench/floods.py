#!/usr/bin/env python3
"""How long health and one record take while one kind of request floods: bosbase beside PocketBase on the same data.

    tests/.cache/venv/bin/python bench/floods.py --json bench/floods.json
    tests/.cache/venv/bin/python bench/floods.py --only login --seconds 10

Eight clients send one kind of request as fast as it is answered, for some seconds; two others ask for health and for a record ten times a
second. What must hold on a machine that nobody else uses: health within 300 ms, the record within 1 s, less than 400 MiB. It exits 1 where it
does not. Needs bosbase as users get it (`cargo build --profile dist`) and the environment that `./check` makes.
"""

import argparse
import json
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from application import make  # noqa: E402
from flooding import FLOODS, Flood, Health, View  # noqa: E402
from harness.memory import Peak  # noqa: E402
from harness.programs import POCKETBASE, ROOT, Program  # noqa: E402
from harness.server import Server  # noqa: E402

MUST = {"health_ms": 300, "view_ms": 1000, "peak_mib": 400}
"""The most that each may be for us."""

FUSE = 4 << 30
"""Bytes at which a process is killed: the machine is not to go down with it."""

COLUMNS = [("health max, ms", "health_ms"), ("view max, ms", "view_ms"), ("peak, MiB", "peak_mib"), ("answers/s", "per_second")]


def measure(program, source, home, name, seconds, clients):
    """One flood on a fresh process and a fresh copy of the data."""
    directory = home / program.name / "pb_data"
    shutil.copytree(source, directory)
    try:
        with Server(program, directory, superuser=False) as server:
            flood = Flood(server, FLOODS[name], clients)
            with Peak(server.process, fuse=FUSE) as peak, Health(server) as health, View(server) as view:
                time.sleep(0.5)
                with flood:
                    time.sleep(seconds)
            server.kill()
            flood.end()
    finally:
        shutil.rmtree(directory.parent, ignore_errors=True)
    return {
        "health_ms": health.quantiles()["max"],
        "view_ms": view.quantiles()["max"],
        "health_p50_ms": health.quantiles()["p50"],
        "view_p50_ms": view.quantiles()["p50"],
        "failed": health.failed + view.failed,
        "peak_mib": peak.peak / 2**20,
        "killed": peak.blown,
        "per_second": sum(count for status, count in flood.statuses.items() if status) / seconds,
        "statuses": {str(status): count for status, count in sorted(flood.statuses.items())},
    }


def broken(result):
    """Which of what must hold does not."""
    return [key for key, most in MUST.items() if result[key] > most] + (["failed"] if result["failed"] else [])


def cell(result, key, ours):
    text = f"{result[key]:.0f}"
    if key == "peak_mib" and result["killed"]:
        text = f"> {text}"
    if key == "health_ms" and result["failed"]:
        text += f" ({result['failed']} failed)"
    return f"**{text}**" if ours and key in MUST and result[key] > MUST[key] else text


def row(name, results):
    cells = [cell(result, key, program == "bosbase") for _, key in COLUMNS for program, result in results.items()]
    answered = next(iter(results.values()))["statuses"]
    told = ", ".join(f"{count} × {status if status != '0' else 'cut off'}" for status, count in answered.items())
    return f"| {name} | {' | '.join(cells)} | {told or 'none'} |"


def head(programs):
    names = [f"{label}, {program.name}" for label, _ in COLUMNS for program in programs]
    return f"| flood | {' | '.join(names)} | answers, {programs[0].name} |\n| --- | {' | '.join('---:' for _ in names)} | --- |"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=5, help="how long each flood lasts (default 5)")
    parser.add_argument("--clients", type=int, default=8, help="how many flood (default 8)")
    parser.add_argument("--only", default="", help="the floods whose names hold this")
    parser.add_argument("--bin", type=Path, default=ROOT / "target" / "dist" / "bosbase", help="the bosbase binary")
    parser.add_argument("--alone", action="store_true", help="without PocketBase")
    parser.add_argument("--json", type=Path, help="where to write the numbers")
    parser.add_argument("--dir", type=Path, default=None, help="where to put the data meanwhile (default: the temporary folder)")
    given = parser.parse_args()
    if not given.bin.exists():
        parser.error(f"{given.bin} is not there: cargo build --profile dist")
    names = [name for name in FLOODS if given.only in name]
    if not names:
        parser.error(f"no flood is called {given.only}; there are: {', '.join(FLOODS)}")
    programs = [Program("bosbase", given.bin.resolve())] + ([] if given.alone else [POCKETBASE])
    home = Path(tempfile.mkdtemp(prefix="bosbase-floods-", dir=given.dir))
    written, failing = {}, []
    try:
        make(home / "source" / "pb_data")
        load = os.getloadavg()[0]
        print(f"{given.clients} clients for {given.seconds:g} s each, {os.cpu_count()} cores, load before {load:.1f}\n\n{head(programs)}", flush=True)
        for name in names:
            results = {program.name: measure(program, home / "source" / "pb_data", home, name, given.seconds, given.clients) for program in programs}
            written[name] = results
            failing += [f"{name}: {', '.join(wrong)}"] if (wrong := broken(results["bosbase"])) else []
            print(row(name, results), flush=True)
            if given.json:
                given.json.write_text(json.dumps(written, indent=2) + "\n")
    finally:
        shutil.rmtree(home, ignore_errors=True)
    if failing:
        print("\nBeyond what must hold:\n" + "\n".join(failing))
        sys.exit(1)


if __name__ == "__main__":
    main()
