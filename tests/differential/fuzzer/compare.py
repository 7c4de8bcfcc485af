"""Where two answers differ, and of what kind the difference is."""

import json
import re


def differences(ours, theirs):
    """[(place, ours, theirs)]; empty where the answers are the same."""
    found = []
    if ours.status != theirs.status:
        found.append(("status", ours.status, theirs.status))
    if ours.kind != theirs.kind:
        found.append(("content-type", ours.kind, theirs.kind))
    return found + _within("", ours.told, theirs.told)


def _within(place, ours, theirs):
    if isinstance(ours, dict) and isinstance(theirs, dict):
        return [one for key in sorted({*ours, *theirs}) for one in _within(f"{place}.{key}", ours.get(key, "(missing)"), theirs.get(key, "(missing)"))]
    if isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        return [one for n, (mine, other) in enumerate(zip(ours, theirs)) for one in _within(f"{place}[{n}]", mine, other)]
    if type(ours) is type(theirs) and ours == theirs or _same_number(ours, theirs):
        return []
    return [(place, ours, theirs)]


def _same_number(one, other):
    numbers = (int, float)
    return isinstance(one, numbers) and isinstance(other, numbers) and not isinstance(one, bool) and not isinstance(other, bool) and float(one) == float(other)


def kind_of(step, found):
    """Differences of one kind have one name: what was asked for, where the answers differ, and how."""
    path = re.sub(r"(?<=/collections/)(?!meta|import)[^/?]+", "C", step["path"])
    path = re.sub(r"(?<=/records/)[^/?]+|(?<=/impersonate/)[^/?]+", "R", path)
    path = re.sub(r"(?<=/files/)(?!token).+", "F", path).split("?")[0]
    path = re.sub(r"(?<=[^:])//+|^//+|/\.(?=/)|/\.\.$", "//", path)
    told = [f"{step['method']} {path}" if "//" not in path else "an unclean path"]
    if "//" in path:
        return "an unclean path"
    for place, ours, theirs in found[:1]:
        place = re.sub(r"\[\d+\]", "[]", place)
        place = re.sub(r"(?<=\.data\.requests\.)\d+", "N", place)
        place = re.sub(r"(items\[\]\.|\.body\.|\.expand\.|^\.data\.|response\.data\.)\w+", r"\1x", place)
        told.append(f"{place}: {_short(ours)} not {_short(theirs)}")
    return " | ".join(told)


def _short(value):
    if isinstance(value, dict):
        if "code" in value:
            return value["code"]
        return "{…}"
    if isinstance(value, list):
        return "[…]"
    text = json.dumps(value, ensure_ascii=False)
    text = re.sub(r"\[[^\]]*\]|\\\"[^\"]*\\\"|`[^`]*`", "…", text)
    return re.sub(r"\d+(\.\d+)?", "0", text)[:90] if isinstance(value, str) else type(value).__name__ if isinstance(value, float) or not isinstance(value, int) else str(value) if value in (200, 204, 206, 304, 400, 401, 403, 404, 413, 416, 429, 500, 501, 503, 0) else "number"
