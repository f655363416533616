"""B16 through the shop: a capacity test is a job of one cell at a station with a load."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shop.equipment.models import Station
from shop.evidence.rules.balance import balance_of
from shop.evidence.rules.measured import capacity_of
from shop.jobs.models import Job
from shop.jobs.planning import plan
from shop.jobs.services.orders import claim_job, create_job
from shop.jobs.versions import store_recipe
from shop.refusals import Refusal
from stations.procedures.state import Record
from stations.procedures.steps import Discharge
from tests import factories
from tests.cast import Cast
from tests.shop.packs.factories import charge

NOON = factories.NOON


def job(cast: Cast, cells: int = 1) -> Job:
    recipe = store_recipe(
        name="Capacity", procedure="capacity_test", parameters={}, by=cast.sade, now=NOON
    )
    made = factories.make_cells(cells)
    return create_job(recipe_version=recipe, cells=made, by=cast.tola, now=NOON)


def claimed(cast: Cast, station: Station) -> Job:
    return claim_job(job=job(cast), station=station, by=cast.tola, now=NOON)


def test_a_job_of_the_recipe_is_planned_for_the_stations_load(cast: Cast) -> None:
    station = factories.make_station(load=True, now=NOON)

    planned = plan(claimed(cast, station), station)

    (step,) = [s for s in planned.program.steps if isinstance(s, Discharge)]
    assert planned.program.name == "capacity test"
    assert step.draw.current_a == 100.0  # 0.5C of 200 Ah
    assert planned.lasts > timedelta(hours=14 + 2)


def test_a_plan_keeps_to_the_rate_at_which_the_cell_may_be_discharged(cast: Cast) -> None:
    station, slow = factories.make_station(load=True, now=NOON), factories.make_cell_type()
    cells = factories.make_cells(1, batch=factories.make_batch(cell_type=slow))
    made = factories.make_job(
        by=cast.tola, cells=cells, recipe_version=factories.make_capacity_recipe(by=cast.sade)
    )
    for rate in (None, 0.5):
        slow.discharge_c_max = rate
        slow.save()
        plan(made, station)

    slow.discharge_c_max = 0.4
    slow.save()

    with pytest.raises(Refusal, match=r"0\.50C, more than the 0\.40C that the cell's datasheet"):
        plan(made, station)


def test_a_station_without_a_load_cannot_claim_it(cast: Cast) -> None:
    with pytest.raises(Refusal, match="has no load"):
        claimed(cast, factories.make_station(now=NOON))


def test_it_takes_one_cell(cast: Cast) -> None:
    with pytest.raises(Refusal, match="one cell, not 2"):
        job(cast, cells=2)


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"gap_max_s": 6.0}, "outside 1 … 5"),
        ({"cutoff_v": 2.4}, "outside 2.5"),
        ({"tail_basis": "bank"}, "is not known"),
        ({"stop_above_v": 0.015}, "must not exceed 'stop_above_v'"),
    ],
)
def test_a_wrong_recipe_is_refused_by_name(
    cast: Cast, parameters: dict[str, object], words: str
) -> None:
    with pytest.raises(Refusal, match=words):
        store_recipe(
            name="C", procedure="capacity_test", parameters=parameters, by=cast.sade, now=NOON
        )


def discharge(*remarks: str, **facts: float) -> Record:
    usual = {"drawn_ah": 192.0, "drawn_wh": 611.0, "current_a": 100.0}
    return Record("discharge", "discharge", NOON, NOON, (), remarks, tuple((usual | facts).items()))


@pytest.mark.parametrize(
    ("records", "capacity_ah"),
    [
        ([charge("done"), discharge("done")], 192.0),
        ([charge("done"), discharge("cut short", "stopped")], None),
        ([charge("partial", "stopped"), discharge("done")], None),
        ([discharge("done")], None),
        ([charge("done")], None),
        ([charge("done"), discharge("done", drawn_ah=float("nan"))], None),
        ([charge("done"), discharge("done"), charge("done")], None),
    ],
)
def test_only_a_whole_discharge_after_a_whole_charge_is_a_capacity(
    records: list[Record], capacity_ah: float | None
) -> None:
    found = capacity_of(records)

    assert (found.capacity_ah if found else None) == capacity_ah


def test_a_cell_that_was_discharged_has_no_balance_of_its_charge() -> None:
    assert balance_of([charge("done")]) is not None
    assert balance_of([charge("done"), discharge("done")]) is None
