"""The settings that a server shows, each by its path."""

OF_OURS = {
    "backups": {
        "cron": "0 3 * * *",
        "keepLast": 1,
        "keepDaily": 1,
        "keepWeekly": 1,
        "keepMonthly": 1,
        "verifyCron": "0 4 * * *",
        "alarmEmails": ["alarm@example.com"],
        "alarmWebhook": {"url": "http://127.0.0.1:1/"},
        "alarmAfterHours": 48,
    }
}
"""Settings that PocketBase does not have are shown only where they differ from their defaults."""

OF_EVERY_COLLECTION = {"id", "name", "type", "system", "fields", "indexes", "created", "updated"} | {
    f"{kind}Rule" for kind in ("list", "view", "create", "update", "delete")
}


def leaves(value, path=""):
    """The paths of all values; those of a list's objects behind `[]`."""
    if isinstance(value, dict):
        return {leaf for key, inner in value.items() for leaf in leaves(inner, f"{path}.{key}" if path else key)}
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return {leaf for inner in value for leaf in leaves(inner, f"{path}[]")}
    return {path}


def of_settings(root):
    root.patch("/api/settings", json=OF_OURS)
    return leaves(root.get("/api/settings"))


def of_auth_collection(root):
    collection = root.get("/api/collections/users")
    return {f"users.{leaf}" for leaf in leaves({key: value for key, value in collection.items() if key not in OF_EVERY_COLLECTION})}


def of_fields(root, fields):
    """The options of each type of field, as a new collection with `fields` shows them."""
    made = root.post("/api/collections", json={"name": "every_field", "type": "base", "fields": fields})
    shown = made["fields"] + [field for field in root.get("/api/collections/users")["fields"] if field["type"] == "password"]
    return {f"{field['type']}.{key}" for field in shown for key in field if key not in OF_EVERY_FIELD}


OF_EVERY_FIELD = {"id", "name", "type", "system", "primaryKey"}
