"""The internet as far as a server under test gets to see it: one process that answers for every host, over TLS too.

The server is started with HTTPS_PROXY naming this, and SSL_CERT_FILE naming its authority: what it asks of any provider
comes here, and what it would have sent can be looked at. Plain HTTP to `url` comes here directly.
"""

import json
import ssl
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

import trustme


@dataclass
class Asked:
    """A request as it arrived. `host` is empty where it came directly."""

    host: str
    method: str
    path: str
    query: dict
    headers: dict
    body: bytes

    @property
    def url(self):
        return f"https://{self.host}{self.path}" if self.host else self.path

    @property
    def form(self):
        return dict(parse_qsl(self.body.decode(), keep_blank_values=True))


@dataclass
class Answer:
    body: object = None
    status: int = 200
    headers: dict = field(default_factory=dict)


class Internet:
    """A context manager. `self.answers` maps a URL (`https://host/path`, or `/path` where asked directly) to an [Answer],
    to JSON, or to a function of the [Asked]; anything else is a 404."""

    def __init__(self, folder):
        self.answers, self.asked = {}, []
        authority = trustme.CA()
        self.authority = folder / "authority.pem"
        authority.cert_pem.write_to_path(str(self.authority))
        self.contexts, self.lock = {}, threading.Lock()

        def context(host):
            with self.lock:
                if host not in self.contexts:
                    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                    authority.issue_cert(host).configure_cert(made)
                    self.contexts[host] = made
                return self.contexts[host]

        internet = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            host = ""

            def log_message(self, *_):
                pass

            def do_CONNECT(self):
                self.send_response(200)
                self.end_headers()
                self.host = self.path.rsplit(":", 1)[0]
                try:
                    self.connection = context(self.host).wrap_socket(self.connection, server_side=True)
                except OSError:
                    self.close_connection = True
                    return
                self.rfile, self.wfile = self.connection.makefile("rb"), self.connection.makefile("wb", 0)
                self.close_connection = False

            def do_GET(self):
                length = int(self.headers.get("Content-Length") or 0)
                parts = urlsplit(self.path)
                asked = Asked(
                    self.host,
                    self.command,
                    parts.path,
                    dict(parse_qsl(parts.query, keep_blank_values=True)),
                    {name.lower(): value for name, value in self.headers.items()},
                    self.rfile.read(length),
                )
                internet.asked.append(asked)
                answer = internet.answers.get(asked.url, Answer({"error": "nothing here"}, 404))
                try:
                    answer = answer(asked) if callable(answer) else answer
                    self.give(answer if isinstance(answer, Answer) else Answer(answer))
                except OSError:
                    self.close_connection = True

            do_POST = do_GET

            def give(self, answer):
                is_bytes = isinstance(answer.body, (bytes, bytearray))
                is_stream = hasattr(answer.body, "__next__")
                body = answer.body if is_bytes or is_stream else json.dumps(answer.body).encode()
                headers = {"Content-Type": "application/octet-stream" if is_bytes else "application/json", **answer.headers}
                self.send_response(answer.status)
                for name, value in headers.items():
                    self.send_header(name, value)
                if is_stream:
                    self.send_header("Connection", "close")
                    self.end_headers()
                    for piece in body:
                        self.wfile.write(piece)
                    self.close_connection = True
                    return
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        class Listener(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 128

        self.server = Listener(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        self.environment = {"HTTPS_PROXY": self.url, "SSL_CERT_FILE": str(self.authority)}

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

    def seen(self, url):
        """What was asked of `url`, in order."""
        return [asked for asked in self.asked if asked.url == url]
