"""How much memory a process takes for itself."""

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


def assert_bounded(idle, **watches):
    """Whatever was watched took less than 64 MiB more than the idle process."""
    for what, watch in watches.items():
        grown = (watch.peak - idle.peak) / 2**20
        print(f"{what}: +{grown:.1f} MiB over {idle.peak / 2**20:.1f}")
        assert grown < 64, f"{what}: {grown:.1f} MiB more memory"
