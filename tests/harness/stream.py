"""An event stream of `/api/realtime`, read in a thread of its own."""

import http.client
import json
import queue
import socket
import threading
from urllib.parse import urlsplit


class Stream:
    """Use as a context manager. Subscribes to `topics` as `client`; what arrives is asked for with `next`."""

    def __init__(self, client, *topics):
        self.client = client
        self.events = queue.Queue()
        self.connection = http.client.HTTPConnection(urlsplit(client.url).netloc, timeout=120)
        self.connection.request("GET", "/api/realtime")
        self.socket = self.connection.sock
        self.answer = self.connection.getresponse()
        assert self.answer.status == 200, self.answer.status
        threading.Thread(target=self._read, daemon=True).start()
        self.id = self.next()[1]["clientId"]
        self.subscribe(*topics)

    def subscribe(self, *topics, expect=204):
        return self.client.post("/api/realtime", json={"clientId": self.id, "subscriptions": list(topics)}, expect=expect)

    def _read(self):
        name = None
        try:
            for line in self.answer:
                line = line.rstrip(b"\n")
                if line.startswith(b"event:"):
                    name = line[6:].decode()
                elif line.startswith(b"data:"):
                    self.events.put((name, json.loads(line[5:])))
        except (http.client.HTTPException, OSError, ValueError):
            pass
        self.events.put(None)

    def next(self, seconds=60):
        """The next event as (name, data), or None at the stream's end. Fails where neither comes in time."""
        return self.events.get(timeout=seconds)

    def heard(self):
        """What has arrived and was not asked for yet."""
        heard = []
        while not self.events.empty():
            heard.append(self.events.get())
        return heard

    def __enter__(self):
        return self

    def __exit__(self, *_):
        # The reading thread holds the answer, and would let go of it with the next bytes alone.
        try:
            self.socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
