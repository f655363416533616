"""A job's plan at a station: program and both tails in amps, or every reason against (B1, B2)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shop.jobs.planning import plan
from shop.refusals import Refusal
from tests import factories
from tests.cast import Cast


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
