#!/usr/bin/env python3
"""bosbase beside PocketBase on the same data: create, download, upload, restore, memory, and what writers and readers feel meanwhile.

    tests/.cache/venv/bin/python bench/compare.py --gb 0.1 --json bench/result.json
    tests/.cache/venv/bin/python bench/compare.py --growth --json bench/growth.json

Half the data is a database, half is files; half of each is noise. Numbers of one run compare with each other only.
Needs bosbase as users get it (`cargo build --profile dist`) and the environment that `./check` makes.
"""

import argparse
import json
import os
import shutil
import statistics
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from clients import REQUESTS_PER_SECOND  # noqa: E402
from data import make, make_app  # noqa: E402
from harness.programs import POCKETBASE, ROOT, Program  # noqa: E402
from measure import measure, measure_busy  # noqa: E402

ROWS = [
    ("create until listed, s", lambda one: one["create_s"]),
    ("create until listed, MB/s", lambda one: one["data_mb"] / one["create_s"]),
    ("create until proven, s", lambda one: one.get("proven_s", float("nan"))),
    ("archive, MB", lambda one: one["archive_mb"]),
    ("spare disk beside the archive, MB", lambda one: one["spare_disk_mb"]),
    ("restore until served, s", lambda one: one["restore_s"]),
    ("restore, failed requests", lambda one: one["restore_failed_requests"]),
    ("restore, longest pause, ms", lambda one: one["restore_pause_ms"]),
    ("upload, s", lambda one: one["upload_s"]),
    ("download, MB/s", lambda one: one["download_mb_per_s"]),
    ("memory idle, MiB", lambda one: one["idle_memory_mib"]),
    ("memory in create, MiB", lambda one: one["create_memory_mib"]),
    ("memory in download, MiB", lambda one: one["download_memory_mib"]),
    ("memory in upload, MiB", lambda one: one["upload_memory_mib"]),
    ("memory in restore, MiB", lambda one: one["restore_memory_mib"]),
    ("writers idle p50, ms", lambda one: one["writers_idle_ms"]["p50"]),
    ("writers idle p99, ms", lambda one: one["writers_idle_ms"]["p99"]),
    ("writers in create p50, ms", lambda one: one["writers_during_create_ms"]["p50"]),
    ("writers in create p99, ms", lambda one: one["writers_during_create_ms"]["p99"]),
    ("writers in create max, ms", lambda one: one["writers_during_create_ms"]["max"]),
    ("readers idle p50, ms", lambda one: one["readers_idle_ms"]["p50"]),
    ("readers idle p99, ms", lambda one: one["readers_idle_ms"]["p99"]),
    ("readers in create p50, ms", lambda one: one["readers_during_create_ms"]["p50"]),
    ("readers in create p99, ms", lambda one: one["readers_during_create_ms"]["p99"]),
    ("readers in create max, ms", lambda one: one["readers_during_create_ms"]["max"]),
    ("writers in proof p99, ms", lambda one: (one["writers_during_proof_ms"] or {}).get("p99", float("nan"))),
    ("readers in proof p99, ms", lambda one: (one["readers_during_proof_ms"] or {}).get("p99", float("nan"))),
    ("1,000 backups listed, ms", lambda one: one["list_1000_ms"]),
]

def quantile(who, when, which):
    return lambda one: (one[f"{who}_{when}_ms"] or {}).get(which, float("nan"))


ROWS_BUSY = [
    ("create until listed, s", lambda one: one["create_s"]),
    ("archive, MB", lambda one: one["archive_mb"]),
    ("download right after listing, MB/s", lambda one: one["download_mb_per_s"]),
    ("restore until served, s", lambda one: one["restore_s"]),
    ("restore, longest pause, ms", lambda one: one["restore_pause_ms"]),
    ("restore, failed requests", lambda one: one["restore_failed_requests"]),
    ("restore, failed writes", lambda one: one["restore_writers_failed"]),
    ("memory, MiB", lambda one: one["memory_mib"]),
    *[
        (f"{who} in {when} {which}, ms", quantile(who, {"idle": "idle"}.get(when, f"during_{when}"), which))
        for who in ("writers", "readers")
        for when in ("idle", "create", "download", "proof")
        for which in ("p50", "p99", "max")
    ],
]

GROWTH = [(0.1, 1), (0.1, 100_000), (1, 100), (10, 1000)]
"""Gigabytes and files: a cost that grows faster than the data, or with the count of files, shows between these."""


def run(programs, make, measure, rounds, home):
    """Results of each program, `rounds` of them, in turn."""
    results = {program.name: [] for program in programs}
    source = home / "source" / "pb_data"
    try:
        make(source)
        for _ in range(rounds):
            for program in programs:
                results[program.name].append(measure(program, source, home))
    finally:
        shutil.rmtree(source.parent, ignore_errors=True)
    return results


def table(results, rows):
    names = list(results)
    yield f"| {'':34} | " + " | ".join(f"{name:>18}" for name in [*names, "ratio"]) + " |"
    yield f"| {'-' * 34} | " + " | ".join("-" * 17 + ":" for _ in [*names, "ratio"]) + " |"
    for label, value in rows:
        cells = [statistics.median(value(one) for one in results[name]) for name in names]
        ratio = f"{cells[0] / cells[1]:18.2f}" if len(cells) == 2 and cells[1] else " " * 18
        yield f"| {label:34} | " + " | ".join(f"{cell:18.1f}" for cell in cells) + f" | {ratio} |"


def data(given):
    """What to measure with: how it is called, and what makes it."""
    if given.app:
        yield "1.08 GB shaped like an app's data", make_app
        return
    for gb, files in GROWTH if given.growth else [(given.gb, given.files)]:
        of_files = f"in {files} files" if files else "files"
        yield f"{gb} GB of data, half of it {of_files}", lambda source, gb=gb, files=files: make(source, gb * 1e9, files)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gb", type=float, default=0.1, help="size of the data in gigabytes (default 0.1)")
    parser.add_argument("--files", type=int, default=None, help="how many files half of it is (default: of 5 MB each)")
    parser.add_argument("--growth", action="store_true", help="0.1, 1 and 10 GB, 1 and 100,000 files, one after the other")
    parser.add_argument("--app", action="store_true", help="1.08 GB shaped like an app's data, in place of even blocks")
    parser.add_argument("--busy", action="store_true", help="clients go on all the time; the first download and the first restore count")
    parser.add_argument("--rounds", type=int, default=1, help="rounds of each; the median counts (default 1)")
    parser.add_argument("--bin", type=Path, default=ROOT / "target" / "dist" / "bosbase", help="the bosbase binary")
    parser.add_argument("--alone", action="store_true", help="without PocketBase")
    parser.add_argument("--json", type=Path, help="where to write the numbers")
    parser.add_argument("--dir", type=Path, default=None, help="where to put the data meanwhile (default: the temporary folder)")
    given = parser.parse_args()
    if not given.bin.exists():
        parser.error(f"{given.bin} is not there: cargo build --profile dist")
    programs = [Program("bosbase", given.bin.resolve())] + ([] if given.alone else [POCKETBASE])
    home = Path(tempfile.mkdtemp(prefix="bosbase-bench-", dir=given.dir))
    written = []
    try:
        for title, make_data in data(given):
            ask, rows = (measure_busy, ROWS_BUSY) if given.busy else (measure, ROWS)
            results = run(programs, make_data, ask, given.rounds, home)
            asked = "clients go on all the time, writes on time" if given.busy else f"{REQUESTS_PER_SECOND} writes/s and reads/s meanwhile"
            print(f"{title}; {asked}, {given.rounds} round(s), {os.cpu_count()} cores\n")
            print("\n".join(table(results, rows)) + "\n", flush=True)
            written.append({"data": title, "busy": given.busy, "cores": os.cpu_count(), "results": results})
            if given.json:
                given.json.write_text(json.dumps(written, indent=2) + "\n")
    finally:
        shutil.rmtree(home, ignore_errors=True)


if __name__ == "__main__":
    main()
