"""A thousand filters and rules, asked over HTTP: the answers are those that `record.py` had from the real PocketBase."""

from harness.programs import EMAIL, PASSWORD

from . import record


def assert_as_recorded(server):
    different, total = record.differences(server.url, EMAIL, PASSWORD)
    assert total > 1000
    assert not different, f"{len(different)} of {total} answers differ:\n" + "\n".join(different[:20])


def test_every_filter_and_rule_is_answered_as_recorded(server):
    assert_as_recorded(server)


def test_the_record_is_still_what_pocketbase_says(oracle):
    assert_as_recorded(oracle)
