"""Every mutation chosen by hand, then half a minute of random ones; more by hand (`python -m hostile_databases --help`).

A restored database ended the server for good, hung it, locked everybody out, or let creates answer 200 for records that were not there.
"""

import pytest

from .faults import Fault
from .fuzz import fuzz, told
from .named import NAMED
from .named.outcomes import TAKEN_BACK
from .place import Place

pytestmark = pytest.mark.ours


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    place = Place(tmp_path_factory.mktemp("hostile") / "here")
    yield place
    place.close()


def test_what_is_not_mutated_is_restored_and_undone(place):
    for offline in (False, True):
        assert place.judge(place.unpacked(), offline=offline, again=True) == "served"


@pytest.mark.parametrize("name", NAMED)
def test_data_is_refused_or_can_be_lived_with(place, name):
    unpacked = place.unpacked()
    NAMED[name](unpacked)
    try:
        outcome = place.judge(unpacked, offline=len(name) % 3 == 0)
    except Fault:
        place.renew()
        raise
    # Data that does no harm must not be refused either.
    assert outcome == ("failed" if name in TAKEN_BACK else "served")


def test_no_mutation_does_harm(tmp_path):
    outcomes, faults = fuzz(tmp_path / "here", 40, 11)
    assert not faults, told(faults)
    assert outcomes.get("served") and outcomes.get("failed", 0) + outcomes.get("refused", 0), outcomes
