"""What PocketBase needs of the world in order to log people in: a mail server, and somebody who vouches for them (OpenID Connect)."""

import email
import email.policy
import json
import socketserver
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

SECONDS = 60


class Outside:
    """A context manager. `url` tells of mails at `/mail`, and is the OpenID provider."""

    def __enter__(self):
        self.arrived = threading.Condition()
        self.mails = []
        self.smtp = self._serve(socketserver.ThreadingTCPServer(("127.0.0.1", 0), Smtp))
        self.http = self._serve(ThreadingHTTPServer(("127.0.0.1", 0), Http))
        self.mail_port = self.smtp.server_address[1]
        self.url = f"http://127.0.0.1:{self.http.server_address[1]}"
        return self

    def _serve(self, server):
        server.outside = self
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return server

    def __exit__(self, *_):
        for server in (self.smtp, self.http):
            server.shutdown()
            server.server_close()

    def take_in(self, recipients, content):
        message = email.message_from_bytes(content, policy=email.policy.default)
        html = message.get_body(("html",)).get_content()
        with self.arrived:
            self.mails.append({"to": recipients, "subject": message["subject"], "html": html})
            self.arrived.notify_all()

    def give_out(self, to, subject):
        """The first mail to somebody with these words in its subject, which it forgets; waits for it."""
        wanted = lambda: next((each for each in self.mails if to in each["to"] and subject in each["subject"]), None)  # noqa: E731
        with self.arrived:
            mail = self.arrived.wait_for(wanted, SECONDS)
            if mail:
                self.mails.remove(mail)
            return mail


class Smtp(socketserver.StreamRequestHandler):
    """As much of RFC 5321 as it takes to be sent a mail."""

    def handle(self):
        recipients = []
        self.say("220 outside ESMTP")
        while line := self.rfile.readline():
            verb = line[:4].upper()
            if verb == b"DATA":
                self.say("354 go on")
                lines = iter(self.rfile.readline, b".\r\n")
                self.server.outside.take_in(recipients, b"".join(each.removeprefix(b".") for each in lines))
                recipients = []
            elif verb == b"RCPT":
                recipients.append(line.split(b"<")[1].split(b">")[0].decode())
            self.say("250 fine" if verb != b"QUIT" else "221 bye")
            if verb == b"QUIT":
                return

    def say(self, text):
        self.wfile.write(f"{text}\r\n".encode())


class Http(BaseHTTPRequestHandler):
    """Answers in JSON."""

    def do_GET(self):
        address = urlsplit(self.path)
        if address.path == "/userinfo":
            assert self.headers["Authorization"] == "Bearer an-access-token", self.headers
            self.answer({"sub": "somebody-1", "email": "vouched@example.com", "email_verified": True, "name": "Some Body"})
        else:
            told = {name: values[0] for name, values in parse_qs(address.query).items()}
            self.answer(self.server.outside.give_out(told["to"], told["subject"]))

    def do_POST(self):
        form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        good = form.get("code") == ["a-code"] and form.get("code_verifier") == ["a-verifier"]
        self.answer({"access_token": "an-access-token", "token_type": "Bearer"} if good else {"error": "invalid_grant"}, 200 if good else 400)

    def answer(self, value, status=200):
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass
