"""Differences that are meant: docs/design.md says them, and why."""

import json


def why(step, ours, theirs, found):
    """A few words, or None."""
    for words, holds in MEANT.items():
        if holds(step, ours, theirs, found):
            return words
    return None


def _both(ours, theirs, *statuses):
    return ours.status == theirs.status and ours.status in statuses


def _order_of_made_up_ids(step, ours, theirs, found):
    told = [answer.told.get("items") if isinstance(answer.told, dict) else None for answer in (ours, theirs)]
    return step["method"] == "GET" and all(isinstance(items, list) for items in told) and any("(id " in json.dumps(items) for items in told)


def _no_order(step, ours, theirs, found):
    """Without a sort that tells all of them apart, the order is how the database came upon them."""
    if step["method"] != "GET" or not _both(ours, theirs, 200) or any(name == "sort" and "id" in value.split(",") for name, value in step.get("params", [])):
        return False
    told = [answer.told.get("items") if isinstance(answer.told, dict) else None for answer in (ours, theirs)]
    if not all(isinstance(items, list) for items in told) or ours.told.get("totalItems") != theirs.told.get("totalItems"):
        return False
    pages = ours.told.get("totalPages", 2) not in (1, 0)
    return pages or sorted(map(json.dumps, told[0])) == sorted(map(json.dumps, told[1]))


def _rights_before_bodies(step, ours, theirs, found):
    return (ours.status in (401, 403, 404) and theirs.status == 400) and any(words in str(theirs.told) for words in ("Something went wrong", "Unsupported Content-Type")) and step["method"] in ("POST", "PATCH", "PUT")


def _words_of_an_import(step, ours, theirs, found):
    """Refused by both. What is said of it, and of which of several faults, are other words."""
    return step["path"] == "/api/collections/import" and _both(ours, theirs, 400)


def _words_of_a_rule(step, ours, theirs, found):
    """Refused by both: an identifier is shown whole here, and a bracket has nothing in it."""
    words = ("invalid identifier", "empty filter expression")
    return _both(ours, theirs, 400) and all("Rule" in place and any(word in str(mine) for word in words) and "Raw error" in str(other) for place, mine, other in found)


def _words_of_a_change(step, ours, theirs, found):
    """Refused by both: a column that a view needs, a new id."""
    return _both(ours, theirs, 400) and "Raw error" in str(theirs.told) and step["method"] == "PATCH" and all(place in (".message", ".data.id") for place, *_ in found)


def _many_parts(step, ours, theirs, found):
    return _both(ours, theirs, 400) and "parts at most" in str(ours.told)


def _null(step, ours, theirs, found):
    """The JSON `null` is no object; in PocketBase it is an empty one."""
    return (step.get("json") or "").strip() in ("null", "[]") and ours.status == 400


def _json_said_to_be_a_form(step, ours, theirs, found):
    return _both(ours, theirs, 400) and "said to be a form" in str(ours.told)


def _dots(step, ours, theirs, found):
    """`..` at the place of an id names no record, and leads nowhere."""
    return theirs.status == 307 and ours.status in (401, 403, 404) and ("/.." in step["path"] or "/./" in step["path"])


def _logos(step, ours, theirs, found):
    return step["path"] == "/api/collections/meta/oauth2-providers" and all(place.endswith(".logo") for place, *_ in found)


def _unclean(step, ours, theirs, found):
    """The redirect to the clean path has no page."""
    return ours.status == theirs.status == 307


def _hidden_addresses(step, ours, theirs, found):
    """Addresses that the caller may not see are all alike in an order."""
    sorts = [value for name, value in step.get("params", []) if name == "sort"]
    return step.get("by") != "root" and step["method"] == "GET" and _both(ours, theirs, 200) and any("email" in value for value in sorts)


def _no_part(step, ours, theirs, found):
    return _both(ours, theirs, 416) and ours.told is None


def _rule_of_what_is_shown_along(step, ours, theirs, found):
    """A rule that can't be evaluated any more shows nothing along, also where there is nothing; PocketBase leaves `expand` out then."""
    return _both(ours, theirs, 200) and all(place.endswith(".expand") and mine == {} and other == "(missing)" for place, mine, other in found)


def _expand_in_a_body(step, ours, theirs, found):
    """A record that is sent back with what was shown along: ignored here also beside files."""
    return "expand" in json.dumps([step.get("json"), step.get("parts"), step.get("form")]) and _within_refusals(ours, theirs)


def _within_refusals(ours, theirs):
    return theirs.status in (400, 200) and ("Something went wrong" in json.dumps(theirs.told))


def _long_passwords(step, ours, theirs, found):
    """PocketBase refuses a password of more than 72 bytes before it says what else is wrong."""
    bodies = json.dumps([step.get("json"), step.get("parts"), step.get("form")], ensure_ascii=False)
    return _both(ours, theirs, 400) and isinstance(theirs.told, dict) and theirs.told.get("data") == {} and any(len(word.encode()) > 72 for word in bodies.replace("\\", "").split('"'))


def _views_of_renamed_tables(step, ours, theirs, found):
    """PocketBase deletes nothing as long as a view's query names what was renamed, though it does not read it."""
    return step["method"] == "DELETE" and ours.status == 204 and "Failed to delete collection" in str(theirs.told)


def _files_of_a_record_made_anew(step, ours, theirs, found):
    """PocketBase loses the files of a record that a batch deletes and makes anew."""
    return step["path"].startswith("/api/files/") and (ours.status, theirs.status) == (200, 404)


def _words_of_a_body(step, ours, theirs, found):
    return _both(ours, theirs, 400) and step["path"] in ("/api/realtime", "/api/batch") and "submitted" in str(ours.told)


def _words_of_a_deletion(step, ours, theirs, found):
    return step["method"] == "DELETE" and _both(ours, theirs, 400)


def _words_of_fields(step, ours, theirs, found):
    """A field that can't be read is a body that can't be read; an index is judged after its columns."""
    return _both(ours, theirs, 400) and step["path"].startswith("/api/collections") and step["path"].count("/") <= 3 and all(place.startswith((".message", ".data.fields", ".data.indexes", ".data.name")) for place, *_ in found)


def _rights_before_names(step, ours, theirs, found):
    return "/auth-refresh" in step["path"] and (ours.status, theirs.status) == (401, 404)


def _bodies_before_options(step, ours, theirs, found):
    return "/auth-with-" in step["path"] and (ours.status, theirs.status) == (400, 403)


def _too_many_guesses(step, ours, theirs, found):
    return ours.status == 429 and theirs.status == 400 and "auth-with" in step["path"]


def _options(step, ours, theirs, found):
    return step["method"] == "OPTIONS" and (ours.status, theirs.status) == (200, 204)


def _files_of_a_batch(step, ours, theirs, found):
    """In a complaint a file is called what its client calls it, also in a batch."""
    return step["path"] == "/api/batch" and all("upload" in str(one[1]) or place.endswith(".file") or "mime type" in str(one[1]) for place, *one in found)


def _odd_requests_of_a_batch(step, ours, theirs, found):
    """400 wherever it stands; in PocketBase 500 but for the first."""
    return step["path"] == "/api/batch" and _both(ours, theirs, 400) and all(place.endswith((".status", ".message")) and ".response" in place for place, *_ in found)


def _passwords_of_a_batch(step, ours, theirs, found):
    """PocketBase shows passwords that a batch sets."""
    return step["path"] == "/api/batch" and _both(ours, theirs, 200) and all(mine == "" and ".body." in place for place, mine, _ in found)


def _superusers_codes(step, ours, theirs, found):
    return all("validation_unsupported" in str(mine) for _, mine, _ in found)


def _content_types(step, ours, theirs, found):
    return _both(ours, theirs, 400) and all(place == ".message" and (str(mine).startswith("Unsupported Content-Type") or str(other).startswith("Unsupported Content-Type")) for place, mine, other in found)


def _queries(step, ours, theirs, found):
    """Refused by both, in other words; or PocketBase says one thing twice."""
    return _both(ours, theirs, 400) and all("viewQuery" in place and ("identifier part" in str(mine) or "invalid field" in str(other)) for place, mine, other in found)


def _lax_urls(step, ours, theirs, found):
    return theirs.status == 400 and "validation_invalid_url" in json.dumps(theirs.told)


def _crons(step, ours, theirs, found):
    """Counters of rate limits need no cleaning by a cron here."""
    return step["path"] == "/api/crons" and "__pbRateLimitersCleanup__" in json.dumps(theirs.told)


MEANT = {
    "the redirect to a clean path has no page": _unclean,
    "hidden addresses are alike in an order": _hidden_addresses,
    "416 has no body": _no_part,
    "a view rule that can't be evaluated": _rule_of_what_is_shown_along,
    "`expand` in a body": _expand_in_a_body,
    "a password of more than 72 bytes": _long_passwords,
    "a view whose query names a renamed table": _views_of_renamed_tables,
    "files of a record that a batch deletes and makes anew": _files_of_a_record_made_anew,
    "a body is refused in other words": _words_of_a_body,
    "a deletion is refused in other words": _words_of_a_deletion,
    "a collection's fields are refused in other words": _words_of_fields,
    "rights come before names": _rights_before_names,
    "a body is read before an option is looked at": _bodies_before_options,
    "an import is refused in other words": _words_of_an_import,
    "a rule is refused in other words": _words_of_a_rule,
    "a change of a collection is refused in other words": _words_of_a_change,
    "a form has too many parts": _many_parts,
    "the JSON null": _null,
    "JSON that is said to be a form": _json_said_to_be_a_form,
    "dots instead of an id": _dots,
    "no order was asked for": _no_order,
    "rights come before bodies": _rights_before_bodies,
    "the pictures of providers are others": _logos,
    "ids that the servers made up have another order": _order_of_made_up_ids,
    "wrong passwords are counted": _too_many_guesses,
    "a preflight is answered with 200": _options,
    "a file is called what its client calls it, also in a batch": _files_of_a_batch,
    "a request that no batch can do is a 400 wherever it stands": _odd_requests_of_a_batch,
    "PocketBase shows passwords that a batch sets": _passwords_of_a_batch,
    "codes and second factors of superusers": _superusers_codes,
    "a content type is refused in more words": _content_types,
    "a view's query is refused in other words": _queries,
    "what is a URL here and none in PocketBase": _lax_urls,
    "rate limits need no cron": _crons,
}
