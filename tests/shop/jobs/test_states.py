"""The tables of transitions, and the diagrams that are made from them."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, transaction

from shop.jobs.models import Run
from shop.jobs.states import (
    JOB_TRANSITIONS,
    LEASED_STATES,
    RUN_TRANSITIONS,
    TERMINAL,
    JobState,
    RunState,
    mermaid,
)
from tests import factories
from tests.cast import Cast


def test_every_state_has_its_row() -> None:
    assert set(JOB_TRANSITIONS) == set(JobState)
    assert set(RUN_TRANSITIONS) == set(RunState)


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
