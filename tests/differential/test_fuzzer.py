"""Random applications and requests get the same answers from both; the long form is `python -m differential.fuzzer`."""

import os

import pytest

from harness.programs import BOSBASE, POCKETBASE

from .fuzzer import run

# The same every time, so that a failure is a change's. What chance finds is for the long form.
SEEDS = [20261130, 20261131, 20261132]
if "BOSBASE_FUZZER_SEED" in os.environ:
    SEEDS = [int(os.environ["BOSBASE_FUZZER_SEED"])]
ROUNDS, STEPS = 2, 200


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return run.Place(BOSBASE, POCKETBASE, tmp_path_factory.mktemp("fuzzer"))


@pytest.mark.parametrize("seed", SEEDS)
def test_random_applications_are_answered_as_pocketbase_answers_them(seed, place):
    print(f"seed {seed}")
    tally = run.Tally()
    for number in range(ROUNDS):
        run.round(place, seed + 1000 * number, tally, STEPS)
    told = [f"{kind}\n  theirs {one.theirs.shown()[:400]}\n  ours   {one.ours.shown()[:400]}\n  python -m differential.fuzzer --steps {STEPS} --round {one.seed}" for kind, one in tally.findings.items()]
    assert not told, f"seed {seed}:\n" + "\n".join(told)
    assert tally.statuses[200] > 20
