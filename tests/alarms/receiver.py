"""A real HTTP server that webhooks are sent to, and that answers as a test tells it."""

import json
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Told:
    path: str
    headers: dict
    event: dict


class Receiver:
    """Answers with the next of `answers` (a status, or a status and a `Location`), then with 204. `port` makes it that port."""

    def __init__(self, *answers, port=0):
        self.answers, self.told, self.refused, self.lock = list(answers), [], [], threading.Lock()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_):
                pass

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                one = Told(self.path, {name.lower(): value for name, value in self.headers.items()}, json.loads(body))
                with receiver.lock:
                    answer = receiver.answers.pop(0) if receiver.answers else 204
                    status, location = answer if isinstance(answer, tuple) else (answer, None)
                    (receiver.told if status < 300 else receiver.refused).append(one)
                self.send_response(status)
                if location:
                    self.send_header("Location", location)
                self.send_header("Content-Length", "0")
                self.end_headers()

            do_GET = do_POST

        class Server(ThreadingHTTPServer):
            allow_reuse_address = True
            daemon_threads = True

        self.server = Server(("127.0.0.1", port), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def port(self):
        return self.server.server_port

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def events(self, event=None, kind=None):
        """What arrived, of an event and a kind."""
        with self.lock:
            told = [one.event for one in self.told]
        return [one for one in told if event in (None, one["event"]) and kind in (None, one["kind"])]

    def stop(self):
        self.server.shutdown()
        self.server.server_close()
