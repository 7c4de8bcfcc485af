"""What the SDK has and our server not, or not yet: against the real PocketBase, with a real mail server, an OpenID provider and a bucket."""

import re
import subprocess

import pytest
import requests

from harness.client import wait_for
from harness.programs import CACHE, POCKETBASE
from harness.server import Server, free_port

from .engine import HERE, Project
from .outside import Outside
from .test_suites import faults, parse

# What our server has as well is another suite, tried there by `test_suites.py`.
SUITES = ("pocketbase.gd", "test_batch.gd")
TESTS = {suite: re.findall(r"^func (test_\w+)", (HERE / "project" / suite).read_text(), re.M) for suite in SUITES}


@pytest.fixture(scope="module")
def bucket():
    """The address of a bucket called `files`."""
    port = free_port()
    arguments = [CACHE / "moto" / "bin" / "moto_server", "-H", "127.0.0.1", "-p", str(port)]
    process = subprocess.Popen(arguments, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}"
    wait_for(lambda: requests.get(url, timeout=5).ok, 120, "the bucket", ignore=(requests.RequestException,))
    requests.put(f"{url}/files", timeout=60).raise_for_status()
    yield url
    process.kill()
    process.wait(30)


@pytest.fixture(scope="module")
def results(tmp_path_factory, bucket):
    with Server(POCKETBASE, tmp_path_factory.mktemp("pocketbase") / "pb_data") as server, Outside() as outside, Project(HERE / "project") as project:
        root = server.root()
        root.patch("/api/settings", json={"smtp": {"enabled": True, "host": "127.0.0.1", "port": outside.mail_port}})
        provider = {"name": "oidc", "clientId": "us", "clientSecret": "secret", "pkce": True, "extra": {}}
        provider |= {"authURL": f"{outside.url}/auth", "tokenURL": f"{outside.url}/token", "userInfoURL": f"{outside.url}/userinfo"}
        root.patch(
            "/api/collections/users",
            json={"otp": {"enabled": True, "duration": 300, "length": 8}, "oauth2": {"enabled": True, "providers": [provider]}},
        )
        project.variables = {"OUTSIDE": outside.url, "BUCKET": bucket}
        project.prepare()
        yield {suite: parse(*project.run("--verbose", "-s", "runner.gd", "--", suite, server.url)) for suite in SUITES}


@pytest.mark.parametrize(("suite", "name"), [(suite, name) for suite in SUITES for name in TESTS[suite]])
def test_against_pocketbase(results, suite, name):
    _, said, output = results[suite]
    assert name in said, f"{name} did not run to its end:\n{output[-6000:]}"
    assert said[name] == "", f"{said[name]}\n{output[-3000:]}"


@pytest.mark.parametrize("suite", SUITES)
def test_all_of_it_ran_and_nothing_leaked(results, suite):
    status, said, output = results[suite]
    wanted = TESTS[suite]
    print(f"{len(wanted)} tests of {suite} against PocketBase")
    assert wanted and list(said) == wanted and f"@done {len(wanted)}" in output.splitlines()
    assert status == 0 and faults(output) == [], output[-6000:]


def test_the_count_of_tests():
    assert sum(map(len, TESTS.values())) >= 14
