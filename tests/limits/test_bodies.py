"""Bodies that cost a server gigabytes: a form to a login, unfinished bodies, thousands of unwanted files."""

import contextlib
import threading

import pytest

from fulldisk.conftest import small_disk  # noqa: F401
from harness.client import wait_for
from harness.sampler import Sampler
from harness.wire import Body, Wire, ask, ask_json

from .inputs import FORM, MB, MOST, MULTIPART, files, text, values
from .place import PASSWORD, Place, assert_bounded, at_once, files_of_clients, shape

pytestmark = pytest.mark.ours

LOGIN = "/api/collections/_superusers/auth-with-password"
RECORDS = "/api/collections/open/records"


@pytest.mark.parametrize("clients", [1, 6])
@pytest.mark.parametrize("path", [LOGIN, "/api/realtime"])
def test_a_form_of_31_mib_where_kilobytes_are_enough(place, path, clients):
    """One took 1.3 GB, six took 7.6 GB and everybody waited for 19 s."""
    form = Body((b"a=&", MOST // 3))
    with place.peak() as peak:
        answers = at_once(clients, [lambda: ask(place.port, "POST", path, {"Content-Type": FORM}, form)] * clients)
    assert_bounded(peak, f"{clients} forms to {path}")
    for answer in answers:
        assert answer.status in {400, 413} | ({429, 503} if clients > 1 else set()), answer
        assert not shape(answer), shape(answer)


@pytest.mark.parametrize("path", [RECORDS, LOGIN, "/api/backups/upload"])
def test_sixty_bodies_that_never_end(place, path):
    """They took 1.2 GB for as long as their clients liked."""
    with contextlib.ExitStack() as stack:

        def begin():
            wire = stack.enter_context(Wire(place.port))
            with contextlib.suppress(OSError):  # a server may close what it has refused
                wire.send("POST", path, {"Content-Type": "application/json"}, text(20 * MB), leave_out=1)
            return wire

        with place.peak() as peak:
            at_once(8, [begin] * 60)
            # Correct clients are served all the same.
            kept = ask_json(place.port, "POST", RECORDS, {"text": "small"})
            login = ask_json(place.port, "POST", "/api/collections/users/auth-with-password", {"identity": "user@example.com", "password": PASSWORD})
        assert_bounded(peak, f"60 unfinished bodies to {path}")
        assert kept.status == 200 and kept.json()["text"] == "small", kept
        assert login.status == 200, login


class Added(Sampler):
    """The most files of clients that a server kept at once beyond those of the start, sampled every 20 ms."""

    def __init__(self, server):
        super().__init__()
        self.server, self.before, self.most = server, files_of_clients(server), 0

    def now(self):
        return files_of_clients(self.server) - self.before

    def run(self):
        while not self.stopping.wait(0.02):
            self.most = max(self.most, len(self.now()))


RULES = {"null": None, "auth": "@request.auth.id != ''", "open": ""}


@pytest.mark.parametrize("rule", RULES)
def test_thousands_of_files_are_not_written_for_nobody(place, rule):
    """20,000 of them were taken and written before the collection's rule was asked."""
    root = place.server.root()
    fields = [{"name": "text", "type": "text"}, {"name": "files", "type": "file", "maxSelect": 5}]
    root.post("/api/collections", json={"name": f"papers_{rule}", "type": "base", "createRule": RULES[rule], "fields": fields})
    path, form = f"/api/collections/papers_{rule}/records", files(b"files", b"x" * 1000, 20_000)
    with Added(place.server) as added, place.peak() as peak:
        answer = ask(place.port, "POST", path, {"Content-Type": MULTIPART}, form)
    assert_bounded(peak, "20,000 files")
    assert answer.status in {400, 413} | ({401, 403, 404} if rule != "open" else set()), answer
    assert not shape(answer), shape(answer)
    allowed = 300 if rule == "open" else 0  # the collection takes five
    assert added.most <= allowed, f"{added.most} files were written on the way"
    assert root.get(path)["totalItems"] == 0
    wait_for(lambda: not added.now(), 10, "the files of a refused request are gone")


def test_as_many_files_as_a_field_takes_are_stored(place):
    """The limit of parts must not refuse what a field's own limit admits: `open` takes 99 files."""
    answer = ask(place.port, "POST", RECORDS, {"Content-Type": MULTIPART}, files(b"files", b"x" * 1000, 99))
    assert answer.status == 200, answer
    assert len(answer.json()["files"]) == 99


def test_a_form_of_many_values_is_stored(place):
    """Nor that of values: 500 of one key are a list."""
    answer = ask(place.port, "POST", RECORDS, {"Content-Type": MULTIPART}, values(b"json", b"one", 500))
    assert answer.status == 200, answer
    assert answer.json()["json"] == ["one"] * 500


def test_a_large_json_value_is_stored_by_eight_clients(place):
    """Nor does the budget for all bodies refuse what comes in fair sizes."""
    value = {"json": ["x" * 100] * 10_000}
    with place.peak() as peak:
        answers = at_once(8, [lambda: ask_json(place.port, "POST", RECORDS, value)] * 24)
    assert_bounded(peak, "24 values of a megabyte")
    assert {answer.status for answer in answers} == {200}, answers[0]


def test_a_slow_body_is_taken_in(place):
    """A deadline for whole bodies leaves slow clients their time."""
    body = b'{"text":"slow"}'
    with Wire(place.port) as wire:
        head = f"POST {RECORDS} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        wire.socket.sendall(head.encode())
        pause = threading.Event()
        for at in range(len(body)):
            wire.socket.sendall(body[at : at + 1])
            pause.wait(0.2)
        answer = wire.answer("POST")
    assert answer.status == 200 and answer.json()["text"] == "slow", answer


def test_bodies_that_never_end_leave_room_on_a_small_disk(tmp_path, small_disk):  # noqa: F811
    """A server that puts long bodies into files must leave the disk to the data."""
    disk = small_disk(tmp_path / "disk", 150)
    place = Place(disk.path / "pb_data").refresh()
    try:
        root = place.server.root()
        made = root.create("open", {"text": "goes"})
        with contextlib.ExitStack() as stack:

            def begin(size):
                wire = stack.enter_context(Wire(place.port, 20))
                with contextlib.suppress(OSError):
                    wire.send("POST", RECORDS, {"Content-Type": "application/json"}, text(size), leave_out=1)

            # Shorter ones take the rest of the room.
            for size, count in ((20 * MB, 24), (2 * MB, 40), (200_000, 60)):
                at_once(8, [lambda size=size: begin(size)] * count)
            assert root.create("open", {"text": "stays"})["text"] == "stays"
            root.delete(f"{RECORDS}/{made['id']}")
            root.patch("/api/settings", json={"meta": {"appName": "Still here"}})
        # Their room comes back once the server has seen that they are gone.
        later = {"name": "later", "type": "base"}
        wait_for(lambda: root.send("POST", "/api/collections", json=later, expect=(200, 503)).status_code == 200, 60, "room")
    finally:
        place.server.kill()
