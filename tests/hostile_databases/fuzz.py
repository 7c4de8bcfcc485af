"""Round after round of random mutations of the base's archive, each held against what must be so (`Place`)."""

import random
import time
from collections import Counter
from pathlib import Path

from .faults import Fault
from .mutations import mutate
from .place import Place


def fuzz(directory, seconds, seed, only=None, keep=None, say=print):
    """Returns how often each outcome came and the faults by kind: (round, its mutations, what happened, how often).

    The ids of the base's records are others in each run, and so are its bytes: `keep` names a folder for the
    archives of faults.
    """
    outcomes, faults = Counter(), {}
    place = Place(Path(directory))
    try:
        until, number = time.monotonic() + seconds, 0
        while only is None and time.monotonic() < until or only is not None and number == 0:
            number = number + 1 if only is None else only
            # A round depends on nothing but its own number, so that it can be repeated alone.
            chance = random.Random(f"{seed}/{number}")
            unpacked = place.unpacked()
            mutate(unpacked, chance)
            try:
                outcomes[place.judge(unpacked, offline=chance.random() < 0.3, again=chance.random() < 0.2)] += 1
            except Fault as fault:
                outcomes["fault"] += 1
                first, steps, detail, times = faults.get(fault.kind, (number, unpacked.steps, str(fault), 0))
                faults[fault.kind] = (first, steps, detail, times + 1)
                say(f"seed {seed} round {number}: {fault}\n    " + "\n    ".join(step[:400] for step in unpacked.steps))
                if keep:
                    Path(keep).mkdir(parents=True, exist_ok=True)
                    unpacked.pack(Path(keep) / f"seed_{seed}_round_{number}.zip")
                place.renew()
        return dict(outcomes), faults
    finally:
        place.close()


def told(faults):
    return "\n".join(
        f"{times} × {kind}; round {first}: {detail[:600]}\n    " + "\n    ".join(step[:300] for step in steps)
        for kind, (first, steps, detail, times) in faults.items()
    )
