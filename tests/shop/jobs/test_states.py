"""The tables of transitions, and the diagrams that are made from them."""

from __future__ import annotations

from shop.jobs.states import (
    JOB_TRANSITIONS,
    LEASED_STATES,
    RUN_TRANSITIONS,
    TERMINAL,
    JobState,
    RunState,
    mermaid,
)


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
