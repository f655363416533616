"""How far a guardian's samples stray from their absolute schedule, and where the time goes.

Ten samples a second of three instruments that answer after 5 ms, as a runner receives them.  A
sample is begun late by what the loop and the machine take to wake up, and complete later by the
slowest answer, the lanes' hand-over and the drivers; `age_s` is that second part.
"""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from stations.guardian_client import GuardianBench, GuardianLink, GuardianSilent
from stations.values import Reading
from stations.wire import socket_in
from tests.benchmarks.answering import CHANNELS, SERIAL_NUMBERS, Bench, answering
from tests.benchmarks.report import p99, report
from tests.faults.guarded import LIMITS, launch, next_reading
from tests.wait import wait_until

SAMPLES, PERIOD_S, AFTER_S = 300, 0.1, 0.005
DRIVERS = {
    "supply": "riden_rd6018",
    "meter": "keysight_34461a",
    "scanner": "keysight_34972a",
}


def main() -> bool:
    with answering(after_s=AFTER_S) as bench, tempfile.TemporaryDirectory() as folder:
        readings = _readings(bench, Path(folder))
    complete_s = [reading.at.timestamp() for reading in readings]
    begun_s = [reading.at.timestamp() - reading.age_s for reading in readings]
    name, number = "sample period error", f"p99 of {len(readings)}"
    report(f"{name}, complete, {number}", p99(_errors_ms(complete_s)), unit="ms")
    report(f"{name}, begun, {number}", p99(_errors_ms(begun_s)), unit="ms")
    beyond_ms = [(reading.age_s - AFTER_S) * 1e3 for reading in readings]
    report(f"sample, beyond its slowest answer, {number}", p99(beyond_ms), unit="ms")
    skipped = round((complete_s[-1] - complete_s[0]) / PERIOD_S) + 1 - len(readings)
    return report("samples that the schedule skipped", skipped)


def _errors_ms(times_s: Sequence[float]) -> list[float]:
    """Distances from the schedule that fits best, by the median."""
    late_s = [time_s - number * PERIOD_S for number, time_s in enumerate(times_s)]
    middle_s = statistics.median(late_s)
    return [abs(one_s - middle_s) * 1e3 for one_s in late_s]


def _readings(bench: Bench, folder: Path) -> list[Reading]:
    with _guardian(bench, folder) as link_path:
        runner = GuardianBench(
            link_path,
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


@contextmanager
def _guardian(bench: Bench, folder: Path) -> Iterator[Path]:
    resources = {"supply": bench.supply, "meter": bench.meter, "scanner": bench.scanner}
    lines = ['station = "bench-1"', f"[timing]\nsample_s = {PERIOD_S}"]
    for role, resource in resources.items():
        lines += [f"[{role}]", f'driver = "{DRIVERS[role]}"', f'resource = "{resource}"']
        lines += [f'serial_number = "{SERIAL_NUMBERS[role]}"']
    lines += [f"channels = {list(CHANNELS)}"]
    (folder / "bench.toml").write_text("\n".join(lines) + "\n")
    process, path = launch(folder), socket_in(folder)
    try:
        wait_until(lambda: _is_off(path), within_s=20)
        yield path
    finally:
        process.terminate()
        process.wait(timeout=20)


def _is_off(path: Path) -> bool:
    try:
        return bool(GuardianLink(path).status()["output"] == "off")
    except GuardianSilent:
        return False
