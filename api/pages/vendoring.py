"""Copy the browser files we use out of npm packages, with their licences and checksums.

`package.json` and `package-lock.json` (integrity hashes) are the source of truth; what this
writes is committed, so neither set-up nor a running shop ever calls npm.  After a version
changed there: `python -m api.pages.vendoring`.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
VENDOR = Path(__file__).resolve().parent / "static" / "vendor"
SOURCE_MAP = re.compile(rb"\n?(?://[#@] sourceMappingURL=\S+|/\*[#@] sourceMappingURL=\S+ ?\*/)\n?")


@dataclass(frozen=True, slots=True)
class Package:
    """One npm package: the folder name it gets here, and the files that are taken."""

    name: str
    folder: str
    files: tuple[str, ...]
    licence: str


PACKAGES = (
    Package("@picocss/pico", "pico", ("css/pico.min.css",), "LICENSE.md"),
    Package("htmx.org", "htmx", ("dist/htmx.min.js",), "LICENSE"),
    Package("uplot", "uplot", ("dist/uPlot.iife.min.js", "dist/uPlot.min.css"), "LICENSE"),
)


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def vendor(package: Package, node_modules: Path, target: Path) -> dict[str, object]:
    """Copy one package into `target`; returns its entry for vendor.json."""
    source = node_modules / package.name
    version = json.loads((source / "package.json").read_text())["version"]
    folder = target / f"{package.folder}-{version}"
    folder.mkdir(parents=True)
    for name in package.files:
        # A comment naming a map that is not there fails manifest storage in collectstatic.
        content = SOURCE_MAP.sub(b"", (source / name).read_bytes())
        (folder / Path(name).name).write_bytes(content)
    shutil.copyfile(source / package.licence, folder / "LICENSE")
    checksums = {path.name: sha256(path) for path in sorted(folder.iterdir())}
    return {"name": package.name, "version": version, "folder": folder.name, "sha256": checksums}


def main() -> None:
    """Install exactly what the lock says, then replace everything in the vendor folder."""
    subprocess.run(
        ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=ROOT, check=True
    )
    shutil.rmtree(VENDOR, ignore_errors=True)
    entries = [vendor(package, ROOT / "node_modules", VENDOR) for package in PACKAGES]
    (VENDOR / "vendor.json").write_text(json.dumps(entries, indent=2) + "\n")


if __name__ == "__main__":
    main()
