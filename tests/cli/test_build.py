"""The build says so where it would lack what backups need (`cargo install --git` reads no `.cargo/config.toml`)."""

import os
import subprocess
import tomllib

from harness.programs import ROOT


def test_a_build_without_the_options_of_sqlite_fails_and_names_them(tmp_path):
    script = tmp_path / "build"
    subprocess.run(["rustc", "--edition", "2024", "-o", script, ROOT / "crates/store/build.rs"], check=True, timeout=300)
    configured = tomllib.loads((ROOT / ".cargo/config.toml").read_text())["env"]["LIBSQLITE3_FLAGS"]

    def errors(flags):
        environment = {name: value for name, value in os.environ.items() if name != "LIBSQLITE3_FLAGS"}
        if flags is not None:
            environment["LIBSQLITE3_FLAGS"] = flags
        said = subprocess.run([script], env=environment, capture_output=True, text=True, check=True).stdout
        return [line for line in said.splitlines() if line.startswith("cargo::error=")]

    assert errors(configured) == []
    for missing in (None, "", configured.replace("-DSQLITE_ENABLE_DBPAGE_VTAB", "")):
        (error,) = errors(missing)
        assert f'LIBSQLITE3_FLAGS="{configured}"' in error
