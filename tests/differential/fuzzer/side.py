"""One of the two servers: made from a template, asked step by step, its answers written down without what chance made."""

import base64
import contextlib
import http.client
import json
import re
import shutil
import time
import urllib.parse
from dataclasses import dataclass

from harness.programs import EMAIL, PASSWORD
from harness.server import Server, free_port

PATIENCE = 120
ROOT = "thesuperuserone"
BOUNDARY = "fuzzerfuzzerfuzzerfuzzer"

_ID = re.compile(r"\b[a-z0-9]{15}\b")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(?:\.\d+)?Z")
_TOKEN = re.compile(r"eyJ[\w-]+\.[\w-]+\.[\w-]+")
# What keeps names of files apart. PocketBase names what comes in a batch twice, and lengthens short names.
_FILE_OF_BATCH = re.compile(r"(?<=_[a-z0-9]{10})_[a-z0-9]{10}(?=\.\w)")
_SHORT_FILE = re.compile(r"(?<=\")([a-z0-9]{0,2})[a-z0-9]{10}_[a-z0-9]{10}(?=\.\w)")
_FILE = re.compile(r"_[a-z0-9]{10}(?=\.\w)")
_VIEW_FIELD = re.compile(r'"(_clone_)\w+"')
_INDEX = re.compile(r"(`?idx_(?:tokenKey|email)_)\w+\b")
_CHALLENGE = re.compile(r'(code_challenge=|"codeChallenge": "|"codeVerifier": "|state=|"state": ")[\w-]{30,43}')
_REFERENCES = re.compile(r"(?<=reference in )([\w, ]+)(?=\.)")


@dataclass
class Answer:
    """`told` is the JSON, or the text; of either without what chance made, which `raw` has."""

    status: int
    told: object
    kind: str = ""
    raw: object = None

    def shown(self):
        return f"{self.status} {json.dumps(self.told, ensure_ascii=False)}"


class Template:
    """A data directory to begin with: a superuser and their token, batches on, hashes cheap, nothing logged."""

    def __init__(self, name, program, folder):
        self.name, self.program, self.directory = name, program, folder / name / "pb_data"
        self.directory.parent.mkdir(parents=True, exist_ok=True)
        with Server(program, self.directory) as server:
            root = server.root()
            users = root.get("/api/collections/users")
            for field in users["fields"]:
                if field["type"] == "password":
                    field["cost"] = 4
            root.patch("/api/collections/users", json={"fields": users["fields"]})
            # The superuser's id is not what a server made up: rules look at it.
            root.post("/api/collections/_superusers/records", json={"id": ROOT, "email": "second@example.com", "password": PASSWORD, "passwordConfirm": PASSWORD})
            first, root = root, server.root("second@example.com")
            root.send("DELETE", f"/api/collections/_superusers/records/{first.auth['record']['id']}", expect=204)
            root.patch(f"/api/collections/_superusers/records/{ROOT}", json={"email": EMAIL})
            root = server.root()
            self.token = root.token
            root.patch("/api/settings", json={"batch": {"enabled": True, "maxRequests": 20, "timeout": 20}, "logs": {"maxDays": 0}})
            server.stop()


class Side:
    """A server on a copy of the template. Ask it with `begin` and `end`, so that both servers work at the same time."""

    def __init__(self, template, folder):
        self.template = template
        self.folder = folder / template.name
        self.folder.mkdir(parents=True)
        shutil.copytree(template.directory, self.folder / "pb_data")
        self.server = Server(template.program, self.folder / "pb_data", superuser=False)
        self.server.start(wait=False)
        self.tokens = {"root": template.token}
        self.names, self.chosen, self.made = {}, set(), ""
        self.began = time.time()
        self.connection = None

    def ready(self):
        for _ in range(5):
            with contextlib.suppress(AssertionError):
                self.server.wait_until_healthy()
                if self._once("GET", "/api/collections?perPage=1", {"Authorization": self.tokens["root"]})[0].status == 200:
                    return
            # Another server came to the port first.
            self._lost()
            self.server.kill()
            self.server.port = free_port()
            self.server.start(wait=False)
        raise OSError("no port is this server's")

    def close(self):
        if self.connection:
            self.connection.close()
        self.server.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    # --- asking -------------------------------------------------------------------------------------------------------

    def _connect(self):
        # A connection that nobody used for long may be closed by a server at any moment.
        if self.connection is not None and time.monotonic() - self.used_at > 5:
            self._lost()
        self.used_at = time.monotonic()
        if self.connection is None:
            self.connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=PATIENCE)
        return self.connection

    def _once(self, method, path, headers=None, body=None):
        connection = self._connect()
        connection.request(method, path, body=body, headers=headers or {})
        response = connection.getresponse()
        return response, response.read()

    def _file(self, found):
        """The name that a file has on this server: `${file:collection/record/field/0}`."""
        collection, record, field, number = found[1].split("/")
        _, body = self._once("GET", f"/api/collections/{collection}/records/{record}", {"Authorization": self.tokens["root"]})
        try:
            value = json.loads(body).get(field) or []
        except (ValueError, AttributeError):
            value = []
        names = [value] if isinstance(value, str) else value if isinstance(value, list) else []
        return names[int(number)] if int(number) < len(names) and isinstance(names[int(number)], str) else "missing.txt"

    def _resolve(self, text):
        text = re.sub(r"\$\{file:([^}]+)\}", self._file, text).replace("${made}", self.made)
        return re.sub(r"\$\{token:([^}]+)\}", lambda found: self.tokens.get(found[1], "missing"), text)

    def begin(self, step):
        """Sends the request."""
        self.sent_at = time.time()
        headers = {name: self._resolve(value) for name, value in step.get("headers", {}).items()}
        if (by := step.get("by")) and by in self.tokens:
            headers.setdefault("Authorization", self.tokens[by])
        path = self._resolve(step["path"])
        if step.get("params"):
            path += "?" + "&".join(f"{urllib.parse.quote(k, safe='')}={urllib.parse.quote(self._resolve(v).encode('utf-8', 'surrogatepass'), safe='')}" for k, v in step["params"])
        body = None
        if "json" in step:
            body = self._resolve(step["json"]).encode("utf-8", "surrogatepass")
            headers.setdefault("Content-Type", "application/json")
        elif "form" in step:
            body = urllib.parse.urlencode([(k, self._resolve(v)) for k, v in step["form"]]).encode()
            headers.setdefault("Content-Type", "application/x-www-form-urlencoded")
        elif "parts" in step:
            body = self._multipart(step["parts"])
            headers.setdefault("Content-Type", f"multipart/form-data; boundary={BOUNDARY}")
        elif step["method"] in ("POST", "PATCH", "PUT"):
            body = b""
        said = path.encode() + b" " + (body or b"")
        self.chosen.update(_ID.findall(said.decode("utf-8", "replace")))
        try:
            self._connect().request(step["method"], path, body=body, headers=headers)
        except (OSError, http.client.HTTPException):
            self._lost()

    def _multipart(self, parts):
        out = []
        for name, filename, content in parts:
            content = base64.b64decode(content[7:]) if content.startswith("base64:") else self._resolve(content).encode("utf-8", "surrogatepass")
            disposition = f'form-data; name="{name}"' + (f'; filename="{filename}"' if filename is not None else "")
            kind = "Content-Type: application/octet-stream\r\n" if filename is not None else ""
            out.append(f"--{BOUNDARY}\r\nContent-Disposition: {disposition}\r\n{kind}\r\n".encode() + content + b"\r\n")
        return b"".join(out) + f"--{BOUNDARY}--\r\n".encode()

    def _lost(self):
        if self.connection:
            self.connection.close()
        self.connection = None

    def end(self, step):
        """Reads the answer."""
        if self.connection is None:
            return Answer(0, "the connection broke")
        try:
            response = self.connection.getresponse()
            body = response.read()
        except (OSError, http.client.HTTPException) as error:
            self._lost()
            return Answer(0, repr(error))
        try:
            told = json.loads(body) if body else None
        except ValueError:
            told = body.decode(errors="replace")[:400]
        if step.get("save") and isinstance(told, dict) and isinstance(told.get("token"), str):
            self.tokens[step["save"]] = told["token"]
        if step.get("about") == "record" and isinstance(told, dict):
            self.made = str(told.get("id", ""))
        self._learn(told)
        return Answer(response.status, self._plain(told), (response.headers.get("Content-Type") or "").split(";")[0], told)

    def login(self):
        """The superuser's password, where a step has ended their sessions."""
        return {"identity": EMAIL, "password": PASSWORD}

    # --- without chance -----------------------------------------------------------------------------------------------

    def _learn(self, value):
        """Gives each id that a server made up a name, by its order of appearance."""
        if isinstance(value, dict):
            for known in (value.get(name) for name in ("id", "mfaId", "otpId")):
                if isinstance(known, str) and _ID.fullmatch(known) and known not in self.chosen:
                    self.names.setdefault(known, f"(id {len(self.names)})")
            for inner in value.values():
                self._learn(inner)
        elif isinstance(value, list):
            for inner in value:
                self._learn(inner)

    def _moment(self, found):
        """A time of this run is chance; any other was chosen."""
        try:
            told = time.strptime(found[0][:19].replace("T", " "), "%Y-%m-%d %H:%M:%S")
        except ValueError:
            return found[0]
        import calendar

        return "(now)" if abs(calendar.timegm(told) - time.time()) < 3600 else found[0]

    def _plain(self, value):
        text = json.dumps(value, ensure_ascii=False)
        if self.names:
            text = _ID.sub(lambda found: self.names.get(found[0], found[0]), text)
        text = _MOMENT.sub(self._moment, text)
        text = _TOKEN.sub("(token)", text)
        text = _CHALLENGE.sub(r"\1(random)", text)
        text = _FILE_OF_BATCH.sub("", text)
        text = _SHORT_FILE.sub(r"\1(random)_(random)", text)
        text = _FILE.sub("_(random)", text)
        text = _INDEX.sub(r"\1(random)", text)
        text = _VIEW_FIELD.sub(r'"\1"', text)
        text = text.replace(f"127.0.0.1:{self.server.port}", "(address)")
        # PocketBase names them in the order of a Go map.
        text = _REFERENCES.sub(lambda found: ", ".join(sorted(found[1].split(", "))), text)
        return json.loads(text)
