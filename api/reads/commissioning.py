"""How stations were commissioned, and what keeps each from running unattended (F4)."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from shop.equipment.models import Commissioning, Station
from shop.equipment.queries import commissioned, newest_commissionings
from shop.equipment.rules.commissioning import commissioning_problems
from shop.jobs.policies import policy_of
from shop.jobs.queries import policy_in_force
from shop.refusals import Problem


@dataclass(frozen=True, slots=True)
class CommissioningShown:
    """The newest report; `problems` is empty where it would allow an unattended run.

    `drawing`: what more keeps a run that draws by the load from being left alone.
    """

    measured_at: datetime | None
    passed: bool
    lead_milliohm: float | None
    problems: tuple[Problem, ...]
    drawing: tuple[Problem, ...]


def of_stations(stations: Iterable[Station], *, now: datetime) -> Mapping[int, CommissioningShown]:
    """By station; `instruments` of each should be prefetched."""
    rows = list(stations)
    newest = newest_commissionings(rows)
    version = policy_in_force()
    policy = policy_of(version.parameters if version else {})
    valid_for = timedelta(seconds=policy.commissioning_valid_s)
    return {row.pk: _shown(row, newest.get(row.pk), now, valid_for) for row in rows}


def _shown(
    station: Station, row: Commissioning | None, now: datetime, valid_for: timedelta
) -> CommissioningShown:
    registered = {i.role: i.serial_number for i in station.wired}
    problems, drawing = (
        commissioning_problems(
            commissioned(row), registered=registered, now=now, valid_for=valid_for, draws=draws
        )
        for draws in (False, "load" in registered)
    )
    milliohm = row.report.lead_milliohm if row else math.nan
    return CommissioningShown(
        measured_at=row.measured_at if row else None,
        passed=row.passed if row else False,
        lead_milliohm=milliohm if math.isfinite(milliohm) else None,
        problems=tuple(problems),
        drawing=tuple(problem for problem in drawing if problem not in problems),
    )
