"""`batch`: requests made of several."""


def enable(root, **settings):
    root.patch("/api/settings", json={"batch": {"enabled": True, "maxRequests": 3, "timeout": 3, **settings}})


def batch(root, count, text="x"):
    requests = [{"method": "POST", "url": "/api/collections/notes/records", "body": {"text": text}}] * count
    return root.send("POST", "/api/batch", json={"requests": requests}, expect=None)


def notes(root, **rules):
    fields = [{"name": "text", "type": "text", "max": 100_000}]
    return root.post("/api/collections", json={"name": "notes", "type": "base", "fields": fields, "listRule": "", "createRule": "", **rules})


def a_batch_is_made_or_refused(server, root, sink):
    notes(root)
    assert batch(root, 1).status_code == 403
    enable(root)
    assert batch(root, 1).status_code == 200
    root.patch("/api/settings", json={"batch": {"enabled": False}})
    assert batch(root, 1).status_code == 403


def a_batch_has_its_limits(server, root, sink):
    notes(root)
    enable(root, maxBodySize=2000)
    assert batch(root, 3).status_code == 200
    assert batch(root, 4).status_code == 400
    assert batch(root, 1, "x" * 3000).status_code == 413
