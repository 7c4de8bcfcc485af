"""`wrk` as the generator of requests (https://github.com/wg/wrk; Debian's package `wrk`), told what to send in a script of Lua."""

import json
import shutil
import subprocess
import tempfile
from pathlib import Path

SUMMARY = """
function done(summary, latency, requests)
  local failed = summary.errors
  io.write(string.format('\\n{"requests": %d, "seconds": %f, "p50_ms": %f, "p99_ms": %f, "max_ms": %f, "refused": %d, "broken": %d}\\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3, latency.max / 1e3,
    failed.status, failed.connect + failed.read + failed.write + failed.timeout))
end
"""


def installed():
    return shutil.which("wrk") is not None


def text(string):
    """A text as Lua writes it."""
    return json.dumps(string, ensure_ascii=True).replace("\\/", "/")


def always(method, path, headers, body=None):
    """The script that sends one request again and again."""
    return "\n".join(
        [
            f"wrk.method = {text(method)}",
            f"wrk.path = {text(path)}",
            *(f"wrk.headers[{text(name)}] = {text(value)}" for name, value in headers.items()),
            f"wrk.body = {text(body)}" if body is not None else "",
        ]
    )


def varied(method, path, headers, count, body=None):
    """The script that sends requests about one of `count` posts each: `%s` in the path is its id. Each thread draws its own."""
    return "\n".join(
        [
            always(method, path, headers, body),
            "local drawn = 0",
            "function setup(thread) drawn = drawn + 1; thread:set('seed', drawn) end",
            "function init() math.randomseed(seed) end",
            f"local template = {text(path)}",
            "function request()",
            f"  return wrk.format(nil, string.format(template, string.format('r%014d', math.random(0, {count - 1}))))",
            "end",
        ]
    )


def run(url, script, connections, seconds, threads=1):
    """What came of it: requests, seconds, latencies in milliseconds, and how many failed."""
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as file:
        file.write(script + SUMMARY)
        file.flush()
        command = ["wrk", "-t", str(threads), "-c", str(connections), "-d", f"{seconds}s", "--timeout", "30s", "-s", Path(file.name), url]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True)
    result = json.loads(done.stdout.strip().splitlines()[-1])
    result["per_second"] = result["requests"] / result["seconds"]
    return result
