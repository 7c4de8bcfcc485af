"""What `GET /api/backups/status` tells."""

from .client import wait_for


def jobs(root):
    """Every remembered job, newest first."""
    answer = root.get("/api/backups/status")
    return answer["jobs"] if isinstance(answer, dict) else answer


def last_job(root, kind=None):
    return next((job for job in jobs(root) if kind in (None, job["kind"])), None)


def ended(root, kind, seconds=120):
    """Waits for the end of the newest job of this kind."""
    return wait_for(lambda: (job := last_job(root, kind)) and job["state"] != "running" and job, seconds, f"the end of {kind}")
