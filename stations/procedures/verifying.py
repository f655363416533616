"""The Verify step: the joined bank at rest is these cells, before any current flows (B3, B4)."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import datetime

from stations.procedures.actions import Action, Hold, Refuse, SafeHold
from stations.procedures.progress import CELLS_UNSEEN, close_step, onward
from stations.procedures.state import Run
from stations.procedures.steps import Verify
from stations.procedures.turns import seen
from stations.values import Reading, Window


def decide_verify(run: Run, step: Verify, reading: Reading, now: datetime) -> tuple[Run, Action]:
    """Judge one valid reading with the output off; a person may still put right what is off."""
    over = overdue(run, step, reading, now)
    if over is not None:
        return over
    if run.rest_until is not None and reading.at < run.rest_until:
        return run, Hold()
    if doubt(run, step, reading):
        return replace(run, settled=()), Hold()
    wrong = _bms_problem(step, reading)
    if wrong:
        return run, Refuse((wrong,))
    off_v = (*run.off_v, reading.voltage_v)[-step.settle_samples :]
    run = replace(run, settled=(*run.settled, seen(step, reading)), off_v=off_v)
    if len(run.settled) < step.settle_samples:
        return run, Hold()
    run = close_step(replace(run, settled=(), rest_until=None), now, _unseen(run, reading))
    return onward(run)


def _bms_problem(step: Verify, reading: Reading) -> str:
    """What is wrong with the setting that the BMS tells of itself, or ""."""
    wanted, bms = step.bms_over, reading.bms
    if wanted is None or bms is None or wanted.contains(bms.cell_over_v):
        return ""
    wanted_v = (wanted.low + wanted.high) / 2
    if math.isnan(bms.cell_over_v):
        return (
            "The BMS does not tell at how many volts of a cell it opens. Take its wire off this "
            f"bench, and type the setting that its app shows: it must be {wanted_v:.3f} V."
        )
    return (
        f"The BMS opens when a cell is at {bms.cell_over_v:.3f} V; for this charge it must be "
        f"{wanted_v:.3f} V. Set its cell over-voltage and start again."
    )


def overdue(run: Run, step: Verify, reading: Reading, now: datetime) -> tuple[Run, Action] | None:
    if not now - max(run.entered_at, run.rest_until or run.entered_at) > step.timeout:
        return None
    words = doubt(run, step, reading) or "the readings did not settle"
    return run, SafeHold(f"“{step.title}”: {words}")


def doubt(run: Run, step: Verify, reading: Reading) -> str:
    """What is not as these cells were, or ""; written so that NaN is in doubt."""
    if step.series:
        return _string_doubt(run, step, reading)
    expected = _expected(run, step)
    if expected is not None and not expected.contains(reading.voltage_v):
        return (
            f"the bank meter shows {reading.voltage_v:.3f} V where {expected.low:.3f} … "
            f"{expected.high:.3f} V was expected: check polarity, links and cells"
        )
    cells = seen(step, reading)
    if not step.place and len(cells) not in (0, run.program.cells):
        return f"the scanner sees {len(cells)} cells, this program is for {run.program.cells}"
    for position, volt in enumerate(cells, start=step.place or 1):
        if not abs(volt - reading.voltage_v) <= step.cells_within_v:
            apart_mv = 1000 * (volt - reading.voltage_v)
            return (
                f"cell {position} is {apart_mv:+.0f} mV from the bank, more than "
                f"{1000 * step.cells_within_v:.0f} mV: check its links"
            )
    return ""


def _unseen(run: Run, reading: Reading) -> tuple[str, ...]:
    """What is on record where the cells' volts would stand, of a string that nobody sees."""
    if not run.program.limits.cells_unseen:
        return ()
    return (f"the string at rest: {reading.voltage_v:.3f} V", CELLS_UNSEEN)


def _string_doubt(run: Run, step: Verify, reading: Reading) -> str:
    cells, meter_v = reading.cell_voltages_v, reading.voltage_v
    if run.program.limits.cells_unseen:
        return _unseen_doubt(run, step, meter_v)
    if len(cells) != run.program.cells:
        return f"{len(cells)} cells are seen, this program is for {run.program.cells} in series"
    sum_v = sum(cells)
    if not abs(meter_v - sum_v) <= step.margin_v:
        return (
            f"the meter shows {meter_v:.3f} V, the cells add up to {sum_v:.3f} V: put it on the "
            "minus of the first cell and the plus of the last, and check links and sense leads"
        )
    return ""


def _unseen_doubt(run: Run, step: Verify, meter_v: float) -> str:
    expected = step.voltage
    if expected is not None and expected.contains(meter_v):
        return ""
    within = f"{expected.low:.1f} … {expected.high:.1f} V" if expected else "what nobody said"
    return (
        f"the meter shows {meter_v:.3f} V, {run.program.cells} cells in series rest at {within}: "
        "put it on the minus of the first cell and the plus of the last, and check polarity and "
        "links"
    )


def _expected(run: Run, step: Verify) -> Window | None:
    """What the step says; else between the cells as they rested and the bank as last charged."""
    if step.voltage is not None or run.rested is None:
        return step.voltage
    high_v = run.rested.high
    if run.last_on_v > high_v:
        high_v = run.last_on_v
    return Window(run.rested.low - step.margin_v, high_v + step.margin_v)
