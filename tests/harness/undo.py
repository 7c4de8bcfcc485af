"""What a restore replaced, when its time is over."""

import json


def let_expire(directory):
    """In a stopped data directory: the clock says that the time of what is kept is over, and so much time has passed."""
    clock_runs_ahead(directory)
    elapsed = {"seconds": 30 * 86_400, "boot": "an earlier one", "uptime": 0}
    (directory / ".bosbase" / "elapsed.json").write_text(json.dumps(elapsed))


def clock_runs_ahead(directory):
    """The clock alone says so."""
    path = directory / ".bosbase" / "undo.json"
    record = json.loads(path.read_text())
    path.write_text(json.dumps({**record, "until": "2020-01-01T00:00:00Z"}))
