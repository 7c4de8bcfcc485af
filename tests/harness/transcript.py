"""Says the same to two servers and compares what they answer, but for ids, times, tokens and other chance."""

import json
import re

from .client import Client

_TIME = re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(\.\d+)?Z")
_TOKEN = re.compile(r"eyJ[\w-]+\.[\w-]+\.[\w-]+")
_FILE = re.compile(r"_[a-z0-9]{10}(?=\.|$|\"|\?)")
# PocketBase names what comes in a batch twice.
_FILE_OF_BATCH = re.compile(r"(?<=_[a-z0-9]{10})_[a-z0-9]{10}(?=\.)")
# A name shorter than three characters is lengthened by chance as well.
_SHORT_FILE = re.compile(r"(?<=\")([a-z0-9]{0,2})[a-z0-9]{10}_[a-z0-9]{10}(?=\.)")
_URL = re.compile(r"127\.0\.0\.1:\d+")
_HEADERS = ("content-type", "content-disposition", "cache-control", "content-security-policy", "content-range", "accept-ranges", "location")


class Transcript:
    """Talks to one server and writes down each answer under the words of the request."""

    def __init__(self, server):
        self.client = Client(server.url)
        self.root = server.root()
        self.server = server
        self.steps = []
        self.names = {}

    def say(self, method, path, body=None, *, by="root", label=None, headers=(), shown=None, **rest):
        """Sends a request as `by` (root, nobody, or a token); returns the answer's JSON, or its text."""
        token = self.root.token if by == "root" else None if by == "nobody" else by
        self.client.token = token
        if body is not None:
            rest["json"] = body
        answer = self.client.send(method, path, expect=None, headers=dict(headers), **rest)
        try:
            told = answer.json() if answer.content else None
        except ValueError:
            told = answer.content.decode(errors="replace")[:500]
        words = label or f"{method} {path} {json.dumps(body, ensure_ascii=False) if body is not None else ''}{rest.get('params', '') or ''}"
        kept = {name: answer.headers.get(name) for name in shown or () if name in _HEADERS}
        self._learn(told)
        self.steps.append((self._plain(words), answer.status_code, self._plain(told), self._plain(kept)))
        return told

    def _learn(self, value):
        """Gives each record's id a name by its order of appearance."""
        if isinstance(value, dict):
            known = value.get("id")
            if isinstance(known, str) and re.fullmatch(r"[a-z0-9]{15}", known):
                self.names.setdefault(known, f"(id {len(self.names)})")
            for inner in value.values():
                self._learn(inner)
        elif isinstance(value, list):
            for inner in value:
                self._learn(inner)

    def _plain(self, value):
        text = json.dumps(value, ensure_ascii=False)
        for known, name in self.names.items():
            text = text.replace(known, name)
        text = _TIME.sub("(time)", text)
        text = _TOKEN.sub("(token)", text)
        text = _FILE_OF_BATCH.sub("", text)
        text = _SHORT_FILE.sub(r"\1(random)_(random)", text)
        text = _FILE.sub("_(random)", text)
        text = _URL.sub("(address)", text)
        text = re.sub(r"(`idx_\w+?_)[a-z0-9]{10}`", r"\1(random)`", text)
        text = re.sub(r'"(_clone_)\w+"', r'"\1"', text)
        # PocketBase names them in the order of a Go map.
        text = re.sub(r"(?<=reference in )([\w, ]+)(?=\.)", lambda found: ", ".join(sorted(found[1].split(", "))), text)
        return json.loads(text)


def differences(ours, theirs):
    """What was answered differently, a paragraph each."""
    told = []
    if len(ours.steps) != len(theirs.steps):
        told.append(f"{len(ours.steps)} steps here, {len(theirs.steps)} there")
    for (words, status, body, headers), (_, their_status, their_body, their_headers) in zip(ours.steps, theirs.steps):
        parts = []
        if status != their_status:
            parts.append(f"  status {status}, not {their_status}")
        parts += _compare("", body, their_body)
        parts += _compare("header ", headers, their_headers)
        if parts:
            told.append("\n".join([str(words)[:300], *parts[:8]]))
    return told


def _compare(where, ours, theirs):
    if isinstance(ours, dict) and isinstance(theirs, dict):
        return [line for key in sorted({*ours, *theirs}) for line in _compare(f"{where}.{key}", ours.get(key, "(missing)"), theirs.get(key, "(missing)"))]
    if isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        return [line for n, (one, other) in enumerate(zip(ours, theirs)) for line in _compare(f"{where}[{n}]", one, other)]
    if type(ours) is type(theirs) and ours == theirs or _same_number(ours, theirs):
        return []
    shorten = lambda value: json.dumps(value, ensure_ascii=False)[:300]  # noqa: E731
    return [f"  {where}: {shorten(ours)}\n      not {shorten(theirs)}"]


def _same_number(one, other):
    return isinstance(one, (int, float)) and isinstance(other, (int, float)) and not isinstance(one, bool) and float(one) == float(other)
