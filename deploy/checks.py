"""Every check that CI runs, in order of speed: `make test`.

All of them run, so that one run tells everything; the exit code says whether all passed.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
CHECKS = {
    "lock": ["uv", "lock", "--check", "--quiet"],
    "format": ["ruff", "format", "--check", "."],
    "lint": ["ruff", "check", "."],
    "imports": ["lint-imports"],
    "types": ["mypy", "stations", "shop", "api", "deploy", "tests", "manage.py"],
    "settings": ["python", "manage.py", "check"],
    "migrations": ["python", "manage.py", "makemigrations", "--check", "--dry-run"],
    "tests": ["pytest", "-n", "5", "--dist", "worksteal"],
}


def main() -> int:
    with tempfile.TemporaryDirectory(
        prefix="cellshop-checks-", ignore_cleanup_errors=True
    ) as folder:
        os.chmod(folder, 0o711)  # root's PostgreSQL runs as another user, who must pass  # noqa: S103
        environment = {**os.environ, "CELLSHOP_DATA": folder, "CELLSHOP_DURABLE": "0"}
        failed = [name for name in CHECKS if not _passes(name, environment)]
    if failed:
        _say(f"FAILED: {', '.join(failed)}")
    return 1 if failed else 0


def _passes(name: str, environment: dict[str, str]) -> bool:
    program, *arguments = CHECKS[name]
    _say(f"── {name}: {program} {' '.join(arguments)}")
    started = time.monotonic()
    result = subprocess.run(
        [BIN / program, *arguments],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    if name != "tests":
        words = "passed" if result.returncode == 0 else "FAILED"
        _say(f"   {words} in {time.monotonic() - started:.1f} s")
    return result.returncode == 0


def _say(words: str) -> None:
    sys.stdout.write(f"{words}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
