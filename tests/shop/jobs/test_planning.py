"""A job's plan at a station: program and both tails in amps, or every reason against (B1, B2)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from shop.equipment.models import Station
from shop.equipment.services import record_commissioning
from shop.jobs.models import Job
from shop.jobs.planning import plan
from shop.refusals import Refusal
from stations.procedures.steps import Charge
from tests import factories
from tests.cast import Cast
from tests.shop.equipment.reports import document_of
from tests.stations.commissioning.made import PLAN, good, plateau_at


def test_plans_the_amps_of_both_tail_bases_before_start(cast: Cast) -> None:
    job = factories.make_job(by=cast.tola)

    planned = plan(job, factories.make_station())

    assert planned.facts["current_a"] == 14.4
    assert (planned.facts["tail_done_bank_a"], planned.facts["tail_partial_bank_a"]) == (1.0, 2.0)
    assert (planned.facts["tail_done_cell_a"], planned.facts["tail_partial_cell_a"]) == (0.25, 0.5)
    assert planned.lasts > timedelta(hours=50)
    assert len(planned.sha256) == 64


def test_a_supervisor_may_allow_the_full_rating(cast: Cast) -> None:
    version = factories.make_recipe_version(by=cast.sade, full_rating_allowed=True)
    job = factories.make_job(by=cast.tola, recipe_version=version)

    assert plan(job, factories.make_station()).facts["current_a"] == 18.0


def test_refuses_a_tail_that_can_never_be_reached(cast: Cast) -> None:
    small = factories.make_batch(cell_type=factories.make_cell_type(capacity_ah=5.0))
    job = factories.make_job(by=cast.tola, cells=factories.make_cells(2, batch=small))

    with pytest.raises(Refusal, match="below what RD6018 resolves"):
        plan(job, factories.make_station())


def test_refuses_a_station_whose_driver_is_not_known(cast: Cast) -> None:
    station = factories.make_station()
    station.instruments.filter(role="supply").update(driver="charger_xl")

    with pytest.raises(Refusal, match="no supply driver 'charger_xl'"):
        plan(factories.make_job(by=cast.tola), station)


@pytest.mark.parametrize(
    ("away", "words"),
    [
        (["supply"], "has no supply. Register one on"),
        (["meter"], "has no meter. Register one on"),
        (["supply", "meter"], "has no supply and no meter. Register both on"),
    ],
)
def test_a_station_without_supply_or_meter_says_which_it_lacks(
    cast: Cast, away: list[str], words: str
) -> None:
    station = factories.make_station()
    station.instruments.filter(role__in=away).update(station=None)

    with pytest.raises(Refusal, match=words):
        plan(factories.make_job(by=cast.tola), station)


def commissioned(cast: Cast, **changes: Any) -> tuple[Job, Station]:
    """A job, and a station whose report has these figures."""
    station = factories.make_station()
    document = document_of(station, figures=good(**changes))
    record_commissioning(station=station, document=document, by=cast.tola, now=factories.NOON)
    return factories.make_job(by=cast.tola), station


def test_the_trim_knows_the_offset_that_was_commissioned(cast: Cast) -> None:
    """B5: the supply's voltmeter shows 4 mV more than the bank has, with nothing drawn."""
    planned = plan(*commissioned(cast))

    (balance, refresh) = [step for step in planned.program.steps if isinstance(step, Charge)]
    assert balance.trim.offset_v == pytest.approx(-0.004)
    assert refresh.trim.offset_v == pytest.approx(-0.004)


def test_another_supply_is_not_corrected_by_what_was_commissioned(cast: Cast) -> None:
    job, station = commissioned(cast)
    station.instruments.filter(role="supply").update(serial_number="another")

    (balance, _) = [s for s in plan(job, station).program.steps if isinstance(s, Charge)]
    assert balance.trim.offset_v == 0.0


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"off_a": 0.60}, "ammeter shows [+]0.600 A with nothing flowing"),
        ({"large": plateau_at(PLAN.large_a, lead_ohm=0.045)}, "lead 55 mΩ when the bench was"),
    ],
)
def test_refuses_what_the_commissioning_found_unfit(
    cast: Cast, changes: dict[str, Any], words: str
) -> None:
    """B2, B6: a zero of half the tail, leads that the meter could not be told from."""
    with pytest.raises(Refusal, match=words):
        plan(*commissioned(cast, **changes))
