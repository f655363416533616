"""What is offered beside a plan can be done, and takes the hours that the planner plays (F5)."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest

from stations.planner.alternatives import (
    AT_ONCE,
    IN_SERIES,
    SAME,
    Alternative,
    Make,
    Variant,
    alternatives,
    loads,
)
from stations.planner.emptying import emptying_interval
from stations.planner.hours import Interval, charge_of, courses, interval
from stations.planner.knowledge import Known, known_by_volts
from stations.procedures import (
    bottom_balance,
    series_precharge,
    single_cells,
    step_pause,
    top_balance,
)
from stations.procedures.steps import Program
from stations.values import SupplyRatings, Window
from tests.stations.procedures.scripted import LOAD, SUPPLY

EA = replace(SUPPLY, model="PS 9080-60 T", voltage_max_v=80.0, current_max_a=60.0)
LONG = Interval(150.0, 200.0, 300.0)
THICK, USUAL = Window(0.002, 0.003), Window(0.005, 0.008)


@dataclass(frozen=True)
class Jobs:
    """Plans variants of one procedure for 200 Ah cells, as a shop would."""

    procedure: str = "top"

    def __call__(self, variant: Variant) -> Program:
        if variant.method == IN_SERIES:
            target_v = 3.60 if self.procedure == "step" else 3.65
            recipe = series_precharge.Recipe(target_v=target_v)
            return series_precharge.program(
                series_precharge.Spec(
                    recipe, variant.cells, 200.0, 3.65, 2.5, variant.supply, cell_r_ohm=0.00025
                )
            )
        stepped = self.procedure == "step" and variant.method == SAME
        spec = top_balance.Spec(
            recipe=step_pause.Recipe() if stepped else top_balance.Recipe(),
            cells=variant.cells,
            capacity_ah=200.0,
            cell_voltage_max_v=3.65,
            cell_voltage_min_v=2.50,
            cell_r_ohm=0.00025,
            supply=variant.supply,
            full_rating_allowed=variant.full_rating,
        )
        if stepped:
            return step_pause.program(spec, step_pause.Recipe())
        if self.procedure == "single" and variant.method != AT_ONCE:
            return single_cells.program(spec)
        return top_balance.program(spec)


def emptied(variant: Variant) -> Program:
    recipe = bottom_balance.Recipe()
    return bottom_balance.program(
        bottom_balance.Spec(recipe, variant.cells, 200.0, 3.65, 2.5, LOAD)
    )


def cells_at(volts: float, cells: int, leads_ohm: Window = THICK) -> Known:
    return replace(known_by_volts([volts] * cells, 200.0), leads_ohm=leads_ohm)


def offered(
    make: Make, known: Known, supply: SupplyRatings, planned: Interval = LONG
) -> dict[str, Alternative]:
    found = alternatives(make, Variant(SAME, known.cells, supply), known, planned)
    return {other.words: other for other in found}


def starting(found: dict[str, Alternative], words: str) -> list[str]:
    return [said for said in found if said.startswith(words)]


def test_they_are_quicker_and_take_the_hours_that_the_planner_plays() -> None:
    """0.2C of the bank is 320 A; 0.3 V over 3 mohm let some 100 A through."""
    known, make = cells_at(3.25, 8), Jobs()

    found = offered(make, known, SUPPLY, Interval(85.0, 90.0, 95.0))

    assert all(other.hours.middle <= 72.0 for other in found.values())
    hours = [other.hours.middle for other in found.values()]
    assert hours == sorted(hours)
    (larger,) = starting(found, "a supply that gives")
    assert larger.endswith("what these leads carry")
    amps = float(larger.split()[4])
    assert 80 < amps < 120
    program = make(Variant(SAME, 8, replace(SUPPLY, current_max_a=amps / 0.8, power_max_w=1e6)))
    charge = charge_of(program)
    assert charge is not None
    played = interval([c.hours for c in courses(program, charge, known, settings=6)])
    assert found[larger].hours.middle == pytest.approx(played.middle, rel=0.1)


def test_where_the_leads_limit_thicker_ones_are_offered_and_no_other_supply() -> None:
    found = offered(Jobs(), cells_at(3.25, 8, USUAL), EA)

    assert not starting(found, "a supply that gives")
    assert starting(found, "leads of 2.5 to 4.0 mΩ")


def test_step_and_pause_is_never_offered_all_of_a_supply_nor_a_string_to_its_first_stage() -> None:
    found = offered(Jobs("step"), cells_at(3.45, 4), SUPPLY)

    assert not starting(found, "the full")
    assert [words for words in found if "at 14.4 V" in words]  # 4 x 3.60
    assert starting(found, "a parallel top balance of all at once")


@pytest.mark.parametrize(
    ("cells", "shared"),
    [(8, "4 cells each"), (5, "up to 3 cells each"), (7, "up to 4 cells each")],
)
def test_two_stations_take_all_cells(cells: int, shared: str) -> None:
    found = offered(Jobs("single"), cells_at(3.45, cells), SUPPLY)

    assert starting(found, f"two stations like this one, {shared}")
    assert not [words for words in found if "series" in words]


def test_a_supply_that_lacks_the_volts_is_offered_two_strings_and_a_higher_supply() -> None:
    """B10: 16 cells need 58.4 V; on 30 V there are two strings of 8."""
    small = replace(SUPPLY, voltage_max_v=30.0)

    found = offered(Jobs(), cells_at(3.25, 16), small)

    (halves,) = starting(found, "a series pre-charge behind a BMS of 2 strings of 8")
    (higher,) = starting(found, "a series pre-charge behind a BMS with a supply of 60 V")
    assert "at 29.2 V" in halves
    assert "at 58.4 V" in higher
    assert found[higher].hours.middle < found[halves].hours.middle


def test_a_slow_parallel_bank_is_offered_its_series_precharge_with_hours() -> None:
    known = Known(200.0, (Window(0.5, 0.5),) * 16, THICK)

    found = offered(Jobs(), known, SUPPLY, Interval(100.0, 111.0, 120.0))

    (words,) = starting(found, "a series pre-charge behind a BMS at 58.4 V")
    assert 5.0 < found[words].hours.middle < 20.0


def test_beside_a_plan_that_does_not_finish_all_that_does_is_offered() -> None:
    known, own = cells_at(3.25, 4, Window(0.024, 0.024)), Variant(SAME, 4, SUPPLY)
    short = Interval(1.0, 1.0, 1.0)

    found = alternatives(Jobs(), own, known, short, finishes=False)

    assert any(other.words.startswith("leads of 12.0 to 12.0 mΩ") for other in found)
    assert alternatives(Jobs(), own, known, short) == ()


def test_cells_that_one_load_empties_are_shared_among_stations() -> None:
    known = known_by_volts([3.30] * 16, 200.0)
    hours = emptying_interval(emptied(Variant(SAME, 16, SUPPLY)), known)

    two, four = reversed(loads(emptied, Variant(SAME, 16, SUPPLY), known, hours))

    assert two.words == "2 stations with a load like this one, 8 cells each"
    assert two.hours.middle == pytest.approx(hours.middle / 2)
    assert four.hours.middle == pytest.approx(hours.middle / 4)
