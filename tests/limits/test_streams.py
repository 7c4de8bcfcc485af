"""Event streams: what one saved record costs when many have asked for it in many ways."""

import json
from urllib.parse import quote

import pytest

from harness.wire import Stream, ask, ask_json

from .inputs import MOST, text
from .place import Place, assert_bounded, at_once, shape

pytestmark = pytest.mark.ours

RECORDS = "/api/collections/open/records"


@pytest.fixture
def place(tmp_path):
    """One of its own: broadcasts go on after a test."""
    made = Place(tmp_path / "here" / "pb_data").refresh()
    yield made
    made.server.kill()


def topic(name, **options):
    return f"{name}?options={quote(json.dumps(options))}" if options else name


def test_sixty_streams_with_a_thousand_subscriptions_and_one_large_record(place):
    """4.9 GB went for one record of 500 KB."""
    streams = at_once(8, [lambda: Stream(place.port)] * 60)
    topics = [topic("open/*", query={"n": str(n)}) for n in range(1000)]
    subscribed = at_once(8, [lambda stream=stream: stream.subscribe(topics) for stream in streams])
    assert all(answer.status in (204, 400, 413, 429, 503) and not shape(answer) for answer in subscribed), subscribed[0]
    patient = Stream(place.port)
    assert patient.subscribe(["open/*"]).status == 204
    with place.peak() as peak:
        saved = ask_json(place.port, "POST", RECORDS, {"text": "x" * 500_000})
        assert saved.status == 200 or peak.blown, saved
        if not peak.blown:
            # A client that asks for little and reads its events gets them beside the others.
            assert patient.until(rb'"action":"(\w+)"').group(1) == b"create"
            # Once the next event is there, the first is out to all.
            assert ask_json(place.port, "POST", RECORDS, {"text": "the next"}).status == 200
            patient.until(rb"the next")
    assert_bounded(peak, "60 streams with 1,000 subscriptions each")
    assert place.serves()


def test_streams_that_are_not_read_cost_little(place):
    """They are not read, and two hundred records of 200 KB are saved."""
    streams = at_once(8, [lambda: Stream(place.port)] * 60)
    assert all(stream.subscribe(["open/*"]).status == 204 for stream in streams)
    with place.peak() as peak:
        for _ in range(200):
            assert ask_json(place.port, "POST", RECORDS, {"text": "x" * 200_000}).status == 200
    assert_bounded(peak, "60 streams that nobody reads")
    assert place.serves()


def test_five_hundred_streams(place):
    with place.peak() as peak:
        streams = at_once(8, [lambda: Stream(place.port)] * 500)
        assert ask(place.port, "GET", "/api/health").status == 200
    assert_bounded(peak, "500 streams")
    for stream in streams:
        stream.close()


@pytest.mark.parametrize("clients", [1, 8])
def test_millions_of_subscriptions(place, clients):
    stream = Stream(place.port)
    names = b'{"clientId":"%b","subscriptions":[%b"a"]}' % (stream.id.encode(), b'"a",' * (MOST // 4))
    with place.peak() as peak:
        answers = at_once(clients, [lambda: ask(place.port, "POST", "/api/realtime", {"Content-Type": "application/json"}, names)] * clients)
    assert_bounded(peak, "8 million subscriptions")
    assert all(answer.status in (400, 413, 429, 503) and not shape(answer) for answer in answers), answers[0]


@pytest.mark.parametrize("part", ["a name", "options"])
def test_long_subscriptions(place, part):
    stream = Stream(place.port)
    long = "open/" + "x" * 25_000 if part == "a name" else topic("open/*", query={"filter": "x" * 25_000})
    with place.peak() as peak:
        answers = at_once(8, [lambda: stream.subscribe([f"{long}{n}" for n in range(1000)])] * 8)
    assert_bounded(peak, "subscriptions of 25 MB")
    assert all(answer.status in (400, 413, 429, 503) and not shape(answer) for answer in answers), answers[0]


def test_a_client_id_of_31_mib(place):
    answer = ask(place.port, "POST", "/api/realtime", {"Content-Type": "application/json"}, text(MOST))
    assert answer.status in (400, 404, 413), answer
    assert not shape(answer)
