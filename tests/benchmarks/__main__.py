"""`python -m tests.benchmarks [name ...]`: run every bench_*.py here, or those named.

Each module has `main() -> bool`, which prints its figures with `report` and says whether every
bar was met.  The exit code is 0 only if all were; a benchmark that raises counts as missed.
Each has a process of its own, for the settings of a shop are read once in a process.
"""

from __future__ import annotations

import importlib
import pkgutil
import subprocess
import sys

import tests.benchmarks


def names() -> list[str]:
    found = (module.name for module in pkgutil.iter_modules(tests.benchmarks.__path__))
    return sorted(name for name in found if name.startswith("bench_"))


def met(name: str) -> bool:
    return importlib.import_module(f"tests.benchmarks.{name}").main() is True


def met_elsewhere(name: str) -> bool:
    program = [sys.executable, "-m", "tests.benchmarks", name.removeprefix("bench_")]
    return subprocess.run(program, check=False).returncode == 0


def main(wanted: list[str]) -> int:
    chosen = [name for name in names() if not wanted or name.removeprefix("bench_") in wanted]
    if len(chosen) == 1:
        return 0 if met(chosen[0]) else 1
    missed = [name for name in chosen if not met_elsewhere(name)]
    if missed:
        sys.stdout.write(f"missed: {', '.join(missed)}\n")
    return 1 if missed or not chosen else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
