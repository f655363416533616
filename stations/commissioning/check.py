"""`check`: a guardian of its own for the bench, one session at it, a report at the end.

The guardian is the ordinary one, as a child: whatever becomes of this process, it switches off and
proves it.  Where another guardian holds the bench nothing is begun.
"""

from __future__ import annotations

import platform
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from stations import __version__
from stations.bench import BenchError
from stations.clock import wall_now
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
from stations.guardian.child import own_guardian
from stations.guardian.service import alone
from stations.guardian_client import GuardianBench, GuardianLink
from stations.values import MeterRatings, SupplyRatings

RUN = "commissioning"
LOG = "commissioning.log"  # what the guardian says, beside bench.toml
HURRY_MAX = 1000.0  # a simulated bench runs at most so much faster


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
    with own_guardian(path, config, LOG) as link:
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
