"""Random applications and requests get the same answers from both; the long form is `python -m differential.fuzzer`."""

import os
import secrets

import pytest

from harness.programs import BOSBASE, POCKETBASE

from .fuzzer import run

# The same every time, so that a failure is a change's.
SEEDS = [20261130, 20261131, 20261132]
STEPS = 200


@pytest.mark.parametrize("seed", [*SEEDS, int(os.environ.get("BOSBASE_FUZZER_SEED") or secrets.randbelow(2**31))], ids=["one", "two", "three", "by_chance"])
def test_random_applications_are_answered_as_pocketbase_answers_them(seed, tmp_path):
    place, tally = run.Place(BOSBASE, POCKETBASE, tmp_path), run.Tally()
    for number in range(2):
        run.round(place, seed + 1000 * number, tally, STEPS)
    told = [f"{kind} (round {one.seed})\n  theirs {one.theirs.shown()[:400]}\n  ours   {one.ours.shown()[:400]}" for kind, one in tally.findings.items()]
    assert not told, f"python -m differential.fuzzer --round SEED repeats a round; seed {seed}:\n" + "\n".join(told)
    assert tally.statuses[200] > 20
