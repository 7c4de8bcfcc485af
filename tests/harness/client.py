"""A thin HTTP client: it asserts the status it is told to expect and hands back what the server said."""

import contextlib
import time

import requests


class Client:
    def __init__(self, url, token=None):
        self.url = url
        self.token = token
        self.session = requests.Session()
        self.session.trust_env = False
        self.auth = None

    def login(self, collection, identity, password):
        self.auth = self.post(
            f"/api/collections/{collection}/auth-with-password", json={"identity": identity, "password": password}
        )
        self.token = self.auth["token"]
        return self

    def with_token(self, token):
        return Client(self.url, token)

    def send(self, method, path, *, expect=200, headers=None, timeout=120, **rest):
        """The response; `expect` is a status, some statuses, or None for any."""
        headers = dict(headers or {})
        if self.token and "Authorization" not in headers:
            headers["Authorization"] = self.token
        response = self.session.request(method, self.url + path, headers=headers, timeout=timeout, **rest)
        if expect is not None:
            wanted = (expect,) if isinstance(expect, int) else tuple(expect)
            readable = response.headers.get("Content-Type", "").startswith(("application/json", "text/"))
            shown = response.text[:2000] if readable and not rest.get("stream") else "(not text)"
            assert response.status_code in wanted, f"{method} {path}: {response.status_code}, not {expect}: {shown}"
        return response

    def _json(self, method, path, expect, rest):
        response = self.send(method, path, expect=expect, **rest)
        return response.json() if response.content else None

    def get(self, path, *, expect=200, **rest):
        return self._json("GET", path, expect, rest)

    def post(self, path, *, expect=200, **rest):
        return self._json("POST", path, expect, rest)

    def patch(self, path, *, expect=200, **rest):
        return self._json("PATCH", path, expect, rest)

    def delete(self, path, *, expect=204, **rest):
        return self._json("DELETE", path, expect, rest)

    # --- records ------------------------------------------------------------------------------------------------------

    def records(self, collection, *, per_page=1000, sort="id", **params):
        """Every record of a collection, page by page."""
        items, page = [], 1
        while True:
            answer = self.get(
                f"/api/collections/{collection}/records",
                params={"page": page, "perPage": per_page, "sort": sort, "skipTotal": "1", **params},
            )
            items += answer["items"]
            if len(answer["items"]) < per_page:
                return items
            page += 1

    def create(self, collection, record, files=None, expect=200):
        if files:
            return self.post(f"/api/collections/{collection}/records", data=record, files=files, expect=expect)
        return self.post(f"/api/collections/{collection}/records", json=record, expect=expect)

    def file_token(self):
        return self.post("/api/files/token")["token"]

    # --- backups ------------------------------------------------------------------------------------------------------

    def backups(self):
        return {backup["key"]: backup for backup in self.get("/api/backups")}

    def back_up(self, key, seconds=120):
        """Creates a backup and waits until it is listed and nothing runs any more."""
        self.post("/api/backups", json={"name": key}, expect=204)
        self.wait_until_idle(seconds)
        self.wait_until_proven(key, seconds)
        backups = self.backups()
        assert key in backups, f"{key} is not listed: {sorted(backups)}"
        return backups[key]

    def wait_until_idle(self, seconds=120):
        """Waits until no backup or restore runs (health says so to superusers, in PocketBase and here)."""
        wait_for(lambda: self.get("/api/health")["data"].get("canBackup"), seconds, "canBackup")

    def wait_until_proven(self, key, seconds=120):
        """Waits for the end of the job that made a backup, which reads it back after it is listed (PocketBase has no such thing)."""
        path = "/api/backups/status"
        jobs = lambda: self.get(path)["jobs"] if self.send("GET", path, expect=None).status_code == 200 else []  # noqa: E731
        wait_for(lambda: not any(job["key"] == key and job["state"] == "running" for job in jobs()), seconds, f"the proof of {key}")

    def download(self, key, expect=200, **rest):
        return self.send("GET", f"/api/backups/{key}", params={"token": self.file_token()}, expect=expect, **rest).content

    def upload(self, path_or_file, name=None, expect=204, mime="application/zip"):
        with contextlib.ExitStack() as stack:
            file = path_or_file if hasattr(path_or_file, "read") else stack.enter_context(open(path_or_file, "rb"))
            name = name or str(path_or_file).rsplit("/", 1)[-1]
            return self.post("/api/backups/upload", files={"file": (name, file, mime)}, expect=expect)

    def restore(self, key, seconds=120):
        """Restores and waits until the restored data is served: the marker record that was made just before is gone."""
        marker = self.create_marker()
        self.post(f"/api/backups/{key}/restore", expect=204)
        wait_for(lambda: self.marker_is_gone(marker), seconds, f"the restore of {key}", ignore=(requests.RequestException,))

    def create_marker(self):
        """A superuser whom no older backup knows; returns their address."""
        email = f"marker{time.time_ns()}@example.com"
        self.create("_superusers", {"email": email, "password": "marker-1234", "passwordConfirm": "marker-1234"})
        return email

    def marker_is_gone(self, email):
        """Asks by login, which needs no token that the restored data may not know."""
        answer = self.session.post(
            f"{self.url}/api/collections/_superusers/auth-with-password",
            json={"identity": email, "password": "marker-1234"},
            timeout=30,
        )
        return answer.status_code == 400


def wait_for(condition, seconds, what, every=0.05, ignore=()):
    """Calls `condition` until it is true; what it raises passes through unless it is to be ignored."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            if result := condition():
                return result
        except ignore:
            pass
        assert time.monotonic() < deadline, f"{what}: not within {seconds} s"
        time.sleep(every)
