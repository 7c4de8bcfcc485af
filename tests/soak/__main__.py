"""`tests/.cache/venv/bin/python -m soak --minutes 30 [--seed N]` in `tests/`; BOSBASE_BIN names the binary."""

import argparse
import tempfile

from .soak import soak

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--minutes", type=float, default=30)
parser.add_argument("--seed", type=int)
arguments = parser.parse_args()
with tempfile.TemporaryDirectory(prefix="bosbase-soak-") as directory:
    soak(directory, arguments.minutes * 60, arguments.seed, say=lambda text: print(text, flush=True))
