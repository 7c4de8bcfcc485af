"""`tests/.cache/venv/bin/python -m multipart --minutes 10 [--seed N]` in `tests/`; BOSBASE_BIN names the binary."""

import argparse
import random
import tempfile
from pathlib import Path

from .fuzz import fuzz

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--minutes", type=float, default=10)
parser.add_argument("--seed", type=int, default=random.SystemRandom().getrandbits(32))
arguments = parser.parse_args()
print(f"seed {arguments.seed}", flush=True)
with tempfile.TemporaryDirectory(prefix="bosbase-multipart-") as directory:
    print(fuzz(Path(directory) / "pb_data", arguments.minutes * 60, arguments.seed))
