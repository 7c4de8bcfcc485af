"""Every route of the server, read from the program itself, with a path that leads to something."""

from dataclasses import dataclass

from harness.programs import BOSBASE, ORACLE_RUN

RECORD, USER = "record000000000", "user00000000000"
FILE = "paper_0123456789.txt"

FILLINGS = {"collection": "open", "id": RECORD, "record": RECORD, "name": FILE, "key": "missing.zip"}
"""What stands in a path's place holders; a new one fails the tests until it is known here."""


@dataclass(frozen=True)
class Route:
    method: str
    pattern: str
    access: str

    def __str__(self):
        return f"{self.method} {self.pattern}"

    @property
    def path(self):
        fillings = dict(FILLINGS)
        of_accounts = ("/auth-", "/impersonate/", "/request-", "/confirm-")
        if any(part in self.pattern for part in of_accounts):
            fillings |= {"collection": "users", "id": USER}
        if self.pattern == "/api/crons/{id}":
            fillings["id"] = "__pbLogsCleanup__"
        # A route for all paths below one is told as `{*path}`.
        return self.pattern.replace("{*path}", "any/path").format(**fillings)

    @property
    def takes_a_body(self):
        return self.method not in ("GET", "HEAD")

    @property
    def is_open(self):
        """Whether a request without a token is looked at any further here; elsewhere it is refused, with `refusal`."""
        return self.access in ("anyone", "rule")

    @property
    def refusal(self):
        return 403 if self.access == "file" else 401


def routes():
    if ORACLE_RUN:
        return []
    printed = BOSBASE.run("routes").stdout.split("\n")
    return [Route(*line.split()[:3]) for line in printed if line.strip()]
