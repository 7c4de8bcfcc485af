"""Two minutes of `soak`; the 30-minute form is run by hand (CONTRIBUTING.md says how)."""

import pytest

from .model import Change, History, check_cut, check_recovery, check_switch
from .soak import soak

pytestmark = pytest.mark.ours


def changes(*steps):
    return [Change("create", name, (n, ""), begun, begun + 1, 200) for n, (name, begun) in enumerate(steps, 1)]


def test_the_model_finds_what_is_no_prefix_and_what_is_not_one_moment():
    histories = {0: History(changes=changes(("a", 0), ("b", 2))), 1: History(changes=changes(("c", 4), ("d", 6)))}
    a, b, c = {"a": (1, "")}, {"a": (1, ""), "b": (2, "")}, {"c": (1, "")}
    none, whole = {0: 0, 1: 0}, {0: 2, 1: 2}
    assert check_cut(histories, {0: b, 1: c}, none, whole) == {0: 2, 1: 1}
    with pytest.raises(AssertionError, match="no state between"):
        check_cut(histories, {0: {"b": (2, "")}, 1: {}}, none, whole)
    with pytest.raises(AssertionError, match="no state between"):
        check_cut(histories, {0: a, 1: {}}, {0: 2, 1: 0}, whole)
    with pytest.raises(AssertionError, match="not one moment"):
        check_cut(histories, {0: a, 1: c}, none, whole)


def test_the_model_finds_a_change_that_was_acknowledged_behind_the_switch_and_lost():
    history = History(changes=changes(("a", 0), ("b", 2), ("c", 4)))
    assert check_switch(history, {"x": (9, "")}, 1, {"x": (9, ""), "c": (3, "")}) == 2
    with pytest.raises(AssertionError, match="no switch"):
        check_switch(history, {"x": (9, "")}, 1, {"x": (9, ""), "b": (2, "")})


def test_the_model_finds_a_record_that_came_back_as_another_or_took_a_change_along():
    history = History(base={"a": (1, ""), "b": (1, "")}, changes=[Change("delete", "a", (), 0, 1, 204), Change("update", "b", (2, ""), 2, 3, 200)])
    then = {"a": (0, ""), "b": (0, ""), "c": (0, "")}
    gone, there, also = {"a": "added", "c": "added"}, {"a": "changed"}, {"b": "changed"}
    # A record that was deleted before it came back, or after it.
    assert check_recovery(history, then, ["a", "c"], True, 0, gone, {"a": (0, ""), "b": (2, ""), "c": (0, "")}) == 1
    assert check_recovery(history, then, ["a"], True, 0, there, {"b": (2, "")}) == 0
    # One that was changed before it came back, or after it.
    assert check_recovery(history, then, ["b"], True, 0, also, {"b": (0, "")}) == 2
    assert check_recovery(history, then, ["b"], True, 0, also, {"b": (2, "")}) == 0
    assert check_recovery(history, then, ["b"], False, 0, {"b": "left"}, {"b": (2, "")}) == 0
    for ids, since, answered, seen in (
        (["a"], 0, gone, {"a": (0, ""), "b": (2, "")}),
        (["a"], 1, there, {"b": (2, "")}),
        (["a"], 0, {"a": "added"}, {"a": (1, ""), "b": (2, "")}),
        (["b"], 2, also, {"b": (2, "")}),
        (["b"], 0, {"b": "left"}, {"b": (1, "")}),
    ):
        with pytest.raises(AssertionError, match="no moment"):
            check_recovery(history, then, ids, True, since, answered, seen)


def test_two_minutes_of_everything_at_once(tmp_path):
    report = soak(tmp_path, 120)
    assert report["changes"] > 500 and report["reads"] > 100, report
    assert report["back_up"] >= 3 and report["changes during backups"], report
    assert report["recover"] and report["recover_while_writing"] and report["extract"] and report["records added"], report
    assert report["restore"] and report["restore_while_writing"] and report["undo"] and report["kill"], report
