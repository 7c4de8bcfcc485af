"""What an anonymous client may send to any route: heads and bodies that cost a server more than they cost the client.

Bodies of 31 MiB are just below what PocketBase takes in; the smaller ones are for limits below that.
"""

import functools
import gzip
from dataclasses import dataclass, field

from harness.wire import Body

MB = 1 << 20
MOST = 31 * MB

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data; boundary=b"


@dataclass(frozen=True)
class Input:
    """`make` gives the body; `how` goes to the wire.

    A `head` may be refused below the API, by an answer without a body. A `heavy` input is the worst of its kind: eight clients
    send it at once."""

    name: str
    make: object = None
    kind: str = JSON
    headers: dict = field(default_factory=dict)
    suffix: str = ""
    query: str = ""
    how: dict = field(default_factory=dict)
    head: bool = False
    heavy: bool = False

    def __str__(self):
        return self.name

    @property
    def body(self):
        return self.make() if self.make else b""

    def target(self, path):
        return f"{path}{self.suffix}{'?' if self.query else ''}{self.query}"

    @property
    def all_headers(self):
        return {**({"Content-Type": self.kind} if self.make else {}), **self.headers}


def text(size):
    return Body(b'{"text":"', (b"x", size), b'"}')


def numbers(count):
    return Body(b'{"json":[', (b"0,", count), b"0]}")


def objects(count):
    return Body(b'{"json":[', (b"{},", count), b"{}]}")


@functools.lru_cache(maxsize=4)
def keys(count):
    return Body(b"{" + b",".join(b'"k%07d":0' % n for n in range(count)) + b"}")


def deep(opening, size):
    return Body(b'{"json":', (opening, size // len(opening)))


def escaped(size):
    return Body(b'{"text":"', (b"\\u00e9", size // 6), b'"}')


@functools.lru_cache(maxsize=2)
def form_keys(count):
    return Body(b"".join(b"k%07d=&" % n for n in range(count)))


def parts(head, content, count):
    return Body((b"--b\r\n" + head + b"\r\n\r\n" + content + b"\r\n", count), b"--b--\r\n")


def values(name, content, count):
    return parts(b'Content-Disposition: form-data; name="' + name + b'"', content, count)


def files(name, content, count):
    return parts(b'Content-Disposition: form-data; name="' + name + b'"; filename="a.txt"', content, count)


def payload(count):
    """JSON inside a form."""
    return Body(b'--b\r\nContent-Disposition: form-data; name="@jsonPayload"\r\n\r\n{"json":[', (b"0,", count), b"0]}\r\n--b--\r\n")


def a_file(size):
    return Body(b'--b\r\nContent-Disposition: form-data; name="files"; filename="a.txt"\r\n\r\n', (b"x", size), b"\r\n--b--\r\n")


def long_part_head(size):
    return Body(b'--b\r\nContent-Disposition: form-data; name="', (b"x", size), b'"\r\n\r\n\r\n--b--\r\n')


@functools.lru_cache(maxsize=1)
def bomb():
    """256 MiB of zeros, packed."""
    return Body(gzip.compress(bytes(256 * MB), 1))


BODIES = [
    Input("JSON: one text of 31 MiB", lambda: text(MOST)),
    Input("JSON: 16 million numbers", lambda: numbers(16_000_000)),
    Input("JSON: 1.9 million numbers", lambda: numbers(1_900_000), heavy=True),
    Input("JSON: 900,000 objects", lambda: objects(900_000)),
    Input("JSON: 1.9 million keys", lambda: keys(1_900_000), heavy=True),
    Input("JSON: 100,000 keys", lambda: keys(100_000)),
    Input("JSON: 31 MiB of [", lambda: deep(b"[", MOST)),
    Input('JSON: 31 MiB of {"a":', lambda: deep(b'{"a":', MOST)),
    Input("JSON: 31 MiB of escapes", lambda: escaped(MOST)),
    Input("JSON: 31 MiB in chunks", lambda: text(MOST), how={"chunked": True}),
    Input("JSON: chunks without end", lambda: text(100 * MB), how={"chunked": True}),
    Input("JSON: a terabyte announced", lambda: text(MB), how={"announce": 1 << 40, "patience": 10}),
    Input("JSON: 256 MiB of zeros in gzip", bomb, headers={"Content-Encoding": "gzip"}),
    Input("form: 31 MiB of one key", lambda: Body((b"a=&", MOST // 3)), FORM),
    Input("form: 31 MiB of bare keys", lambda: Body((b"a&", MOST // 2)), FORM),
    Input("form: 2.9 million keys", lambda: form_keys(2_900_000), FORM, heavy=True),
    Input("form: one text of 31 MiB", lambda: Body(b"text=", (b"x", MOST)), FORM),
    Input("form: 31 MiB of %41", lambda: Body(b"text=", (b"%41", MOST // 3)), FORM),
    Input("multipart: 500,000 values", lambda: values(b"a", b"", 500_000), MULTIPART, heavy=True),
    Input("multipart: one value of 31 MiB", lambda: values(b"text", b"x" * MOST, 1), MULTIPART),
    Input("multipart: 1.9 million numbers in a payload", lambda: payload(1_900_000), MULTIPART),
    Input("multipart: 200,000 payloads", lambda: values(b"@jsonPayload", b"{}", 200_000), MULTIPART),
    Input("multipart: 20,000 files", lambda: files(b"files", b"x" * 1000, 20_000), MULTIPART, heavy=True),
    Input("multipart: 20,000 files that no field wants", lambda: files(b"nobody", b"x" * 1000, 20_000), MULTIPART),
    Input("multipart: a file of 31 MiB", lambda: a_file(MOST), MULTIPART),
    Input("multipart: a part's head of 31 MiB", lambda: long_part_head(MOST), MULTIPART),
    Input("no known type, 31 MiB", lambda: Body((b"x", MOST)), "application/octet-stream"),
]

HEADS = [
    Input("a path of 60 KB", suffix="/" + "x" * 60_000, head=True),
    Input("a path of 20,000 parts", suffix="/x" * 20_000, head=True),
    Input("a query of 60 KB", query="a=" + "x" * 60_000, head=True),
    Input("a query of 11,000 parameters", query="&".join(f"{n:x}" for n in range(11_000)), head=True),
    Input("a filter of 60 KB", query="filter=" + "%7C%7C".join(["id=1"] * 6000), head=True),
    Input("a filter 20,000 deep", query="filter=" + "(" * 20_000 + "id=1" + ")" * 20_000, head=True),
    Input("a filter that joins", query="filter=" + "%26%26".join([f"{'rel.' * 6}text!='{n}'" for n in range(40)]), head=True),
    Input("a sort of 10,000 fields", query="sort=" + "id," * 10_000, head=True),
    Input("an expand of 10,000 names", query="expand=" + ",".join(["rel"] * 10_000), head=True),
    Input("an expand 10,000 deep", query="expand=" + ".".join(["rel"] * 10_000), head=True),
    Input("expands with fields", query="perPage=1000&expand=rel.rel.rel.rel.rel.rel&fields=id", head=True),
    Input("10,000 fields", query="fields=" + "id," * 10_000, head=True),
    Input("fields 10,000 deep", query="fields=" + ".".join("a" * 10_000), head=True),
    Input("a page that is far away", query="page=9223372036854775807&perPage=9223372036854775807", head=True),
    Input("a long header", headers={"X-Long": "x" * 60_000}, head=True),
    Input("a header of 2 MB", headers={"X-Long": "x" * 2_000_000}, head=True),
    Input("90 long headers", headers={f"X-{n}": "x" * 4000 for n in range(90)}, head=True),
    Input("10,000 headers", headers={f"X-{n}": "x" for n in range(10_000)}, head=True),
    Input("a token of 60 KB", headers={"Authorization": "eyJhbGciOiJIUzI1NiJ9." + "e30" * 20_000 + ".x"}, head=True),
    Input("a file token of 60 KB", query="token=eyJhbGciOiJIUzI1NiJ9." + "e30" * 20_000 + ".x", head=True),
    Input("5,000 ranges", headers={"Range": "bytes=" + ",".join(["0-"] * 5000)}, head=True),
    Input("a body of 31 MiB where none is wanted", lambda: text(MOST)),
]
