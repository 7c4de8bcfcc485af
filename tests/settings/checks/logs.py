"""`logs`: which lines are kept, for how long, and what they tell."""

import contextlib
import json
import sqlite3
import time

from harness.client import wait_for

from ..users import log_in, make_user


def logged(root, part, seconds=30):
    """The log's line of the request whose address holds `part`."""
    newest = lambda: root.get("/api/logs?perPage=200&sort=-created")["items"]  # noqa: E731
    return wait_for(lambda: [line for line in newest() if part in json.dumps(line)], seconds, f"a line for {part}")[0]


def lines_below_the_level_are_not_kept(server, root, sink):
    root.patch("/api/settings", json={"logs": {"minLevel": 8}})
    server.client().get("/api/health?below")
    root.patch("/api/settings", json={"logs": {"minLevel": 0}})
    server.client().get("/api/health?above")
    logged(root, "above")
    lines = root.get("/api/logs?perPage=200")["items"]
    assert not [line for line in lines if "health?below" in str(line["data"].get("url"))]


def a_line_tells_what_it_may(server, root, sink):
    user = make_user(root)
    as_user = server.client().with_token(log_in(server)["token"])
    for setting in (True, False):
        root.patch("/api/settings", json={"logs": {"logIP": setting, "logAuthId": setting}})
        as_user.get(f"/api/health?mark{setting}")
        line = json.dumps(logged(root, f"mark{setting}"))
        assert ("127.0.0.1" in line.replace(f"127.0.0.1:{server.port}", "")) == setting, line
        assert (user["id"] in line) == setting, line


def a_line_is_as_long_as_it_may(server, root, sink):
    length = {}
    for most in (0, 500):
        root.patch("/api/settings", json={"logs": {"maxDataSize": most}})
        server.client().send("GET", f"/api/collections/long{most}", headers={"Referer": "http://example.com/" + "r" * 3000}, expect=401)
        length[most] = len(json.dumps(logged(root, f"long{most}")["data"]))
    assert length[500] < 1200 and length[500] < length[0], length


def old_lines_of_the_log_go(server, root, sink):
    server.client().get("/api/health?young")
    logged(root, "young")
    with contextlib.closing(sqlite3.connect(server.directory / "auxiliary.db", timeout=60)) as database, database:
        for days in (2, 4):
            then = time.strftime("%Y-%m-%d %H:%M:%S.000Z", time.gmtime(time.time() - days * 86_400))
            row = (f"old{days}00000000000", f"old{days}", then)
            database.execute("INSERT INTO _logs (id, level, message, data, created) VALUES (?, 0, ?, '{}', ?)", row)
    root.patch("/api/settings", json={"logs": {"maxDays": 3}})
    root.post("/api/crons/__pbLogsCleanup__", expect=204)
    messages = lambda: {line["message"] for line in root.get("/api/logs?perPage=500")["items"]}  # noqa: E731
    wait_for(lambda: "old4" not in messages(), 30, "the end of the old line")
    assert "old2" in messages()
    root.patch("/api/settings", json={"logs": {"maxDays": 0}})
    server.client().get("/api/health?none")
    root.patch("/api/settings", json={"logs": {"maxDays": 3}})
    server.client().get("/api/health?again")
    logged(root, "again")
    assert not [line for line in root.get("/api/logs?perPage=500")["items"] if "health?none" in str(line["data"].get("url"))]
