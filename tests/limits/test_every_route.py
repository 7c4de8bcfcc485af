"""A client without a login sends costly inputs to every route, alone or eight at once.

The process stays below 400 MiB, each request is answered in the API's shape, and the server goes on. The routes are read from the
program: a new one is covered as soon as it is there.
"""

import pytest

from harness.wire import ask

from .inputs import BODIES, HEADS
from .place import EIGHT, LIMIT, at_once, shape
from .routes import routes

pytestmark = pytest.mark.ours

LET_IN = {200, 204, 206}
# People who come back from a provider, or leave out a slash, are sent on, whatever they bring.
SENT_ON = {303, 307}
REFUSED = {400, 403, 404, 413, 416, 429}
TOO_LONG = {400, 404, 414, 431}


def allowed(route, input):
    if route.path in ("/api/oauth2-redirect", "/_") and not input.suffix:
        return SENT_ON | TOO_LONG
    if input.suffix:
        # Another path may be another route's, and one with an empty part leads to that without it.
        return TOO_LONG | {401, 403} | (SENT_ON if route.path.endswith("/") else set())
    if input.head:
        return TOO_LONG | {route.refusal} | (LET_IN | REFUSED if route.is_open else set())
    return LET_IN | REFUSED if route.is_open else {route.refusal, 413}


def sender(place, route, input):
    body, headers = input.body, input.all_headers
    return lambda: ask(place.port, route.method, input.target(route.path), headers, body, **input.how)


def inputs(route):
    return [*HEADS, *(BODIES if route.takes_a_body else [])]


def complaints(place, route, input, clients, peak, answers):
    """What is wrong with the answers to an input, and with what it cost."""
    said = f"{input}, {clients} at once: {peak}, {sorted({answer.status for answer in answers})}"
    if peak.peak >= LIMIT:
        yield f"{said}: more than {LIMIT >> 20} MiB"
    if peak.blown:
        return
    # Under many clients the server may ask for patience.
    fine = allowed(route, input) | ({429, 503} if clients > 1 else set())
    yield from sorted({f"{said}: {answer}" for answer in answers if answer.status not in fine})
    yield from sorted({f"{said}: {told}" for answer in answers if answer.status and (told := shape(answer, bare=input.head))})
    if not place.serves():
        yield f"{said}: the server is gone"


@pytest.mark.parametrize("route", routes(), ids=str)
def test_no_input_takes_more_than_its_share(place, route):
    wrong = []
    for input in inputs(route):
        place.refresh()
        send = sender(place, route, input)
        with place.peak() as peak:
            answers = [send()]
        wrong += complaints(place, route, input, 1, peak, answers)
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("route", [route for route in routes() if route.takes_a_body], ids=str)
def test_no_body_from_eight_clients_takes_more_than_its_share(place, route):
    wrong = []
    for input in (input for input in BODIES if input.heavy):
        place.refresh()
        send = sender(place, route, input)
        with place.peak() as peak:
            answers = at_once(EIGHT, [send] * EIGHT)
        wrong += complaints(place, route, input, EIGHT, peak, answers)
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("route", routes(), ids=str)
def test_no_heads_from_eight_clients_take_more_than_their_share(place, route):
    wrong = []
    sends = [sender(place, route, input) for input in HEADS]
    with place.peak() as peak:
        answers = at_once(EIGHT, sends)
    for input, answer in zip(HEADS, answers, strict=True):
        wrong += complaints(place, route, input, EIGHT, peak, [answer])
    assert not wrong, "\n".join(wrong)
