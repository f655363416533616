"""May a run that lost its worker, its guardian or an answer go on, and from where?  Pure.

A charge or a discharge is re-entered by its Verify step, after a rest, from low trust: its tail
and its time in CV are judged afresh, its caps on time, CV time and charge count over all
attempts.  A person who was announced for its end may have left, and is announced anew.  A
measurement is repeated whole; a wait for a person goes on.  A step whose result is an integral
(a capacity) or one short step (a resistance) is never resumed: what is interpolated is no evidence.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from stations.procedures.progress import cv_s
from stations.procedures.state import Carried, Record, Run
from stations.procedures.steps import DRIVEN, Discharge, Verify, Wait
from stations.values import NAN, Limits, OffProof

CALM = timedelta(hours=1)


def problems(run: Run, *, attempt: int, gap: timedelta) -> list[str]:
    """Every reason why attempt `attempt` must stay the last one; empty means go on.

    An attempt that waited for the moment in peace for an hour is none of `attempt` that failed.
    `gap` is wall time since the bench was last seen, or since current stopped where the run had
    come back to a charge (`waits_since`).
    """
    rule, found = run.program.resume, []
    if attempt - run.calm_attempts - _was_calm(run) >= rule.attempts_max:
        found.append(f"it was tried {attempt} times, which is the limit")
    if isinstance(run.step, Discharge) and run.step.gap_max is not None:
        what = "a resistance" if run.step.pulse else "a capacity"
        found.append(f"{what} is measured in one go: test the cell again from the beginning")
    drives = isinstance(run.step, DRIVEN | Verify)
    longest = rule.gap_max if drives else rule.wait_max
    if gap > longest:
        found.append(f"nothing happened for {gap}, longer than {longest}")
    if run.last_at is not None:
        left = remaining(run, run.last_at)
        if not left.duration_max_s > 0:
            found.append("its time is used up")
        if not left.charge_max_ah > 0:
            found.append("its charge is used up")
        if left.drawn_max_ah < 0:
            found.append("what it may draw is used up")
    return found


def resumed(run: Run, *, at: datetime, stopped: OffProof, reason: str) -> Run:
    """`run` as the next attempt begins it at `at`, with the output off since `stopped`.

    `run` is as the last attempt left it, before its step was closed.
    """
    step, index, carried = run.step, run.step_index, run.carried
    flowed = isinstance(step, DRIVEN)
    if flowed:
        carried = _carried(run)
        index = _verified_from(run)
    ahead = {later.name for later in run.program.steps[run.step_index :]} if flowed else set()
    void = run.announced & ahead
    gap = (at - stopped.at).total_seconds()
    return replace(
        run,
        step_index=index,
        step_entered_at=at,
        setpoint=None,
        set_seq=0,
        confirmed=run.confirmed - void,
        announced=run.announced - void,
        current_stopped=stopped if flowed else run.current_stopped,
        last_at=None,
        last_current_a=0.0,
        last_seq=0,
        step_charge_ah=0.0,
        step_drawn_ah=0.0,
        step_drawn_wh=0.0,
        counted=None,
        below_cutoff=0,
        under_hold=0,
        sampled=(),
        cv_since=None,
        done_since=None,
        tail_since=None,
        partial_since=None,
        no_current_since=None,
        opened_since=None,
        amiss_since=None,
        fed_above_v=NAN,
        flat_from=None,
        peak_voltage_v=NAN,
        peak_cell_v=NAN,
        peak_cell=0,
        settled=(),
        typed=(),
        retyped=(),
        scan=None,
        steadying=(),
        doubted=(),
        unread="",
        metered_v=NAN,
        on_cell=0,
        doubtful=0,
        above_window=0,
        outs_of_place=0,
        rest_until=stopped.at + run.program.resume.rest if flowed else run.rest_until,
        carried=carried,
        records=tuple(record for record in run.records if not _is_of(record, run)),
        calm_attempts=run.calm_attempts + _was_calm(run),
        interruptions=(*run.interruptions, f"interrupted for {gap:.0f} s: {reason}"),
    )


def _was_calm(run: Run) -> bool:
    """Whether it broke off a long wait for the moment: nights, and whole days, lie in one (F6)."""
    return isinstance(run.step, Wait) and (run.last_at or run.entered_at) - run.entered_at >= CALM


def waits_since(run: Run) -> datetime | None:
    """Wall time at which current stopped, where a driven step is re-entered and has no current yet.

    None elsewhere: before its first current a step waits for nothing that could change.
    """
    if run.carried is None or run.current_stopped is None:
        return None
    if isinstance(run.step, Verify):
        waits = run.program.steps[run.step_index + 1].name == run.carried.step
    else:
        drawn = run.step_drawn_ah != run.carried.drawn_ah
        flowed = run.charge_current_a != 0.0 or drawn
        waits = run.step.name == run.carried.step and not flowed
    return run.current_stopped.received_at if waits else None


def has_driven(run: Run) -> bool:
    """Whether an output was on in the run, or about to be."""
    so_far = run.program.steps[: run.step_index + 1]
    return run.carried is not None or any(isinstance(step, DRIVEN) for step in so_far)


def remaining(run: Run, at: datetime) -> Limits:
    """The hard limits of the next session: what earlier attempts have used is gone."""
    limits = run.program.limits
    return replace(
        limits,
        duration_max_s=limits.duration_max_s - (at - run.started_at).total_seconds(),
        charge_max_ah=limits.charge_max_ah - run.charge_ah,
        drawn_max_ah=limits.drawn_max_ah - run.drawn_ah,
    )


def _is_of(record: Record, run: Run) -> bool:
    """Of the very step that is done again: it was closed, but never left."""
    return (record.step, record.entered_at) == (run.step.name, run.entered_at)


def _carried(run: Run) -> Carried:
    until = run.last_at or run.entered_at
    return Carried(
        step=run.step.name,
        charge_ah=run.step_charge_ah,
        drawn_ah=run.step_drawn_ah,
        cv_s=cv_s(run, until),
        spent_s=run.step_spent_s + max(0.0, (until - run.entered_at).total_seconds()),
    )


def _verified_from(run: Run) -> int:
    """The Verify step before the present charge or discharge: `check` sees that there is one."""
    steps = run.program.steps
    return max(i for i in range(run.step_index) if isinstance(steps[i], Verify))
