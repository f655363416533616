"""How far a guardian's samples stray from their absolute schedule, and where the time goes.

Ten samples a second of three instruments that answer after 5 ms, as a runner receives them.  A
sample is begun late by what the loop and the machine take to wake up, and complete later by the
slowest answer, the lanes' hand-over and the drivers; `age_s` is that second part.
"""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Sequence
from pathlib import Path

from stations.guardian_client import GuardianBench
from stations.values import Reading
from stations.wire import socket_in
from tests.benchmarks.answering import Bench, answering
from tests.benchmarks.guarding import guarding
from tests.benchmarks.report import p99, report
from tests.faults.guarded import LIMITS, next_reading

SAMPLES, PERIOD_S, AFTER_S = 300, 0.1, 0.005


def main() -> bool:
    with answering(after_s=AFTER_S) as bench, tempfile.TemporaryDirectory() as folder:
        readings = _readings(bench, Path(folder))
    complete_s = [reading.at.timestamp() for reading in readings]
    begun_s = [reading.at.timestamp() - reading.age_s for reading in readings]
    name, number = "sample period error", f"p99 of {len(readings)}"
    report(f"{name}, complete, {number}", p99(errors_ms(complete_s, PERIOD_S)), unit="ms")
    report(f"{name}, begun, {number}", p99(errors_ms(begun_s, PERIOD_S)), unit="ms")
    beyond_ms = [(reading.age_s - AFTER_S) * 1e3 for reading in readings]
    report(f"sample, beyond its slowest answer, {number}", p99(beyond_ms), unit="ms")
    return report("samples that the schedule skipped", skipped_of(complete_s, PERIOD_S))


def errors_ms(times_s: Sequence[float], period_s: float) -> list[float]:
    """Distances from the schedule that fits best, by the median; a skipped turn is no distance."""
    late_s = [time_s - times_s[0] for time_s in times_s]
    middle_s = statistics.median((late + period_s / 2) % period_s for late in late_s)
    return [abs((late - middle_s) % period_s - period_s / 2) * 1e3 for late in late_s]


def skipped_of(times_s: Sequence[float], period_s: float) -> int:
    return round((times_s[-1] - times_s[0]) / period_s) + 1 - len(times_s)


def _readings(bench: Bench, folder: Path) -> list[Reading]:
    with guarding(bench, folder, PERIOD_S):
        runner = GuardianBench(
            socket_in(folder),
            run="period",
            attempt=1,
            token=1,
            limits=LIMITS,
            program={"name": "test", "version": "1"},
            valid_s=600.0,
        )
        with runner:
            next_reading(runner)
            readings = [_good(next_reading(runner)) for _ in range(SAMPLES)]
            runner.close(kind="STOPPED", reason="enough")
    return readings


def _good(reading: Reading) -> Reading:
    if reading.flags:
        raise ValueError(f"the instruments do not answer: {reading}")
    return reading
