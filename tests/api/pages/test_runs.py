"""A run's page: status first, what is needed now, STOP always there, figures that age."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from django.test import Client

from shop import clock
from shop.equipment.models import StationLease
from shop.evidence.services.balances import record_balance
from shop.jobs import recipes
from shop.jobs.models import JobEvent, PersonAct, Run
from shop.jobs.planning import plan
from shop.jobs.states import RunState
from tests import factories
from tests.api.clients import logged_in, text
from tests.api.rest.test_runs import running
from tests.cast import Cast
from tests.played import play_bottom, play_series
from tests.shop.jobs.nights import waiting_alone
from tests.shop.packs.factories import charge


def test_says_what_a_person_does_now_in_the_words_of_the_program(
    cast: Cast, technician: Client
) -> None:
    run = running(cast, "connect")

    page = text(technician.get(f"/runs/{run.pk}"))

    assert "Waiting for you" in page
    assert "Rings and watches off" in page
    assert "Cells linked, nuts torqued, leads on, polarity checked" in page
    assert "STOP" in page


def test_confirms_and_the_page_no_longer_asks(cast: Cast, technician: Client) -> None:
    run = running(cast, "connect")

    answer = technician.post(f"/runs/{run.pk}/confirm", {"step": "connect"})

    assert answer.status_code == 303
    assert PersonAct.objects.get().data == {"step": "connect"}
    assert "Confirmed. The bench goes on" in text(technician.get(f"/runs/{run.pk}"))


def test_offers_the_finish_while_the_bank_charges(cast: Cast, technician: Client) -> None:
    """B19."""
    page = text(technician.get(f"/runs/{running(cast, 'balance').pk}"))

    assert "I am at the bench, finish" in page
    assert "Nothing to do at the table now" in page


def test_an_announced_finish_is_acknowledged(cast: Cast, technician: Client) -> None:
    """B19: who said it sees that it was heard, and what follows."""
    run = running(cast, "balance")

    technician.post(f"/runs/{run.pk}/confirm", {"step": "finish"})

    page = text(technician.get(f"/runs/{run.pk}"))
    assert "Noted: somebody is at the bench" in page
    assert "Nothing to do at the table now" not in page


def test_after_stop_nobody_is_asked_for_anything(cast: Cast, technician: Client) -> None:
    run = running(cast, "connect")

    technician.post(f"/runs/{run.pk}/stop")

    page = text(technician.get(f"/runs/{run.pk}"))
    assert "Stopping" in page
    assert "Waiting for you" not in page
    assert "Cells linked" not in page


def test_a_stopped_run_says_what_the_output_and_the_links_are(
    cast: Cast, technician: Client
) -> None:
    run = running(cast, "connect")
    technician.post(f"/runs/{run.pk}/confirm", {"step": "connect"})
    Run.objects.filter(pk=run.pk).update(state=RunState.STOPPING)
    Run.objects.filter(pk=run.pk).update(state=RunState.STOPPED, ended_at=clock.now())
    lease = StationLease.objects.filter(station=run.station)

    lease.update(output_state="OFF", output_at=clock.now())
    proven = text(technician.get(f"/runs/{run.pk}"))
    lease.update(output_state="UNKNOWN")
    unknown = text(technician.get(f"/runs/{run.pk}"))

    assert "The output is off, proven" in proven
    assert "The cells are still joined: leads off first" in proven
    assert "The output is not proven off. Go to the bench" in unknown
    assert "ended here" in proven


def test_an_interrupted_run_says_whether_it_goes_on_or_somebody_must_look(
    cast: Cast, technician: Client
) -> None:
    run = running(cast, "balance", state=RunState.INTERRUPTED, cause="The worker was lost.")
    lease = StationLease.objects.filter(station=run.station)

    lease.update(output_state="OFF")
    waiting = text(technician.get(f"/runs/{run.pk}"))
    lease.update(output_state="UNKNOWN")
    unknown = text(technician.get(f"/runs/{run.pk}"))

    assert "The run goes on by itself" in waiting
    assert "STOP" in waiting
    assert "nobody knows what its output does. Go there" in unknown
    assert "Bench out of reach" in unknown
    assert "Interrupted, goes on by itself" not in unknown


def test_a_step_that_the_bench_passed_by_was_not_needed(cast: Cast, technician: Client) -> None:
    """B19: an announced finish makes the refresh hold needless."""
    run = running(cast, "unlink")
    names = ["pre-parallel", "connect", "joined", "balance", "unlink"]
    for step in (run.program or {})["steps"]:
        if step["name"] in names:
            data = {"name": step["name"], "title": step["title"], "bench_at": str(clock.now())}
            JobEvent.objects.create(
                job=run.job, run=run, kind="bench_step", at=clock.now(), data=data
            )

    page = text(technician.get(f"/runs/{run.pk}"))

    assert "Refresh hold not needed" in page
    assert "Step: Refresh hold" not in page
    assert "Step: Balance: charge and hold" in page


def test_a_confirmation_that_no_longer_fits_is_refused_on_the_page(
    cast: Cast, technician: Client
) -> None:
    run = running(cast, "balance")

    answer = technician.post(f"/runs/{run.pk}/confirm", {"step": "nonsense"})

    assert answer.status_code == 409
    assert "no step 'nonsense'" in text(answer)


def test_anyone_stops_without_being_asked_back(cast: Cast) -> None:
    run = running(cast, "balance")

    answer = logged_in(cast.kemi).post(f"/runs/{run.pk}/stop")

    assert answer.status_code == 303
    run.refresh_from_db()
    assert run.stop_requested_by == cast.kemi


@pytest.mark.parametrize("state", [s for s in RunState if s not in ("FINISHED",)])
def test_every_state_shows_and_stop_is_there_while_the_run_lives(
    cast: Cast, technician: Client, state: RunState
) -> None:
    run = running(cast, "balance", state)

    html = technician.get(f"/runs/{run.pk}").content.decode()

    assert (f'action="/runs/{run.pk}/stop"' in html) is not run.is_over


def test_a_run_without_a_program_yet_says_so(cast: Cast, technician: Client) -> None:
    run = factories.make_run(by=cast.tola)

    assert "still planning" in text(technician.get(f"/runs/{run.pk}"))


def test_a_run_that_waits_for_its_moment_says_when_and_how_it_is_cancelled(
    cast: Cast, technician: Client
) -> None:
    """F6: run and job say the same, and nobody misses the figures of a bench that is not needed."""
    begins = clock.now() + timedelta(hours=5)
    run = factories.make_run(by=cast.tola, not_before=begins, ready_by=begins + timedelta(hours=9))

    page = text(technician.get(f"/runs/{run.pk}"))
    job = text(technician.get(f"/jobs/{run.job_id}"))

    assert "Waits to begin" in page
    assert "Cancels the run before it begins" in page
    assert "No live figures" not in page
    assert "to be ready by" in job
    assert "Somebody stays with it" in job


def test_a_night_that_waits_says_until_when_and_that_nobody_is_needed(
    cast: Cast, technician: Client
) -> None:
    """F6: everything is joined, the output is off; board, job and run say the same."""
    run = waiting_alone(cast, now=clock.now())

    page = text(technician.get(f"/runs/{run.pk}"))
    job = text(technician.get(f"/jobs/{run.job_id}"))

    assert "Waits to begin" in page
    assert "Everything stands ready and the output is off until" in page
    assert "then it goes on by itself, to be ready by" in page
    assert "Begin now" in page
    assert "Ends the run before its output goes on" in page
    assert "Its output goes on by itself" in job
    assert "It runs alone" in job
    assert "Waits with the output off until" in text(technician.get("/"))


def test_somebody_who_is_there_begins_a_night_now(cast: Cast, technician: Client) -> None:
    run = waiting_alone(cast, now=clock.now())

    assert technician.post(f"/runs/{run.pk}/confirm", {"step": "wait"}).status_code == 303

    page = text(technician.get(f"/runs/{run.pk}"))
    assert "Confirmed. The bench goes on in a moment." in page
    assert "Begin now" not in page


def test_whoever_joins_the_cells_of_a_night_learns_that_nobody_is_needed_then(
    cast: Cast, technician: Client
) -> None:
    run = waiting_alone(cast, "connect", now=clock.now())

    page = text(technician.get(f"/runs/{run.pk}"))

    assert "Once this is done nobody is needed, and the output goes on by itself" in page
    assert "Begin now" not in page


def test_cells_that_were_charged_in_series_had_no_check_before_joining(
    cast: Cast, technician: Client
) -> None:
    """B10: what was read of them in the string is named for what it is."""
    factories.make_policy(by=cast.sade)
    station = factories.make_station(bms=True, now=clock.now())
    run = play_series(
        by=cast.tola, cells=factories.make_cells(4), station=station, began_at=clock.now()
    )

    page = text(technician.get(f"/runs/{run.pk}"))

    assert "Cells before the charge" in page
    assert "Cells after the charge" in page
    assert "Pre-parallel check" not in page


def test_each_cell_that_was_charged_alone_has_its_own_line(cast: Cast, technician: Client) -> None:
    """B12: and leads that nobody took off are named."""
    recipe = factories.make_recipe_of(
        "individual_top_balance", recipes.top_balance.defaults(), by=cast.sade
    )
    station = factories.make_station(now=clock.now())
    job = factories.make_job(by=cast.tola, recipe_version=recipe, claimed_at=station)
    program = plan(job, station).plain
    run = factories.make_run(by=cast.tola, job=job, state=RunState.STOPPED, program=program)
    PersonAct.objects.create(
        run=run, by=cast.tola, kind="confirm", data={"step": "connect-2"}, at=clock.now()
    )
    record_balance(
        run=run,
        method="TOP_CELL",
        target_v=3.65,
        records=[
            replace(charge("done", tail_a=0.2), cell=1),
            replace(charge("partial", tail_a=0.2), cell=2),
        ],
        manifest_sha256="0" * 64,
        simulated=True,
        now=clock.now(),
    )

    page = text(technician.get(f"/runs/{run.pk}")).replace("\u202f", " ")

    assert "Partial individual top balance to 3.650 V: cell 2: cut short" in page
    assert "0.20 A" in page
    assert "The leads are still on a cell" in page


def test_an_emptied_cell_that_is_apart_is_named_beside_its_neighbours(
    cast: Cast, supervisor: Client
) -> None:
    """B9: the run is done, and one of its cells is not level."""
    factories.make_policy(by=cast.sade)
    station = factories.make_station(load=True, now=factories.NOON - timedelta(days=1))
    run = play_bottom(
        by=cast.tola,
        cells=factories.make_cells(3),
        station=station,
        began_at=factories.NOON,
        leak_month=1.5,
    )

    page = text(supervisor.get(f"/runs/{run.pk}"))

    assert "Not level" in page
    assert "Cell 3 rests apart from its neighbours" in page
    assert page.count("Bottom check") == 1
    assert "charge the pack to 20–50 % within a day" in page
