"""What moves on a run's page: what is asked, live figures, the cells, the window that counts."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
import redis
from django.test import Client

from shop import clock
from shop.equipment.models import StationLease
from shop.jobs.states import RunState
from tests.api.clients import text
from tests.api.rest.test_runs import running
from tests.cast import Cast


def test_what_is_asked_stays_untouched_while_it_stays_the_same(
    cast: Cast, technician: Client
) -> None:
    """A button must not be replaced under a finger on its way to it."""
    run = running(cast, "connect")
    shown = technician.get(f"/runs/{run.pk}/ask").context["shown"].version

    same = technician.get(f"/runs/{run.pk}/ask", {"shown": shown})
    changed = technician.get(f"/runs/{run.pk}/ask", {"shown": "older"})

    assert (same.status_code, same.content) == (204, b"")
    assert "Cells linked" in text(changed)


def test_the_page_loads_anew_when_the_run_ends(cast: Cast, technician: Client) -> None:
    run = running(cast, "balance", RunState.STOPPED)

    assert technician.get(f"/runs/{run.pk}/ask")["HX-Refresh"] == "true"


@pytest.mark.parametrize(("age_s", "words"), [(0.2, "target 3.650 V"), (14, "last seen 14 s ago")])
def test_old_figures_look_old(
    cast: Cast, technician: Client, redis_client: redis.Redis, age_s: float, words: str
) -> None:
    run = running(cast, "balance")
    received_at = clock.now() - timedelta(seconds=age_s)
    reading = {"voltage_v": 3.61, "supply_current_a": 14.4, "received_at": received_at.isoformat()}
    redis_client.set(f"live:{run.station.slug}", json.dumps({"reading": reading}))

    answer = technician.get(f"/runs/{run.pk}/figures")

    assert words in text(answer)
    assert ('class="tiles run old"' in answer.content.decode()) is (age_s > 3)


def test_a_bench_that_told_no_reading_yet_shows_no_empty_figures(
    cast: Cast, technician: Client, redis_client: redis.Redis
) -> None:
    """As while a run waits for its moment: the guardian answers and samples nothing."""
    run = running(cast, "balance", RunState.QUEUED)
    redis_client.set(f"live:{run.station.slug}", json.dumps({"output": "off"}))

    for path in ("/", f"/stations/{run.station.slug}"):
        page = text(technician.get(path))
        assert cast.tola.words in page
        assert "last seen" not in page


def test_the_strip_of_cells_stands_while_they_are_measured(
    cast: Cast, technician: Client, redis_client: redis.Redis
) -> None:
    run = running(cast, "disconnect")
    reading = {
        "voltage_v": 3.641,
        "supply_current_a": 0.0,
        "cell_voltages_v": [3.641, 3.642, 3.604, None],
        "received_at": clock.now().isoformat(),
    }
    redis_client.set(f"live:{run.station.slug}", json.dumps({"reading": reading}))

    page = text(technician.get(f"/runs/{run.pk}/figures"))

    assert "−37 mV to median · outlier" in page


@pytest.mark.parametrize(
    ("minutes", "words"),
    [(1, "s left of the pass window"), (6, "A stricter window holds"), (16, "Too late")],
)
def test_the_pass_window_counts_down_while_the_links_come_off(
    cast: Cast, technician: Client, minutes: int, words: str
) -> None:
    """B7: 5 minutes fresh, 15 minutes at all, from current stopped."""
    run = running(cast, "unlink")
    stopped = clock.now() - timedelta(minutes=minutes)
    StationLease.objects.filter(station=run.station).update(output_at=stopped)

    assert words in text(technician.get(f"/runs/{run.pk}/figures"))


def test_no_window_counts_before_the_last_charge(cast: Cast, technician: Client) -> None:
    run = running(cast, "connect")
    StationLease.objects.filter(station=run.station).update(output_at=clock.now())

    assert "pass window" not in text(technician.get(f"/runs/{run.pk}/figures"))
