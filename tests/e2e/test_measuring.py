"""The pages of a DC resistance and of a self-discharge watch, at phone and desk size."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from shop import clock
from tests import factories
from tests.cast import Cast
from tests.e2e.shop import SIZES, Person
from tests.e2e.test_every_page import assert_accessible, assert_fits
from tests.played import play_resistance, play_watch

LOST = (0.02, 0.015, 0.025, 0.10)


def pages_of(cast: Cast) -> dict[str, str]:
    """A cell with much resistance, a group that is checked once and one that is checked twice."""
    now = clock.now()
    station = factories.make_station(load=True, now=now - timedelta(days=6))
    (cell,), once, twice = (factories.make_cells(n) for n in (1, 4, 4))
    resistance = play_resistance(
        by=cast.tola,
        cell=cell,
        station=station,
        began_at=now - timedelta(hours=2),
        times_ohm=2.0,
    )
    for cells, ago, passed in ((twice, 4, 0.0), (once, 2, 0.0), (twice, 1, 3.0)):
        run = play_watch(
            by=cast.tola,
            cells=cells,
            station=station,
            began_at=now - timedelta(days=ago),
            days=passed,
            lost_month=LOST,
        )
        if cells is once:
            first = run
    planned = factories.make_job(
        by=cast.tola,
        cells=[cell],
        recipe_version=resistance.job.recipe_version,
        claimed_at=station,
        now=now,
    )
    return {
        "job-resistance": f"/jobs/{planned.pk}",
        "run-resistance": f"/runs/{resistance.pk}",
        "cell-resistance": f"/cells/{cell.serial}",
        "run-first": f"/runs/{first.pk}",
        "job-first": f"/jobs/{first.job_id}",
        "run-second": f"/runs/{run.pk}",
        "cell-leaks": f"/cells/{twice[3].serial}",
    }


@pytest.mark.parametrize("size", SIZES)
def test_what_was_measured_fits_on_its_pages(
    browser: Browser, site: str, cast: Cast, shots: Path, size: str
) -> None:
    factories.make_policy(by=cast.sade)
    person = Person(browser, site, size=SIZES[size])
    person.log_in("tola")

    for name, path in pages_of(cast).items():
        page = person.open(path)
        page.screenshot(path=shots / f"{name}-{size}.png", full_page=True)
        assert_fits(page, name)
        if size == "phone":
            assert_accessible(page, name)

    person.leave()
    assert person.complaints == []
