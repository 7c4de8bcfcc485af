"""`.cache/venv/bin/python -m hostile_databases --minutes 10 [--seed N [--round N]] [--keep DIR]` in `tests/`.

BOSBASE_BIN names the binary.
"""

import argparse
import random
import sys
import tempfile

from .fuzz import fuzz, told

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--minutes", type=float, default=10)
parser.add_argument("--seed", type=int, default=random.SystemRandom().getrandbits(32))
parser.add_argument("--round", type=int, help="only this round of the seed")
parser.add_argument("--keep", help="a folder for the archives of faults")
arguments = parser.parse_args()
print(f"seed {arguments.seed}", flush=True)
with tempfile.TemporaryDirectory(prefix="bosbase-hostile-") as directory:
    folder, seconds = directory + "/here", arguments.minutes * 60
    say = lambda text: print(text, flush=True)  # noqa: E731
    outcomes, faults = fuzz(folder, seconds, arguments.seed, arguments.round, arguments.keep, say)
print(outcomes)
print(told(faults))
sys.exit(bool(faults))
