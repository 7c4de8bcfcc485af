"""Tokens made by hand from what lies in the database, to have ones that the server would never hand out."""

import base64
import hashlib
import hmac
import json
import sqlite3
import time


def _part(value):
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def sign(claims, key):
    head = _part(b'{"alg":"HS256","typ":"JWT"}') + "." + _part(json.dumps(claims).encode())
    return head + "." + _part(hmac.new(key.encode(), head.encode(), hashlib.sha256).digest())


def token(directory, collection, record_id, *, kind="auth", expires_in=600, extra=None):
    """A token for a record, signed as the server signs; read through a connection of its own while the server runs."""
    database = sqlite3.connect(f"file:{directory / 'data.db'}?mode=ro", uri=True)
    collection_id, options = database.execute("SELECT id, options FROM _collections WHERE name = ?", (collection,)).fetchone()
    key = database.execute(f"SELECT tokenKey FROM `{collection}` WHERE id = ?", (record_id,)).fetchone()[0]
    database.close()
    secret = json.loads(options)[f"{kind}Token"]["secret"]
    claims = {"id": record_id, "type": kind, "collectionId": collection_id, "exp": int(time.time()) + expires_in}
    if kind == "auth":
        claims["refreshable"] = True
    return sign({**claims, **(extra or {})}, key + secret)
