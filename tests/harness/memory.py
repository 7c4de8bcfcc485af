"""How much memory a process takes for itself."""

import threading


def anonymous(pid):
    """The anonymous memory of a process in bytes; 0 where it is not there."""
    try:
        with open(f"/proc/{pid}/status") as status:
            return next((int(line.split()[1]) * 1024 for line in status if line.startswith("RssAnon:")), 0)
    except OSError:
        return 0


class Watch(threading.Thread):
    """The largest anonymous memory of a process, sampled every 20 ms; the same process id survives a restart."""

    def __init__(self, pid):
        super().__init__(daemon=True)
        self.pid, self.peak, self.samples, self.stopping = pid, 0, 0, threading.Event()

    def run(self):
        while not self.stopping.wait(0.02):
            if found := anonymous(self.pid):
                self.peak = max(self.peak, found)
                self.samples += 1

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stopping.set()
        self.join()
