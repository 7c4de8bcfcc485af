"""A thread beside a test."""

import threading


class Sampler(threading.Thread):
    """Goes on for as long as its `with` block: `run` is over once `stopping` is set."""

    def __init__(self):
        super().__init__(daemon=True)
        self.stopping = threading.Event()
        self.failure = None

    def __enter__(self):
        self.run = self._kept(self.run)
        self.start()
        return self

    def __exit__(self, *_):
        self.stopping.set()
        self.join()
        if self.failure:
            raise self.failure

    def _kept(self, run):
        """What fails in the thread fails the test."""

        def kept():
            try:
                run()
            except Exception as error:  # noqa: BLE001
                self.failure = error

        return kept
