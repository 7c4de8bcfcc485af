"""A record that a collection should take, as its fields say; a collection that was mutated may refuse it."""

import uuid


def body_for(root, collection, collections, number):
    body, mark = {}, f"m{number}{uuid.uuid4().hex[:10]}"
    for field in collection["fields"]:
        name, kind = field["name"], field["type"]
        if name == "id" or kind in ("autodate", "file"):
            continue
        if kind == "text":
            if not field.get("pattern") and not field.get("autogeneratePattern"):
                body[name] = mark
        elif kind == "password":
            body[name] = body["passwordConfirm"] = "password-1234"
        elif kind == "relation":
            if found := related(root, field.get("collectionId"), collections):
                body[name] = found
        elif kind == "select":
            if field.get("values"):
                body[name] = field["values"][0]
        elif kind in VALUES:
            body[name] = VALUES[kind](mark)
    return body


VALUES = {
    "number": lambda _: 7,
    "bool": lambda _: True,
    "email": lambda mark: f"{mark}@example.com",
    "url": lambda mark: f"https://example.com/{mark}",
    "date": lambda _: "2026-02-03 04:05:06.789Z",
    "editor": lambda mark: f"<p>{mark}</p>",
    "json": lambda mark: {"mark": mark},
    "geoPoint": lambda _: {"lon": 1.5, "lat": 2.5},
}


def related(root, identity, collections):
    if not any(one["id"] == identity for one in collections):
        return None
    answer = root.send("GET", f"/api/collections/{identity}/records", params={"perPage": 1}, expect=None, timeout=40)
    items = answer.json().get("items") if answer.status_code == 200 else None
    return items[0]["id"] if items else None
