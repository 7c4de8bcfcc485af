"""A real ACME server, Debian's `pebble`, with a DNS server for which every name is this machine."""

import json
import os
import shutil
import ssl
import subprocess
import time
import urllib.request

from harness.server import free_port

LACKING = [program for program in ("pebble", "pebble-challtestsrv", "openssl") if not shutil.which(program)]


class Pebble:
    """Looks for hosts at `tls` (TLS) and `plain` (HTTP) of this machine. Use as a context manager."""

    def __init__(self, folder, tls, plain):
        self.folder, self.processes = folder, []
        self.port, self.management, self.dns, self.dns_management = (free_port() for _ in range(4))
        folder.mkdir()
        self.root = folder / "root.pem"
        self._make_own_certificate()
        config = {
            "listenAddress": f"127.0.0.1:{self.port}",
            "managementListenAddress": f"127.0.0.1:{self.management}",
            "certificate": str(folder / "server.pem"),
            "privateKey": str(folder / "server.key"),
            "httpPort": plain,
            "tlsPort": tls,
            "ocspResponderURL": "",
            "externalAccountBindingRequired": False,
        }
        (folder / "config.json").write_text(json.dumps({"pebble": config}))

    def _make_own_certificate(self):
        def openssl(*arguments):
            subprocess.run(["openssl", *arguments], cwd=self.folder, check=True, capture_output=True, timeout=60)

        key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
        openssl("req", "-x509", *key, "-keyout", "root.key", "-out", "root.pem", "-subj", "/CN=root", "-days", "2")
        openssl("req", *key, "-keyout", "server.key", "-out", "server.csr", "-subj", "/CN=localhost")
        (self.folder / "names").write_text("subjectAltName=DNS:localhost,IP:127.0.0.1")
        signed = ["-CA", "root.pem", "-CAkey", "root.key", "-CAcreateserial", "-extfile", "names", "-days", "2"]
        openssl("x509", "-req", "-in", "server.csr", "-out", "server.pem", *signed)

    @property
    def directory(self):
        return f"https://127.0.0.1:{self.port}/dir"

    @property
    def environment(self):
        return {"BOSBASE_ACME_DIRECTORY": self.directory, "BOSBASE_ACME_ROOT": str(self.root)}

    def __enter__(self):
        # Some of its answers say "bad nonce", as those of real servers do; it finds hosts at once, for the most part.
        environment = {**os.environ, "PEBBLE_VA_NOSLEEP": "1", "PEBBLE_WFE_NONCEREJECT": "5", "PEBBLE_AUTHZREUSE": "0"}
        names = ["pebble-challtestsrv", "-dns01", f"127.0.0.1:{self.dns}", "-defaultIPv4", "127.0.0.1", "-defaultIPv6", ""]
        none = ["-http01", "", "-https01", "", "-tlsalpn01", "", "-management", f"127.0.0.1:{self.dns_management}"]
        server = ["pebble", "-config", str(self.folder / "config.json"), "-dnsserver", f"127.0.0.1:{self.dns}"]
        log = open(self.folder / "log", "ab")
        for command in ([*names, *none], server):
            self.processes.append(subprocess.Popen(command, cwd=self.folder, env=environment, stdout=log, stderr=log))
        log.close()
        deadline = time.monotonic() + 30
        while True:
            try:
                self.ask(self.port, "/dir")
                return self
            except OSError:
                if time.monotonic() > deadline:
                    self.__exit__()
                    raise AssertionError(self.log()) from None
                time.sleep(0.1)

    def __exit__(self, *_):
        for process in self.processes:
            process.kill()
            process.wait(30)

    def ask(self, port, path):
        trusted = ssl.create_default_context(cafile=self.root)
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=trusted))
        return opener.open(f"https://127.0.0.1:{port}{path}", timeout=30).read().decode()

    def issuer(self):
        """The root of the certificates that it issues."""
        return self.ask(self.management, "/roots/0")

    def orders(self):
        """How many certificates it has issued."""
        return self.log().count("Issued certificate serial")

    def log(self):
        return (self.folder / "log").read_text(errors="replace")
