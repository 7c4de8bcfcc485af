"""Odd values of every field type, sent to the real PocketBase and to bosbase: what one keeps, the other must keep alike.

    cd tests && BOSBASE_BIN=… .cache/venv/bin/python -m differential.values --count 3000     # prints its seed; --seed N repeats it

Each value is sent to create a record, to change one, with the whole record sent back, as a form, and asked for by a filter. Compared are
the status, what is wrong with the field, and what is stored.
"""

import argparse
import json
import random
import re
import secrets
import sys
import tempfile
from collections import Counter
from decimal import Decimal
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from harness.programs import BOSBASE, POCKETBASE  # noqa: E402
from harness.server import Server  # noqa: E402

FIELDS = {
    "text": {"type": "text", "max": 300},
    "number": {"type": "number"},
    "whole": {"type": "number", "onlyInt": True, "min": -1000, "max": 1e12},
    "bool": {"type": "bool"},
    "email": {"type": "email"},
    "url": {"type": "url"},
    "editor": {"type": "editor", "maxSize": 500},
    "date": {"type": "date"},
    "window": {"type": "date", "min": "2001-02-03 04:05:06.789Z", "max": "9999-12-31 12:00:00.000Z"},
    "stamp": {"type": "autodate", "onCreate": True},
    "one": {"type": "select", "values": ["a", "b", "ä ö", "1", "true", "[", "null"], "maxSelect": 1},
    "some": {"type": "select", "values": ["a", "b", "ä ö", "1", "true", "[", "null"], "maxSelect": 3},
    "link": {"type": "relation", "maxSelect": 1},
    "links": {"type": "relation", "maxSelect": 3},
    "json": {"type": "json", "maxSize": 2000},
    "point": {"type": "geoPoint"},
    "secret": {"type": "password", "min": 4, "max": 20},
}
FILE = {"name": "file", "type": "file", "maxSelect": 3, "maxSize": 100}
TARGETS = ["target000000001", "target000000002"]

# --- the values, as JSON text -----------------------------------------------------------------------------------------

ANY = [
    "null", "true", "false", "0", "1", "-1", "-0", "1.5", "1e3", "1E-7", "1e21", "1e300", "123456789012345678901234567890", "9007199254740993",
    "9223372036854775807", "9223372036854775808", "-9223372036854775808", "18446744073709551615", "0.1", "0.30000000000000004", "5e-324",
    "1.7976931348623157e308", '""', '" "', '"\\n"', '"a"', '"b"', '" a "', '"1"', '"0"', '"-1.5"', '"+1"', '"1e3"', '"0x10"', '"0b11"', '"0o17"', '"017"',
    '"1_000"', '"_1"', '"1__0"', '"0x_1"', '".5"', '"5."', '"."', '"1,5"', '"١"', '"Inf"', '"-inf"', '"Infinity"', '"+Infinity"', '"NaN"', '"nan"', '"1e400"', '"0x1p4"', '"1e-400"',
    '"t"', '"T"', '"true"', '"TRUE"', '"True"', '"tRue"', '"f"', '"F"', '"false"', '"yes"', '"on"', '"null"', '"[]"', '"{}"', '"[1,2]"', '"[\\"a\\",\\"b\\"]"',
    '"[\\"a\\", 1]"', '"[\\"a\\"] "', '"["', '"{\\"a\\":1}"', '"\\"a\\""', "[]", "{}", "[null]", '["a"]', '["a","b"]', '["a","a"]', '["a","","b"]', "[1]", "[true]", '[["a"]]', '[{"a":1}]', '{"a":1}',
    '["a","b","1","true"]', '"ä ö"', '"\\u0000"', '"a\\u0000b"', '"\\ud83d\\ude00"', '"\\ud800"', '"e\\u0301"', '"\\u00e9"', '"<b>x</b><script>"', '"' + "x" * 301 + '"',
    '"' + "ä" * 300 + '"', '"' + "x" * 501 + '"', '"' + "ä" * 251 + '"', '"' + "x" * 5001 + '"',
]
TEXTS = {
    "email": "a@b.co A@B.CO a@b a@b.c a+b@c.de a@b.co. .a@b.co a..b@c.de \"a b\"@c.de a@[127.0.0.1] a@localhost ä@b.co a@ä.de a@xn--4ca.de a@b_c.de a@-b.de @b.co a@ a@b@c.de "
             "a@b.co,c@d.ef <a@b.co> mailto:a@b.co a@b.123 a@123.de a@b.c0 1@2.co a'b@c.de a/b@c.de a=b@c.de".split()
             + ["a @b.co", "a@b.co ", " a@b.co", "a" * 64 + "@b.co", "a" * 65 + "@b.co", "a@" + "b" * 63 + ".co", "a@" + "b" * 64 + ".co", "a@" + ("b" * 60 + ".") * 5 + "co", "a\n@b.co"],
    "url": "http://a http://a.b https://a.b/ a.b a.b/c HTTP://A.B ftp://a.b javascript:alert(1) data:text/html,x mailto:a@b.co //a.b /a ./a ?a=b #a http:// http://. http://a. http://.a "
           "http://a..b http://a_b.c http://_a.b http://-a.b http://a-.b http://a.b:80 http://a.b:0 http://a.b:65536 http://a.b:x http://a.b: http://u:p@a.b http://u@a.b http://[::1] http://[::1]:80 "
           "http://::1 http://127.0.0.1 http://1.2.3.4.5 http://256.1.1.1 http://1 http://ä.de http://xn--4ca.de http://a.b/ä http://a.b/%zz http://a.b/?q=%20 http://a.b/#x#y http:a.b http:/a.b "
           "http:///a.b https://a.b/c?d=e&f=g#h ws://a.b tcp://a.b:1 file:///a a://b.c 1.2.3.4 1.2.3.4:80 localhost localhost:80 localhost:80/x a:1 a.b:c http://a.b\\c http://a.b/c|d http://a.b/{c} "
           "http://a.b/<c> http://a'b.c http://a.b/'c' http://(a).b http://a.b/(c) http://a,b.c http://a.b;c http://A-B.c0 http://a.b.c.d.e.f http://日本.jp 日本.jp".split()
           + ["http://a.b/c d", "http://a b.c", " http://a.b", "http://a.b ", "http://a.b\n", "http://" + "a" * 64 + ".de", "http://a.b/" + "x" * 2080],
    "point": [],
}
POINTS = [
    '{"lon":1,"lat":2}', '{"lat":2}', '{"lon":"1","lat":"2"}', '{"lon":null,"lat":2}', '{"lon":181,"lat":0}', '{"lon":-180,"lat":-90}', '{"lon":0,"lat":90.0001}', '{"lon":1,"lat":2,"alt":3}',
    '{"LON":1,"Lat":2}', '{"lon":1e-7,"lat":1.123456789012345678}', '{"lon":true,"lat":1}', '{"lon":"x","lat":1}', '[1,2]', '"1,2"', '"{\\"lon\\":1,\\"lat\\":2}"', '"{\\"lon\\":\\"1\\"}"', '{"lon":{"a":1},"lat":1}',
    '{"lon":-0,"lat":0}', '{"lon":1}', '" {\\"lon\\":3,\\"lat\\":4} "',
]
JSONS = [
    '{"b":1,"a":2}', '{"a":1,"a":2}', '{"a":1.0}', '{"a":1e2}', '{"a":1e400}'.replace("1e400", "1e308"), '{"a":12345678901234567890}', '"{\\"b\\":1, \\"a\\":[1.0,2e3]}"', '"1.0"', '"1e2"', '" 1"', '"1 "', '"01"', '"-"', '"-1"', '"tru"',
    '"true "', '" null"', '"\\"x"', '"[1,"', '"[1] x"', '"{\\"a\\":1}{"', '{"":""}', '{"a b":{"c":[{"d":null}]}}', '[[[[[[1]]]]]]', '"<>&\\u2028"', '{"a":"<>&\\u2028"}', '"\\"\\\\u0041\\""', '{"a":"\\ud800"}',
    '"{\\"a\\":12345678901234567890}"', '"{\\"a\\":0.1000000000000000055}"', '"12345678901234567890"', '"0.1000000000000000055"', '"{\\"z\\":1,\\"z\\":2}"', '[' + '1,' * 999 + '1]', '"' + "y" * 1998 + '"', '"' + "y" * 1999 + '"',
]
DATES = [
    "2024-01-02", "2024-01-02 03:04:05.678Z", "9999-12-31", "9999-12-31 23:59:59.999Z", "9999-12-31T23:59:59-01:00", "9999-12-30 22:00:01Z", "0001-01-01T00:00:00Z", "0001-01-01 00:00:00.001Z", "0000-01-01", "0000-12-31 23:59:59Z",
    "-0001-01-01", "-001-01-01", "10000-01-01", "02024-01-02", "2024-02-29", "2023-02-29", "2024-02-30", "2024-00-01", "2024-01-00", "2024-13-01", "2024-01-32", "2024-06-30 23:59:60Z", "2024-01-01 24:00:00", "2024-01-01 23:60:00",
    "2024-01-02 03:04:05 +0200 CEST", "2024-01-02 03:04:05 +0000 UTC", "2024-01-02 03:04:05.123456789 +0200 CEST", "2024-01-02 03:04:05 +0200 CEST m=+0.1", "2024-01-02 03:04:05 +02:00", "2024-01-02 03:04:05+02", "2024-01-02T03:04:05+02",
    "2024-01-02T03:04:05Z", "2024-01-02t03:04:05z", "2024-01-02T03:04Z", "2024-01-02T03:04:05", "2024-01-02 3:04:05", "2024-01-02 3:4:5", "2024-01-02T3:04:05Z", "2024-1-2", "20240102", "20240102T030405Z", "2024-W01-1", "2024-001",
    "2024-01-02 03:04:05,678Z", "2024-01-02 03:04:05.", "2024-01-02 03:04:05.Z", "2024-01-02 03:04:05.6789012345678Z", "2024-01-02  03:04:05", "2024-01-02 03:04:05 ", " 2024-01-02", "2024-01-02 ", "2024-01-02 03:04:05 Z", "2024-01-02 03:04:05 UTC",
    "2024-01-02 03:04:05 -07:00", "2024-01-02 03:04:05-0700", "2024-01-02 03:04:05 -0700", "2024-01-02 03:04:05Z07:00", "2024-01-02 03:04:05+24:00", "2024-01-02 03:04:05+25:00", "2024-01-02 03:04:05+02:60", "2024-01-02T03:04:05+24:00",
    "2024-01-02T03:04:05+24:60", "2024-01-02T03:04:05+0200", "2024-01-02T03:04:05 +0200", "Mon, 02 Jan 2006 15:04:05 MST", "Mon, 02 Jan 2006 15:04:05 -0700", "Tue, 2 Jan 2006 15:04:05 GMT", "Mon, 02 Jan 2006 15:04:05 GMT+3", "02 Jan 06 15:04 MST",
    "02 Jan 06 15:04 -0700", "Monday, 02-Jan-06 15:04:05 MST", "Mon Jan _2 15:04:05 2006", "Mon Jan  2 15:04:05 2006", "Mon Jan 2 15:04:05 2006", "Mon Jan 12 15:04:05 2006", "Mon Jan  2 15:04:05 MST 2006", "Mon Jan 02 15:04:05 -0700 2006",
    "Mon Jan 02 15:04:05 +0200 2006", "02 Jan 2006", "2 Jan 2006", "02 January 2006", "Jan 02 2006", "3:04PM", "03:04PM", "3:04pm", "15:04PM", "0:04AM", "Jan _2 15:04:05", "Jan  2 15:04:05", "Jan 12 15:04:05.000", "Jan 12 15:04:05.123456",
    "Jan 12 15:04:05.123456789", "1700000000", "-1", "0", "1e9", "1700000000.5", "now", "today", "2024", "2024-01", "24-01-02", "01/02/2024", "02.01.2024", "2024/01/02", "2024-01-02T03:04:05.678+02:00[Europe/Berlin]",
    "2024-01-02T03:04:05.678Z[UTC]", "+2024-01-02", "２０２４-01-02", "2024-01-02T03:04:05−02:00", "2024-01-02 03:04:05 WAKST", "Mon, 02 Jan 2006 15:04:05 CEST", "Mon, 02 Jan 2006 15:04:05 ChST", "Mon, 02 Jan 2006 15:04:05 +03", "Mon, 02 Jan 2006 15:04:05 A",
    "Mon, 02 Jan 2006 15:04:05 ABCDEF", "Xxx, 02 Jan 2006 15:04:05 MST", "Tue, 02 Jan 2006 15:04:05 MST", "mon, 02 jan 2006 15:04:05 MST", "MON, 02 JAN 2006 15:04:05 MST", "Mon, 02 Jan 2006 15:04:05 utc", "Mon, 02 Jan 2006 15:04:05 UTC",
]
NAMES = [
    "a.txt", "A b.TXT", "ä.txt", ".txt", "a", "a.", ".", "..", "a.b.c", "a.tar.gz", "日本.txt", "a/b.txt", "..\\b.txt", "a b  c.txt", "a__b.txt", "_a_.txt", "a-b.txt", "aB.txt", "ABc.txt", "a1B2.txt", "a.t x t", "a.ä", "a.txt ",
    " a.txt", "x" * 150 + ".txt", "a." + "x" * 30, "a;b.txt", "a'b.txt", "a%20b.txt", "a+b.txt", "a#b.txt", "a?b.txt", "a&b.txt", "é.png", "a\tb.txt", "CON.txt", "a.TXT.exe", "a..txt", "a...b", "ﬁle.txt", "𝒜bc.txt", "ß.txt", "İx.txt",
]
MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()
DAYS = "Mon Tue Wed Thu Fri Sat Sun".split()


class Values:
    """A seeded source of them."""

    def __init__(self, seed):
        self.random = random.Random(seed)

    def pick(self, *choices):
        return self.random.choice(choices)

    def number(self, digits, most):
        """Mostly within the limits."""
        number = self.random.randint(0, most) if self.random.random() < 0.93 else self.random.randint(0, 99)
        return str(number).rjust(digits, "0") if self.random.random() < 0.93 else str(number)

    def date(self):
        r = self.random
        if r.random() < 0.25:
            return self.mutated(r.choice(DATES))
        year = self.pick("0000", "0001", "1900", "1969", "1970", "2000", "2024", "2024", "2023", "9999", str(r.randint(0, 9999)).rjust(4, "0"))
        month, day = self.number(2, 12), self.number(2, 31)
        clock = f"{self.number(2, 23)}:{self.number(2, 59)}:{self.number(2, 59)}"
        clock += self.pick("", "", "", ".", ",") if r.random() < 0.1 else self.pick("", "", f"{self.pick('.', '.', ',')}{r.randint(0, 10**r.randint(1, 12))}")
        offset = f"{self.pick('+', '-')}{self.number(2, 14)}{self.pick(':', '', ':')}{self.pick('00', '30', '45', self.number(2, 59))}"
        zone = self.pick("UTC", "GMT", "MST", "CEST", "Z", "CET", "GMT+3", "GMT-11", "+03", "ChST", "ABC", "ABCD", "ABCDE", "utc", "AKST", "WITA")
        name, weekday = r.choice(MONTHS), r.choice(DAYS)
        text = self.pick(
            f"{year}-{month}-{day}",
            f"{year}-{month}-{day}{self.pick(' ', 'T')}{clock}",
            f"{year}-{month}-{day}{self.pick(' ', 'T')}{clock}Z",
            f"{year}-{month}-{day}{self.pick(' ', 'T')}{clock}{self.pick('', ' ')}{offset}",
            f"{year}-{month}-{day} {clock} {offset} {zone}",
            f"{year}-{month}-{day} {clock} {zone}",
            f"{weekday}, {day} {name} {year} {clock} {self.pick(offset, zone)}",
            f"{day} {name} {year[2:]} {clock[:5]} {self.pick(offset, zone)}",
            f"{weekday}day, {day}-{name}-{year[2:]} {clock} {zone}",
            f"{weekday} {name} {day} {clock} {self.pick('', zone + ' ', offset + ' ')}{year}",
            f"{day} {name} {year}",
            f"{name} {day} {clock}",
            f"{r.randint(0, 13)}:{self.number(2, 59)}{self.pick('AM', 'PM', 'am')}",
        )
        return text if r.random() < 0.8 else self.mutated(text)

    def mutated(self, text):
        """With one character more, less or other."""
        r = self.random
        if not text:
            return r.choice("aZ0. ")
        at = r.randrange(len(text))
        other = r.choice("0123456789 -+:.,TZ/aäM")
        return self.pick(text[:at] + text[at + 1 :], text[:at] + other + text[at:], text[:at] + other + text[at + 1 :], text.upper(), text.lower(), text + " ", " " + text, text.replace(" ", "  ", 1))

    def value(self, field):
        """JSON text."""
        r = self.random
        kind = FIELDS[field]["type"]
        if r.random() < 0.25:
            return r.choice(ANY)
        if kind in ("date", "autodate"):
            return json.dumps(self.pick(self.date(), self.date(), self.date(), r.choice(DATES))) if r.random() < 0.95 else self.pick("1700000000", "1700000000.5", "-1", "0", "1e10", "253402300800", "1e18")
        if kind in TEXTS and TEXTS[kind]:
            text = r.choice(TEXTS[kind])
            return json.dumps(text if r.random() < 0.7 else self.mutated(text))
        if kind == "geoPoint":
            return r.choice(POINTS)
        if kind == "json":
            return r.choice(JSONS)
        if kind == "number":
            text = self.pick(repr(r.uniform(-10, 10) * 10 ** r.randint(-320, 300)), str(r.randint(-(10 ** r.randint(1, 25)), 10 ** r.randint(1, 25))), f"{r.randint(0, 999)}.{r.randint(0, 10**18)}")
            return self.pick(text, json.dumps(text), json.dumps(self.mutated(text)))
        if kind == "select":
            some = [r.choice(FIELDS[field]["values"] + ["z", "", " a"]) for _ in range(r.randint(0, 4))]
            return self.pick(json.dumps(some), json.dumps(json.dumps(some)), json.dumps(some[0] if some else ""))
        if kind == "relation":
            some = [r.choice([*TARGETS, "missing00000000", "", TARGETS[0].upper()]) for _ in range(r.randint(0, 4))]
            return self.pick(json.dumps(some), json.dumps(json.dumps(some)), json.dumps(some[0] if some else ""))
        if kind == "password":
            return json.dumps("".join(r.choice("aZ1 äß😀\u0000") for _ in range(r.randint(0, 24))))
        text = "".join(r.choice("aZ09 äß\n\t<>&'\"\\😀\u200b%_") for _ in range(r.randint(0, 20)))
        return json.dumps(text, ensure_ascii=self.pick(True, False))


# --- the servers ------------------------------------------------------------------------------------------------------


class Side:
    """One of the two."""

    def __init__(self, server):
        self.root = server.root()
        targets = self.root.post("/api/collections", json={"name": "targets", "type": "base"})
        for target in TARGETS:
            self.root.create("targets", {"id": target})
        fields = [{"name": name, **options} for name, options in FIELDS.items()] + [FILE]
        for field in fields:
            if field["type"] == "relation":
                field["collectionId"] = targets["id"]
        self.root.post("/api/collections", json={"name": "odd", "type": "base", "fields": fields})
        self.records = "/api/collections/odd/records"
        self.changed = self.root.create("odd", {"text": "the one that is changed"})["id"]

    def outcome(self, response, field):
        """Status, what is wrong with the field, and what is stored."""
        body = response.json() if response.content else {}
        if response.status_code != 200:
            wrong = body.get("data", {}).get(field, {})
            return [response.status_code, wrong.get("code"), sorted(body.get("data", {}))]
        stored = self.root.get(f"{self.records}/{body['id']}")
        return [200, plain(body.get(field)), plain(stored.get(field))] if field != "stamp" else [200, bool(stored["stamp"]), None]

    def try_value(self, field, text, as_form):
        """Everything that is compared about one value."""
        headers = {"Content-Type": "application/json"}
        body = f'{{"{field}":{text}}}'.encode("utf-8", "surrogatepass")
        seen = {}
        created = self.root.send("POST", self.records, data=body, headers=headers, expect=None)
        seen["create"] = self.outcome(created, field)
        if created.status_code == 200:
            path = f"{self.records}/{created.json()['id']}"
            before = self.root.get(path)
            answer = self.root.send("PATCH", path, json=before, expect=None)
            after = self.root.get(path)
            seen["sent back"] = [answer.status_code, {key: plain(value) for key, value in after.items() if before[key] != value}]
            seen["filter"] = self.found(field, before.get(field), before["id"])
            self.root.delete(path)
        changed = self.root.send("PATCH", f"{self.records}/{self.changed}", data=body, headers=headers, expect=None)
        seen["update"] = self.outcome(changed, field)
        if as_form is not None:
            form = self.root.send("POST", self.records, data={field: as_form.encode("utf-8", "surrogatepass")}, files={"nothing": b""}, expect=None)
            seen["form"] = self.outcome(form, field)
            if form.status_code == 200:
                seen["asked"] = self.found(field, as_form, form.json()["id"])
                self.root.delete(f"{self.records}/{form.json()['id']}")
        return seen

    def found(self, field, value, id):
        """How many records a filter for the value finds; of those only the one with the id."""
        if isinstance(value, (dict, list)) or field == "secret":
            return None
        if isinstance(value, str):
            literal = "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"
        else:
            literal = format(Decimal(repr(value)), "f") if isinstance(value, float) else json.dumps(value)
        found = []
        for sign in ("=", "!=", ">", "~"):
            text = f"{field} {sign} {literal}" + (f" && id = '{id}'" if id else "")
            answer = self.root.send("GET", self.records, params={"filter": text.encode("utf-8", "surrogatepass"), "perPage": 1}, expect=None)
            found.append(answer.json().get("totalItems", answer.status_code))
        return found

    def try_name(self, name):
        answer = self.root.send("POST", self.records, files={"file": (name, b"hello\n")}, expect=None)
        if answer.status_code != 200:
            return [answer.status_code, answer.json().get("data", {}).get("file", {}).get("code")]
        body = answer.json()
        stored = body["file"][0] if body["file"] else ""
        content = self.root.send("GET", f"/api/files/odd/{body['id']}/{stored}", expect=None) if stored else None
        return [200, without_random(stored), content is not None and content.content == b"hello\n"]


def plain(value):
    """Numbers as doubles; the rest as it is."""
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return value
    if isinstance(value, (int, float)):
        return float(value)
    if isinstance(value, list):
        return [plain(one) for one in value]
    return {key: plain(one) for key, one in value.items()}


def without_random(name):
    """The random part before the extension; short names get a second one."""
    stem, dot, extension = name.partition(".")
    stem = re.sub(r"_[a-z0-9]{10}$", "_R", stem)
    return (re.sub(r"^(.{0,2})[a-z0-9]{10}_R$", r"\1R_R", stem)) + dot + extension


def as_form(text):
    """What a form would send for the JSON text: strings only."""
    value = json.loads(text)
    if isinstance(value, str):
        return value if "\0" not in value else None
    return text if not isinstance(value, (dict, list)) else None


def is_wanted(field, text, way, theirs, ours):
    """Whether a difference is known, and meant."""
    if field in ("date", "window") and way in ("create", "update", "form") and theirs[0] == 200 and theirs[2] == ours[2] == "":
        # PocketBase answers with a moment beyond the years 0 to 9999, and can't read it again.
        return bool(re.match(r"^(-\d|\d{5})", theirs[1])) and ours == [200, "", ""]
    if field in ("number", "whole") and re.fullmatch(r'"[+-]?[\d._]+e\+?\d+"', text) and ours[:2] == [400, "validation_not_a_number"]:
        # Too large for any number: PocketBase stores 0 without a word.
        return True
    if way in ("filter", "asked") and field == "number" and theirs[:3] == ours[:3]:
        # Which digits of a long fraction SQLite shows to LIKE depends on its version.
        return sum(c.isdigit() for c in text) > 15
    if field == "point" and ours[0] == theirs[0] == 200:
        # Of a point with one coordinate that is no number PocketBase keeps the other or not, by chance.
        return bool(re.search(r'"(lon|lat)":\s*[^-\d\s]', text))
    if field == "json":
        # A name twice, in a body: read as all JSON is read here. U+0000 alone is a string like others. Sent as text,
        # JSON is kept here by its value: numbers as doubles, names in order.
        return '"a":1,"a":2' in text or text == '"\\u0000"' or (way in ("filter", "asked") and text.startswith('"'))
    if way in ("form", "asked") and "\\ud800" in text:
        # Refused by both, as no text and as no value.
        return theirs[0] == ours[0] == 400
    return field == "url" and ours is not None and theirs is not None and is_lax(way, theirs, ours)


def is_lax(way, theirs, ours):
    """What is a URL here and none in PocketBase loses nothing."""
    return way in ("create", "update", "form") and theirs[0] == 400 and ours[0] == 200


def compare(ours, theirs, seed, count, only=""):
    """The differences, as lines, and how many values of each field were compared."""
    values, different, compared = Values(seed), [], Counter()
    sides = [Side(ours), Side(theirs)]
    names = list(FIELDS)
    for number in range(count):
        if (number % 40 == 39 and not only) or only == "file":
            name = values.random.choice(NAMES) if values.random.random() < 0.7 else values.mutated(values.random.choice(NAMES))
            seen = [side.try_name(name) for side in sides]
            compared["file"] += 1
            # Folders in front of a name go by either slash here.
            if seen[0] != seen[1] and "\\" not in name:
                different.append(f"file {name!r}: theirs {seen[1]}, ours {seen[0]}")
            continue
        # Dates are the strangest, and have a third.
        field = only or ("date" if number % 3 == 0 else names[number % len(names)])
        text = values.value(field)
        form = as_form(text) if values.random.random() < 0.5 else None
        seen = [side.try_value(field, text, form) for side in sides]
        compared[field] += 1
        for way in sorted(set(seen[0]) & set(seen[1]) | {"create", "update"}):
            mine, other = seen[0].get(way), seen[1][way]
            if mine != other and not is_wanted(field, text, way, other, mine):
                different.append(f"{field} {way} {text[:120]}: theirs {other}, ours {mine}")
    return different, compared


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(2**32))
    parser.add_argument("--count", type=int, default=3000)
    parser.add_argument("--field", default="", help="only this one")
    chosen = parser.parse_args()
    print(f"seed {chosen.seed}", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        with Server(BOSBASE, Path(folder) / "ours" / "pb_data") as ours, Server(POCKETBASE, Path(folder) / "theirs" / "pb_data") as theirs:
            different, compared = compare(ours, theirs, chosen.seed, chosen.count, chosen.field)
    print(f"{sum(compared.values())} values, {dict(compared)}: {len(different)} differences")
    print("\n".join(different))
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
