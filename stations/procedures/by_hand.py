"""Cells that a person reads one by one with a hand-held meter, where no scanner does (B7, B8).

Pure.  What holds of a meter that is led from cell to cell as well stands here; `led` has the rest.
Only a look at cells with the output off is ever typed: whatever has an output on is
watched by the bench's own meter, and what empties cells (B9) by nothing less.  A typed figure is
a lower class of evidence than a scanner's, and stays known as one by the meter on its record.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from statistics import median
from typing import Any

from stations.procedures.rules import (
    DisconnectRule,
    LevelRule,
    ParallelRule,
    RecheckRule,
    RestedRule,
    WatchRule,
)
from stations.procedures.state import Run, Taken
from stations.procedures.steps import ByHand, Instruct, Led, Measure, Program, Step
from stations.values import Window

# From an empty cell that rebounds to the cell makers' absolute limit with a margin: beyond it is
# a slip of the finger, the wrong range of the meter, or no cell that anything here is done to.
PLAUSIBLE = Window(2.0, 3.8)
SAME_V = 0.010  # two readings of one cell within this are the same one
# How far a cell may be from its neighbours before the figure is asked again: what the step itself
# would remark on.  B3: 150 mV part cells that may be joined from those that may not.
JUMP_RESTED_V = 0.150
JUMP_LEVELLED_V = 0.050
JUMP_PARTED_V = 0.020  # G6: what cells read by hand may differ by at their disconnect check
OF_SCANNER = (  # what people are told of it where there is one
    (re.compile(r" The scanner's wires(?: \d+)? stay on(?: it)?\."), ""),
    (re.compile(r"with only its sense wires on the posts"), "with nothing on its posts"),
    (re.compile(r"All are read by one scanner\."), "All are read by one meter."),
)


def typed_steps(program: Program) -> Program:
    """The same program with every look at the cells done by a person."""
    steps = (
        replace(step, by_hand=how(step, program.cells))
        if isinstance(step, Measure)
        else unscanned(step)
        for step in program.steps
    )
    return replace(program, steps=tuple(steps))


def unscanned(step: Step) -> Step:
    """The same step, where it is a person's without a word of a scanner and its wires."""
    if not isinstance(step, Instruct):
        return step
    text = step.text
    for words, instead in OF_SCANNER:
        text = words.sub(instead, text)
    return replace(step, text=text)


def how(step: Measure, cells: int, *, parted_v: float = JUMP_PARTED_V) -> ByHand:
    """What is asked of a figure in this step; `parted_v`: between cells at a disconnect check."""
    match step.rule:
        case DisconnectRule():
            return ByHand(PLAUSIBLE, parted_v, again=not step.cell and cells > 1)
        case RecheckRule() as rule:
            return ByHand(PLAUSIBLE, rule.early_warn_v, again=False)
        case LevelRule():
            return ByHand(PLAUSIBLE, JUMP_LEVELLED_V, again=False)
        case ParallelRule() | RestedRule() | WatchRule():
            return ByHand(PLAUSIBLE, JUMP_RESTED_V, again=False)


def left(step: Measure, cells: int, read: Sequence[int]) -> tuple[int, ...]:
    """Positions that are still to be read, `read` being those that were, in order."""
    wanted = [step.cell] if step.cell else range(1, cells + 1)
    missing = tuple(position for position in wanted if position not in read)
    again = step.by_hand is not None and step.by_hand.again and len(read) == len(wanted)
    return (read[0],) if again and not missing else missing


def slips(how: ByHand, voltage_v: float) -> list[str]:
    """What is wrong with a figure by itself; each in words, with what to do."""
    if how.voltage.contains(voltage_v):
        return []
    if 1000 * how.voltage.low <= voltage_v <= 1000 * how.voltage.high:
        return [f"{voltage_v:g} looks like millivolts. Type volts: {voltage_v / 1000:.3f}."]
    if voltage_v < 0:
        return [
            f"{voltage_v:.3f} V is below zero: red probe on plus, black on minus. If it still is, "
            "the cell is reversed: stop, turn it round, and start again."
        ]
    return [
        f"{voltage_v:g} V is outside {how.voltage.low:.1f} … {how.voltage.high:.1f} V. Measure "
        "again at the posts of the cell; if it is right, stop and put the cell aside."
    ]


def asks_again(
    step: Measure, voltage_v: float, *, others: Sequence[float], first_v: float | None
) -> str:
    """Why this figure wants a second measurement, or "".

    `others` are the figures of the step's other cells; `first_v` is what the same cell read when
    it was last asked again: a second measurement that agrees with it stands.
    """
    if first_v is not None and abs(voltage_v - first_v) <= SAME_V + 1e-9:
        return ""
    if isinstance(step.rule, DisconnectRule):
        highest_v = step.rule.target_v + step.rule.above_v
        if voltage_v > highest_v + 1e-9:
            return f"above {highest_v:.3f} V, and a cell cannot rest above what charged it"
    if step.by_hand is None or not others:
        return ""
    apart_v = voltage_v - median(others)
    if abs(apart_v) <= step.by_hand.jump_v + 1e-9:
        return ""
    return f"{1000 * abs(apart_v):.0f} mV {'above' if apart_v > 0 else 'below'} the others"


def read(run: Run, data: Mapping[str, Any], *, at: datetime, received_at: datetime) -> Run:
    """The run with what a person read; `at` and `received_at` are when the bench heard of it.

    The reading is as old as its way here was long, and never of before its step: ages count for
    each by itself.  Raises ValueError in words for what the step does not wait for.
    """
    step = run.step
    if not isinstance(step, Measure) or step.by_hand is None or step.name != data.get("step"):
        raise ValueError(f"no cell is read by hand in “{step.title}”")
    if step.by_hand.led is not None:
        raise ValueError(f"in “{step.title}” the bench reads its own meter")
    taken = _taken(data, at=at, received_at=received_at, not_before=run.entered_at)
    if slips(step.by_hand, taken.voltage_v):
        raise ValueError(f"{taken.voltage_v:g} V is no voltage of a cell")
    if any(one.meter != taken.meter for one in run.typed):
        raise ValueError(f"{taken.meter} is another meter than read the cells before")
    if data.get("corrects"):
        return corrected(run, taken)
    if taken.position not in left(step, run.program.cells, [one.position for one in run.typed]):
        raise ValueError(f"cell {taken.position} is not waited for")
    return replace(run, typed=(*run.typed, taken))


def corrected(run: Run, taken: Taken) -> Run:
    """The later figure stands, at its own time; the earlier one stays in the step's remarks."""
    before = [one for one in run.typed if one.position == taken.position]
    if not before:
        raise ValueError(f"cell {taken.position} was not read yet")
    others = tuple(one for one in run.typed if one.position != taken.position)
    said = "read" if led_of(run) else "typed"
    words = (
        f"cell {taken.position} was first {said} as {before[-1].voltage_v:.3f} V, and then as "
        f"{taken.voltage_v:.3f} V"
    )
    return replace(run, typed=(*others, taken), retyped=(*run.retyped, words))


def led_of(run: Run) -> Led | None:
    """How the bench's own meter is read in the present step; None where nobody leads it."""
    step = run.step
    return step.by_hand.led if isinstance(step, Measure) and step.by_hand is not None else None


def _taken(
    data: Mapping[str, Any], *, at: datetime, received_at: datetime, not_before: datetime
) -> Taken:
    try:
        position, voltage_v = int(data["cell"]), float(data["voltage_v"])
        meter, taken_at = str(data["meter"]), datetime.fromisoformat(data["taken_at"])
        late = max(received_at - taken_at, timedelta(0))
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"a reading that cannot be read: {error!r}") from error
    if not (math.isfinite(voltage_v) and meter):
        raise ValueError("a reading without a figure or without a meter")
    moment = max(at - late, not_before)
    return Taken(position, voltage_v, moment, received_at - (at - moment), meter)
