"""One server process on a free loopback port, with its own data directory."""

import contextlib
import os
import random
import resource
import signal
import socket
import subprocess
import time
from pathlib import Path

import requests

from .client import Client
from .programs import EMAIL, PASSWORD

START_SECONDS = 60


def free_port(host="127.0.0.1"):
    """A port below those that the system gives to connections: one of them could take it before the server does."""
    for _ in range(100):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind((host, random.randrange(10_000, 32_000)))
            return probe.getsockname()[1]
    raise OSError("no port is free")


class Server:
    """Use as a context manager; stops the process it started, by its id, however the test ends."""

    def __init__(self, program, directory, *, flags=(), env=None, superuser=True, largest_file=None):
        self.program = program
        self.directory = Path(directory)
        self.flags = tuple(flags)
        self.env = dict(env or {})
        self.largest_file = largest_file
        self.port = free_port()
        self.process = None
        self.log_path = self.directory.parent / f"{self.directory.name}.{program.name}.log"
        if superuser:
            program.superuser(self.directory, extra=[flag for flag in self.flags if flag.startswith("--encryptionEnv")])

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.kill()

    def start(self, wait=True):
        assert self.process is None or self.process.poll() is not None, "already running"
        self.directory.parent.mkdir(parents=True, exist_ok=True)
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                self.program.serve(self.directory, f"127.0.0.1:{self.port}", self.flags),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.directory.parent,
                env={**os.environ, **self.env},
                preexec_fn=self._limit if self.largest_file else None,
            )
        if wait:
            self.wait_until_healthy()
        return self

    def _limit(self):
        """Lets writes fail beyond a file size, as a full disk would, in the process to be."""
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (self.largest_file, self.largest_file))

    def wait_until_healthy(self, seconds=START_SECONDS):
        deadline = time.monotonic() + seconds
        while True:
            try:
                if requests.get(f"{self.url}/api/health", timeout=5).status_code == 200:
                    return
            except requests.RequestException:
                pass
            if self.process.poll() is not None:
                raise AssertionError(f"{self.program.name} exited {self.process.returncode} at start:\n{self.log()}")
            if time.monotonic() > deadline:
                raise AssertionError(f"{self.program.name} is not healthy after {seconds} s:\n{self.log()}")
            time.sleep(0.05)

    def log(self, last=4000):
        return self.log_path.read_text(errors="replace")[-last:] if self.log_path.exists() else ""

    def stop(self, seconds=30):
        """SIGTERM; returns the exit code."""
        if self.process is None:
            return None
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(seconds)

    def kill(self):
        """SIGKILL, as a power cut would."""
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait(30)

    def wait_until_dead(self, seconds=60):
        """Waits for a process that is to end by itself; returns its exit code (negative: the signal)."""
        return self.process.wait(seconds)

    def client(self):
        """A client without a token."""
        return Client(self.url)

    def root(self, email=EMAIL, password=PASSWORD):
        """A client that is logged in as a superuser."""
        return Client(self.url).login("_superusers", email, password)
