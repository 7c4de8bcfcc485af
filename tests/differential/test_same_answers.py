"""The same requests to the real PocketBase and to bosbase get the same answers, but for what is listed here."""

import pytest

from harness.programs import BOSBASE, POCKETBASE
from harness.transcript import Transcript, differences

from . import batches, found
from .scenarios import SCENARIOS

# Where the difference is meant: words of the request, and why.
MEANT = {
    "a range behind the end": "416 has no body here",
    "too large a file": "a file is called what its client calls it, also in a batch",
    "/%2e%2e": "a path that climbs is no route at all here, so the words of the 404 are others",
}


def _is_meant(difference):
    """Also where a superuser is told why a filter or an order is refused, and nothing else differs."""
    request, *places = difference.split("\n")
    told = [place for place in places if place.startswith("  .")]
    return any(words in request for words in MEANT) or (len(told) == 1 and told[0].startswith('  .data.query: {"code": "invalid_query"'))


@pytest.mark.parametrize("scenario", [*SCENARIOS, *batches.SCENARIOS, *found.SCENARIOS], ids=lambda scenario: scenario.__name__)
def test_it_answers_as_pocketbase_does(scenario, launch):
    ours, theirs = Transcript(launch(BOSBASE)), Transcript(launch(POCKETBASE))
    scenario(theirs)
    stumbled = None
    try:
        scenario(ours)
    except (KeyError, TypeError, IndexError) as error:
        stumbled = error  # An answer that the scenario builds on was another one: told below.
    told = [one for one in differences(ours, theirs) if not _is_meant(one)]
    assert not told, f"{len(told)} of {len(theirs.steps)} answers differ:\n" + "\n".join(told)
    assert stumbled is None
