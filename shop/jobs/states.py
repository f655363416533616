"""The states of a job and of a run, and every legal transition; an absent entry is refused.

A job is people's: the order for work on some cells.  A run is one execution of its program
by a leased worker.  TRIPPED is a valid reading over a limit (the cells or a device are
suspect); doubt about the bench is SAFE_HOLD, and ERROR when it stays.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class JobState(StrEnum):
    DRAFT = "DRAFT"
    OPEN = "OPEN"
    CLAIMED = "CLAIMED"  # a reservation: by whom, when, at which station
    IN_PROGRESS = "IN_PROGRESS"
    DONE = "DONE"
    CANCELLED = "CANCELLED"


class RunState(StrEnum):
    QUEUED = "QUEUED"  # is also the outbox: what is queued and unleased is sent again
    LEASED = "LEASED"
    PREFLIGHT = "PREFLIGHT"
    RUNNING = "RUNNING"
    SAFE_HOLD = "SAFE_HOLD"
    STOPPING = "STOPPING"
    INTERRUPTED = "INTERRUPTED"
    FINISHED = "FINISHED"
    REFUSED = "REFUSED"
    TRIPPED = "TRIPPED"
    ERROR = "ERROR"
    STOPPED = "STOPPED"


# As people say them, inside a sentence; a badge begins with a capital.
JOB_WORDS: Mapping[str, str] = {
    JobState.DRAFT: "draft",
    JobState.OPEN: "open",
    JobState.CLAIMED: "claimed",
    JobState.IN_PROGRESS: "in progress",
    JobState.DONE: "done",
    JobState.CANCELLED: "cancelled",
}
RUN_WORDS: Mapping[str, str] = {
    RunState.QUEUED: "queued",
    RunState.LEASED: "starting",
    RunState.PREFLIGHT: "checking the bench",
    RunState.RUNNING: "running",
    RunState.SAFE_HOLD: "safe hold, output off",
    RunState.STOPPING: "stopping",
    RunState.INTERRUPTED: "interrupted, goes on by itself",
    RunState.FINISHED: "done",
    RunState.REFUSED: "refused",
    RunState.TRIPPED: "tripped",
    RunState.ERROR: "error",
    RunState.STOPPED: "stopped",
}

TERMINAL = frozenset(
    {RunState.FINISHED, RunState.REFUSED, RunState.TRIPPED, RunState.ERROR, RunState.STOPPED}
)
# States in which a worker holds the lease and may be driving.
LEASED_STATES = frozenset(
    {
        RunState.LEASED,
        RunState.PREFLIGHT,
        RunState.RUNNING,
        RunState.SAFE_HOLD,
        RunState.STOPPING,
    }
)

JOB_TRANSITIONS: Mapping[JobState, frozenset[JobState]] = {
    JobState.DRAFT: frozenset({JobState.OPEN, JobState.CANCELLED}),
    JobState.OPEN: frozenset({JobState.CLAIMED, JobState.CANCELLED}),
    JobState.CLAIMED: frozenset({JobState.OPEN, JobState.IN_PROGRESS, JobState.CANCELLED}),
    JobState.IN_PROGRESS: frozenset({JobState.DONE, JobState.CLAIMED}),
    JobState.DONE: frozenset(),
    JobState.CANCELLED: frozenset(),
}

RUN_TRANSITIONS: Mapping[RunState, frozenset[RunState]] = {
    RunState.QUEUED: frozenset({RunState.LEASED, RunState.STOPPED, RunState.REFUSED}),
    RunState.LEASED: frozenset({RunState.PREFLIGHT, RunState.STOPPING, RunState.INTERRUPTED}),
    RunState.PREFLIGHT: frozenset({RunState.RUNNING, RunState.STOPPING, RunState.INTERRUPTED}),
    RunState.RUNNING: frozenset({RunState.SAFE_HOLD, RunState.STOPPING, RunState.INTERRUPTED}),
    RunState.SAFE_HOLD: frozenset({RunState.RUNNING, RunState.STOPPING, RunState.INTERRUPTED}),
    RunState.STOPPING: TERMINAL | {RunState.INTERRUPTED},
    RunState.INTERRUPTED: frozenset(
        {RunState.LEASED, RunState.RUNNING, RunState.TRIPPED, RunState.ERROR, RunState.STOPPED}
    ),
    **{state: frozenset() for state in TERMINAL},
}


def mermaid(
    transitions: Mapping[JobState, frozenset[JobState]] | Mapping[RunState, frozenset[RunState]],
) -> str:
    """A table of transitions as a state diagram for the documentation."""
    lines = ["stateDiagram-v2"]
    for state, targets in transitions.items():
        lines += [f"    {state} --> {target}" for target in sorted(targets)]
    return "\n".join(lines) + "\n"
