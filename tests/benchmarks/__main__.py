"""`python -m tests.benchmarks [name ...]`: run every bench_*.py here, or those named.

Each module has `main() -> bool`, which prints its figures with `report` and says whether every
bar was met.  The exit code is 0 only if all were; a benchmark that raises counts as missed.
"""

from __future__ import annotations

import importlib
import pkgutil
import sys
import traceback

import tests.benchmarks


def names() -> list[str]:
    found = (module.name for module in pkgutil.iter_modules(tests.benchmarks.__path__))
    return sorted(name for name in found if name.startswith("bench_"))


def run(name: str) -> bool:
    try:
        met: object = importlib.import_module(f"tests.benchmarks.{name}").main()
    except Exception:  # one broken benchmark must not hide the figures of the others
        traceback.print_exc()
        return False
    return met is True


def main(wanted: list[str]) -> int:
    chosen = [name for name in names() if not wanted or name.removeprefix("bench_") in wanted]
    missed = [name for name in chosen if not run(name)]
    if missed:
        sys.stdout.write(f"missed: {', '.join(missed)}\n")
    return 1 if missed or not chosen else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
