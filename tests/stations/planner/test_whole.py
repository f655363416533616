"""Hours of a whole program that no formula tells, before its start: a pack's recovery (F5, B14)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from stations.planner.knowledge import known_by_volts, unknown_soc
from stations.planner.whole import string_hours
from stations.procedures.steps import SeriesCharge
from tests.stations.planner.random_runs import played_runs
from tests.stations.procedures import test_pack_recovery

MADE = test_pack_recovery.made()
AH = 100.0


def test_a_recovery_is_foretold_from_the_volts_of_its_cells_at_rest() -> None:
    """Filled, held for 5 h, emptied, filled, held again: a day, known to an hour or two."""
    (played,) = played_runs("pack recovery", 1, seed=4)
    rested_v = float(played.seen.rested_v[0])

    hours = string_hours(played.program, known_by_volts((rested_v,) * 4, AH), rested_v)

    assert hours is not None
    assert hours.low - 1.0 <= played.whole_h <= hours.high + 1.0
    assert hours.high - hours.low < 0.2 * played.whole_h


def test_cells_that_nobody_measured_make_it_wide() -> None:
    unknown = string_hours(MADE, unknown_soc(4, AH), None)
    measured = string_hours(MADE, known_by_volts((3.38,) * 4, AH), 3.38)

    assert unknown is not None
    assert measured is not None
    assert unknown.high - unknown.low > 10 * (measured.high - measured.low)
    assert unknown.low < unknown.middle < unknown.high


@pytest.mark.parametrize("rested_v", [None, 3.30])
def test_what_would_not_come_to_its_end_has_no_hours(rested_v: float | None) -> None:
    steps = tuple(
        replace(step, timeout=timedelta(minutes=5)) if isinstance(step, SeriesCharge) else step
        for step in MADE.steps
    )

    assert string_hours(replace(MADE, steps=steps), unknown_soc(4, AH), rested_v) is None
