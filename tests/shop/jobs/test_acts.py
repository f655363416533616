"""Confirmations and stops: what people do while a run lives (B19, F4)."""

from __future__ import annotations

from typing import Any

import pytest

from api.reads.board import confirmed_steps
from shop.jobs.models import JobEvent, PersonAct, Run
from shop.jobs.services.acts import confirm_step, request_stop
from shop.jobs.states import RUN_WORDS, TERMINAL, JobState, RunState
from shop.refusals import Refusal, RoleRefusal
from tests import factories
from tests.cast import Cast
from tests.factories import NOON

STEPS: list[dict[str, Any]] = [
    {"type": "Measure", "name": "pre-parallel"},
    {"type": "Instruct", "name": "connect", "announceable": False},
    {"type": "Charge", "name": "balance"},
    {"type": "Instruct", "name": "finish", "announceable": True},
    {"type": "Instruct", "name": "unlink", "announceable": False},
]


def running(cast: Cast, index: int, state: RunState = RunState.RUNNING, **values: Any) -> Run:
    step = {"index": index, "name": STEPS[index]["name"]}
    return factories.make_run(
        by=cast.tola, state=state, token=1, program={"steps": STEPS}, step=step, **values
    )


def test_the_present_instruction_is_confirmed_once(cast: Cast) -> None:
    run = running(cast, 1)

    first = confirm_step(run=run, step="connect", by=cast.tola, now=NOON)
    again = confirm_step(run=run, step="connect", by=cast.bayo, now=NOON)

    assert first == again == PersonAct.objects.get()
    assert (first.by, first.data) == (cast.tola, {"step": "connect"})
    assert JobEvent.objects.get(run=run).kind == "confirmed"


def test_finish_may_be_announced_while_the_balance_holds(cast: Cast) -> None:
    """B19."""
    act = confirm_step(run=running(cast, 2), step="finish", by=cast.tola, now=NOON)

    assert act.data == {"step": "finish", "announced_in": 1}


def test_finish_is_announced_anew_to_an_attempt_that_follows_an_interruption(cast: Cast) -> None:
    run = running(cast, 2)
    first = confirm_step(run=run, step="finish", by=cast.tola, now=NOON)
    Run.objects.filter(pk=run.pk).update(attempt=2)
    run.refresh_from_db()
    assert confirmed_steps(run) == frozenset()

    second = confirm_step(run=run, step="finish", by=cast.tola, now=NOON)
    again = confirm_step(run=run, step="finish", by=cast.bayo, now=NOON)

    assert (first != second, second == again) == (True, True)
    assert confirmed_steps(run) == {"finish"}


def test_what_was_done_before_an_interruption_stays_done(cast: Cast) -> None:
    run = running(cast, 1)
    first = confirm_step(run=run, step="connect", by=cast.tola, now=NOON)
    Run.objects.filter(pk=run.pk).update(attempt=2)

    assert confirm_step(run=run, step="connect", by=cast.tola, now=NOON) == first


@pytest.mark.parametrize(
    ("index", "step", "code"),
    [
        (1, "unlink", "step_not_now"),
        (2, "connect", "step_not_now"),
        (2, "balance", "step_not_now"),
        (1, "dance", "unknown_step"),
    ],
)
def test_refuses_a_confirmation_out_of_place(cast: Cast, index: int, step: str, code: str) -> None:
    with pytest.raises(Refusal) as caught:
        confirm_step(run=running(cast, index), step=step, by=cast.tola, now=NOON)

    assert [problem.code for problem in caught.value.problems] == [code]
    assert not PersonAct.objects.exists()


@pytest.mark.parametrize("state", [RunState.QUEUED, RunState.STOPPING, *sorted(TERMINAL)])
def test_refuses_a_confirmation_of_a_run_that_does_not_run(cast: Cast, state: RunState) -> None:
    with pytest.raises(Refusal, match=f"The run is not running: {RUN_WORDS[state]}"):
        confirm_step(run=running(cast, 1, state), step="connect", by=cast.tola, now=NOON)


def test_anyone_of_the_shop_may_ask_for_a_stop_any_number_of_times(cast: Cast) -> None:
    run = running(cast, 2)

    request_stop(run=run, by=cast.bayo, now=NOON)
    request_stop(run=run, by=cast.sade, now=NOON)

    assert (run.stop_requested_at, run.stop_requested_by) == (NOON, cast.bayo)
    assert (run.state, JobEvent.objects.filter(kind="stop_requested").count()) == ("RUNNING", 1)


def test_a_run_that_nobody_took_yet_is_stopped_at_once(cast: Cast) -> None:
    run = factories.make_run(by=cast.tola)

    request_stop(run=run, by=cast.tola, now=NOON)

    run.refresh_from_db()
    assert (run.state, run.cause, run.job.state) == (
        RunState.STOPPED,
        "stopped by Tola",
        JobState.CLAIMED,
    )
    assert not run.run_cells.filter(active=True).exists()


def test_a_stop_of_a_run_that_is_over_changes_nothing(cast: Cast) -> None:
    run = factories.make_run(by=cast.tola, state=RunState.FINISHED)

    request_stop(run=run, by=cast.tola, now=NOON)

    run.refresh_from_db()
    assert (run.state, run.stop_requested_at) == (RunState.FINISHED, None)


def test_a_stranger_confirms_and_stops_nothing(cast: Cast) -> None:
    run = running(cast, 1)

    with pytest.raises(RoleRefusal):
        confirm_step(run=run, step="connect", by=cast.stranger, now=NOON)
    with pytest.raises(RoleRefusal):
        request_stop(run=run, by=cast.stranger, now=NOON)

    assert not PersonAct.objects.exists()
