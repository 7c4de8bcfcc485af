"""How much memory a process takes for itself."""

import os

from .sampler import Sampler


def anonymous(pid):
    """The anonymous memory of a process in bytes; 0 where it is not there."""
    try:
        with open(f"/proc/{pid}/status") as status:
            return next((int(line.split()[1]) * 1024 for line in status if line.startswith("RssAnon:")), 0)
    except OSError:
        return 0


class Watch(Sampler):
    """The largest anonymous memory of a process, sampled every 20 ms; the same process id survives a restart."""

    def __init__(self, pid):
        super().__init__()
        self.pid, self.peak, self.samples = pid, 0, 0

    def run(self):
        while not self.stopping.wait(0.02):
            if found := anonymous(self.pid):
                self.peak = max(self.peak, found)
                self.samples += 1


def resident(pid):
    """The resident memory of a process and its peak since it was last forgotten, bytes; zeros without it."""
    try:
        with open(f"/proc/{pid}/status") as status:
            found = {line.split(":")[0]: int(line.split()[1]) * 1024 for line in status if line.startswith(("VmRSS:", "VmHWM:"))}
        return found.get("VmRSS", 0), found.get("VmHWM", 0)
    except OSError:
        return 0, 0


class Peak(Sampler):
    """The largest resident memory of a server's process within a `with` block, as the kernel counts it.

    A process that takes more than `fuse` bytes is killed, so that a failing test does not take the machine with it."""

    def __init__(self, process, fuse=int(os.environ.get("BOSBASE_FUSE_MIB", 1024)) << 20):
        super().__init__()
        self.process, self.fuse, self.peak, self.blown = process, fuse, 0, False

    def __enter__(self):
        with open(f"/proc/{self.process.pid}/clear_refs", "w") as refs:
            refs.write("5")  # forgets the peak
        return super().__enter__()

    def __exit__(self, *_):
        super().__exit__()
        self._look()

    def run(self):
        while not self.stopping.wait(0.01):
            self._look()

    def _look(self):
        self.peak = max(self.peak, resident(self.process.pid)[1])
        if self.peak > self.fuse and not self.blown:
            self.blown = True
            self.process.kill()

    def __str__(self):
        return f"{self.peak / 2**20:.0f} MiB{' and was killed for it' if self.blown else ''}"


def assert_bounded(idle, **watches):
    """Whatever was watched took less than 64 MiB more than the idle process."""
    for what, watch in watches.items():
        grown = (watch.peak - idle.peak) / 2**20
        print(f"{what}: +{grown:.1f} MiB over {idle.peak / 2**20:.1f}")
        assert grown < 64, f"{what}: {grown:.1f} MiB more memory"
