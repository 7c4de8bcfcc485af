"""Uploads that do not fit into memory."""

import os


class Multipart:
    """A multipart body with one file, read from disk as it is sent; an iterable with a length, as `requests` takes it."""

    def __init__(self, path, name, *, field="file", kind="application/zip"):
        boundary = "b" * 40
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="{field}"; filename="{name}"\r\nContent-Type: {kind}\r\n\r\n'
        self.head, self.tail = head.encode(), f"\r\n--{boundary}--\r\n".encode()
        self.path = path
        self.content_type = f"multipart/form-data; boundary={boundary}"

    def __len__(self):
        return len(self.head) + os.path.getsize(self.path) + len(self.tail)

    def __iter__(self):
        yield self.head
        with open(self.path, "rb") as file:
            while block := file.read(1 << 20):
                yield block
        yield self.tail
