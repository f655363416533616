"""`check`: a guardian of its own for the bench, one session at it, a report at the end.

The guardian is the ordinary one, as a child: whatever becomes of this process, it switches off and
proves it.  Where another guardian holds the bench nothing is begun.
"""

from __future__ import annotations

import ctypes
import os
import platform
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from stations import __version__
from stations.bench import BenchError
from stations.clock import guard_s, wall_now
from stations.commissioning import procedure
from stations.commissioning.figures import (
    CannotCommission,
    Figures,
    Judged,
    Plan,
    plan,
)
from stations.commissioning.report import Commissioned, Report, judged
from stations.commissioning.terminal import Terminal
from stations.config import BenchConfig, load
from stations.drivers.registry import DRIVERS
from stations.guardian.direct import switch_off
from stations.guardian.service import BenchTaken, alone
from stations.guardian_client import GuardianBench, GuardianLink, GuardianSilent
from stations.values import MeterRatings, SupplyRatings

RUN = "commissioning"
TAKEN = 3  # exit code of a guardian that found another one
START_S = 30.0
LEAVE_S = 40.0
OFF_S = 20.0
LOG = "commissioning.log"  # what the guardian says, beside bench.toml
HURRY_MAX = 1000.0  # a simulated bench runs at most so much faster
_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None)


class NotProvenOff(Exception):
    """After all the output is not proven off: pull the leads; the message says what was tried."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What the person asked for on the command line; None leaves it to the supply's rating."""

    target_v: float
    large_a: float | None


def check(path: Path, asked: Asked, person: Terminal) -> Report:
    """The report on the bench of the bench.toml at `path`, passed or not.

    Raises CannotCommission before anything was measured, BenchTaken where a guardian runs, and
    NotProvenOff.
    """
    config = load(path)
    by = judged_by(config)
    chosen = plan(by.supply, target_v=asked.target_v, large_a=asked.large_a)
    with alone(config.folder):
        person.begin()
    with _guardian(path, config) as link:
        return _session(config, link, chosen, by, person)


def judged_by(config: BenchConfig) -> Judged:
    supply, meter = (DRIVERS[i.driver].ratings for i in (config.supply, config.meter))
    assert isinstance(supply, SupplyRatings)  # noqa: S101 - bench.toml names drivers by role
    assert isinstance(meter, MeterRatings)  # noqa: S101
    return Judged(supply, meter.accuracy_v)


def _session(
    config: BenchConfig, link: GuardianLink, chosen: Plan, by: Judged, person: Terminal
) -> Report:
    status = link.status()
    token = int(status["highest_token"]) + 1
    hurry = HURRY_MAX if status["simulated"] else 1.0
    with GuardianBench(
        config.socket,
        run=RUN,
        attempt=token,
        token=token,
        limits=procedure.limits(chosen, hurry=hurry),
        program={"name": RUN, "version": "1"},
        valid_s=900.0,
    ) as bench:
        person.say("every instrument is the one in bench.toml")
        figures, ended = _figures(bench, chosen, by, person)
        journal = _closed(bench, token, ended)
        return _report(config, bench, figures, by, ended, journal)


def _figures(
    bench: GuardianBench, chosen: Plan, by: Judged, person: Terminal
) -> tuple[Figures, str]:
    """What was seen, and why it ended early."""
    seen = [Figures(target_v=chosen.target_v)]
    try:
        seen.append(procedure.commission(bench, chosen, by, person, seen.append))
    except (CannotCommission, BenchError) as error:
        return seen[-1], str(error)
    return seen[-1], ""


def _closed(bench: GuardianBench, token: int, ended: str) -> dict[str, str]:
    """The journal's name and last hash; without one where the guardian is gone."""
    told = {"name": f"{RUN}-{token}"}
    with suppress(BenchError):
        kind = "STOPPED" if ended else "FINISHED"
        closed = bench.close(kind=kind, reason=ended or "commissioned")
        told["head"] = str(closed["head"])
    return told


def _report(
    config: BenchConfig,
    bench: GuardianBench,
    figures: Figures,
    by: Judged,
    ended: str,
    journal: dict[str, str],
) -> Report:
    found, passed = judged(figures, by, ended)
    drivers = {instrument.role: instrument.driver for instrument in config.instruments}
    return Report(
        station=config.station,
        at=wall_now(),
        simulated=bench.simulated,
        instruments=tuple(
            Commissioned(driver=drivers[said["role"]], **said) for said in bench.instruments
        ),
        figures=figures,
        judged_by=by,
        findings=found,
        passed=passed,
        journal=journal,
        software={"version": __version__, "python": platform.python_version()},
        ended=ended,
    )


@contextmanager
def _guardian(path: Path, config: BenchConfig) -> Iterator[GuardianLink]:
    """An ordinary guardian of this bench, ours until the end; its last act is off, proven."""
    with (config.folder / LOG).open("wb") as log:
        child = subprocess.Popen(
            [sys.executable, "-m", "stations", "guard", str(path)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,  # Ctrl-C is for us; we then end it in order
            preexec_fn=_die_with(os.getpid()),
        )
    try:
        link = GuardianLink(config.socket)
        _wait_off(child, link)
        yield link
    finally:
        _end(child, config)


def _end(child: subprocess.Popen[bytes], config: BenchConfig) -> None:
    """The guardian proves the output off and leaves; where it died, that is done without it."""
    child.terminate()
    with suppress(subprocess.TimeoutExpired):
        child.wait(LEAVE_S)
    if child.returncode in (0, TAKEN):
        return
    if child.returncode is None:
        raise NotProvenOff(f"the guardian {child.pid} does not end: pull the supply's leads")
    with alone(config.folder):
        found = switch_off(config, until_s=guard_s() + OFF_S)
    if found.proof is None:
        raise NotProvenOff(f"{found.alarm}: pull the supply's leads")


def _die_with(parent: int) -> Callable[[], None]:
    """For the child before exec: the kernel ends it in order when we die, even by kill -9."""

    def in_child() -> None:
        _libc.prctl(_PR_SET_PDEATHSIG, int(signal.SIGTERM))
        if os.getppid() != parent:
            os._exit(1)

    return in_child


def _wait_off(child: subprocess.Popen[bytes], link: GuardianLink) -> None:
    pause, deadline, words = threading.Event(), guard_s() + START_S, "it does not answer"
    while guard_s() < deadline:
        if child.poll() is not None:
            if child.returncode == TAKEN:
                raise BenchTaken("another guardian took the bench meanwhile")
            raise CannotCommission(f"the guardian ended at once: {LOG} beside bench.toml says why")
        with suppress(GuardianSilent):
            status = link.status()
            words = str(status["alarm"]) or "the output is not proven off yet"
            if status["locked"]:
                break
            if status["output"] == "off":
                return
        pause.wait(0.05)
    raise CannotCommission(f"the output cannot be proven off: {words}")
