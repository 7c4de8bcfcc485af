"""A proxy that breaks connections on purpose: in front of a real server, for clients that open one connection a request."""

import contextlib
import socket
import threading
from dataclasses import dataclass

CHUNK = 64 * 1024


@dataclass(frozen=True)
class Cut:
    """Passes on so many bytes of the answer, then resets the connection."""

    after: int


@dataclass(frozen=True)
class Answer:
    """Answers in the server's place."""

    text: str


class Proxy:
    """A context manager. `rule(head)` is asked for each request's head: `None` lets it pass, else a [Cut] or an [Answer]."""

    def __init__(self, port, rule):
        self.port, self.rule = port, rule
        self.heads, self.open = [], []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"

    def __enter__(self):
        self.acceptor = threading.Thread(target=self.accept, daemon=True)
        self.acceptor.start()
        return self

    def __exit__(self, *_):
        # Closing alone does not wake who waits for a connection.
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.acceptor.join()

    def drop(self, beginning):
        """Resets the connections whose request begins so; returns how many."""
        found = [server for head, server in list(self.open) if head.startswith(beginning)]
        for server in found:
            server.shutdown(socket.SHUT_RDWR)
        return len(found)

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(client,), daemon=True).start()

    def serve(self, client):
        with client:
            request = b""
            while b"\r\n\r\n" not in request:
                piece = client.recv(CHUNK)
                if not piece:
                    return
                request += piece
            head = request.split(b"\r\n\r\n")[0].decode("latin-1")
            self.heads.append(head)
            doing = self.rule(head)
            if isinstance(doing, Answer):
                client.sendall(doing.text.encode())
                return
            with socket.create_connection(("127.0.0.1", self.port)) as server:
                self.open.append(entry := (head, server))
                server.sendall(request)
                up = threading.Thread(target=self.pump, args=(client, server), daemon=True)
                up.start()
                self.pump(server, client, doing.after if doing else None)
                for end in (client, server):
                    with contextlib.suppress(OSError):
                        end.shutdown(socket.SHUT_RDWR)
                self.open.remove(entry)
                up.join()

    @staticmethod
    def pump(source, target, at_most=None):
        passed = 0
        with contextlib.suppress(OSError):
            while piece := source.recv(CHUNK):
                if at_most is not None and passed + len(piece) > at_most:
                    target.sendall(piece[: at_most - passed])
                    return
                target.sendall(piece)
                passed += len(piece)
            target.shutdown(socket.SHUT_WR)
