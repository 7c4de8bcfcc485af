"""A fresh Debian in a folder, entered by chroot; nothing is mounted into it."""

import os
import subprocess
from pathlib import Path

HERE = Path(__file__).resolve().parent


class Debian:
    """Unpacked from the archive that `tree` makes."""

    def __init__(self, folder):
        done = subprocess.run([HERE / "tree"], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        self.folder = Path(folder)
        self.folder.mkdir(mode=0o755)
        subprocess.run(["tar", "--numeric-owner", "-C", self.folder, "-xpf", done.stdout.strip()], check=True)

    def command(self, *words, user=None):
        """The command line that runs these words inside, as root unless a user is named."""
        return ["chroot", *([f"--userspec={user}:"] if user else []), str(self.folder), *map(str, words)]

    def environment(self, **variables):
        return {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive", "HOME": "/", **variables}

    def run(self, *words, user=None, expect=0, **variables):
        """Runs a command to its end and returns all that it said."""
        done = subprocess.run(
            self.command(*words, user=user),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=self.environment(**variables),
            cwd="/",
            timeout=300,
        )
        assert expect is None or done.returncode == expect, f"{words} exited {done.returncode}\n{done.stdout}"
        return done.stdout

    def install(self, package):
        """Has dpkg install a package that lies outside, and returns what it said."""
        inside = self.folder / "tmp" / package.name
        inside.write_bytes(package.read_bytes())
        said = self.run("dpkg", "--install", f"/tmp/{package.name}")
        inside.unlink()
        return said

    def path(self, name):
        return self.folder / name.lstrip("/")

    def owner(self, name):
        """The owner, group and mode of a file, as the system inside calls them."""
        return self.run("stat", "--format=%U:%G %a", name).strip()

    def has_mounts(self):
        return any(line.split()[4].startswith(str(self.folder)) for line in Path(f"/proc/{os.getpid()}/mountinfo").read_text().splitlines())
