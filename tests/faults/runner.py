"""A runner for fault tests: `python -m tests.faults.runner <socket> <token> charge|draw`, until
it is lost."""

from __future__ import annotations

import sys
from pathlib import Path

from stations.bench import BenchLost
from stations.guardian_client import GuardianBench
from tests.faults.guarded import DRAW, DRAWING, PROTECTION, SETPOINT


def main() -> None:
    token = int(sys.argv[2])
    bench = GuardianBench(
        Path(sys.argv[1]),
        run="r1",
        attempt=token,
        token=token,
        limits=DRAWING,
        program={"name": "test", "version": "1"},
        valid_s=600.0,
    )
    with bench:
        if sys.argv[3] == "draw":
            bench.configure_load(DRAW)
        else:
            bench.configure(SETPOINT, PROTECTION)
        bench.energise()
        _say("on")
        try:
            while True:
                bench.next()
        except BenchLost as lost:
            _say(f"lost: {lost}")
        try:
            bench.energise()
        except BenchLost as lost:
            _say(f"refused: {lost}")


def _say(words: str) -> None:
    sys.stdout.write(words + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
