"""Twenty seconds of mutated multipart bodies; more by hand (`python -m multipart --help`)."""

import pytest

from .fuzz import fuzz

pytestmark = pytest.mark.ours


def test_no_multipart_body_does_harm(tmp_path):
    statuses = fuzz(tmp_path / "here" / "pb_data", 20, 7)
    assert sum(statuses.values()) > 300 and set(statuses) >= {200, 204, 400}, statuses
