"""A real SMTP server that keeps what it is sent."""

import email
import email.policy
import socket
import threading
from dataclasses import dataclass

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword

from harness.server import free_port

USERNAME, PASSWORD = "mailer", "smtp-pässword-1"


@dataclass
class Mail:
    """What was sent, and how."""

    sender: str
    recipients: list
    hello: str
    encrypted: bool
    login: str | None
    message: email.message.EmailMessage

    @property
    def subject(self):
        return self.message["subject"]

    def part(self, kind):
        return next(part.get_content() for part in self.message.walk() if part.get_content_type() == kind)

    @property
    def text(self):
        return self.part("text/plain").replace("\r\n", "\n")

    @property
    def html(self):
        return self.part("text/html").replace("\r\n", "\n")


class Sink:
    """`encryption` is None, "starttls" or "tls"; with `login` nobody sends who has not logged in."""

    def __init__(self, *, encryption=None, context=None, login=False, host="127.0.0.1", mechanisms=("PLAIN", "LOGIN"), refuse=()):
        self.mails, self.logins, self.refuse = [], [], set(refuse)
        options = {"hostname": host, "port": 0, "ready_timeout": 20}
        if login:
            excluded = {"PLAIN", "LOGIN"} - set(mechanisms)
            options |= {"auth_required": True, "auth_require_tls": encryption is not None, "authenticator": self._authenticate}
            options["auth_exclude_mechanism"] = excluded
        if encryption == "tls":
            # aiosmtpd takes only STARTTLS for encrypted.
            options |= {"ssl_context": context, "auth_require_tls": False}
        if encryption == "starttls":
            options |= {"tls_context": context, "require_starttls": True}
        options["port"] = free_port(host)
        self.host, self.port = host, options["port"]
        self.controller = Controller(self, **options)
        self.controller.start()

    def _authenticate(self, server, session, envelope, mechanism, data):
        assert isinstance(data, LoginPassword)
        self.logins.append((mechanism, data.login.decode(), data.password.decode()))
        good = self.logins[-1][1:] == (USERNAME, PASSWORD)
        return AuthResult(success=good, handled=False, auth_data=data.login.decode() if good else None)

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address in self.refuse:
            return "550 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        encrypted = session.ssl is not None or server.transport.get_extra_info("ssl_object") is not None
        mail = Mail(envelope.mail_from, list(envelope.rcpt_tos), session.host_name, encrypted, session.auth_data, message)
        self.mails.append(mail)
        return "250 OK"

    def settings(self, **changes):
        return {"enabled": True, "host": self.host, "port": self.port, **changes}

    def sent(self, *words):
        """The mails in whose subject all of `words` are."""
        return [mail for mail in list(self.mails) if all(word in mail.subject for word in words)]

    def stop(self):
        self.controller.stop()


class Silent:
    """A server that takes connections and says nothing."""

    def __init__(self):
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.taken = []
        threading.Thread(target=self._take, daemon=True).start()

    def _take(self):
        while True:
            try:
                self.taken.append(self.socket.accept()[0])
            except OSError:
                return

    def stop(self):
        self.socket.close()
        for connection in self.taken:
            connection.close()
