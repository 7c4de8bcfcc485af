#!/usr/bin/env python3
"""The API beside PocketBase's on the same data: requests a second and the slowest hundredth of each, memory, and realtime.

    tests/.cache/venv/bin/python bench/api.py --json bench/api.json
    tests/.cache/venv/bin/python bench/api.py --quick --only view,list

Both programs are asked in turn, on fresh copies of the same data; medians over the rounds count. Needs `wrk`, bosbase as users get it
(`cargo build --profile dist`) and the environment that `./check` makes.
"""

import argparse
import contextlib
import json
import os
import shutil
import statistics
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import quote

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

import posts  # noqa: E402
import wrk  # noqa: E402
from flooding import Health  # noqa: E402
from harness.memory import resident  # noqa: E402
from harness.pictures import look  # noqa: E402
from harness.programs import POCKETBASE, ROOT, Program  # noqa: E402
from harness.server import Server  # noqa: E402
from subscribers import fan_out  # noqa: E402

LIST = "/api/collections/posts/records"
FILTER = quote("n >= 100 && title ~ 'archive' && public = true")
LOGIN = {"identity": posts.EMAIL, "password": posts.PASSWORD}
SUBSCRIBERS, CHANGES = 1000, 5
IN_BATCH = 10
ACCOUNTS, LOGINS = 20, 4
"""Accounts that log in with one-time passwords, and how often each does: both servers refuse a sixth try within three minutes."""

SETTLING_SECONDS = 3
THUMBNAIL_SECONDS = 20


def figures(token, count):
    """What is asked, in this order: what writes comes last, and the listings meet the same posts in each round."""
    auth, sent = {"Authorization": token}, {"Authorization": token, "Content-Type": "application/json"}
    post = json.dumps({"title": "A new post", "body": "word " * (posts.BODY // 5), "n": 7, "public": True, "tags": ["file"], "details": {"likes": 1}})
    change = json.dumps({"title": "A changed post", "n": 8})
    batch = json.dumps({"requests": [{"method": "POST", "url": LIST, "body": json.loads(post)}] * IN_BATCH})
    return {
        "health": wrk.always("GET", "/api/health", auth),
        "health, without a token": wrk.always("GET", "/api/health", {}),
        "view": wrk.varied("GET", f"{LIST}/%s", auth, count),
        "list of 30, without total": wrk.always("GET", f"{LIST}?skipTotal=1", auth),
        "list of 30, with total": wrk.always("GET", LIST, auth),
        "list of 30, filtered": wrk.always("GET", f"{LIST}?skipTotal=1&sort=-created&filter={FILTER}", auth),
        "file of 94 KB": wrk.always("GET", f"/api/files/posts/{posts.post_id(0)}/picture.png", {}),
        "thumbnail that is made": wrk.always("GET", f"{photo(1)}?thumb={posts.THUMB}", {}),
        "login": wrk.always("POST", "/api/collections/users/auth-with-password", {"Content-Type": "application/json"}, json.dumps(LOGIN)),
        "update": wrk.varied("PATCH", f"{LIST}/%s", sent, count, change),
        "create": wrk.always("POST", LIST, sent, post),
        f"batch of {IN_BATCH} creates": wrk.always("POST", "/api/batch", sent, batch),
    }


def photo(n):
    return f"/api/files/posts/{posts.post_id(n)}/photo.png"


def thumbnail_ms(server):
    """How long the first request for a thumbnail takes, which makes it: the median of all photos but that of `figures`."""
    client, times = server.client(), []
    for n in range(2, posts.PHOTOS + 1):
        begun = time.monotonic()
        # PocketBase sends the whole picture where it has too much to do, and then may do so for good.
        while look(client.send("GET", f"{photo(n)}?thumb={posts.THUMB}").content)[1:] != (100, 100):
            if time.monotonic() - begun > THUMBNAIL_SECONDS:
                print(f"{server.program.name}: no thumbnail of photo {n} in {THUMBNAIL_SECONDS} s", file=sys.stderr)
                return float("inf")
            time.sleep(0.05)
        times.append((time.monotonic() - begun) * 1000)
    return statistics.median(times)


def one_time_logins(server):
    """Logins with one-time passwords a second, each with one of its own, by as many clients as there are of everything else."""
    root, users = server.root(), "/api/collections/users"
    root.patch(users, json={"otp": {"enabled": True, "duration": 600, "length": 8}})
    accounts = [posts.member(root, 100 + n) for n in range(ACCOUNTS)]
    one = {"collectionRef": root.get(users)["id"], "password": "12345678"}
    otps = [root.create("_otps", {**one, "recordRef": account})["id"] for account in accounts for _ in range(LOGINS)]
    local = threading.local()

    def log_in(otp):
        if not hasattr(local, "client"):
            local.client = server.client()
        local.client.post(f"{users}/auth-with-otp", json={"otpId": otp, "password": "12345678"})

    with ThreadPoolExecutor(16) as clients:
        begun = time.monotonic()
        list(clients.map(log_in, otps))
        return len(otps) / (time.monotonic() - begun)


MUST = {"health, without a token": (None, 0.5), "login": (1, None), "list of 30, filtered": (3, 0.5), "file of 94 KB": (3, 0.5), "create": (3, 0.5), "update": (3, 0.5)}
OTHERS_MUST = (5, 0.5)
"""At 16 connections: at least so many times PocketBase's requests a second, at most this part of its p99."""


def measure(program, source, home, given, round_number):
    """Everything of one program, on a fresh copy of the data."""
    directory = home / program.name / "pb_data"
    shutil.copytree(source, directory)
    # Else the system writes the copy to the disk while the first figures are asked for.
    os.sync()
    try:
        with Server(program, directory) as server:
            token = server.client().login("users", posts.EMAIL, posts.PASSWORD).token
            result = {}
            for name, script in figures(token, given.posts).items():
                if not wanted(name, given.only):
                    continue
                for connections in given.connections:
                    # What was left undone by the one before, a checkpoint say, is not this one's.
                    time.sleep(0.5)
                    probe = Health(server) if name == "login" else contextlib.nullcontext()
                    with probe:
                        one = wrk.run(server.url, script, connections, given.seconds)
                    if name == "login":
                        one["health_p99_ms"] = probe.quantiles()["p99"]
                    if one["refused"] or one["broken"]:
                        print(f"{program.name}, {name}, round {round_number}: {one['refused']} refused, {one['broken']} broken", file=sys.stderr)
                    result[f"{name} @ {connections}"] = one
            # What stays, and not what the last requests left for a moment.
            time.sleep(SETTLING_SECONDS)
            result["memory_mib"] = resident(server.process.pid)[0] / 2**20
            if wanted("thumbnail", given.only):
                result["thumbnail_ms"] = thumbnail_ms(server)
            if wanted("one-time", given.only):
                result["one_time_logins"] = one_time_logins(server)
            if wanted("realtime", given.only):
                result["realtime_ms"] = fan_out(server, token, SUBSCRIBERS, CHANGES)
    finally:
        shutil.rmtree(directory.parent, ignore_errors=True)
    return result


def wanted(name, only):
    return not only or any(part.strip() in name for part in only.split(","))


def median(results, of):
    return statistics.median(of(one) for one in results)


def rows(results, connections):
    """Cells of a table: what, ours and theirs, the ratio, and what it must be at 16 connections."""
    ours, theirs = (results[name] for name in results) if len(results) == 2 else (next(iter(results.values())), None)
    for key in ours[0]:
        if " @ " not in key:
            continue
        name, at = key.rsplit(" @ ", 1)
        most, slowest = MUST.get(name, OTHERS_MUST) if at == "16" else (None, None)
        yield cells(f"{name}, {at} connections, requests/s", ours, theirs, lambda one, key=key: one[key]["per_second"], most and f"≥ {most}")
        yield cells(f"{name}, {at} connections, p99 ms", ours, theirs, lambda one, key=key: one[key]["p99_ms"], slowest and f"≤ {slowest}")
        if name == "login":
            yield cells(f"health meanwhile, {at} logins, p99 ms", ours, theirs, lambda one, key=key: one[key]["health_p99_ms"], None)
    yield cells("memory after the run, MiB", ours, theirs, lambda one: one["memory_mib"], "≤ 0.6")
    if "thumbnail_ms" in ours[0]:
        yield cells(f"thumbnail of {posts.WIDTH} × {posts.HEIGHT}, made, ms", ours, theirs, lambda one: one["thumbnail_ms"], None)
    if "one_time_logins" in ours[0]:
        yield cells("logins with a one-time password, 16 at a time, a second", ours, theirs, lambda one: one["one_time_logins"], None)
    if "realtime_ms" in ours[0]:
        yield cells(f"realtime, the last of {SUBSCRIBERS:,} told, ms", ours, theirs, lambda one: one["realtime_ms"], "≤ 0.5")


def cells(label, ours, theirs, of, must):
    mine = median(ours, of)
    if theirs is None:
        return label, shown(mine), "", "", ""
    # Each round has its own ratio: what else the machine did meanwhile met both.
    ratio = statistics.median(of(one) / of(other) for one, other in zip(ours, theirs, strict=True))
    return label, shown(mine), shown(median(theirs, of)), "" if median(theirs, of) == float("inf") else f"{ratio:.2f}", must or ""


def shown(number):
    if number == float("inf"):
        return "none"
    return f"{number:,.0f}" if number >= 100 else f"{number:.1f}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3, help="rounds of each; the median counts (default 3)")
    parser.add_argument("--seconds", type=int, default=5, help="how long each figure is asked for (default 5)")
    parser.add_argument("--connections", type=int, nargs="+", default=[1, 10, 16, 100], help="how many ask at a time (default 1 10 16 100)")
    parser.add_argument("--posts", type=int, default=28_000, help="how many records there are (default 28,000)")
    parser.add_argument("--only", default="", help="the figures whose names hold one of these, with commas between them")
    parser.add_argument("--quick", action="store_true", help="one round of two seconds with 16 connections")
    parser.add_argument("--bin", type=Path, default=ROOT / "target" / "dist" / "bosbase", help="the bosbase binary")
    parser.add_argument("--alone", action="store_true", help="without PocketBase")
    parser.add_argument("--json", type=Path, help="where to write the numbers")
    parser.add_argument("--dir", type=Path, default=None, help="where to put the data meanwhile (default: the temporary folder)")
    given = parser.parse_args()
    if given.quick:
        given.rounds, given.seconds, given.connections = 1, 2, [16]
    if not given.bin.exists():
        parser.error(f"{given.bin} is not there: cargo build --profile dist")
    if not wrk.installed():
        parser.error("wrk is not there: apt-get install wrk")
    programs = [Program("bosbase", given.bin.resolve())] + ([] if given.alone else [POCKETBASE])
    home = Path(tempfile.mkdtemp(prefix="bosbase-api-", dir=given.dir))
    results = {program.name: [] for program in programs}
    try:
        source = home / "source" / "pb_data"
        posts.make(source, given.posts)
        load = os.getloadavg()[0]
        for number in range(given.rounds):
            # Each is first as often as the other.
            for program in programs if number % 2 == 0 else programs[::-1]:
                results[program.name].append(measure(program, source, home, given, number + 1))
                if given.json:
                    given.json.write_text(json.dumps(results, indent=2) + "\n")
    finally:
        shutil.rmtree(home, ignore_errors=True)
    print(
        f"{given.posts:,} posts of 1.5 KB, {given.rounds} round(s) of {given.seconds} s each, {os.cpu_count()} cores shared with the generator, "
        f"load before {load:.1f}\n"
    )
    names = [*results, "ratio", "must"] if len(results) == 2 else [*results, "", "", ""]
    print("| | " + " | ".join(names) + " |\n| --- |" + " ---: |" * len(names))
    for row in rows(results, given.connections):
        print("| " + " | ".join(row) + " |")


if __name__ == "__main__":
    main()
