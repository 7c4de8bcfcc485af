#!/usr/bin/env python3
"""Records what the real PocketBase answers to many filters and rules, or checks a server against that record.

    record.py record PATH_TO_POCKETBASE      writes expected.json, which `cargo test -p bosbase-store` replays
    record.py check URL EMAIL PASSWORD       asks another server the same; its data must be fresh

Standard library only.
"""

import json
import pathlib
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE))

import cases  # noqa: E402

PASSWORD = "password1234"
HEADERS = {"X-Demo": "yes"}


class Server:
    def __init__(self, url):
        self.url = url
        self.tokens = {"guest": None}

    def call(self, method, path, body=None, who="superuser", query=None, files=None):
        """The status and the answer."""
        url = self.url + path + ("?" + urllib.parse.urlencode(query) if query else "")
        headers = dict(HEADERS)
        if self.tokens.get(who):
            headers["Authorization"] = self.tokens[who]
        data = None
        if files:
            boundary = "----bosbase"
            headers["Content-Type"] = f"multipart/form-data; boundary={boundary}"
            parts = [f'--{boundary}\r\nContent-Disposition: form-data; name="@jsonPayload"\r\n\r\n{json.dumps(body)}\r\n']
            for field, name in files:
                parts.append(
                    f'--{boundary}\r\nContent-Disposition: form-data; name="{field}"; filename="{name}"\r\n'
                    f"Content-Type: text/plain\r\n\r\n{name}\r\n"
                )
            data = ("".join(parts) + f"--{boundary}--\r\n").encode()
        elif body is not None:
            headers["Content-Type"] = "application/json"
            data = json.dumps(body).encode()
        request = urllib.request.Request(url, data=data, headers=headers, method=method)
        try:
            with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=60) as answer:
                raw = answer.read()
                return answer.status, json.loads(raw) if raw else None
        except urllib.error.HTTPError as error:
            raw = error.read()
            return error.code, json.loads(raw) if raw else None

    def must(self, *arguments, **rest):
        status, answer = self.call(*arguments, **rest)
        if status >= 300:
            raise SystemExit(f"{arguments}: {status} {json.dumps(answer)}")
        return answer

    def login(self, who, collection, identity, password):
        self.tokens[who] = None
        answer = self.must(
            "POST",
            f"/api/collections/{collection}/auth-with-password",
            {"identity": identity, "password": password},
            who="guest",
        )
        self.tokens[who] = answer["token"]

    def fill(self):
        """Makes the collections and records; returns both as the server shows them to a superuser."""
        for definition in cases.COLLECTIONS:
            # A relation to the collection itself can only be added once that is there.
            fields = [each for each in definition.get("fields", []) if each.get("collectionId") != definition["id"]]
            made = self.must("POST", "/api/collections", definition | ({"fields": fields} if fields else {}))
            own = [each for each in definition.get("fields", []) if each not in fields]
            if own:
                self.must("PATCH", f"/api/collections/{definition['id']}", {"fields": made["fields"] + own})
        records = {}
        for name, rows in cases.RECORDS.items():
            for row in rows:
                row = dict(row)
                files = row.pop("@files", None)
                if name == "people":
                    row |= {"password": PASSWORD, "passwordConfirm": PASSWORD}
                records.setdefault(name, []).append(
                    self.must("POST", f"/api/collections/{name}/records", row, files=files)
                )
        for row in cases.RECORDS["people"]:
            self.login(row["name"], "people", row["email"], PASSWORD)
        shown = [self.must("GET", f"/api/collections/{each['name']}") for each in cases.COLLECTIONS]
        return shown, records

    def answer(self, case):
        return getattr(self, "answer_" + case["kind"])(case)

    def answer_filter(self, case):
        return self.listed(case["collection"], case)

    def answer_rule(self, case):
        name = case["collection"]
        before = self.must("GET", f"/api/collections/{name}")["listRule"]
        status, answer = self.call("PATCH", f"/api/collections/{name}", {"listRule": case["rule"]})
        if status == 400:
            return {"status": 400, "invalid": answer["data"]["listRule"]["message"]}
        try:
            return self.listed(name, case)
        finally:
            self.must("PATCH", f"/api/collections/{name}", {"listRule": before})

    def listed(self, name, case):
        query = {"perPage": "500", **case.get("query", {})}
        for key in ("filter", "sort"):
            if case.get(key):
                query[key] = case[key]
        status, answer = self.call("GET", f"/api/collections/{name}/records", who=case["as"], query=query)
        if status != 200:
            return {"status": status}
        ids = [item["id"] for item in answer["items"]]
        return {"status": 200, "ids": ids if case.get("sort") else sorted(ids), "total": answer["totalItems"]}

    def answer_update(self, case):
        name = case["collection"]
        status, answer = self.call("PATCH", f"/api/collections/{name}", {"updateRule": case["rule"]})
        if status == 400:
            return {"status": 400, "invalid": answer["data"]["updateRule"]["message"]}
        path = f"/api/collections/{name}/records/{case['id']}"
        before = self.must("GET", path)
        status, _ = self.call("PATCH", path, case["body"], who=case["as"])
        self.must("PATCH", path, {key: before[key] for key in case["body"] if key in before})
        self.must("PATCH", f"/api/collections/{name}", {"updateRule": None})
        return {"status": status}

    def answer_create(self, case):
        name = case["collection"]
        status, answer = self.call("PATCH", f"/api/collections/{name}", {"createRule": case["rule"]})
        if status == 400:
            return {"status": 400, "invalid": answer["data"]["createRule"]["message"]}
        status, answer = self.call("POST", f"/api/collections/{name}/records", case["body"], who=case["as"])
        if status == 200:
            self.must("DELETE", f"/api/collections/{name}/records/{answer['id']}")
        self.must("PATCH", f"/api/collections/{name}", {"createRule": None})
        return {"status": status}


def record(binary):
    with tempfile.TemporaryDirectory() as root:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        data = f"{root}/pb_data"
        subprocess.run([binary, "superuser", "upsert", "a@example.com", PASSWORD, "--dir", data], check=True, cwd=root)
        process = subprocess.Popen(
            [binary, "serve", "--dir", data, "--http", f"127.0.0.1:{port}", "--automigrate=false"],
            cwd=root,
            stdout=subprocess.DEVNULL,
        )
        try:
            server = Server(f"http://127.0.0.1:{port}")
            for _ in range(200):
                try:
                    server.call("GET", "/api/health", who="guest")
                    break
                except OSError:
                    time.sleep(0.05)
            server.login("superuser", "_superusers", "a@example.com", PASSWORD)
            collections, records = server.fill()
            answers = [case | {"expected": server.answer(case)} for case in cases.all_cases()]
        finally:
            process.terminate()
            process.wait()
    lines = ",\n".join(json.dumps(answer, ensure_ascii=False) for answer in answers)
    rows = ",\n".join(
        json.dumps({"collection": name, "record": row}, ensure_ascii=False) for name in records for row in records[name]
    )
    tables = ",\n".join(json.dumps(each, ensure_ascii=False) for each in collections)
    text = f'{{"collections": [\n{tables}\n],\n"records": [\n{rows}\n],\n"cases": [\n{lines}\n]}}\n'
    json.loads(text)
    (HERE / "expected.json").write_text(text)
    print(f"{len(answers)} answers recorded")


def differences(url, email, password):
    """What a server with fresh data answers otherwise than recorded, and how many answers are recorded."""
    server = Server(url)
    server.login("superuser", "_superusers", email, password)
    server.fill()
    expected = json.loads((HERE / "expected.json").read_text())["cases"]
    different = []
    for case in expected:
        want = case.pop("expected")
        got = server.answer(case)
        if got != want:
            different.append(f"{json.dumps(case)}\n  expected {want}\n  got      {got}")
    return different, len(expected)


def check(url, email, password):
    different, total = differences(url, email, password)
    print(*different, sep="\n")
    print(f"{total - len(different)} of {total} answers as recorded")
    return not different


if __name__ == "__main__":
    if sys.argv[1:2] == ["record"] and len(sys.argv) == 3:
        record(sys.argv[2])
    elif sys.argv[1:2] == ["check"] and len(sys.argv) == 5:
        sys.exit(not check(*sys.argv[2:]))
    else:
        sys.exit(__doc__)
