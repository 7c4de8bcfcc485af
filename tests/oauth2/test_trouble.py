"""Providers that are down, slow, endless, wrong or hostile."""

import contextlib
import json
import socket
import subprocess
import threading
import time
from http.server import ThreadingHTTPServer

import pytest

from harness.client import wait_for
from harness.memory import Peak
from harness.programs import ORACLE_RUN

from .internet import Answer
from .provider import Provider, links
from .test_login import PNG

NO_TOKEN = {"data": {}, "message": "Failed to fetch OAuth2 token.", "status": 400}
NO_USER = {"data": {}, "message": "Failed to fetch OAuth2 user.", "status": 400}


@pytest.fixture
def provider(internet, root):
    return Provider(internet).enable(root)


def endless():
    while True:
        yield b" " * (1 << 20)


def test_a_provider_that_is_not_there_is_told_apart_from_a_wrong_code(server, root, internet, provider):
    internet.answers[provider.key("/token")] = Answer({"error": "invalid_grant"}, 400)
    assert provider.log_in(server, expect=400) == NO_TOKEN
    # Both ways of saying who the client is were tried.
    tokens = internet.seen(provider.key("/token"))
    assert [("authorization" in asked.headers, "client_secret" in asked.form) for asked in tokens] == [(True, False), (False, True)]
    away = Provider(internet, origin="https://id.example")
    away.config["tokenURL"] = f"http://127.0.0.1:{unused_port()}/token"
    away.enable(root)
    assert away.log_in(server, expect=400) == NO_TOKEN
    away.config["tokenURL"] = ""
    away.enable(root)
    assert away.log_in(server, expect=400) == NO_TOKEN
    assert root.records("users") == []


def unused_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_a_secret_goes_into_the_form_where_the_header_is_not_understood(server, root, internet, provider):
    def token(asked):
        return Answer(provider.token) if "client_secret" in asked.form else Answer({"error": "invalid_client"}, 401)

    internet.answers[provider.key("/token")] = token
    assert provider.log_in(server)["meta"]["isNew"] is True
    assert internet.asked[1].form["client_secret"] == "secret-1"


@pytest.mark.parametrize(
    "answer",
    [
        Answer({"access_token": ""}),
        Answer({"token_type": "bearer"}),
        Answer([]),
        Answer(b"not JSON", headers={"Content-Type": "application/json"}),
        Answer({"error": "server_error"}),
        Answer(b"", 204),
        Answer({"access_token": "x"}, 302, {"Location": "https://id.example/elsewhere"}),
        Answer({"access_token": "x"}, 500),
    ],
    ids=lambda answer: f"{answer.status} {answer.body!r}"[:40],
)
def test_an_answer_without_a_token_is_none(server, internet, provider, answer):
    internet.answers[provider.key("/token")] = answer
    assert provider.log_in(server, expect=400) == NO_TOKEN


def test_a_token_may_come_as_a_form(server, internet, provider):
    form = b"access_token=access-1&token_type=bearer&scope=x&refresh_token=r%201"
    internet.answers[provider.key("/token")] = Answer(form, headers={"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"})
    meta = provider.log_in(server)["meta"]
    assert (meta["accessToken"], meta["refreshToken"], meta["expiry"]) == ("access-1", "r 1", "")


@pytest.mark.parametrize(
    "answer",
    [Answer({"sub": "1001"}, 401), Answer({}, 500), Answer([]), Answer(b"no JSON"), Answer(None), Answer({"sub": 5}), Answer({"sub": "1", "email": []})],
    ids=lambda answer: f"{answer.status} {answer.body!r}",
)
def test_an_answer_without_a_profile_is_none(server, root, internet, provider, answer):
    internet.answers[provider.key("/me")] = answer
    expected = NO_USER
    if answer.body is None and ORACLE_RUN:
        expected = None  # `null` is a profile without an id to PocketBase
    told = provider.log_in(server, expect=400)
    assert expected is None or told == expected
    assert root.records("users") == []


def test_a_profile_may_be_elsewhere_and_the_token_does_not_go_there(server, internet, provider):
    """PocketBase sends the token along."""
    internet.answers[provider.key("/me")] = Answer(b"", 302, {"Location": "https://other.example/me"})
    internet.answers["https://other.example/me"] = Answer(provider.profile)
    provider.log_in(server)
    assert ("authorization" in internet.seen("https://other.example/me")[0].headers) is ORACLE_RUN


@pytest.mark.ours
def test_a_secret_does_not_follow_a_redirect(server, internet, provider):
    internet.answers[provider.key("/token")] = Answer(b"", 307, {"Location": "https://other.example/token"})
    internet.answers["https://other.example/token"] = Answer(provider.token)
    assert provider.log_in(server, expect=400) == NO_TOKEN
    assert internet.seen("https://other.example/token") == []


@pytest.mark.ours
@pytest.mark.alone
@pytest.mark.parametrize("where", ["/token", "/me"])
def test_an_endless_answer_is_given_up(server, internet, provider, where):
    internet.answers[provider.key(where)] = lambda _: Answer(endless())
    with Peak(server.process) as peak:
        assert provider.log_in(server, expect=400) == (NO_TOKEN if where == "/token" else NO_USER)
    assert peak.peak < 200 << 20, peak


@pytest.mark.ours
@pytest.mark.alone
@pytest.mark.parametrize("where", ["/token", "/me"])
def test_a_provider_that_says_nothing_keeps_nobody_else(server, root, internet, provider, where):
    silent = threading.Event()

    def wait(_):
        silent.wait(60)
        return Answer({}, 500)

    internet.answers[provider.key(where)] = wait
    said = []
    waiting = [threading.Thread(target=lambda: said.append(provider.log_in(server, expect=(400, 503)))) for _ in range(80)]
    began = time.monotonic()
    for thread in waiting:
        thread.start()
    try:
        wait_for(lambda: len(internet.seen(provider.key(where))) >= 64, 20, "logins that wait")
        # More than that do not wait at all, and everybody else is served meanwhile.
        wait_for(lambda: len(said) >= 16, 10, "logins that were told to come again")
        assert all(answer["status"] == 503 for answer in said)
        quick = time.monotonic()
        for _ in range(20):
            root.get("/api/collections/users/records")
        assert time.monotonic() - quick < 5
        for thread in waiting:
            thread.join(45)
        assert 25 < time.monotonic() - began < 45
        assert len(said) == 80
    finally:
        silent.set()


@pytest.mark.ours
def test_no_secret_reaches_the_log(server, root, internet, provider):
    """A provider may repeat what it was told, in its reason or elsewhere, as it came or decoded, behind much else."""
    provider.config["clientSecret"] = "secret-1/+= &" + "s" * 40
    provider.enable(root)
    code, access = "very-secret/+= &" + "c" * 40, "very-secret-access/+= &"
    me, token = provider.key("/me"), provider.key("/token")

    def heard(asked):
        given = asked.headers.get("authorization", "")
        return asked.body.decode() + given + str(asked.form)

    internet.answers[me] = lambda asked: Answer({"error": heard(asked) + access}, 400)
    trouble = [
        lambda asked: Answer({"error": heard(asked)}, 400),
        lambda asked: Answer({"error": "y" * 230, "error_description": asked.form.get("client_secret", "") + heard(asked)}, 400),
        lambda asked: Answer({"error": "y" * 270 + heard(asked)}, 400),
        lambda asked: Answer(("y" * 240 + heard(asked)).encode(), 400),
        lambda asked: Answer({"token": heard(asked)}),
        lambda asked: Answer({**provider.token, "access_token": access}),
    ]
    for answer in trouble:
        internet.answers[token] = answer
        provider.log_in(server, expect=400, code=code)
    lines = wait_for(
        lambda: len(found := [line for line in root.get("/api/logs?perPage=200")["items"] if "auth-with-oauth2" in line["message"]]) >= len(trouble) and found,
        20,
        "the lines",
    )
    told = json.dumps(lines) + server.log(10_000_000)
    assert "the provider answered 400" in told
    for secret in ("very-secret", "secret-1", "c2VjcmV0LT", "Y2xpZW50LT", "v" * 43, "s" * 20, "c" * 20):
        assert secret not in told, secret


# --- pictures ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "place",
    [
        "http://127.0.0.1:{port}/picture.png",
        "http://localhost:{port}/picture.png",
        "http://[::ffff:127.0.0.1]:{port}/picture.png",
        "http://169.254.169.254/picture.png",
        "http://10.0.0.1/picture.png",
        "file:///etc/passwd",
        "no url",
    ],
)
def test_a_picture_is_fetched_from_the_internet_alone(server, root, internet, provider, place):
    internet.answers["/picture.png"] = Answer(PNG)
    provider.profile["picture"] = place.format(port=internet.url.rsplit(":", 1)[1])
    made = provider.log_in(server)
    assert made["record"]["avatar"] == "" and made["meta"]["avatarURL"] == provider.profile["picture"]
    assert internet.seen("/picture.png") == []
    line = wait_for(
        lambda: [line for line in root.get("/api/logs?perPage=100")["items"] if line["message"] == "Failed to retrieve OAuth2 avatar"],
        20,
        "the line about it",
    )
    assert line


@pytest.fixture
def public(internet):
    """An address that is nobody's and counts as one of the internet, on this machine."""
    address = "203.0.113.7"
    change = lambda how: subprocess.run(["ip", "addr", how, f"{address}/32", "dev", "lo"], capture_output=True)  # noqa: E731
    try:
        change("add")
        server = ThreadingHTTPServer((address, 0), internet.server.RequestHandlerClass)
    except OSError:
        pytest.skip("it takes root, and `ip`, to give this machine a public address")
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://{address}:{server.server_address[1]}"
    server.shutdown()
    server.server_close()
    with contextlib.suppress(OSError):
        change("del")


def test_a_picture_becomes_a_file_of_a_new_account(server, root, internet, provider, public):
    internet.answers["/picture.png"] = Answer(PNG)
    internet.answers["/elsewhere.png"] = Answer(b"", 302, {"Location": "/picture.png"})
    for number, path in enumerate(("/picture.png", "/elsewhere.png")):
        provider.profile |= {"sub": f"good-{number}", "email": f"good{number}@example.com", "picture": public + path}
        record = provider.log_in(server)["record"]
        assert record["avatar"].endswith(".png")
        got = server.client().send("GET", f"/api/files/users/{record['id']}/{record['avatar']}")
        assert got.content == PNG
        # Later logins leave it alone.
        asked = len(internet.seen("/picture.png"))
        assert provider.log_in(server)["record"]["avatar"] == record["avatar"]
        assert len(internet.seen("/picture.png")) == asked
    # Behind a redirect, too, the internet alone is asked.
    internet.answers["/inside.png"] = Answer(b"", 302, {"Location": f"{internet.url}/picture.png"})
    for number, (path, answer) in enumerate(
        {"/inside.png": None, "/gone.png": Answer(b"x", 404), "/empty.png": Answer(b"")}.items()
    ):
        if answer:
            internet.answers[path] = answer
        provider.profile |= {"sub": f"none-{number}", "email": f"none{number}@example.com", "picture": public + path}
        assert provider.log_in(server)["record"]["avatar"] == ""


def test_a_picture_that_its_field_does_not_accept_is_refused(server, root, internet, provider, public):
    internet.answers["/text.png"] = Answer(b"hello world")
    internet.answers["/large.png"] = Answer(PNG + bytes(6 << 20))
    internet.answers["/endless.png"] = lambda _: Answer(endless_picture())
    for path, code in {
        "/text.png": "validation_invalid_mime_type",
        "/large.png": "validation_file_size_limit",
        "/endless.png": "validation_file_size_limit",
    }.items():
        if path == "/endless.png" and ORACLE_RUN:
            continue
        provider.profile |= {"sub": path, "email": f"{path[1:4]}@example.com", "picture": public + path}
        answer = provider.log_in(server, expect=400)
        assert answer["data"]["avatar"]["code"] == code
    assert root.records("users") == [] and links(root) == []
    left = [path for path in (server.directory / "storage").rglob("*") if path.is_file()] if (server.directory / "storage").exists() else []
    assert left == []


def endless_picture():
    yield PNG
    yield from endless()
