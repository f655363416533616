"""From a stop at the bench to the opening of the output relay, by the truth log.

Two simulated benches at the speed of real ones charge and take ten samples a second; each stop
finds its guardian at another moment of a sample.  The command counts from the start of its
process.  A hung meter, scanner or supply has not answered for a while when the stop comes; the
supply's own hung link costs the time-out of the read that is under way.
"""

from __future__ import annotations

import random
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime
from functools import partial
from pathlib import Path

from stations.clock import wall_now
from stations.guardian_client import GuardianLink, GuardianSilent
from tests.benchmarks.report import p99, report
from tests.faults.guarded import Guarded, guarded, next_reading
from tests.stations.sim.harness import ROOT, cell
from tests.wait import wait_until

STOPS, HUNG_STOPS = 50, 15  # of each kind on each bench
LOCAL_MS, BEYOND_MS = 250, 300
PERIOD_S = 0.1

Stop = Callable[[Guarded], None]
_one_at_a_time = threading.Lock()


def main() -> bool:
    benches = partial(guarded, cells=[cell(soc=0.95)] * 2, speed=1.0, timing={"sample_s": PERIOD_S})
    with (
        tempfile.TemporaryDirectory() as one,
        tempfile.TemporaryDirectory() as two,
        benches(Path(one)) as first,
        benches(Path(two)) as second,
    ):
        return _figures([first, second])


def _figures(benches: list[Guarded]) -> bool:
    def p99_ms(words: str, stops: int, trial: Callable[[Guarded], float], at_most: float) -> bool:
        with ThreadPoolExecutor() as threads:
            parts = threads.map(lambda b: [trial(b) * 1e3 for _ in range(stops)], benches)
            times_ms = [time_ms for part in parts for time_ms in part]
        title = f"{words}, p99 of {len(times_ms)}"
        return report(title, p99(times_ms), unit="ms", at_most=at_most)

    hung_ms = benches[0].sim.config.timing.io_timeout_s * 1e3 + BEYOND_MS
    return all(
        [
            p99_ms("stop by the command", STOPS, partial(_stopped, _command), LOCAL_MS),
            p99_ms("stop while meter or scanner hangs", STOPS, _other_hangs, LOCAL_MS),
            p99_ms("stop while the supply hangs", HUNG_STOPS, _supply_hangs, hung_ms),
        ]
    )


def _other_hangs(bench: Guarded) -> float:
    return _stopped(_ask, bench, hung=random.choice(("meter", "scanner")))


def _stopped(stop: Stop, bench: Guarded, *, hung: str = "") -> float:
    """Seconds from the stop to off."""
    runner = bench.session()
    bench.charge(runner)
    next_reading(runner)
    if hung:
        bench.sim.hands.fault(hung, "silence")
        _pause(1.5 * PERIOD_S)
    _pause(random.uniform(0, PERIOD_S))
    with _one_at_a_time:
        asked = wall_now()
        stop(bench)
        off_s = _off_since(bench, asked)
    if hung:
        bench.sim.hands.fault(hung, "none")
    runner.close(kind="STOPPED", reason="enough")
    return off_s


def _supply_hangs(bench: Guarded) -> float:
    """The supply obeys and answers nothing; a read of it is under way."""
    runner = bench.session()
    bench.charge(runner)
    next_reading(runner)
    bench.sim.hands.fault("supply", "mute")
    _pause(1.5 * PERIOD_S + random.uniform(0, bench.sim.config.timing.io_timeout_s))
    asked = wall_now()
    with suppress(GuardianSilent):  # there is no proof before the supply answers again
        GuardianLink(bench.sim.config.socket, timeout_s=0.1).stop(reason="figures")
    off_s = _off_since(bench, asked)
    bench.sim.hands.fault("supply", "none")
    runner.close(kind="STOPPED", reason="enough")
    return off_s


def _ask(bench: Guarded) -> None:
    bench.link.stop(reason="figures")


def _command(bench: Guarded) -> None:
    program = [sys.executable, "-m", "stations", "stop", str(bench.sim.bench_toml)]
    subprocess.run(program, cwd=ROOT, stdout=subprocess.DEVNULL, check=True)


def _off_since(bench: Guarded, asked: datetime) -> float:
    wait_until(lambda: not bench.sim.output_is_on(), within_s=10, period_s=0.05)
    return bench.off_since(asked)


def _pause(seconds: float) -> None:
    threading.Event().wait(seconds)
