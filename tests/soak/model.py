"""The model: what every writer's records must be, and which states a backup may show.

A writer has its records to itself and one request under way at most, so its records are at any moment what the first k of its
changes make. A backup is a cut: a k for each writer.
"""

import hashlib
from dataclasses import dataclass, field


def digest(content):
    """Stands at the beginning of an uploaded file's name, so that whoever reads the file can check it."""
    return hashlib.sha256(content).hexdigest()[:24]


def digest_in(name):
    return name[:24]


@dataclass
class Change:
    """One request of a writer: what it asks for, when, and what it was told."""

    kind: str  # create, update, delete
    record: str
    value: tuple = ()  # (n, digest of the file or "")
    begun: float = 0.0
    answered: float = 0.0
    status: int = 0  # 0: no answer came

    @property
    def acknowledged(self):
        return self.status in (200, 204)

    def apply(self, state):
        if self.kind == "delete":
            state.pop(self.record, None)
        else:
            state[self.record] = self.value

    def would_be_acknowledged(self, state):
        return self.kind == "create" or self.record in state


@dataclass
class History:
    """A writer's changes since its records were last known for certain."""

    base: dict = field(default_factory=dict)
    changes: list = field(default_factory=list)

    def states(self):
        """(k, the state after k changes), the same dictionary each time."""
        state = dict(self.base)
        yield 0, state
        for k, change in enumerate(self.changes, 1):
            if change.acknowledged:
                change.apply(state)
            yield k, state

    def state(self):
        return dict(list(self.states())[-1][1])

    def match(self, seen, least, most):
        """Every k from `least` to `most` after which the records are `seen`."""
        return [k for k, state in self.states() if least <= k <= most and state == seen]

    def span(self, k):
        """The moments at which the database can have held the first k changes and no more: (earliest, latest)."""
        first = self.changes[k - 1].begun if k else float("-inf")
        later = (change.answered for change in self.changes[k:] if change.acknowledged)
        return first, next(later, float("inf"))

    def restart(self, state):
        self.base, self.changes = dict(state), []


def check_cut(histories, seen, least, most):
    """The k of each writer that explains `seen`, all of one moment; raises AssertionError where there is none.

    `least` is what had been acknowledged before the backup was asked for, `most` what had been begun when it was done.
    """
    spans = {}
    for writer, history in histories.items():
        fits = history.match(seen[writer], least[writer], most[writer])
        assert fits, f"writer {writer}: no state between {least[writer]} and {most[writer]} of {len(history.changes)} changes: " + explain(
            history, seen[writer], least[writer], most[writer]
        )
        # A record that came and went again leaves several k that look the same.
        spans[writer] = {k: history.span(k) for k in fits}
    for moment in sorted(first for fits in spans.values() for first, _ in fits.values()):
        cut = {writer: [k for k, (first, last) in fits.items() if first <= moment <= last] for writer, fits in spans.items()}
        if all(cut.values()):
            return {writer: fits[0] for writer, fits in cut.items()}
    raise AssertionError(f"not one moment: a change that was acknowledged before another was asked for is not there beside it: {spans}")


def check_switch(history, restored, since, seen):
    """While this writer went on, its records became `restored` between two of its changes; asserts that what it was told fits."""
    for j in range(since, len(history.changes) + 1):
        state, fits = dict(restored), True
        for change in history.changes[j:]:
            if change.acknowledged:
                fits = fits and change.would_be_acknowledged(state)
                change.apply(state)
            elif change.status == 404:
                fits = fits and not change.would_be_acknowledged(state)
        if fits and state == seen:
            return j
    raise AssertionError(
        f"no switch between changes {since} and {len(history.changes)} explains what is there: "
        + difference(restored, seen)
        + f"; answers {[change.status for change in history.changes[since:]]}"
    )


def recovered(now, then, ids, overwrite):
    """What a recovery of these records makes of the state `now`, and what it answers of each. `then` is the backup's state."""
    state, actions = dict(now), {}
    for record in ids:
        if record not in now:
            actions[record] = "added"
        elif now[record] != then[record] and overwrite:
            actions[record] = "changed"
        else:
            actions[record] = "left"
            continue
        state[record] = then[record]
    return state, actions


def check_recovery(history, then, ids, overwrite, since, answered, seen):
    """While this writer went on, its records `ids` came back between two of its changes; asserts that what was answered and is there fits."""
    for j, state in history.states():
        if j < since:
            continue
        after, actions = recovered(state, then, ids, overwrite)
        for change in history.changes[j:]:
            if change.acknowledged:
                change.apply(after)
        if actions == answered and after == seen:
            return j
    raise AssertionError(
        f"no moment between changes {since} and {len(history.changes)} explains what came back: answered {answered}, nearest to "
        + difference(recovered(history.state(), then, ids, overwrite)[0], seen)
    )


def explain(history, seen, least, most):
    """How far the nearest of the possible states is off."""
    nearest = min(
        ((k, dict(state)) for k, state in history.states() if least <= k <= most),
        key=lambda one: len(set(one[1].items()) ^ set(seen.items())),
    )
    elsewhere = history.match(seen, 0, len(history.changes))
    return f"nearest is {nearest[0]}, {difference(nearest[1], seen)}" + (f"; it is the state after {elsewhere}" if elsewhere else "")


def difference(wanted, seen):
    missing = sorted(set(wanted.items()) - set(seen.items()))
    extra = sorted(set(seen.items()) - set(wanted.items()))
    return f"missing {missing[:5]}, extra {extra[:5]}"
