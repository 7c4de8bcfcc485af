"""From where accounts log in: what is remembered of it, and that they are told of a login from somewhere new."""

import hashlib
import time

import pytest

from harness.client import Client, wait_for

from .conftest import use

ADDRESS = "ann@example.com"
FIRST = "a-first-password"


@pytest.fixture
def root(server, mailbox):
    root = use(server.root(), mailbox)
    root.create("users", {"email": ADDRESS, "password": FIRST, "passwordConfirm": FIRST, "verified": True})
    return root


def log_in(server, agent, password=FIRST, expect=200):
    body = {"identity": ADDRESS, "password": password}
    return server.client().post("/api/collections/users/auth-with-password", json=body, headers={"User-Agent": agent}, expect=expect)


def fingerprint(agent):
    return hashlib.md5(f"127.0.0.1{agent}".encode()).hexdigest()


def origins(root):
    user = root.records("users", filter=f"email = '{ADDRESS}'")[0]["id"]
    return [origin["fingerprint"] for origin in root.records("_authOrigins", sort="created", filter=f"recordRef = '{user}'")]


def test_a_login_from_somewhere_new_is_told(server, root, mailbox):
    log_in(server, "Firefox")
    log_in(server, "Firefox")
    assert origins(root) == [fingerprint("Firefox")]
    log_in(server, "Safari <b>on</b> a phone")
    mail = mailbox.next(0)
    assert mail.recipients == [ADDRESS] and mail.subject == "Login from a new location"
    assert "127.0.0.1 Safari &lt;b&gt;on&lt;/b&gt; a phone</em>" in mail.html
    assert "127.0.0.1 Safari <b>on</b> a phone" in mail.text
    assert origins(root) == [fingerprint("Firefox"), fingerprint("Safari <b>on</b> a phone")]
    # Known by now; and a login that fails is none.
    log_in(server, "Safari <b>on</b> a phone")
    log_in(server, "Opera", password="wrong-password", expect=400)
    assert len(origins(root)) == 2
    # The next mail is about the next login from somewhere new.
    log_in(server, "Edge")
    assert "127.0.0.1 Edge" in mailbox.next(1).text and len(mailbox.mails) == 2


def test_when_an_origin_was_last_seen_is_kept(server, root):
    log_in(server, "Firefox")
    before = root.records("_authOrigins", sort="-updated")[0]
    time.sleep(0.05)
    log_in(server, "Firefox")
    after = root.records("_authOrigins", sort="-updated")[0]
    assert after["id"] == before["id"] and after["updated"] > before["updated"] and after["created"] == before["created"]


def test_five_are_kept_and_the_oldest_goes(server, root):
    agents = [f"browser {number}" for number in range(7)]
    for agent in agents:
        log_in(server, agent)
        time.sleep(0.01)
    assert origins(root) == [fingerprint(agent) for agent in agents[2:]]


def test_a_long_name_counts_to_its_two_hundredth_character(server, root):
    log_in(server, "U" * 900)
    assert origins(root) == [fingerprint("U" * 200 + "...")]
    log_in(server, "U" * 800)
    assert len(origins(root)) == 1


def test_renewing_a_token_or_acting_for_somebody_is_no_login(server, root):
    made = log_in(server, "Firefox")
    Client(server.url, made["token"]).post("/api/collections/users/auth-refresh", headers={"User-Agent": "Other"})
    root.post(f"/api/collections/users/impersonate/{made['record']['id']}", json={}, headers={"User-Agent": "Another"})
    assert origins(root) == [fingerprint("Firefox")]


def test_accounts_see_and_forget_their_own(server, root):
    itself = Client(server.url, log_in(server, "Firefox")["token"])
    (origin,) = itself.records("_authOrigins")
    server.client().get(f"/api/collections/_authOrigins/records/{origin['id']}", expect=404)
    itself.delete(f"/api/collections/_authOrigins/records/{origin['id']}")
    assert origins(root) == []


def test_a_new_password_forgets_them_all(server, root):
    made = log_in(server, "Firefox")
    root.patch("/api/collections/users", json={"otp": {"enabled": True}})
    server.client().post("/api/collections/users/request-otp", json={"email": ADDRESS})
    assert len(root.records("_otps")) == 1
    change = {"password": "a-second-password", "passwordConfirm": "a-second-password"}
    root.patch(f"/api/collections/users/records/{made['record']['id']}", json=change)
    assert origins(root) == [] and root.records("_otps") == []


def test_a_new_password_ends_a_login_that_waits_for_its_second_factor(server, root):
    root.patch("/api/collections/users", json={"otp": {"enabled": True}, "mfa": {"enabled": True, "duration": 600, "rule": ""}})
    begun = log_in(server, "Firefox", expect=401)
    assert len(root.records("_mfas")) == 1 and begun["mfaId"]
    user = root.records("users", filter=f"email = '{ADDRESS}'")[0]["id"]
    root.patch(f"/api/collections/users/records/{user}", json={"password": "a-second-password", "passwordConfirm": "a-second-password"})
    assert root.records("_mfas") == []


def test_nothing_is_kept_where_alerts_are_off(server, root, mailbox):
    root.patch("/api/collections/users", json={"authAlert": {"enabled": False}})
    for agent in ("one", "two"):
        log_in(server, agent)
    assert origins(root) == [] and mailbox.mails == []


def test_a_login_that_could_not_be_told_is_told_the_next_time(server, root, mailbox):
    log_in(server, "Firefox")
    root.patch("/api/settings", json={"smtp": {"host": "127.0.0.1", "port": 1}})
    log_in(server, "Safari")
    wait_for(lambda: origins(root) == [fingerprint("Firefox")], 20, "an origin that is not kept")
    lines = wait_for(
        lambda: [line for line in root.get("/api/logs?perPage=100")["items"] if "Failed to send login alert" in line["message"]], 20, "the line about it"
    )
    assert lines
    root.patch("/api/settings", json={"smtp": mailbox.settings()})
    log_in(server, "Safari")
    assert mailbox.next(0).subject == "Login from a new location"


def test_a_first_login_is_not_told(server, root, mailbox):
    log_in(server, "Firefox")
    log_in(server, "Safari")
    assert "127.0.0.1 Safari" in mailbox.next(0).text and len(mailbox.mails) == 1
