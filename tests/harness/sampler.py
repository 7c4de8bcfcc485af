"""A thread beside a test."""

import threading


class Sampler(threading.Thread):
    """Goes on for as long as its `with` block: `run` is over once `stopping` is set."""

    def __init__(self):
        super().__init__(daemon=True)
        self.stopping = threading.Event()

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stopping.set()
        self.join()
