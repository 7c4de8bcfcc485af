"""An application that batches are sent to, and the requests that they are made of."""

import json

EMAIL, PASSWORD = "user@example.com", "user-1234"
OPEN = {"listRule": "", "viewRule": "", "createRule": "", "updateRule": "", "deleteRule": ""}
OF_A_TEAM = "team.open = true"


def path(collection, id=None, query=""):
    return f"/api/collections/{collection}/records{f'/{id}' if id else ''}{query}"


def create(collection, query="", **body):
    return {"method": "POST", "url": path(collection, query=query), "body": body}


def upsert(collection, query="", **body):
    return {"method": "PUT", "url": path(collection, query=query), "body": body}


def update(collection, id, query="", **body):
    return {"method": "PATCH", "url": path(collection, id, query), "body": body}


def delete(collection, id):
    return {"method": "DELETE", "url": path(collection, id)}


def send(client, *requests, files=None, expect=200, **rest):
    """The answer to a batch; `files` are pairs of a form's key and a file."""
    body = {"requests": list(requests)}
    if files is None:
        return client.post("/api/batch", json=body, expect=expect, **rest)
    return client.post("/api/batch", data={"@jsonPayload": json.dumps(body)}, files=files, expect=expect, **rest)


def refused(client, *requests, at, status, code=None, **rest):
    """Sends a batch whose request `at` must be refused with `status`, and `code` a field and its code; the inner answer."""
    answer = send(client, *requests, expect=400, **rest)
    assert answer["message"] == "Batch transaction failed." and list(answer["data"]) == ["requests"], answer
    assert list(answer["data"]["requests"]) == [str(at)], answer
    told = answer["data"]["requests"][str(at)]
    assert (told["code"], told["message"]) == ("batch_request_failed", "Batch request failed."), told
    inner = told["response"]
    assert sorted(inner) == ["data", "message", "status"] and inner["status"] == status, inner
    if code:
        assert inner["data"][code[0]]["code"] == code[1], inner
    return inner


def make(root, **settings):
    """Open teams with a code of their own, posts that are writable as their team says, and closed notes."""
    root.patch("/api/settings", json={"batch": {"enabled": True, "maxRequests": 50, "timeout": 20, **settings}})
    fields = [{"name": "name", "type": "text", "required": True}, {"name": "open", "type": "bool"}, {"name": "n", "type": "number"}, {"name": "code", "type": "text"}]
    unique = ["CREATE UNIQUE INDEX `idx_code` ON `teams` (`code`) WHERE `code` != ''"]
    teams = root.post("/api/collections", json={"name": "teams", "type": "base", "fields": fields, "indexes": unique, **OPEN})
    relation = {"name": "team", "type": "relation", "collectionId": teams["id"], "maxSelect": 1}
    fields = [
        {"name": "title", "type": "text"}, relation, {"name": "file", "type": "file", "maxSelect": 1}, {"name": "files", "type": "file", "maxSelect": 5},
        {"name": "created", "type": "autodate", "onCreate": True},
    ]
    rules = {"listRule": "", "viewRule": "", "createRule": OF_A_TEAM, "updateRule": OF_A_TEAM, "deleteRule": OF_A_TEAM}
    root.post("/api/collections", json={"name": "posts", "type": "base", "fields": fields, **rules})
    root.post("/api/collections", json={"name": "notes", "type": "base", "fields": [{"name": "text", "type": "text"}]})
    root.create("users", {"email": EMAIL, "password": PASSWORD, "passwordConfirm": PASSWORD, "verified": True})


def uploads(server):
    """The names of all uploaded files in the data directory, but for the notes beside them."""
    files = (server.directory / "storage").rglob("*")
    return sorted(file.name for file in files if file.is_file() and not file.name.endswith(".attrs"))


def named(root):
    """The names of all files that the posts name."""
    posts = root.records("posts")
    return sorted(name for post in posts for name in [post["file"], *post["files"]] if name)
