"""`serve example.com`: certificates come by themselves, from a real ACME server."""

import contextlib
import http.client
import json
import os
import socket
import ssl
import stat
import threading
import time

import pytest

from harness.client import wait_for
from harness.programs import BOSBASE, EMAIL, PASSWORD
from harness.server import Server, free_port
from harness.wire import ask

from .acme import LACKING, Pebble

pytestmark = [pytest.mark.ours, pytest.mark.skipif(bool(LACKING), reason=f"needs {', '.join(LACKING)}")]

HOST = "app.example"


class Secure(Server):
    """A server for `hosts`; `port` is that of plain HTTP."""

    def __init__(self, directory, hosts, pebble=None, tls=None, **options):
        self.hosts, self.tls, self.pebble = list(hosts), tls or free_port(), pebble
        super().__init__(BOSBASE, directory, flags=(f"--https=127.0.0.1:{self.tls}", *self.hosts), **options)

    def start(self, wait=True):
        self.starts = self.said("Server started at")
        return super().start(wait)

    def said(self, text):
        return self.log(1 << 20).count(text)

    def wait_until_healthy(self, seconds=60):
        def listens():
            assert self.process.poll() is None, self.log()
            return self.said("Server started at") > self.starts

        wait_for(listens, seconds, "the server")

    def connect(self, host=HOST, trusted=True, **more):
        context = ssl.create_default_context()
        context.set_alpn_protocols(more.get("protocols", ["http/1.1"]))
        if trusted:
            context.load_verify_locations(cadata=self.pebble.issuer())
        else:
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        plain = socket.create_connection(("127.0.0.1", self.tls), timeout=60)
        try:
            return context.wrap_socket(plain, server_hostname=host)
        except BaseException:
            plain.close()
            raise

    def ask(self, target="/api/health", host=HOST, method="GET", headers=(), body=None):
        with self.connect(host) as secure:
            connection = http.client.HTTPConnection(host)
            connection.sock = secure
            connection.request(method, target, body=body, headers={"Host": host, **dict(headers)})
            answer = connection.getresponse()
            return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()

    def serial(self, host=HOST):
        with self.connect(host) as secure:
            return secure.getpeercert()["serialNumber"]


@pytest.fixture
def secure(tmp_path):
    """A server of `HOST` with an ACME server that finds it."""
    with contextlib.ExitStack() as stack:
        tls = free_port()
        server = Secure(tmp_path / "app" / "pb_data", [HOST], tls=tls)
        server.pebble = stack.enter_context(Pebble(tmp_path / "acme", tls, server.port))
        server.env = server.pebble.environment
        yield stack.enter_context(server)


def test_a_named_host_gets_a_certificate_and_keeps_it(secure):
    assert f"https://{HOST}:{secure.tls}" in secure.log()
    status, headers, body = secure.ask()
    assert status == 200 and b"API is healthy" in body and headers["x-content-type-options"] == "nosniff"
    first, issued = secure.serial(), secure.pebble.orders()
    assert issued == 1
    kept = list((secure.directory / ".bosbase" / "certificates").rglob("*"))
    assert {path.name for path in kept if path.is_file()} == {f"{HOST}.pem", "account.json"}
    for path in kept:
        assert stat.S_IMODE(os.stat(path).st_mode) & 0o077 == 0, path
    secure.stop()
    secure.start()
    assert secure.serial() == first and secure.pebble.orders() == issued, "it was ordered again"
    assert "PRIVATE KEY" not in secure.log()


def test_plain_http_leads_to_https(secure):
    for method, target, status, place in [
        ("GET", "/a%20b?c=d", 302, "/a%20b?c=d"),
        ("HEAD", "/", 302, "/"),
        ("POST", "/api/collections/users/auth-with-password", 400, None),
    ]:
        answer = ask(secure.port, method, target)
        assert answer.status == status, answer
        if place:
            assert answer.headers["location"] == f"https://127.0.0.1:{secure.tls}{place}"
        else:
            assert answer.json() == {"status": 400, "message": "Use HTTPS.", "data": {}}
    assert ask(secure.port, "GET", "/.well-known/acme-challenge/none").status == 404


def test_www_leads_to_the_host_without_it(secure):
    secure.serial()
    before = secure.pebble.orders()
    status, headers, _ = secure.ask("/page?x=1", host=f"www.{HOST}")
    assert (status, headers["location"]) == (307, f"https://{HOST}/page?x=1")
    assert secure.pebble.orders() == before + 1, "it was ordered when somebody asked for it"


def test_another_host_gets_nothing(secure):
    before = secure.pebble.orders()
    for host in ("other.example", "a.app.example", "localhost", None):
        with pytest.raises((ssl.SSLError, OSError)):
            secure.connect(host, trusted=False)
    # Nor does one who pretends to be the ACME server while nobody has asked for that.
    with pytest.raises((ssl.SSLError, OSError)):
        secure.connect(HOST, trusted=False, protocols=["acme-tls/1"])
    assert secure.pebble.orders() <= max(before, 1)
    assert secure.ask()[0] == 200


def test_many_who_come_first_wait_for_one_order(secure):
    results = []

    def come():
        with contextlib.suppress(OSError):
            results.append(secure.serial())

    clients = [threading.Thread(target=come) for _ in range(20)]
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    assert len(results) == 20 and len(set(results)) == 1, results
    assert secure.pebble.orders() == 1


def test_both_ports_answer_across_a_restore(secure):
    """The process executes itself again, and has to hand both sockets over."""

    def api(method, target, value=None, **headers):
        body = None if value is None else json.dumps(value)
        status, _, said = secure.ask(target, method=method, headers={"Content-Type": "application/json", **headers}, body=body)
        assert status < 300, (method, target, status, said)
        return json.loads(said) if said else None

    token = api("POST", "/api/collections/_superusers/auth-with-password", {"identity": EMAIL, "password": PASSWORD})["token"]
    rights = {"Authorization": token}
    api("POST", "/api/backups", {"name": "one.zip"}, Prefer="wait=60", **rights)
    before, pid = secure.serial(), secure.process.pid
    api("POST", "/api/backups/one.zip/restore", **rights)

    def restored():
        with contextlib.suppress(OSError, http.client.HTTPException):
            return not api("GET", "/api/backups/status", **rights)["running"]

    wait_for(lambda: secure.said("draining"), 60, "the restart")
    wait_for(restored, 90, "the restore")
    assert secure.said("Server started at") == 2
    assert secure.process.poll() is None and secure.process.pid == pid
    assert secure.serial() == before
    assert ask(secure.port, "GET", "/x").status == 302


def test_a_challenge_over_plain_http_does_where_tls_does_not_reach_us(tmp_path):
    """The port of TLS may be another's, as behind a proxy that ends it."""
    with contextlib.ExitStack() as stack:
        server = Secure(tmp_path / "app" / "pb_data", [HOST])
        server.pebble = stack.enter_context(Pebble(tmp_path / "acme", free_port(), server.port))
        server.env = server.pebble.environment
        stack.enter_context(server)
        wait_for(lambda: server.said("there is a new certificate"), 90, "the certificate")
        assert server.ask()[0] == 200


def test_without_a_certificate_the_server_says_why_and_goes_on(tmp_path):
    """The ACME server does not find the host; it is not asked again and again."""
    with contextlib.ExitStack() as stack:
        server = Secure(tmp_path / "app" / "pb_data", [HOST])
        server.pebble = stack.enter_context(Pebble(tmp_path / "acme", free_port(), free_port()))
        server.env = server.pebble.environment
        stack.enter_context(server)
        wait_for(lambda: server.said("no certificate"), 90, "the reason")
        orders = server.pebble.log().count("POST /order-plz")
        for _ in range(5):
            with pytest.raises((ssl.SSLError, OSError)):
                server.connect(trusted=False)
        assert server.pebble.log().count("POST /order-plz") == orders
        assert ask(server.port, "GET", "/x").status == 302
        assert server.process.poll() is None
        assert server.stop() == 0


def test_an_acme_server_that_is_not_there_or_not_trusted_is_told(tmp_path):
    with contextlib.ExitStack() as stack:
        server = Secure(tmp_path / "app" / "pb_data", [HOST])
        server.pebble = stack.enter_context(Pebble(tmp_path / "acme", server.tls, server.port))
        server.env = {"BOSBASE_ACME_DIRECTORY": server.pebble.directory}
        stack.enter_context(server)
        wait_for(lambda: server.said("no certificate"), 90, "the reason")
        assert "certificate" in server.log() and server.pebble.orders() == 0
        server.stop()
        server.env = {"BOSBASE_ACME_DIRECTORY": f"https://127.0.0.1:{free_port()}/dir"}
        server.start()
        wait_for(lambda: server.said("no certificate") >= 2, 90, "the reason")


@pytest.mark.parametrize("arguments", [["--https=:443"], ["--https=127.0.0.1:443"], ["*.example.com"], ["https://example.com"]])
def test_what_no_certificate_is_for_is_refused(tmp_path, arguments):
    done = BOSBASE.run("serve", *arguments, "--dir", tmp_path / "pb_data", check=False, timeout=60)
    assert done.returncode == 2 and "no certificate for" in done.stderr and "\n" not in done.stderr.strip(), done
    assert not (tmp_path / "pb_data").exists()


def test_who_says_nothing_holds_nobody_up(secure):
    secure.serial()
    silent = [socket.create_connection(("127.0.0.1", secure.tls), timeout=60) for _ in range(50)]
    begun = time.monotonic()
    assert secure.ask()[0] == 200
    assert time.monotonic() - begun < 10
    assert silent[0].recv(1) == b"", "a client that says nothing is given up"
    for one in silent:
        one.close()


def test_garbage_is_no_handshake(secure):
    secure.serial()
    for said in (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"\x16\x03\x01\xff\xff" + b"\0" * 70000, os.urandom(1000)):
        with socket.create_connection(("127.0.0.1", secure.tls), timeout=60) as connection:
            with contextlib.suppress(OSError):
                connection.sendall(said)
                connection.recv(100)
    assert secure.ask()[0] == 200
