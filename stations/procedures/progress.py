"""How a run moves through its steps: closing one, entering the next, a person's confirmation."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from stations.frozen import changed
from stations.procedures.actions import Action, Finish, Next
from stations.procedures.state import Record, Run
from stations.procedures.steps import (
    Asked,
    Charge,
    Compare,
    Discharge,
    Instruct,
    Measure,
    OfCell,
    Rest,
    SeriesCharge,
    Step,
    Verify,
    Wait,
)
from stations.procedures.turns import with_turn
from stations.values import NAN, OffProof

# Stands where the volts of cells would, of a string that nobody sees (B10).
CELLS_UNSEEN = "cells not observable: nothing on this bench shows them"


def zero_a(run: Run) -> float:
    """The ammeter's zero, measured with the output off; taken out of every current (B2)."""
    return run.zero_sum_a / run.zero_count if run.zero_count else 0.0


def cv_s(run: Run, at: datetime) -> float:
    """Seconds in CV over all attempts; the minimum, but not the maximum, is this hold's own."""
    return run.cv_spent_s + ((at - run.cv_since).total_seconds() if run.cv_since else 0.0)


def cv_counted(run: Run, at: datetime, *, counts: bool) -> Run:
    """The clock of the hold runs, or stands still from `at` on with what it has counted."""
    if counts == (run.cv_since is not None):
        return run
    return changed(run, cv_spent_s=cv_s(run, at), cv_since=at if counts else None)


def close_charge(run: Run, step: Charge, at: datetime, remarks: tuple[str, ...]) -> Run:
    """Append the charge's record: what a balance is judged by (complete or partial)."""
    cv_s = (at - run.cv_since).total_seconds() if run.cv_since else 0.0
    held = "done" in remarks or "essentially balanced" in remarks
    remarks = (*remarks, *run.interruptions, *run.alarms)
    record = Record(
        step=step.name,
        kind="stage" if step.stage else "charge",
        entered_at=run.entered_at,
        ended_at=at,
        remarks=remarks if held else ("partial", *remarks),
        facts=(
            ("tail_a", run.charge_current_a),
            ("done_a", step.tail.done_a),
            ("partial_a", step.tail.partial_a),
            ("cv_s", cv_s),
            ("cv_earlier_s", run.cv_spent_s),
            ("cv_min_s", step.tail.cv_min.total_seconds()),
            ("charge_ah", run.step_charge_ah),
            ("least_charge_ah", run.least_charge_ah),
            ("zero_a", zero_a(run)),
            ("peak_voltage_v", run.peak_voltage_v),
            ("lead_ohm", run.lead_ohm),
        ),
        cell=step.cell,
    )
    return replace(run, records=(*run.records, record))


def close_discharge(run: Run, step: Discharge, at: datetime, remarks: tuple[str, ...]) -> Run:
    """Append the discharge's record: only one that is "done" came to its end.

    Of one that held a voltage the current is the last that was drawn.
    """
    ended, draw = run.counted, step.draw
    current_a = -ended.supply_current_a if draw.holds and ended else draw.current_a
    record = Record(
        step=step.name,
        kind="discharge",
        entered_at=run.entered_at,
        ended_at=at,
        remarks=(*remarks, *run.interruptions, *run.alarms),
        facts=(
            ("drawn_ah", run.step_drawn_ah),
            ("drawn_wh", run.step_drawn_wh),
            ("current_a", current_a),
            ("cutoff_v", step.cutoff_v),
            ("end_voltage_v", ended.voltage_v if ended else NAN),
            ("alone", float(step.alone)),
            *((("taper_a", step.tail_a),) if step.tail_a else ()),
            *((("held_v", draw.cutoff.voltage_v),) if draw.holds else ()),
        ),
        cell=step.cell,
    )
    return replace(run, records=(*run.records, record))


def close_series(
    run: Run,
    step: SeriesCharge,
    at: datetime,
    remarks: tuple[str, ...],
    *,
    bms_opened: bool = False,
    facts: tuple[tuple[str, float], ...] = (),
) -> Run:
    """Append the series charge's record; it is no balance, however it ended (M2)."""
    record = Record(
        step=step.name,
        kind="series",
        entered_at=run.entered_at,
        ended_at=at,
        remarks=(
            *remarks,
            *((CELLS_UNSEEN,) if step.unseen else ()),
            *run.interruptions,
            *run.alarms,
        ),
        facts=(
            ("charge_ah", run.step_charge_ah),
            ("peak_cell_v", run.peak_cell_v),
            ("peak_cell", float(run.peak_cell)),
            ("bms_opened", float(bms_opened)),
            ("end_a", run.charge_current_a),
            ("peak_voltage_v", run.peak_voltage_v),
            ("zero_a", zero_a(run)),
            ("lead_ohm", run.lead_ohm),
            *_of_cells(run, step),
            *facts,
        ),
    )
    return replace(run, records=(*run.records, record))


def _of_cells(run: Run, step: SeriesCharge) -> tuple[tuple[str, float], ...]:
    """B14: what each cell showed at the end of a hold, where millivolts show."""
    shown = run.last_cells_v if step.hold is not None else ()
    return tuple((f"cell_{place}_v", volts) for place, volts in enumerate(shown, start=1))


def close_step(run: Run, at: datetime, remarks: tuple[str, ...] = ()) -> Run:
    """Append the record of the present step, whatever ended it; a driven one keeps its figures."""
    step = run.step
    if isinstance(step, Charge):
        return close_charge(run, step, at, remarks)
    if isinstance(step, SeriesCharge):
        return close_series(run, step, at, ("cut short", *remarks))
    if isinstance(step, Discharge):
        return close_discharge(run, step, at, ("cut short", *remarks))
    kinds = {
        Instruct: "instruct",
        Measure: "measure",
        Verify: "verify",
        Rest: "rest",
        Wait: "wait",
        Compare: "compare",
    }
    record = Record(
        step=step.name,
        kind=kinds[type(step)],
        entered_at=run.entered_at,
        ended_at=at,
        remarks=remarks,
        facts=_answered(run, step),
    )
    return replace(run, records=(*run.records, record))


def done_words(run: Run) -> str:
    """How a finished program ended, where that is more than done.

    What ended a series charge; and what nobody said in the end.
    """
    ends = [record.remarks[0] for record in run.records if record.kind == "series"]
    done = f"done: {ends[-1]}" if ends else "done"
    last = run.records[-1]
    return "; ".join((done, *last.remarks)) if last.kind == "instruct" else done


def _answered(run: Run, step: Step) -> tuple[tuple[str, float], ...]:
    if not (isinstance(step, Instruct) and step.asks):
        return ()
    return tuple(answer for answer in run.answers if answer[0] == step.asks.name)


def current_stopped(run: Run, proof: OffProof) -> Run:
    """What drove the cells was followed by this; the record of one cell keeps it."""
    run = replace(run, current_stopped=proof)
    step = run.step
    if isinstance(step, Charge | Discharge) and step.cell and run.records:
        *others, last = run.records
        if (last.step, last.entered_at) == (step.name, run.entered_at):
            run = replace(run, records=(*others, replace(last, stopped=proof)))
    return run


def onward(run: Run) -> tuple[Run, Action]:
    """The present step is done and has its record: on to the next, or the program's end."""
    last = run.step_index == len(run.program.steps) - 1
    return run, Finish() if last else Next()


def enter_next(run: Run, at: datetime) -> Run:
    """The run at its following step, past every step that an early confirmation made needless.

    Raises IndexError when there is none; `decide` says Finish before that.
    """
    while True:
        index = run.step_index + 1
        step = run.program.steps[index]
        carried = run.carried if run.carried and run.carried.step == step.name else None
        run = replace(
            run,
            step_index=index,
            step_entered_at=at,
            setpoint=None,
            step_charge_ah=carried.charge_ah if carried else 0.0,
            step_drawn_ah=carried.drawn_ah if carried else 0.0,
            step_drawn_wh=0.0,
            counted=None,
            below_cutoff=0,
            under_hold=0,
            sampled=(),
            step_spent_s=carried.spent_s if carried else 0.0,
            cv_spent_s=carried.cv_s if carried else 0.0,
            cv_since=None,
            charge_current_a=0.0,
            done_since=None,
            tail_since=None,
            partial_since=None,
            flat_from=None,
            no_current_since=None,
            opened_since=None,
            amiss_since=None,
            fed_above_v=NAN,
            peak_voltage_v=NAN,
            peak_cell_v=NAN,
            peak_cell=0,
            trail=(),
            outs_of_place=0,
            above_window=0,
            settled=(),
            typed=(),
            retyped=(),
        )
        run = with_turn(run, step)
        why = _needless(step, run)
        if not why:
            return run
        skipped = Record(
            step=step.name,
            kind="skipped",
            entered_at=at,
            ended_at=at,
            remarks=(why,),
        )
        run = replace(run, records=(*run.records, skipped))


ANNOUNCED = "a person was announced at the bench before the hold ended"
BEFORE = "done before the interruption"


def _needless(step: Step, run: Run) -> str:
    """Why the step is passed over, or ""."""
    if isinstance(step, Instruct):
        return ANNOUNCED if step.name in run.announced else ""
    if isinstance(step, Discharge):
        return BEFORE if _was_done(step, run) else ""
    asked = isinstance(step, Charge | Verify) and step.skip_if_announced in run.announced
    return ANNOUNCED if asked else ""


def _was_done(step: Discharge, run: Run) -> bool:
    """Of a taper that goes on: an earlier current of the same cell than the one it is carried to.

    A larger current on a cell that is nearly empty would leave it elsewhere than its neighbours.
    """
    if not (step.cell and run.carried):
        return False
    ahead = run.program.steps[run.step_index + 1 :]
    names = [later.name for later in ahead if isinstance(later, Discharge)]
    turn = [later.name for later in ahead if isinstance(later, OfCell) and later.cell == step.cell]
    return run.carried.step in names and run.carried.step in turn


def confirm(run: Run, step_name: str, answer: float = NAN) -> Run:
    """A person confirmed an Instruct step: the present one, or an announceable one next.

    A Wait is confirmed while it lasts: begin now.  `answer` is what they typed where the step asks.
    Raises ValueError in words when that step cannot be confirmed now, or not by that answer.
    """
    for index, step in enumerate(run.program.steps):
        if isinstance(step, Instruct | Wait) and step.name == step_name:
            if index == run.step_index:
                if isinstance(step, Instruct) and step.asks is not None:
                    run = _answer(run, step.asks, answer)
                return replace(run, confirmed=run.confirmed | {step_name})
            early = isinstance(step, Instruct) and step.announceable
            if index == run.step_index + 1 and early:
                return replace(
                    run,
                    confirmed=run.confirmed | {step_name},
                    announced=run.announced | {step_name},
                )
            raise ValueError(f"“{step.title}” cannot be confirmed now")
    raise ValueError(f"this program has no step {step_name!r}")


def _answer(run: Run, asked: Asked, answer: float) -> Run:
    if not asked.allowed.contains(answer):
        raise ValueError(f"{asked.label}: {answer:g}. {asked.wrong}")
    others = tuple(known for known in run.answers if known[0] != asked.name)
    return replace(run, answers=(*others, (asked.name, answer)))
