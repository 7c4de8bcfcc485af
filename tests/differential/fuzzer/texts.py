"""Values as JSON text: few plain ones that filters can find again, and odd ones."""

import json
import re

from differential.values import ANY, DATES, JSONS, TEXTS

WORDS = ["a", "b", "ab", "A", "abc", "ä ö", "100%", "a_b", "", "x'y", 'q"z', "1", "true", "null", "[]", "  pad ", "日本", "😀", "a\\b", "line\nbreak", "<b>hi</b>", "2024-01-02", "test", "-", "0"]
NUMBERS = ["0", "1", "-1", "2", "3", "1.5", "10", "-0.25", "1e3", "100", "9007199254740993", "0.1"]
MOMENTS = ["2024-01-02 03:04:05.678Z", "2024-01-02", "2023-12-31 23:59:59.999Z", "1999-01-01 00:00:00.000Z", "2030-06-15 12:00:00Z", ""]
EMAILS = ["a@example.com", "b@example.com", "A@Example.com", "c@test.org", "ä@b.co", ""]
URLS = ["https://example.com", "http://a.b/c?d=e", "https://test.org/x#y", ""]
DOCUMENTS = ['{"a":1,"b":[1,2,{"c":"x"}]}', "[1,2,3]", '["a","b"]', '"text"', "null", "true", "0", "1.5", '{"a":{"b":"c"}}', "[]", "{}", '""', '[{"a":1},{"a":2}]']
EDITORS = ["<p>hi</p>", "", "plain", "<p>long <b>text</b> with words</p>", "<script>x</script>"]
POINTS = ['{"lon":1,"lat":2}', '{"lon":0,"lat":0}', '{"lon":-73.9,"lat":40.7}', '{"lon":181,"lat":0}', "null", "{}", '{"lon":"3","lat":"4"}', '"x"', "[1,2]"]
# Of these the answers differ on purpose, or by chance; tests/differential/values.py compares them.
LEFT_OUT = {'"[\\"a\\", 1]"', '"' + "x" * 73 + '"', '"1e400"', '"Inf"', '"-inf"', '"Infinity"', '"+Infinity"', '"\\u0000"', '"a\\u0000b"', '"\\ud800"'}
ODD = [text for text in ANY if text not in LEFT_OUT and len(text) < 400]
# A fraction is a URL here and none in PocketBase.
NO_FRACTIONS = [text for text in ODD if not re.fullmatch(r'"?[-+]?\d*(\.\d+|e-\d+)"?', text)]
FINE_DATES = [text for text in DATES if not text.startswith(("9999", "-0", "0000", "0001", "1e"))]


def value(r, field, model, odd=0.12):
    """JSON text for a field; now and then a value of another kind."""
    kind = field["type"]
    if r.random() < odd:
        chosen = r.choice(ODD if kind != "url" else NO_FRACTIONS)
        # As text it is another value in PocketBase, on purpose.
        return "null" if kind == "json" and chosen == '"null"' else chosen
    if kind == "text":
        return json.dumps(r.choice(WORDS), ensure_ascii=r.random() < 0.5)
    if kind == "number":
        return r.choice(NUMBERS) if r.random() < 0.9 else json.dumps(r.choice(NUMBERS))
    if kind == "bool":
        return r.choice(["true", "false", "true", "false", '"true"', "1", "null"])
    if kind == "email":
        return json.dumps(r.choice(EMAILS) if r.random() < 0.9 else r.choice(TEXTS["email"]))
    if kind == "url":
        return json.dumps(r.choice(URLS))
    if kind == "editor":
        return json.dumps(r.choice(EDITORS))
    if kind == "date":
        return json.dumps(r.choice(MOMENTS) if r.random() < 0.8 else r.choice(FINE_DATES))
    if kind == "autodate":
        return json.dumps(r.choice(MOMENTS))
    if kind == "select":
        values = field.get("values") or ["a"]
        if field.get("maxSelect", 1) > 1 or r.random() < 0.1:
            return json.dumps([r.choice(values) for _ in range(r.randint(0, 3))])
        return json.dumps(r.choice([*values, "", "none"]))
    if kind == "relation":
        ids = model.records.get(model.by_id(field.get("collectionId")), []) or ["missing00000000"]
        pick = lambda: r.choice(ids) if r.random() < 0.95 else r.choice(["", "missing00000000"])  # noqa: E731
        if field.get("maxSelect", 1) > 1 or r.random() < 0.1:
            return json.dumps([pick() for _ in range(r.randint(0, 3))])
        return json.dumps(pick() if r.random() < 0.9 else "")
    if kind == "json":
        return r.choice(DOCUMENTS) if r.random() < 0.95 else r.choice([text for text in JSONS if not text.startswith('"') and '"a":1,"a"' not in text and "ud800" not in text and "1e308" not in text])
    if kind == "geoPoint":
        return r.choice(POINTS)
    if kind == "password":
        return json.dumps(r.choice(["12345678", "abcdefghij", "short", "", "ü" * 8, "x" * 72]))
    if kind == "file":
        return json.dumps(r.choice(["", "invented.txt", [], None]))
    return r.choice(ODD)


def document(pairs):
    """A JSON object of names and JSON texts."""
    return "{" + ",".join(f"{json.dumps(name)}:{text}" for name, text in pairs) + "}"
