"""Packs the Godot addon as the Asset Library and the editor's import take it: everything below `addons/bosbase/`.

Usage: addon.py VERSION ZIP
"""

import re
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SDK = ROOT / "gdscript-sdk"
INSIDE = "addons/bosbase"


def main():
    if len(sys.argv) != 3 or sys.argv[1].startswith("-"):
        print(__doc__.strip().splitlines()[-1])
        return 0 if sys.argv[1:] in (["-h"], ["--help"]) else 2
    version, path = sys.argv[1], Path(sys.argv[2])
    files = {
        "plugin.cfg": re.sub(r'^version=".*"$', f'version="{version}"', (SDK / "addon/plugin.cfg").read_text(), flags=re.M).encode(),
        "plugin.gd": (SDK / "addon/plugin.gd").read_bytes(),
        "icon.png": (SDK / "addon/icon.png").read_bytes(),
        "LICENSE.md": (ROOT / "LICENSE").read_bytes(),
        "README.md": page(SDK / "README.md"),
        # The pages' pictures are none of the game's.
        "docs/.gdignore": b"",
    }
    for source in sorted((SDK / "docs").iterdir()):
        files[f"docs/{source.name}"] = page(source) if source.suffix == ".md" else source.read_bytes()
    for source in sorted((SDK / "src").rglob("*.gd")):
        files[f"src/{source.relative_to(SDK / 'src')}"] = source.read_bytes()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as packed:
        for name, content in files.items():
            # One time for all: the same sources are the same archive.
            entry = zipfile.ZipInfo(f"{INSIDE}/{name}", (1980, 1, 1, 0, 0, 0))
            entry.external_attr = 0o644 << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            packed.writestr(entry, content)
    return 0


def page(source):
    """A page as it reads in the addon: its own paths, and no links to what is not in it."""
    text = source.read_text()
    if source.name == "README.md":
        text = text[: text.index("## Demo")].rstrip() + "\n"
        install = "This folder is all that it takes. Let the editor scan it once (without an editor at hand: `godot --headless --import`)"
        text, count = re.subn(r"The addon is one archive.*?Let the\s+editor scan it once \(without an editor at hand: `godot --headless --import`\)", install, text, flags=re.S)
        text, also = re.subn(r" It is plain script: under `addons/bosbase`.*?\*Plugins\*\.", " It is plain script: there is nothing to enable under *Plugins*, where an entry of the Tools menu is all that there is.", text, flags=re.S)
        assert count == also == 1, "the README's Install section reads differently"
    text = text.replace("res://gdscript-sdk/src/", f"res://{INSIDE}/src/")
    return re.sub(r"(?<!!)\[([^\]]*)\]\(\.\.[^)]*\)", lambda link: link[0] if is_inside(source, link[0]) else link[1], text).encode()


def is_inside(source, link):
    """Whether a link leads to what is packed."""
    target = (source.parent / re.search(r"\(([^)#]*)", link[link.index("](") + 1 :])[1]).resolve()
    return target == SDK / "README.md" or (SDK / "docs") in target.parents


if __name__ == "__main__":
    sys.exit(main())
