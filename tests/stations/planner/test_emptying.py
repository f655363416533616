"""The hours of one load (F5, B9): as the virtual bench takes them, by the very program."""

from __future__ import annotations

from typing import Any

import pytest

from stations.model.bank import Bank, Wiring
from stations.model.cell import cell_of
from stations.model.ocv import ocv_v
from stations.planner.emptying import emptying_hours, emptying_interval
from stations.planner.knowledge import known_by_volts
from stations.runner import begun, run
from stations.virtual import VirtualBench, each_alone
from tests.stations.procedures.test_emptying_plans import bottom, capacity


def played_h(soc: float, **recipe: Any) -> float:
    made = bottom(2, **recipe)
    bank = Bank([cell_of(200.0)] * 2, Wiring(), soc=[soc] * 2, linked=False, fed=False)
    person = each_alone(2, after_s=0.0)
    bench = VirtualBench(bank, person=person, sample_s=4.0)
    outcome = run(begun(made, bench.clock.now()), bench)
    assert outcome.kind == "FINISHED", outcome.reason
    return (bench.clock.now() - outcome.run.started_at).total_seconds() / 3600


@pytest.mark.parametrize(("soc", "tapers"), [(0.50, True), (0.40, False)])
def test_they_are_those_of_the_virtual_bench(soc: float, tapers: bool) -> None:
    """Within 3 %: the voltage has a plateau, where the current is constant; one nominal cell."""
    planned = emptying_hours(bottom(2, tapers=tapers), 200.0, soc=soc)

    assert planned == pytest.approx(played_h(soc, tapers=tapers), rel=0.03)


def test_the_hours_of_a_hold_are_played_too() -> None:
    planned = emptying_hours(bottom(2, finish="cv"), 200.0, soc=0.30)

    assert planned == pytest.approx(played_h(0.30, finish="cv"), rel=0.03)


@pytest.mark.parametrize("soc", [0.35, 0.60])
def test_volts_at_rest_tell_the_hours_as_far_as_they_tell_the_charge(soc: float) -> None:
    """Cells that were last discharged rest below the curve, by the hysteresis of the plateau."""
    known = known_by_volts((float(ocv_v(soc)),) * 2, 200.0)

    hours = emptying_interval(bottom(2), known)

    assert hours.low < played_h(soc) < hours.high
    assert hours.low < hours.middle < hours.high


def test_sixteen_cells_on_one_load_take_four_days() -> None:
    hours = emptying_hours(bottom(16), 200.0, soc=1.0)

    assert 95 < hours < 110
    assert hours == pytest.approx(16 * emptying_hours(bottom(2), 200.0, soc=1.0) / 2)


def test_a_capacity_test_has_the_hours_of_its_discharge_and_rests() -> None:
    assert emptying_hours(capacity(), 200.0, soc=1.0) == pytest.approx(2.0 + 0.5, abs=0.1)
