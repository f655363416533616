"""A guardian with a fault of its own: `python -m tests.faults.failing guard <bench.toml>`.

Its next tick raises as soon as there is a file `fail` beside bench.toml.
"""

from __future__ import annotations

import sys
from pathlib import Path

from stations.__main__ import main
from stations.guardian.core import Guardian


class Failed(Exception):
    """What nobody thought of."""


def fail_where_asked(beside: Path) -> None:
    tick = Guardian.tick

    def failing(guardian: Guardian, now_s: float) -> None:
        if (beside / "fail").exists():
            raise Failed
        tick(guardian, now_s)

    setattr(Guardian, "tick", failing)  # noqa: B010


if __name__ == "__main__":
    fail_where_asked(Path(sys.argv[2]).parent)
    sys.exit(main())
