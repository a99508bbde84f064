"""constraints-hashes.txt from constraints.txt: of each pinned version the hash of the file that pip chooses here.

    .venv/bin/python packaging/hashes.py          writes the file anew: where a pin has changed, on each system
    .venv/bin/python packaging/hashes.py --check  says which pins have no hash in it

Run on each system that is built for: what a file has of other systems' hashes is kept where its version is the same.
Only what came from PyPI itself is written; a hash is never made of a file that lies here.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from urllib.parse import urlparse

HOME = Path(__file__).parent.parent
PINS, HASHES = HOME / "constraints.txt", HOME / "constraints-hashes.txt"
TRUSTED = ("files.pythonhosted.org",)
EXCEPTIONS = ("torch",)
"""Pinned by their version alone: another file on each system, from an index of its own."""

SOURCES = ("jieba",)
HEAD = """\
# Made by packaging/hashes.py from constraints.txt, from PyPI; do not edit. torch is left out, see SECURITY.md.
"""


def pins() -> dict[str, str]:
    """Name -> version, as constraints.txt has them, without the exceptions."""
    found = dict(re.findall(r"^([A-Za-z0-9._-]+)==(\S+)$", PINS.read_text(encoding="utf-8"), re.MULTILINE))
    return {name: version for name, version in found.items() if name not in EXCEPTIONS}


def known() -> dict[str, set[str]]:
    """name==version -> hashes, as the file has them."""
    if not HASHES.exists():
        return {}
    text = HASHES.read_text(encoding="utf-8").replace("\\\n", " ")
    lines = [line.split() for line in text.splitlines() if line and not line.startswith("#")]
    return {first: {one.removeprefix("--hash=") for one in rest} for first, *rest in lines}


def asked(wanted: list[str]) -> dict[str, str]:
    """name==version -> hash of the file that pip would install, of those that come from PyPI."""
    with tempfile.TemporaryDirectory() as place:
        report = Path(place) / "report.json"
        call = [sys.executable, "-m", "pip", "install", "--dry-run", "--ignore-installed", "--no-deps", "--quiet"]
        call += ["--only-binary", ":all:", "--no-binary", ",".join(SOURCES), "--no-build-isolation"]
        subprocess.run([*call, "--report", str(report), *wanted], check=True)
        entries = json.loads(report.read_text(encoding="utf-8"))["install"]
    by_name = {_plain(pin.partition("==")[0]): pin for pin in wanted}
    found = {}
    for entry in entries:
        info, name = entry["download_info"], _plain(entry["metadata"]["name"])
        sha = info.get("archive_info", {}).get("hashes", {}).get("sha256")
        if sha and urlparse(info["url"]).hostname in TRUSTED:
            found[by_name[name]] = f"sha256:{sha}"
        else:
            print(f"{name}: not from PyPI here ({urlparse(info['url']).scheme}), left out", file=sys.stderr)
    return found


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def main() -> int:
    wanted, before = [f"{name}=={version}" for name, version in pins().items()], known()
    if "--check" in sys.argv[1:]:
        missing = [pin for pin in wanted if not before.get(pin)]
        print("\n".join(f"{pin}: no hash" for pin in missing) or "every pin has a hash")
        return 1 if missing else 0
    here = asked(wanted)
    lines = []
    for pin in sorted(wanted, key=str.lower):
        if hashes := sorted(before.get(pin, set()) | ({here[pin]} if pin in here else set())):
            lines.append(" \\\n    ".join([pin, *(f"--hash={one}" for one in hashes)]))
    HASHES.write_text(HEAD + "\n".join(lines) + "\n", encoding="utf-8")
    print(f"{HASHES.name}: {len(lines)} of {len(wanted)} pins")
    return 0


if __name__ == "__main__":
    sys.exit(main())
