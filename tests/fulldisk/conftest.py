"""Small file systems of our own: what is full there is really full."""

import os
import subprocess

import pytest


class SmallDisk:
    """A file system in memory, mounted for one test."""

    def __init__(self, path, megabytes):
        self.path = path
        path.mkdir(parents=True, exist_ok=True)
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=755", "tmpfs", path], check=True)

    @property
    def filler(self):
        return self.path / "filler"

    def fill(self, leave=0):
        """Takes all room but `leave` bytes."""
        with open(self.filler, "ab", buffering=0) as file:
            while (free := self.free() - leave) > 0:
                try:
                    file.write(bytes(min(free, 1 << 20)))
                except OSError:
                    break
        assert self.free() <= max(leave, 4096)

    def free(self):
        facts = os.statvfs(self.path)
        return facts.f_bavail * facts.f_frsize

    def make_room(self):
        self.filler.unlink()

    def grow(self, megabytes):
        subprocess.run(["mount", "-o", f"remount,size={megabytes}m", self.path], check=True)

    def unmount(self):
        subprocess.run(["umount", "--lazy", self.path], check=False)


@pytest.fixture
def small_disk(tmp_path):
    """Mounts small file systems, and unmounts them at the end. Only root can."""
    probe = tmp_path / "probe"
    probe.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "tmpfs", probe], capture_output=True, check=False).returncode != 0:
        pytest.skip("mounting a file system needs root")
    subprocess.run(["umount", probe], check=True)
    disks = []

    def mount(path, megabytes):
        disks.append(SmallDisk(path, megabytes))
        return disks[-1]

    yield mount
    for disk in reversed(disks):
        disk.unmount()
