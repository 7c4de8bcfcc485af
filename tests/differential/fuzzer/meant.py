"""Differences that are meant: docs/design.md says them, and why."""

import contextlib
import json
import re


def why(step, ours, theirs, found):
    """A few words, or None. Several differences of one answer are meant where each of them is."""
    whole = _meaning(step, ours, theirs, found)
    if whole or len(found) == 1:
        return whole
    each = {_meaning(step, ours, theirs, [one]) for one in found}
    return None if None in each else "; ".join(sorted(each))


def _meaning(step, ours, theirs, found):
    return next((words for words, holds in MEANT.items() if holds(step, ours, theirs, found)), None)


def _both(ours, theirs, *statuses):
    return ours.status == theirs.status and ours.status in statuses


def _message(answer):
    return answer.told.get("message", "") if isinstance(answer.told, dict) else ""


def _data(answer):
    data = answer.told.get("data") if isinstance(answer.told, dict) else None
    return data if isinstance(data, dict) else None


def _items(answer):
    """The items of a list, each as a text; None of another answer."""
    items = answer.told.get("items") if isinstance(answer.told, dict) else None
    return [_as_text(item) for item in items] if isinstance(items, list) else None


def _as_text(value):
    """JSON in which numbers that are the same are written the same."""
    return json.dumps(json.loads(json.dumps(value), parse_int=float), sort_keys=True)


def _made_up_ids(step, ours, theirs, found):
    """An order or a filter sees ids that each server made up. Records without a chosen id are deleted at once, but for those that a login
    makes, and for those that a batch makes."""
    told = [_items(answer) for answer in (ours, theirs)]
    if step["method"] != "GET" or not all(isinstance(items, list) for items in told):
        return False
    if sorted(told[0]) == sorted(told[1]):
        return '"(id ' in "".join(told[0])
    made = re.search(r"/collections/_(mfas|otps|authOrigins|externalAuths)/", step["path"])
    filtered = any(name == "filter" and re.search(r"recordRef|\bid\b", value) for name, value in step.get("params", []))
    return bool(made) and (len(told[0]) == len(told[1]) or filtered)


def _no_order(step, ours, theirs, found):
    """Without a sort that tells all of them apart, the order is how the database came upon them."""
    if step["method"] != "GET" or not _both(ours, theirs, 200) or any(name == "sort" and "id" in value.split(",") for name, value in step.get("params", [])):
        return False
    told = [_items(answer) for answer in (ours, theirs)]
    if not all(told) or len(told[0]) != len(told[1]) or ours.told.get("totalItems") != theirs.told.get("totalItems"):
        return False
    pages = ours.told.get("totalPages", 2) not in (1, 0)
    return pages or sorted(told[0]) == sorted(told[1])


def _no_order_of_what_refers(step, ours, theirs, found):
    """Nor have records that refer to one an order, where they are shown along with it: `replies_via_post`."""
    return _both(ours, theirs, 200) and _with_what_refers_sorted(ours.told) == _with_what_refers_sorted(theirs.told)


def _with_what_refers_sorted(told):
    if isinstance(told, list):
        return [_with_what_refers_sorted(one) for one in told]
    if not isinstance(told, dict):
        return told
    inner = {name: _with_what_refers_sorted(value) for name, value in told.items()}
    along = inner.get("expand")
    if isinstance(along, dict):
        inner["expand"] = {name: sorted(shown, key=_as_text) if "_via_" in name and isinstance(shown, list) else shown for name, shown in along.items()}
    return inner


def _rights_before_bodies(step, ours, theirs, found):
    return (ours.status in (401, 403, 404) and theirs.status == 400) and any(words in str(theirs.told) for words in ("Something went wrong", "Unsupported Content-Type")) and step["method"] in ("POST", "PATCH", "PUT")


def _rules_before_bodies(step, ours, theirs, found):
    """A body that can't be read is not held against somebody whose rights don't depend on it."""
    denied = _both(ours, theirs, 400) and _message(ours) == "Failed to create record." and _data(ours) == {}
    return denied and step.get("by") != "root" and step["method"] == "POST" and _message(theirs) == "Something went wrong while processing your request."


def _words_of_an_import(step, ours, theirs, found):
    """Refused by both. What is said of it, and of which of several faults, are other words; a body that is malformed is one, wherever that shows."""
    failure = "validation_collections_import_failure"
    told = failure in str(ours.told) or _message(ours).endswith("due to invalid formatting.")
    return step["path"] == "/api/collections/import" and _both(ours, theirs, 400) and told and _message(theirs) == "Failed to import collections."


def _indexes_of_an_import(step, ours, theirs, found):
    """Of several indexes that the database refuses, the first is named."""
    indexes = [(_data(answer) or {}).get("indexes") for answer in (ours, theirs)]
    several = all(isinstance(told, dict) and told for told in indexes) and len(indexes[0]) < len(indexes[1])
    return step["path"] == "/api/collections/import" and _both(ours, theirs, 400) and several and all(place.startswith(".data.indexes.") for place, *_ in found)


def _changed_number(step, ours, theirs, found):
    """PocketBase reads `:changed` of a field as a filter with the field's name in it, and a name that begins with a digit as a number."""
    said = re.search(r"@request\.body\.\d\w*:changed", step.get("json") or "")
    refused = [place for place, _, other in found if "Rule" in place + str(other) and "expected && or ||" in str(other)]
    return bool(said and refused) and (ours.status == 200 and theirs.status == 400 or _both(ours, theirs, 400) and len(refused) == len(found))


def _words_of_a_rule(step, ours, theirs, found):
    """Refused by both: an identifier is shown whole here, a bracket has nothing in it, and a character that no rule has is told first."""
    words = ("invalid identifier", "empty filter expression", "unexpected character")
    return _both(ours, theirs, 400) and all("Rule" in place and any(word in str(mine) for word in words) and "Raw error" in str(other) for place, mine, other in found)


def _words_of_a_change(step, ours, theirs, found):
    """Refused by both: a new id, which PocketBase does not find."""
    told = "sql: no rows in result set" in str(theirs.told) and "validation_values_mismatch" in str((_data(ours) or {}).get("id"))
    return _both(ours, theirs, 400) and step["method"] == "PATCH" and told


def _many_parts(step, ours, theirs, found):
    return _both(ours, theirs, 400) and "parts at most" in str(ours.told)


def _null(step, ours, theirs, found):
    """The JSON `null` changes nothing, as everywhere; PocketBase forgets a collection's name by it, and stumbles over it in settings."""
    forgets = "Cannot be blank." in str(theirs.told) or (theirs.status == 500 and step["path"] == "/api/settings")
    # A rule that was good once may be none any more.
    unchanged = ours.status == 200 or "validation_invalid_rule" in str(_data(ours))
    return (step.get("json") or "").strip() == "null" and step["method"] == "PATCH" and unchanged and forgets


def _json_said_to_be_a_form(step, ours, theirs, found):
    """PocketBase reads a form without any field of the client's."""
    said = step.get("headers", {}).get("Content-Type") == "application/x-www-form-urlencoded"
    refused = any(words in _message(ours) for words in ("said to be a form", "due to invalid formatting.", "Failed to read the submitted batch data."))
    return said and (step.get("json") or "").lstrip().startswith("{") and ours.status == 400 and refused


def _dots(step, ours, theirs, found):
    """`..` at the place of an id names no record, and leads nowhere."""
    return theirs.status == 307 and ours.status in (401, 403, 404) and ("/.." in step["path"] or "/./" in step["path"])


def _logos(step, ours, theirs, found):
    return step["path"].endswith(("/meta/oauth2-providers", "/auth-methods")) and all(place.endswith(".logo") for place, *_ in found)


def _unclean(step, ours, theirs, found):
    """The redirect to the clean path has no page."""
    return ours.status == theirs.status == 307


def _hidden_addresses(step, ours, theirs, found):
    """Addresses that the caller may not see are all alike in an order."""
    sorts = [value for name, value in step.get("params", []) if name == "sort"]
    told = [_items(answer) for answer in (ours, theirs)]
    by_root = step.get("by") == "root" and "Authorization" not in step.get("headers", {})
    return not by_root and step["method"] == "GET" and _both(ours, theirs, 200) and all(told) and len(told[0]) == len(told[1]) and any(re.search(r"\bemail\b", value) for value in sorts)


def _no_part(step, ours, theirs, found):
    return _both(ours, theirs, 416) and ours.told is None


def _end_of_nothing(step, ours, theirs, found):
    """The last bytes of an empty file: PocketBase sends the part `0--1/0`, which is none."""
    return step.get("headers", {}).get("Range", "").startswith("bytes=-") and (ours.status, theirs.status) == (200, 206) and ours.told is theirs.told is None


def _rule_of_what_is_shown_along(step, ours, theirs, found):
    """A rule that can't be evaluated any more shows nothing along, also where there is nothing; PocketBase leaves out all that led there."""
    return _both(ours, theirs, 200) and all(re.search(r"\.expand(\.\w+)?$", place) and _ends_in_nothing(mine) and other == "(missing)" for place, mine, other in found)


def _ends_in_nothing(shown):
    """Whether what is shown along is nothing, or records of which one has nothing that is shown along with it."""
    if isinstance(shown, list):
        return any(_ends_in_nothing(record) for record in shown)
    if not isinstance(shown, dict):
        return False
    if "id" in shown or "expand" in shown:
        return "expand" in shown and _ends_in_nothing(shown["expand"])
    return not shown or any(_ends_in_nothing(one) for one in shown.values())


def _expand_in_a_body(step, ours, theirs, found):
    """A record that is sent back with what was shown along: ignored here also beside files."""
    sent = json.dumps([step.get("json"), step.get("parts"), step.get("form")]).replace("\\", "")
    return '"expand"' in sent and theirs.status == 400 and ours.status in (200, 400) and "Something went wrong" in json.dumps(theirs.told)


def _long_passwords(step, ours, theirs, found):
    """PocketBase refuses a password of more than 72 bytes before it says what else is wrong."""
    bodies = json.dumps([step.get("json"), step.get("parts"), step.get("form")], ensure_ascii=False)
    says_nothing = _data(theirs) == {} or all(".response.data." in place and other == "(missing)" for place, _, other in found)
    # A number is written out: `1e308` has 309 digits.
    numbers = [f"{float(number):f}" for number in re.findall(r"[\d.]+[eE][-+]?\d+", bodies)]
    small = re.search(r"[eE]-\d{3}", bodies)
    return _both(ours, theirs, 400) and says_nothing and (small or any(len(word.encode()) > 72 for word in [*bodies.replace("\\", "").split('"'), *numbers]))


def _views_of_renamed_tables(step, ours, theirs, found):
    """PocketBase deletes nothing as long as a view's query names what was renamed, though it does not read it."""
    return step["method"] == "DELETE" and ours.status == 204 and "Failed to delete collection" in str(theirs.told)


def _files_of_a_record_made_anew(step, ours, theirs, found):
    """PocketBase loses the files of a record that a batch deletes and makes anew."""
    return step["path"].startswith("/api/files/") and (ours.status, theirs.status) == (200, 404)


def _words_of_a_body(step, ours, theirs, found):
    """Of no body, and of one that is no JSON."""
    return _both(ours, theirs, 400) and step["path"] in ("/api/realtime", "/api/batch") and "submitted" in _message(ours) and all(place == ".message" for place, *_ in found)


def _words_of_fields(step, ours, theirs, found):
    """A field that can't be read is a body that can't be read. Of several indexes that the database refuses, the first is named."""
    unreadable = _data(ours) == {} and _message(ours).endswith("due to invalid formatting.") and "fields" in (step.get("json") or "")
    other = all(place.startswith(".data.indexes.") and mine == "(missing)" and "Failed to create index" in str(other) for place, mine, other in found)
    return _both(ours, theirs, 400) and re.fullmatch(r"/api/collections(/[^/]+)?", step["path"]) and (other or unreadable)


def _too_many_guesses(step, ours, theirs, found):
    return ours.status == 429 and theirs.status == 400 and "auth-with" in step["path"]


def _options(step, ours, theirs, found):
    """A browser takes no redirect of a preflight."""
    return step["method"] == "OPTIONS" and (ours.status, theirs.status) == (204, 307)


def _words_of_the_database(step, ours, theirs, found):
    """Of what the database refuses, PocketBase says more of the step that it was at."""
    told = [_message(answer).partition("Raw error:") for answer in (ours, theirs)]
    return _both(ours, theirs, 400) and all(place == ".message" for place, *_ in found) and told[0][0] == told[1][0] and all("SQL logic error" in words for *_, words in told)


def _files_of_a_batch(step, ours, theirs, found):
    """In a complaint a file is called what its client calls it, also in a batch."""
    told = [(place, str(mine)) for place, mine, _ in found]
    return step["path"] == "/api/batch" and _both(ours, theirs, 400) and all(place.endswith(".params.file") or place.endswith(".message") and ("upload" in mine or "mime type" in mine) for place, mine in told)


def _odd_requests_of_a_batch(step, ours, theirs, found):
    """400 wherever it stands; in PocketBase 500 but for the first."""
    return step["path"] == "/api/batch" and _both(ours, theirs, 400) and all(place.endswith(".response.status") and (mine, other) == (400, 500) for place, mine, other in found)


def _passwords_of_a_batch(step, ours, theirs, found):
    """PocketBase shows passwords that a batch sets."""
    names = {"password", "passwordConfirm", "oldPassword", *step.get("passwords", [])}
    is_password = lambda place: re.search(r"\.body\.([^.]+)$", place) and place.rpartition(".")[2] in names  # noqa: E731
    return step["path"] == "/api/batch" and _both(ours, theirs, 200) and all(mine == "" and is_password(place) for place, mine, _ in found)


def _content_types(step, ours, theirs, found):
    return _both(ours, theirs, 400) and all(place == ".message" and (str(mine).startswith("Unsupported Content-Type") or str(other).startswith("Unsupported Content-Type")) for place, mine, other in found)


def _xml(step, ours, theirs, found):
    """No body is read as XML here. PocketBase finds an empty one in a text that has no element."""
    said = step.get("headers", {}).get("Content-Type") == "application/xml"
    words = {"/api/batch": "Failed to read the submitted batch data.", "/api/collections/import": "Unsupported Content-Type: send application/json, "}
    refused = _data(ours) == {} and step["path"] in words and _message(ours).startswith(words[step["path"]])
    return said and _both(ours, theirs, 400) and refused


def _queries(step, ours, theirs, found):
    """Refused by both, in other words."""
    return _both(ours, theirs, 400) and all("viewQuery" in place and "identifier part" in str(mine) for place, mine, _ in found)


def _lax_urls(step, ours, theirs, found):
    """PocketBase asks a list of regular expressions; here a URL is what a parser of URLs reads."""
    refused = [place for place, _, other in found if "validation_invalid_url" in str(other)]
    # Here its domain may be refused instead.
    said = [place for place, mine, other in found if mine == "Url domain is not allowed." and other == "Must be a valid url."]
    return bool(refused) and (ours.status == 200 and theirs.status == 400 or _both(ours, theirs, 400) and len(refused) + len(said) == len(found))


def _lists_that_break_off(step, ours, theirs, found):
    """A text that is a list only up to some place is one value; PocketBase takes the values before that place as well."""
    return "/records" in step["path"] + (step.get("json") or "") and step["method"] != "GET" and any(_breaks_off(text) for text in _texts(step))


def _texts(step):
    """The texts that a step sends, those within JSON among them."""
    waiting, found = [part[-1] for name in ("parts", "form") for part in step.get(name, [])] + [step.get("json")], []
    while waiting:
        one = waiting.pop()
        if isinstance(one, (list, dict)):
            waiting += one.values() if isinstance(one, dict) else one
        elif isinstance(one, str):
            found.append(one)
            with contextlib.suppress(ValueError):
                inner = json.loads(one)
                waiting += [inner] if inner != one else []
    return found


def _breaks_off(text):
    """Whether a list of texts begins here and does not end as one."""
    if not re.match(r'\s*\[\s*("|null\b)', text):
        return False
    try:
        return not all(one is None or isinstance(one, str) for one in json.loads(text))
    except ValueError:
        return True


def _second_factor_of_superusers(step, ours, theirs, found):
    """A provider of superusers, who have none, is no second factor."""
    told = (_data(ours) or {}).get("mfa") or {}
    return "_superusers" in step["path"] + (step.get("json") or "") and (ours.status, theirs.status) == (400, 200) and "validation_mfa_not_enough_auths" in str(told)


def _reasons(step, ours, theirs, found):
    """A superuser is told what is wrong with a filter or an order."""
    query = (_data(ours) or {}).get("query")
    told = isinstance(query, dict) and query.get("code") == "invalid_query"
    return _both(ours, theirs, 400) and told and _message(ours) == _message(theirs) and all(place.startswith(".data") for place, *_ in found)


def _spelled_json(step, ours, theirs, found):
    """JSON that is sent as text is kept by its value, so that a unique index sees two spellings of it as the same, and `null` as no value."""
    refused = [_data(answer) or {} for answer in (ours, theirs)]
    unique = all(isinstance(one, dict) and one.get("code") == "validation_not_unique" for told in refused for one in told.values())
    fields = {**refused[0], **refused[1]}
    parts = [part for name in ("parts", "form") for part in step.get(name, []) if part[0] in fields]
    if not fields or not unique:
        return False
    if _both(ours, theirs, 400):
        # Of several indexes the first is told.
        return any(part[0] in refused[0] and _is_spelled_otherwise(part[-1]) for part in parts)
    if (ours.status, theirs.status) == (200, 400):
        return all(part[-1].strip() == "null" for part in parts) and bool(parts)
    return (ours.status, theirs.status) == (400, 200) and any(_is_spelled_otherwise(part[-1]) for part in parts)


def _spelled_json_as_text(step, ours, theirs, found):
    """So a view that makes a text of it shows one spelling."""
    return step["method"] == "GET" and _both(ours, theirs, 200) and all(_is_same_json(mine, other) for _, mine, other in found)


def _is_same_json(mine, other):
    """Whether both are the same list or object, and ours is spelled as it is kept."""
    try:
        told = [json.loads(text) for text in (mine, other)]
    except (TypeError, ValueError):
        return False
    same = json.dumps(told[0], sort_keys=True) == json.dumps(told[1], sort_keys=True)
    return mine != other and same and isinstance(told[0], list | dict) and not _is_spelled_otherwise(mine)


def _nothing_in_parts(step, ours, theirs, found):
    """An empty body is an empty object, also where it is said to have parts."""
    sent = any(step.get(name) for name in ("json", "form", "parts"))
    said = step.get("headers", {}).get("Content-Type") == "multipart/form-data"
    return said and not sent and ours.status in (200, 204) and theirs.status == 400 and "Failed to read the submitted data" in str(theirs.told)


def _bodies_that_are_not_wanted(step, ours, theirs, found):
    """The body of a GET that can't be read is not held against it."""
    refused = theirs.status == 400 and "Something went wrong while processing your request." in _message(theirs)
    return step["method"] == "GET" and bool(step.get("json")) and ours.status in (200, 404) and refused


def _excerpts_of_null(step, ours, theirs, found):
    """PocketBase keeps a `null` that is sent as text as one, and shows as much of it as of any text."""
    asked = any(name == "fields" and "excerpt" in value for name, value in step.get("params", []))
    return asked and _both(ours, theirs, 200) and all(mine == "" and isinstance(other, str) and "null".startswith(other.rstrip(".…")) for _, mine, other in found)


def _no_number(step, ours, theirs, found):
    """NaN and the infinities are refused. A rule takes them for 0 here, and decides whether that is told."""
    sent = any(re.fullmatch(r"[+-]?(nan|inf|infinity)", text.strip(), re.I) for text in _texts(step))
    return sent and ours.status in (400, 404) and theirs.status in (400, 404) and any("validation_not_a_number" in str(answer.told) for answer in (ours, theirs))


def _infinite_columns(step, ours, theirs, found):
    """JSON has no infinite number; PocketBase writes a text where a view casts one."""
    return step["method"] == "GET" and _both(ours, theirs, 200) and all(mine == 0 and other in ("+Inf", "-Inf") for _, mine, other in found)


def _is_spelled_otherwise(text):
    try:
        return text != json.dumps(json.loads(text), ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    except ValueError:
        return False


def _crons(step, ours, theirs, found):
    """Counters of rate limits need no cleaning by a cron here."""
    if step["path"] != "/api/crons" or not all(isinstance(told, list) for told in (ours.told, theirs.told)):
        return False
    return [cron["id"] for cron in theirs.told if cron not in ours.told] == ["__pbRateLimitersCleanup__"]


MEANT = {
    "the redirect to a clean path has no page": _unclean,
    "hidden addresses are alike in an order": _hidden_addresses,
    "416 has no body": _no_part,
    "the end of an empty file is no part": _end_of_nothing,
    "a view rule that can't be evaluated": _rule_of_what_is_shown_along,
    "`expand` in a body": _expand_in_a_body,
    "a password of more than 72 bytes": _long_passwords,
    "a view whose query names a renamed table": _views_of_renamed_tables,
    "files of a record that a batch deletes and makes anew": _files_of_a_record_made_anew,
    "a body is refused in other words": _words_of_a_body,
    "a collection's fields are refused in other words": _words_of_fields,
    "an import is refused in other words": _words_of_an_import,
    "indexes of an import are refused in other words": _indexes_of_an_import,
    "a name that begins with a digit is one also with `:changed`": _changed_number,
    "a rule is refused in other words": _words_of_a_rule,
    "a change of a collection is refused in other words": _words_of_a_change,
    "a form has too many parts": _many_parts,
    "the JSON null": _null,
    "JSON that is said to be a form": _json_said_to_be_a_form,
    "dots instead of an id": _dots,
    "no order was asked for": _no_order,
    "records that refer to one have no order": _no_order_of_what_refers,
    "rights come before bodies": _rights_before_bodies,
    "rules come before bodies": _rules_before_bodies,
    "the pictures of providers are others": _logos,
    "ids that the servers made up are others": _made_up_ids,
    "wrong passwords are counted": _too_many_guesses,
    "a preflight is answered wherever it asks": _options,
    "the database's words of a step": _words_of_the_database,
    "a file is called what its client calls it, also in a batch": _files_of_a_batch,
    "a request that no batch can do is a 400 wherever it stands": _odd_requests_of_a_batch,
    "PocketBase shows passwords that a batch sets": _passwords_of_a_batch,
    "a content type is refused in more words": _content_types,
    "a batch or an import in XML is refused in other words": _xml,
    "a view's query is refused in other words": _queries,
    "what is a URL here and none in PocketBase": _lax_urls,
    "a rule takes what is no number for 0": _no_number,
    "an infinite number of a view is 0": _infinite_columns,
    "a list in a text breaks off": _lists_that_break_off,
    "a provider of superusers is no second factor": _second_factor_of_superusers,
    "superusers are told why a filter is refused": _reasons,
    "JSON that is sent as text is kept by its value": _spelled_json,
    "a text made of JSON is spelled in one way": _spelled_json_as_text,
    "the body of a GET can't be read": _bodies_that_are_not_wanted,
    "an empty body has no parts": _nothing_in_parts,
    "a null that is sent as text is no value": _excerpts_of_null,
    "rate limits need no cron": _crons,
}
