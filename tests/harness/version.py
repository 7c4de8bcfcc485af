"""The version of this checkout, as its manifest has it."""

import tomllib

from .programs import ROOT

VERSION = tomllib.loads((ROOT / "Cargo.toml").read_text())["workspace"]["package"]["version"]
