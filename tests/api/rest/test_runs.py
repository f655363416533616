"""`runs`: follow, confirm, announce, stop, draw (B19, F4)."""

from __future__ import annotations

import json
from typing import Any

import pytest
import redis
from django.conf import settings
from pytest_django import DjangoAssertNumQueries

from shop import clock
from shop.jobs.models import PersonAct, Run
from shop.jobs.states import RunState
from stations.plain import to_plain
from tests import factories
from tests.api.clients import Api, codes
from tests.cast import Cast
from tests.shop.jobs.nights import waiting_alone
from tests.stations.procedures.scripted import program


def running(cast: Cast, step: str, state: RunState = RunState.RUNNING, **values: Any) -> Run:
    """A run of four cells that stands in `step`."""
    plain = to_plain(program())
    at = [known["name"] for known in plain["steps"]].index(step)
    place = {"index": at, "name": step, "title": plain["steps"][at]["title"]}
    return factories.make_run(
        by=cast.tola, state=state, program=plain, step=place, token=1, **values
    )


def test_says_where_the_run_stands_and_who_is_needed(cast: Cast, tola: Api) -> None:
    run = running(cast, "connect")

    body = tola.get(f"runs/{run.pk}").json()

    assert [(s["name"], s["state"]) for s in body["steps"][:3]] == [
        ("pre-parallel", "done"),
        ("connect", "now"),
        ("joined", "next"),
    ]
    assert body["needs"]["step"] == "connect"
    assert body["needs"]["confirm"] == "Cells linked, nuts torqued, leads on, polarity checked"
    assert body["announce"] is None
    assert body["target_v"] == 3.65


def test_what_nobody_can_foretell_is_left_out_as_null(cast: Cast, tola: Api) -> None:
    left = tola.get(f"runs/{running(cast, 'connect').pk}/left")

    assert (left.status_code, left.json()) == (200, None)


def test_a_person_may_say_that_they_are_at_the_bench_while_it_charges(
    cast: Cast, tola: Api
) -> None:
    """B19: confirmed ahead, the finish follows at once."""
    run = running(cast, "balance")
    before = tola.get(f"runs/{run.pk}").json()

    answer = tola.post(f"runs/{run.pk}/confirm", step="finish")

    assert (before["needs"], before["announce"]["step"]) == (None, "finish")
    assert answer.status_code == 201
    assert tola.get(f"runs/{run.pk}").json()["announce"] is None


def test_confirms_what_the_run_waits_for_once(cast: Cast, tola: Api) -> None:
    run = running(cast, "connect")

    first = tola.post(f"runs/{run.pk}/confirm", step="connect")
    again = tola.post(f"runs/{run.pk}/confirm", step="connect")

    assert first.status_code == 201
    assert first.json()["id"] == again.json()["id"]
    assert tola.get(f"runs/{run.pk}").json()["needs"] is None
    assert PersonAct.objects.count() == 1


@pytest.mark.parametrize("step", ["balance", "nonsense"])
def test_what_is_not_an_instruction_cannot_be_confirmed(cast: Cast, tola: Api, step: str) -> None:
    answer = tola.post(f"runs/{running(cast, 'connect').pk}/confirm", step=step)

    assert answer.status_code == 409
    assert codes(answer)
    assert not PersonAct.objects.exists()


def test_a_run_that_is_over_takes_no_confirmation(cast: Cast, tola: Api) -> None:
    run = running(cast, "connect", RunState.STOPPED)

    answer = tola.post(f"runs/{run.pk}/confirm", step="connect")

    assert (answer.status_code, codes(answer)) == (409, ["run_not_running"])


def test_a_confirmation_names_its_step(cast: Cast, tola: Api) -> None:
    answer = tola.post(f"runs/{running(cast, 'connect').pk}/confirm")

    assert (answer.status_code, codes(answer)) == (400, ["malformed"])


def test_anyone_may_stop_any_number_of_times(cast: Cast, sade: Api) -> None:
    run = running(cast, "balance")

    first = sade.post(f"runs/{run.pk}/stop")
    again = sade.post(f"runs/{run.pk}/stop")

    assert (first.status_code, again.status_code) == (202, 202)
    assert first.json()["stop_requested_at"] == again.json()["stop_requested_at"] is not None


def test_a_run_that_is_over_stays_as_it_is_when_stopped(cast: Cast, tola: Api) -> None:
    run = running(cast, "disconnect", RunState.FINISHED)

    answer = tola.post(f"runs/{run.pk}/stop")

    assert (answer.status_code, answer.json()["state"]) == (202, "FINISHED")


def test_shows_what_the_bench_says_now_with_its_age(
    cast: Cast, tola: Api, redis_client: redis.Redis
) -> None:
    run = running(cast, "balance")
    reading = {
        "voltage_v": 3.6123,
        "supply_voltage_v": 3.68,
        "supply_current_a": 14.4,
        "cell_voltages_v": [3.61, None],
        "received_at": clock.now().isoformat(),
        "at": clock.now().isoformat(),
    }
    told = {"reading": reading, "output": "on", "step": {"name": "balance"}, "speed": 240.0}
    redis_client.set(f"live:{run.station.slug}", json.dumps(told))

    live = tola.get(f"runs/{run.pk}").json()["live"]

    assert (live["voltage_v"], live["output"], live["speed"]) == (3.6123, "on", 240.0)
    assert live["age_s"] < 60.0


def test_a_silent_broker_only_takes_the_live_figures_away(
    cast: Cast, tola: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    from api.reads import live

    live.connection.cache_clear()
    monkeypatch.setattr(settings, "REDIS_URL", "redis://127.0.0.1:1/0")

    answer = tola.get(f"runs/{running(cast, 'balance').pk}")
    live.connection.cache_clear()

    assert (answer.status_code, answer.json()["live"]) == (200, None)


def test_a_curve_without_readings_is_empty_and_not_an_error(cast: Cast, tola: Api) -> None:
    body = tola.get(f"runs/{running(cast, 'connect').pk}/curve?points=abc").json()

    assert (body["at"], body["voltage_v"], body["readings"]) == ([], [], 0)


def test_one_run_takes_a_fixed_number_of_queries(
    cast: Cast, tola: Api, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    run = running(cast, "connect")

    with django_assert_num_queries(9):  # session, user, run, acts, cells, checks, tests, steps
        tola.get(f"runs/{run.pk}")


@pytest.mark.parametrize("path", ["runs/999", "runs/999/curve"])
def test_an_unknown_run_is_404(tola: Api, path: str) -> None:
    assert tola.get(path).status_code == 404


def test_a_night_that_waits_tells_programs_how_to_begin_it_now(cast: Cast, tola: Api) -> None:
    """F6: the same act as on the page."""
    run = waiting_alone(cast, now=clock.now())
    before = tola.get(f"runs/{run.pk}").json()
    assert (before["begin"]["step"], before["needs"]) == ("wait", None)
    assert before["not_before"] is not None
    assert ("wait", "now") in [(step["kind"], step["state"]) for step in before["steps"]]

    answer = tola.post(f"runs/{run.pk}/confirm", step="wait")

    assert answer.status_code == 201
    assert tola.get(f"runs/{run.pk}").json()["begin"] is None


def test_a_wait_that_has_not_come_cannot_be_ended_yet(cast: Cast, tola: Api) -> None:
    run = waiting_alone(cast, "connect", now=clock.now())

    answer = tola.post(f"runs/{run.pk}/confirm", step="wait")

    assert (answer.status_code, codes(answer)) == (409, ["step_not_now"])
    assert tola.get(f"runs/{run.pk}").json()["begin"] is None
