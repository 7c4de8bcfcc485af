"""Mutated multipart bodies against the routes that take them: the upload of a backup, and a record with a file.

From outside, so it does not know what it reached; in exchange it is the whole way from the socket to the disk.
"""

import http.client
import io
import random
import time
import zipfile
from collections import Counter
from urllib.parse import quote

from harness.programs import BOSBASE
from harness.server import Server

BOUNDARY = b"----boundary7MA4YWxk"
ARCHIVE = io.BytesIO()
with zipfile.ZipFile(ARCHIVE, "w") as made:
    made.writestr("data.db", b"SQLite format 3\0" + bytes(84))
ARCHIVE = ARCHIVE.getvalue()

# What a parser may stumble over, put anywhere.
WORDS = [
    b"\r\n", b"\n", b"\r", b"\r\n\r\n", b"--", b"--" + BOUNDARY, b"\r\n--" + BOUNDARY, b"\r\n--" + BOUNDARY + b"--", b"\r\n--" + BOUNDARY + b"--\r\n",
    b"Content-Disposition: form-data; name=\"file\"; filename=\"x.zip\"\r\n\r\n", b"filename=", b"filename*=UTF-8''%2e%2e%2fx.zip", b"filename=\"\"", b"name=",
    b"name=\"file", b"\"", b"\\\"", b";", b"=", b":", b"\0", b"\xff\xfe", b"../../x.zip", b"..\\x.zip", b"/etc/x.zip", b"%00", b"x" * 5000, b"Content-Type: multipart/mixed\r\n",
    b"Content-Transfer-Encoding: base64\r\n", b"Content-Length: 99999999999\r\n", b"PK\x03\x04", b"PK\x05\x06", b"PK\x01\x02", b".zip", b"@jsonPayload", b"{\"a\":", b"[" * 300, b"-1e999",
]  # fmt: skip


def part(headers, content):
    return b"--" + BOUNDARY + b"\r\n" + b"".join(header + b"\r\n" for header in headers) + b"\r\n" + content + b"\r\n"


def disposition(name, filename=None):
    line = b'Content-Disposition: form-data; name="' + name + b'"'
    return line + (b'; filename="' + filename + b'"' if filename is not None else b"")


END = b"--" + BOUNDARY + b"--\r\n"
ZIP = b"Content-Type: application/zip"
SEEDS = {
    "/api/backups/upload": [
        part([disposition(b"file", b"up.zip"), ZIP], ARCHIVE) + END,
        part([disposition(b"other")], b"text") + part([disposition(b"file", b"up.zip")], ARCHIVE) + END,
        part([disposition(b"file", b"no-zip.zip")], b"no archive") + END,
        part([disposition(b"file")], ARCHIVE) + END,
        b"preamble\r\n" + part([disposition(b"file", b"up.zip"), ZIP], ARCHIVE) + END + b"epilogue",
        END,
    ],
    "/api/collections/papers/records": [
        part([disposition(b"text")], b"hello") + part([disposition(b"paper", b"a.txt")], b"some bytes") + END,
        part([disposition(b"@jsonPayload")], b'{"text":"x"}') + END,
        part([disposition(b"paper", b"a.txt")], b"one") + part([disposition(b"paper+", b"b.txt")], b"two") + END,
        part([disposition(b"paper-")], b"a.txt") + part([disposition(b"text")], b"") + END,
    ],
}


class Fuzz:
    def __init__(self, directory, seed):
        self.random, self.seed, self.statuses = random.Random(seed), seed, Counter()
        self.server = Server(BOSBASE, directory).start()
        self.root = self.server.root()
        fields = [{"name": "text", "type": "text"}, {"name": "paper", "type": "file", "maxSelect": 3}]
        self.papers = self.root.post("/api/collections", json={"name": "papers", "type": "base", "fields": fields})["id"]
        self.connection = None

    def run(self, seconds):
        """Returns how often each answer came; raises AssertionError with the body that did what none may."""
        for path, seeds in SEEDS.items():  # what is not mutated also warms the server up
            for body in seeds * 20:
                self.check(path, BOUNDARY, body)
        assert self.statuses[204] and self.statuses[200], f"the seeds do not work: {self.statuses}"
        resting, known = self.memory(), self.names()
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            path = self.random.choice(sorted(SEEDS))
            body, boundary = self.mutate(self.random.choice(SEEDS[path])), BOUNDARY
            if self.random.random() < 0.05:
                boundary = self.mutate(BOUNDARY).replace(b"\r", b"").replace(b"\n", b"").replace(b"\0", b"")
            try:
                self.check(path, boundary, body)
            except Exception as error:
                raise AssertionError(f"seed {self.seed}: {path} boundary {boundary!r} body {body!r}: {error!r}\n{self.server.log()}") from error
        grown = self.memory() - resting
        assert grown < 64 << 20, f"memory grew by {grown >> 20} MiB"
        assert "panicked" not in self.server.log(10_000_000)
        assert self.names() == known, self.names() ^ known
        return dict(sorted(self.statuses.items()))

    def mutate(self, body):
        choose = self.random
        for _ in range(choose.choice([1, 1, 2, 3, 8])):
            at, length = choose.randrange(len(body) + 1), choose.choice([1, 1, 2, 8, 40])
            kind = choose.randrange(6)
            if kind == 0:
                body = body[:at] + body[at + length :]
            elif kind == 1:
                body = body[:at] + choose.choice(WORDS) + body[at:]
            elif kind == 2:
                body = body[:at] + choose.choice(WORDS) + body[at + length :]
            elif kind == 3:
                body = body[:at] + choose.randbytes(length) + body[at + length :]
            elif kind == 4:
                body = body[:at] + body[choose.randrange(len(body) + 1) :][:200] + body[at:]
            else:
                body = body[:at]
        return body

    def check(self, path, boundary, body):
        status, answer = self.send(path, boundary, body)
        self.statuses[status] += 1
        assert status in (200, 204, 400, 413), f"{status} {answer[:300]!r}"
        backups = {file.name for file in (self.server.directory / "backups").glob("*")}
        if path.endswith("upload"):
            assert status != 200
            assert len(backups) == (1 if status == 204 else 0), (status, backups)
            for name in backups:
                file = self.server.directory / "backups" / name
                assert name.endswith(".zip") and file.read_bytes() in body
                self.root.delete("/api/backups/" + quote(name, safe=""))
        elif status == 200:
            record = self.root.get("/api/collections/papers/records")["items"][0]
            for name in record["paper"]:
                assert (self.server.directory / "storage" / self.papers / record["id"] / name).read_bytes() in body
            self.root.delete(f"/api/collections/papers/records/{record['id']}")

    def send(self, path, boundary, body):
        headers = {"Authorization": self.root.token, "Content-Type": b"multipart/form-data; boundary=" + boundary}
        for again in (False, True):
            if self.connection is None:
                self.connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=20)
            try:
                self.connection.request("POST", path, body, headers)
                answer = self.connection.getresponse()
                return answer.status, answer.read()
            except (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError):
                # The answer before this one refused a body without reading all of it.
                self.connection = None
                if again:
                    raise
        raise AssertionError("unreachable")

    def memory(self):
        with open(f"/proc/{self.server.process.pid}/status") as status:
            return next(int(line.split()[1]) * 1024 for line in status if line.startswith("RssAnon:"))

    def names(self):
        """Everything in and beside the data directory, but the side files of the databases, the logs, the folders of gone
        records, and the reserve, which is made when the log is first written."""
        parent = self.server.directory.parent
        return {
            str(path.relative_to(parent))
            for path in parent.rglob("*")
            if path.is_file() and not path.name.endswith(("-wal", "-shm")) and path != self.server.log_path and path.name != "reserve"
        }


def fuzz(directory, seconds, seed):
    """Runs and returns how often each answer came."""
    run = Fuzz(directory, seed)
    try:
        return run.run(seconds)
    finally:
        run.server.kill()
