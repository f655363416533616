"""The discharge: a constant current out until the meter has seen the cut-off (B9, B16).

Or a voltage that the load holds until little is drawn (B9).  It regulates its own terminals, and
the cell lies above them by what its leads drop, so on the safe side; the drop vanishes with the
current.  A load whose voltmeter reads high holds too low, which the meter on the cell sees: the
set-point is not trimmed, the load goes off.  Its ammeter shows less than two counts whenever it is
proven off (`guardian.switched`), so of the ten that a tail has at least (`check`) its zero is a
fifth at most, and the same for all cells that hung on it.

What came out is integrated by trapezoids over process time: the load's ammeter for Ah, times
the independent meter for Wh.  A reading without either is no part of it.
"""

from __future__ import annotations

import math
from datetime import datetime

from stations.frozen import changed
from stations.procedures import pulsing
from stations.procedures.actions import Action, Hold, Next, SafeHold, Trip
from stations.procedures.charging import cells_apart
from stations.procedures.criteria import StringEnd
from stations.procedures.progress import close_discharge
from stations.procedures.series_charging import string_apart
from stations.procedures.state import Run
from stations.procedures.steps import Discharge
from stations.procedures.turns import seen
from stations.values import Reading

# In a taper a cell that still comes back from the larger current is not at the end of this one.
# From one reading to the next; more than a bench meter's noise.
RISING_V = 1e-4
ZERO_SHARE = 0.2  # of a hold's tail: what the load's ammeter may show with nothing flowing


def decide_discharge(
    run: Run, step: Discharge, reading: Reading, now: datetime
) -> tuple[Run, Action]:
    """Judge one valid reading with the load on: over a cap, idle, at its end, or go on."""
    comes_back = bool(step.tail_a) and reading.voltage_v > run.last_on_v + RISING_V
    run = changed(run, last_on_v=reading.voltage_v)
    if not run.step_drawn_ah <= step.draw_max_ah:
        return run, Trip(f"{run.step_drawn_ah:.1f} Ah drawn, above the step's limit")
    spent_s = (now - run.entered_at).total_seconds() + run.step_spent_s
    if not spent_s <= step.timeout.total_seconds():
        return run, Trip(f"“{step.title}” took longer than {step.timeout}")
    drawn_a = -reading.supply_current_a
    flows = drawn_a >= step.proven_on_a
    if step.draw.holds:
        near = _is_near(step, reading)
        ends, idles = flows and near and drawn_a <= step.tail_a, not (flows or near)
        under = reading.voltage_v < step.cutoff_v and drawn_a > ZERO_SHARE * step.tail_a
    else:
        ends, idles = flows and _is_low(step, reading) and not comes_back, not flows
        under = False
    since = (run.no_current_since or reading.at) if idles else None
    run = changed(
        run,
        no_current_since=since,
        below_cutoff=run.below_cutoff + 1 if ends else 0,
        under_hold=run.under_hold + 1 if under else 0,
    )
    if under and run.under_hold >= step.cutoff_samples:
        return run, SafeHold(_under_words(step, reading))
    if since is not None and reading.at - since >= step.no_current_for:
        return run, SafeHold(_idle_words(step, reading))
    if step.pulse is not None:
        return pulsing.decide_pulse(run, step, step.pulse, reading, now, flows=flows)
    done = run.below_cutoff >= step.cutoff_samples
    ended = "done" if done else _string_end(run, step.string)
    if not ended:
        return run, Hold()
    return close_discharge(run, step, now, (ended,)), Next()


def _is_low(step: Discharge, reading: Reading) -> bool:
    """At the cut-off: what the meter shows, or a string's lowest cell."""
    lowest_v = min(reading.cell_voltages_v, default=math.nan)
    at_end = step.string is not None and lowest_v <= step.string.lowest_v
    return at_end or reading.voltage_v <= step.cutoff_v


def _is_near(step: Discharge, reading: Reading) -> bool:
    """The cell has come down to what is held as far as meters can tell.

    One that the current before left below it gives nothing until it has come back.
    """
    budget = step.agreement
    within_v = budget.supply_v - budget.lead_max_ohm * reading.supply_current_a
    return reading.voltage_v <= step.draw.cutoff.voltage_v + within_v


def _under_words(step: Discharge, reading: Reading) -> str:
    return (
        f"the load should hold {step.draw.cutoff.voltage_v:.3f} V and the meter shows "
        f"{reading.voltage_v:.3f} V, below the cut-off of {step.cutoff_v:.3f} V: its voltmeter "
        "reads high, or it does not regulate; have it adjusted, or raise the recipe's hold_above_v"
    )


def _idle_words(step: Discharge, reading: Reading) -> str:
    drawn_a = -reading.supply_current_a
    if step.draw.holds:
        return (
            f"the load is on, should hold {step.draw.cutoff.voltage_v:.3f} V and draws "
            f"{drawn_a:.2f} A, with the meter at {reading.voltage_v:.3f} V: check its leads"
        )
    return (
        f"the load is on and draws {drawn_a:.2f} A instead of {step.draw.current_a:.2f} A: "
        "check its leads"
    )


def _string_end(run: Run, end: StringEnd | None) -> str:
    """That a string has given what it was asked for, or ""."""
    if end is None or run.step_drawn_ah < end.enough_ah:
        return ""
    return f"done: {run.step_drawn_ah:.1f} Ah given"


def account(run: Run, reading: Reading) -> Run:
    """Add what came out since the last counted reading; the first counts from the load's ON."""
    if not reading.at > run.entered_at:
        return changed(run, last_at=reading.at, last_seq=reading.seq, last_current_a=0.0)
    watts = reading.supply_current_a * reading.voltage_v
    if not (reading.output_on and math.isfinite(watts)):
        return changed(run, last_seq=reading.seq)
    before = run.counted or changed(reading, at=run.entered_at)
    hours = (reading.at - before.at).total_seconds() / 3600.0
    drawn_ah = -0.5 * (reading.supply_current_a + before.supply_current_a) * hours
    watts_before = before.supply_current_a * before.voltage_v
    return changed(
        run,
        last_at=reading.at,
        last_seq=reading.seq,
        last_current_a=reading.supply_current_a,
        counted=reading,
        drawn_ah=run.drawn_ah + drawn_ah,
        step_drawn_ah=run.step_drawn_ah + drawn_ah,
        step_drawn_wh=run.step_drawn_wh - 0.5 * (watts + watts_before) * hours,
    )


def hole(run: Run, step: Discharge, reading: Reading) -> str:
    """Why what was measured is worth nothing any more, or "".

    In wall time, as samples come: a simulated bench lets more process time pass between two.
    Until the first one the guardian waits no longer than a reading may be old.
    """
    if step.gap_max is None or run.counted is None:
        return ""
    gap = reading.received_at - run.counted.received_at
    if gap <= step.gap_max:
        return ""
    return (
        f"no reading for {gap.total_seconds():.1f} s, more than "
        f"{step.gap_max.total_seconds():g} s: an interpolated result is not evidence"
    )


def disagreement(step: Discharge, reading: Reading) -> str:
    """Why the meter is in doubt while the load draws, or ""; NaN agrees with nothing.

    The load's terminals lie below the meter by what the leads drop.
    """
    budget, meter_v = step.agreement, reading.voltage_v
    leads_v = budget.lead_max_ohm * max(0.0, -reading.supply_current_a)
    if not -budget.supply_v <= meter_v - reading.supply_voltage_v <= budget.supply_v + leads_v:
        return f"meter {meter_v:.3f} V and load {reading.supply_voltage_v:.3f} V disagree"
    if step.string is not None:
        return string_apart(budget, reading, step.string.link_max_ohm * reading.supply_current_a)
    return cells_apart(budget, meter_v, seen(step, reading))
