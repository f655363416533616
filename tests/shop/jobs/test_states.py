"""The tables of transitions, and the diagrams that are made from them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction

from shop.equipment.states import OUTPUT_WORDS, OutputState
from shop.jobs.models import Job, Run
from shop.jobs.moves import move_job
from shop.jobs.rules import acting, ordering, starting
from shop.jobs.rules.starting import StationFact
from shop.jobs.states import (
    JOB_TRANSITIONS,
    JOB_WORDS,
    LEASED_STATES,
    RUN_TRANSITIONS,
    RUN_WORDS,
    TERMINAL,
    JobState,
    RunState,
    mermaid,
)
from shop.refusals import Refusal
from tests import factories
from tests.cast import Cast
from tests.factories import NOON


def test_every_state_has_its_row() -> None:
    assert set(JOB_TRANSITIONS) == set(JobState)
    assert set(RUN_TRANSITIONS) == set(RunState)


@pytest.mark.parametrize("state", JobState)
def test_a_refusal_names_the_state_of_a_job_as_its_badge_does(state: JobState) -> None:
    found = [
        *ordering.claim_problems(
            state=state, station="b-1", roles=["supply"], instruments_needed=frozenset()
        ),
        *ordering.release_problems(state=state, is_holder=True, is_supervisor=True),
        *ordering.cancel_problems(state=state, is_own=True, is_supervisor=True),
    ]

    assert found
    assert all(f"The job is {JOB_WORDS[state]}" in problem.words for problem in found)


@pytest.mark.parametrize("state", sorted(set(RunState) - {"PREFLIGHT", "RUNNING", "SAFE_HOLD"}))
def test_a_refusal_names_the_state_of_a_run_as_its_badge_does(state: RunState) -> None:
    (problem,) = acting.confirm_problems(state=state, step="connect", steps=[], index=0)

    assert problem.words == f"The run is not running: {RUN_WORDS[state]}."


@pytest.mark.parametrize("output", sorted(set(OutputState) - {OutputState.OFF}))
def test_a_refusal_names_what_is_known_of_an_output(output: OutputState) -> None:
    station = StationFact("b-1", output, False, None, alarm="")

    (problem,) = starting.station_problems(station, timedelta(hours=1), NOON)

    said = f"The output of station b-1 is not proven off: {OUTPUT_WORDS[output]}."
    assert (problem.code, problem.words) == ("output_not_off", said)


def test_whoever_comes_second_hears_what_the_job_no_longer_is(cast: Cast) -> None:
    job = factories.make_job(by=cast.tola)
    Job.objects.filter(pk=job.pk).update(state=JobState.CANCELLED)

    with pytest.raises(Refusal, match=f"Job {job.pk} is no longer open: somebody else"):
        move_job(job, JobState.CANCELLED, kind="cancelled", by=cast.tola, now=NOON)
    with pytest.raises(Refusal, match="cannot go from “open” to “in progress”"):
        move_job(job, JobState.IN_PROGRESS, kind="started", by=cast.tola, now=NOON)


def test_nothing_leaves_a_terminal_state() -> None:
    assert all(not RUN_TRANSITIONS[state] for state in TERMINAL)
    assert not JOB_TRANSITIONS[JobState.DONE]
    assert not JOB_TRANSITIONS[JobState.CANCELLED]


def test_every_leased_state_can_be_interrupted() -> None:
    assert all(RunState.INTERRUPTED in RUN_TRANSITIONS[state] for state in LEASED_STATES)


def test_a_run_finishes_only_through_stopping() -> None:
    assert {s for s, to in RUN_TRANSITIONS.items() if RunState.FINISHED in to} == {
        RunState.STOPPING
    }


def test_a_trip_is_concluded_by_its_worker_or_where_that_is_lost() -> None:
    tripping = {s for s, to in RUN_TRANSITIONS.items() if RunState.TRIPPED in to}

    assert tripping == {RunState.STOPPING, RunState.INTERRUPTED}


def test_every_state_can_come_to_an_end() -> None:
    reached = set(TERMINAL)
    while more := {s for s, to in RUN_TRANSITIONS.items() if to & reached} - reached:
        reached |= more

    assert reached == set(RunState)


def test_the_diagram_names_every_transition() -> None:
    drawn = mermaid(JOB_TRANSITIONS).splitlines()

    assert drawn[0] == "stateDiagram-v2"
    assert len(drawn) - 1 == sum(map(len, JOB_TRANSITIONS.values()))
    assert "    OPEN --> CLAIMED" in drawn


# in the database


@pytest.mark.parametrize("before", RunState)
def test_the_database_moves_a_run_along_the_table_and_nowhere_else(
    cast: Cast, before: RunState
) -> None:
    """F3: a run that is over cannot be taken up again, whoever writes SQL."""
    run = factories.make_run(by=cast.tola, state=before)

    for after in RunState:
        try:
            with transaction.atomic():
                assert Run.objects.filter(pk=run.pk).update(state=after) == 1
                reached = after != before
                transaction.set_rollback(True)
        except IntegrityError:
            reached = False
        assert reached == (after in RUN_TRANSITIONS[before]), after
