"""Real S3 servers: s3s-fs for everything, moto for listing and aborting multipart uploads, which s3s-fs lacks."""

import json
import os
import subprocess
from pathlib import Path

import pytest
import requests

from harness.client import wait_for
from harness.programs import CACHE
from harness.server import free_port

from .proxy import OWNER, PROOFS, Proxy

S3S_FS = Path(os.environ.get("S3S_FS_BIN") or CACHE / "s3s-fs" / "bin" / "s3s-fs")
MOTO = Path(os.environ.get("MOTO_BIN") or CACHE / "moto" / "bin" / "moto_server")
ACCESS_KEY, SECRET = "test-access-key", "test-secret-key"


class S3:
    """A running S3 server with one bucket."""

    def __init__(self, arguments, port, directory=None):
        self.port, self.directory, self.bucket = port, directory, "backups"
        self.process = subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for(self.answers, 60, "the S3 server", ignore=(requests.RequestException,))

    def answers(self):
        return requests.get(f"http://127.0.0.1:{self.port}/", timeout=5).status_code

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    def settings(self, endpoint=None, **changes):
        return {
            "enabled": True,
            "bucket": self.bucket,
            "region": "us-east-1",
            "endpoint": endpoint or f"http://{self.address}",
            "accessKey": ACCESS_KEY,
            "secret": SECRET,
            "forcePathStyle": True,
            **changes,
        }

    def objects(self, bucket=None):
        """The names that lie in the bucket, seen from behind, without the mark that says whose it is and the notes of proofs."""
        root = self.directory / (bucket or self.bucket)
        names = (str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())
        return sorted(name for name in names if name != OWNER and not name.startswith(PROOFS))

    def owner(self, bucket):
        """What the mark says; None where there is none."""
        mark = self.directory / bucket / OWNER
        return json.loads(mark.read_text())["owner"] if mark.exists() else None

    def unfinished(self):
        """The multipart uploads that are neither completed nor aborted, as XML; only moto tells."""
        return requests.get(f"http://{self.address}/{self.bucket}?uploads", timeout=10).text

    def stop(self):
        self.process.kill()
        self.process.wait(10)


@pytest.fixture
def s3(tmp_path):
    root = tmp_path / "s3"
    (root / "backups").mkdir(parents=True)
    (root / "files").mkdir()
    port = free_port()
    keys = ["--access-key", ACCESS_KEY, "--secret-key", SECRET]
    server = S3([str(S3S_FS), "--host", "127.0.0.1", "--port", str(port), *keys, str(root)], port, root)
    yield server
    server.stop()


@pytest.fixture
def moto():
    port = free_port()
    server = S3([str(MOTO), "-H", "127.0.0.1", "-p", str(port)], port)
    requests.put(f"http://{server.address}/{server.bucket}", timeout=10).raise_for_status()
    yield server
    server.stop()


@pytest.fixture
def proxy_to():
    proxies = []

    def start(server):
        proxies.append(Proxy(server.address))
        return proxies[-1]

    yield start
    for proxy in proxies:
        proxy.close()
