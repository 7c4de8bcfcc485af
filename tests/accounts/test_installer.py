"""The link for making the first superuser, of which a server without one tells."""

import re
from concurrent.futures import ThreadPoolExecutor

import pytest

from harness.client import Client, wait_for

pytestmark = pytest.mark.ours
LINK = re.compile(r"/_/#/pbinstal/(\S+)")


def token(server):
    return wait_for(lambda: LINK.findall(server.log()), 20, "the link")[-1]


def make_root(server, token, number=0):
    body = {"email": f"root{number}@example.com", "password": "a-password", "passwordConfirm": "a-password"}
    return Client(server.url, token).send("POST", "/api/collections/_superusers/records", json=body, expect=(200, 400, 401, 403)).status_code


def test_a_link_makes_one_superuser_even_for_many_at_once(launch):
    server = launch(superuser=False)
    link = token(server)
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda number: make_root(server, link, number), range(6)))
    assert answers.count(200) == 1, answers
    assert make_root(server, link, 7) != 200


def test_a_link_ends_with_the_next_start(launch):
    server = launch(superuser=False)
    old = token(server)
    server.stop()
    server.start()
    wait_for(lambda: LINK.findall(server.log())[-1:] not in ([], [old]), 20, "another link")
    assert make_root(server, old) == 403
    assert make_root(server, token(server)) == 200
