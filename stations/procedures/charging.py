"""The CC/CV charge: finishing current, trim by the bank meter (B5), and the tail (B2).

A supply behind leads is in CV as soon as what they drop reaches up to its set-point, with the bank
still on its plateau.  That is no CV hold: the hold's clock runs while the *bank* is at target.
"""

from __future__ import annotations

import math
from datetime import datetime, timedelta

from stations.frozen import changed
from stations.procedures.actions import Action, Hold, Next, SafeHold, Set, Trip
from stations.procedures.criteria import Agreement
from stations.procedures.progress import close_charge, cv_counted, cv_s
from stations.procedures.state import Run
from stations.procedures.steps import Charge, SeriesCharge
from stations.procedures.turns import seen
from stations.values import Limits, Reading, Setpoint

LEAD_SEEN_ABOVE = 0.5  # of the CC limit: below, a voltmeter's offset looks like milliohms
TRIM_STEPS_MAX = 3  # per reading, downwards
EQUAL_V = 1e-9
COLD_MARGIN_K = 1.0
COLD_SHARE = 0.98  # of what cold cells may take: an ammeter errs
SETTLE_READINGS = 1  # readings after a change of set-point that may still be older
FLAT_RISE_V = 0.001  # a bank that rises by that much takes up charge, however flat its current


def decide_charge(run: Run, step: Charge, reading: Reading, now: datetime) -> tuple[Run, Action]:
    """Judge one valid reading with the output on: end, adjust, or go on."""
    run = _observe(run, step, reading)
    if run.step_charge_ah > step.charge_max_ah:
        return run, Trip(f"{run.step_charge_ah:.1f} Ah delivered, above the step's limit")
    if (now - run.entered_at).total_seconds() + run.step_spent_s > step.timeout.total_seconds():
        return run, Trip(f"“{step.title}” took longer than {step.timeout}{_slowed(run, step)}")
    idle_since = run.no_current_since
    if idle_since is not None and reading.at - idle_since >= step.tail.no_current_for:
        return run, SafeHold("the output is on and no current flows: check the leads to the bank")
    run = _tail(run, step, reading)
    if _done(run, step, reading.at) or run.done_since is not None:
        return _held_for_a_person(run, step, reading, now)
    if _overheld(run, step, reading.at):
        return _timed_out(run, step, now)
    return _adjust(run, step, reading)


def disagreement(step: Charge, reading: Reading) -> str:
    """Why the bank meter is in doubt while current flows, or ""; NaN agrees with nothing.

    The meter sits on the bank: among the cells, and below the supply's terminals by what the
    leads drop.  Which of the two is wrong nobody can tell from here.
    """
    budget, meter_v = step.agreement, reading.voltage_v
    if budget is None:
        return ""
    terminals_v = reading.supply_voltage_v + step.trim.above_shown_v
    leads_v = budget.lead_max_ohm * max(0.0, reading.supply_current_a)
    cells = seen(step, reading)
    if not -budget.supply_v <= terminals_v - meter_v <= budget.supply_v + leads_v:
        disagree = f"meter {meter_v:.3f} V and supply {terminals_v:.3f} V disagree"
        if leads_v > 0 and cells and not cells_apart(budget, meter_v, cells):
            return _by_leads(budget, terminals_v - meter_v, reading.supply_current_a) or disagree
        return disagree
    return cells_apart(budget, meter_v, cells)


def _by_leads(budget: Agreement, drop_v: float, current_a: float) -> str:
    """What is left where meter and cells agree: the leads, or the supply's own voltmeter (B6)."""
    if not drop_v > 0:
        return ""
    return (
        f"lead {1000 * drop_v / current_a:.0f} mΩ, more than {1000 * budget.lead_max_ohm:.0f} mΩ: "
        f"{drop_v:.2f} V are lost between supply and bank at {current_a:.1f} A. Tighten the lugs, "
        "take shorter and thicker leads; if they are sound, the supply's voltmeter is off"
    )


def cells_apart(budget: Agreement, meter_v: float, cells: tuple[float, ...]) -> str:
    """Why the meter is in doubt beside the cells that it sits among, or ""."""
    if cells and not min(cells) - budget.cells_v <= meter_v <= max(cells) + budget.cells_v:
        return f"meter {meter_v:.3f} V and cells {min(cells):.3f} … {max(cells):.3f} V disagree"
    return ""


def _observe(run: Run, step: Charge, reading: Reading) -> Run:
    current_a, in_cv = run.last_current_a, reading.regulation == "CV"
    lead_ohm = run.lead_ohm
    if current_a >= LEAD_SEEN_ABOVE * step.setpoint.current_a:
        drop_v = reading.supply_voltage_v + step.trim.above_shown_v - reading.voltage_v
        lead_ohm = drop_v / current_a
    none_flows, trimmed_v = in_cv and current_a < step.tail.proven_on_a, run.trimmed_v
    if in_cv and not none_flows:
        trimmed_v = _trimmed_by(run, step)
    # Set below where it last fed the bank, it waits for the bank to relax: no lead is off for that.
    none_flows = none_flows and not _trimmed_by(run, step) > trimmed_v + EQUAL_V
    peak_v = reading.voltage_v
    if run.peak_voltage_v > peak_v:
        peak_v = run.peak_voltage_v
    run = changed(
        cv_counted(run, reading.at, counts=in_cv and reading.voltage_v >= step.tail.at_least_v),
        reached_cv=run.reached_cv or in_cv,
        lead_ohm=lead_ohm,
        no_current_since=(run.no_current_since or reading.at) if none_flows else None,
        trimmed_v=trimmed_v,
        peak_voltage_v=peak_v,
        last_on_v=reading.voltage_v,
    )
    if reading.voltage_v > step.alarm_v:
        run = _alarm(run, f"bank above {step.alarm_v:.3f} V in “{step.title}”")
    return _flat(run, step, reading)


def _trimmed_by(run: Run, step: Charge) -> float:
    """Volts by which the set-point lies below the target."""
    return step.setpoint.voltage_v - (run.setpoint or step.setpoint).voltage_v


def begins_at(run: Run, step: Charge | SeriesCharge) -> Setpoint:
    """The first set-point: below target by what the supply gives more than it says.

    That was commissioned, or is as it last had to be trimmed: a full bank that meets such a supply
    untrimmed is lifted above target within seconds.  Of its current no more than cold cells take.
    """
    offset_v = step.trim.offset_v if isinstance(step, Charge) else 0.0
    below_v = run.trimmed_v if run.trimmed_v > 0 else max(0.0, offset_v)
    first = changed(step.setpoint, voltage_v=round(step.setpoint.voltage_v - below_v, 6))
    return as_cold(first, run.program.limits, run.coldest_c)


def _alarm(run: Run, words: str) -> Run:
    return run if words in run.alarms else changed(run, alarms=(*run.alarms, words))


def _flat(run: Run, step: Charge, reading: Reading) -> Run:
    """Name a tail that no longer falls while it is still above the limit.

    Below target too, where leads keep the bank from it, once it no longer rises either.
    """
    current_a, bank_v = run.last_current_a, reading.voltage_v
    near = reading.regulation == "CV" and bank_v >= min(step.finish_above_v, step.tail.at_least_v)
    if not near or current_a <= step.tail.done_a:
        return changed(run, flat_from=None)
    falls = current_a < (1.0 - step.tail.flat_fraction) * run.flat_current_a
    rises = bank_v < step.tail.at_least_v and bank_v >= run.flat_voltage_v + FLAT_RISE_V
    if run.flat_from is None or falls or rises or current_a > run.flat_current_a:
        return changed(run, flat_from=reading.at, flat_current_a=current_a, flat_voltage_v=bank_v)
    if reading.at - run.flat_from >= step.tail.flat_for:
        return _alarm(
            run,
            f"flat tail: {current_a:.2f} A for {step.tail.flat_for}, above the limit of "
            f"{step.tail.done_a:.2f} A; a cell may leak or a reading may be off",
        )
    return run


def _at_target(step: Charge, reading: Reading) -> bool:
    volts = (reading.voltage_v, *seen(step, reading))
    return all(volt >= step.tail.at_least_v for volt in volts)


def _tail(run: Run, step: Charge, reading: Reading) -> Run:
    """Since when the current is in the tail, at target, with the output proven on.

    The same for the partial limit, which is what a stop or a time-out is judged by.
    """
    current_a, tail = run.last_current_a, step.tail
    proven = (
        reading.output_on
        and run.cv_since is not None
        and _at_target(step, reading)
        and current_a >= tail.proven_on_a
    )
    in_tail, in_partial = (
        proven and current_a <= tail.done_a,
        proven and current_a <= tail.partial_a,
    )
    return changed(
        run,
        charge_current_a=current_a,
        tail_since=(run.tail_since or reading.at) if in_tail else None,
        partial_since=(run.partial_since or reading.at) if in_partial else None,
    )


def _done(run: Run, step: Charge, at: datetime) -> bool:
    return _held(run, step, run.tail_since, at)


def _held_for_a_person(
    run: Run, step: Charge, reading: Reading, now: datetime
) -> tuple[Run, Action]:
    """Done: on to the next step, or hold on, under the same supervision, until somebody comes."""
    run = changed(run, done_since=run.done_since or reading.at)
    held = reading.at - (run.done_since or reading.at)
    if step.hold_for not in run.announced and held < step.hold_max:
        return _adjust(run, step, reading)
    remarks = ["done"]
    if held >= timedelta(minutes=1):
        remarks.append(f"held for {held.total_seconds() / 60:.0f} min until somebody came")
    return close_charge(run, step, now, tuple(remarks)), Next()


def essentially_balanced(run: Run, step: Charge, at: datetime) -> bool:
    """Was the tail held between its two limits for as long as a done one must be?"""
    return _held(run, step, run.partial_since, at)


def _held(run: Run, step: Charge, since: datetime | None, at: datetime) -> bool:
    return (
        since is not None
        and run.cv_since is not None
        and at - since >= step.tail.dwell
        and at - run.cv_since >= step.tail.cv_min
        and (step.stage or run.charge_ah - run.least_from_ah >= run.least_charge_ah)
    )


def _overheld(run: Run, step: Charge, at: datetime) -> bool:
    """Held for too long at target, or for as long below it at a current that stays flat."""
    tail = step.tail
    flat_s = (at - run.flat_from).total_seconds() if run.flat_from else 0.0
    return max(cv_s(run, at), flat_s - tail.flat_for.total_seconds()) > tail.cv_max.total_seconds()


def _slowed(run: Run, step: Charge) -> str:
    """What kept the current down, where it was the leads."""
    if not run.reached_cv or not run.last_on_v < step.tail.at_least_v or not run.lead_ohm > 0:
        return ""
    return (
        f": the bank came to {run.last_on_v:.3f} V, for leads of {1000 * run.lead_ohm:.0f} mΩ "
        f"leave it {run.last_current_a:.1f} A. Take shorter and thicker leads"
    )


def _timed_out(run: Run, step: Charge, now: datetime) -> tuple[Run, Action]:
    if essentially_balanced(run, step, now):
        return close_charge(run, step, now, ("essentially balanced",)), Next()
    return run, Trip(
        f"CV hold timed out after {step.tail.cv_max} at {run.last_current_a:.2f} A, above "
        f"{step.tail.partial_a:.2f} A: look for a leaking cell or a bad link"
    )


def _adjust(run: Run, step: Charge, reading: Reading) -> tuple[Run, Action]:
    setpoint = run.setpoint or step.setpoint
    if reading.seq <= run.set_seq + SETTLE_READINGS:
        return run, Hold()
    wanted = setpoint
    if reading.voltage_v >= step.finish_above_v and setpoint.current_a > step.finish_current_a:
        wanted = changed(wanted, current_a=step.finish_current_a)
    wanted = as_cold(wanted, run.program.limits, reading.coldest_c)
    if reading.regulation == "CV":
        wanted = changed(wanted, voltage_v=_trimmed(run, step, reading, setpoint))
    if wanted == setpoint:
        return run, Hold()
    return changed(run, setpoint=wanted, set_seq=reading.seq), Set(wanted)


def as_cold(setpoint: Setpoint, limits: Limits, coldest_c: float) -> Setpoint:
    """With no more current than the coldest cell takes; NaN, where nobody knows, changes nothing.

    A little before the guardian's own line, which trips.
    """
    cold_a = limits.cold_current_max_a
    if cold_a > 0 and coldest_c < limits.cold_below_c + COLD_MARGIN_K:
        return changed(setpoint, current_a=min(setpoint.current_a, round(COLD_SHARE * cold_a, 2)))
    return setpoint


def _trimmed(run: Run, step: Charge, reading: Reading, setpoint: Setpoint) -> float:
    """The set-point that keeps the bank at target: down at once, up only late and a little.

    Terminals are judged by set-point plus the commissioned offset and stay at or below target,
    except at no more than twice the tail limit, where a supply that reads low may rise by its
    stated accuracy, and for what the leads drop where the recipe compensates them.  The bank
    stays at or below target all the same.
    """
    target_v, trim = step.setpoint.voltage_v, step.trim
    over_v = reading.voltage_v - target_v
    if over_v > 0:
        if setpoint.voltage_v + trim.offset_v + trim.accuracy_v < reading.voltage_v:
            return setpoint.voltage_v  # nothing comes from there: the bank relaxes by itself
        steps = min(TRIM_STEPS_MAX, math.ceil(over_v / trim.step_v - 1e-9))
        return round(setpoint.voltage_v - steps * trim.step_v, 6)
    late = run.last_current_a <= 2 * step.tail.done_a
    rise_v = max(trim.accuracy_v if late else 0.0, _compensation_v(step, reading))
    # At most the hard limit of any set-point.
    ceiling_v = min(target_v - trim.offset_v + rise_v, target_v + trim.rise_max_v)
    room = reading.voltage_v + 1.5 * trim.step_v <= target_v
    raised_v = round(setpoint.voltage_v + trim.step_v, 6)
    if rise_v > 0 and room and raised_v <= ceiling_v + 1e-9:
        return raised_v
    return setpoint.voltage_v


def _compensation_v(step: Charge, reading: Reading) -> float:
    """What the leads drop now, as far as the recipe makes up for it and OVP leaves room (B5)."""
    trim = step.trim
    drop_v = reading.supply_voltage_v + trim.above_shown_v - reading.voltage_v
    below_ovp_v = step.protection.ovp_v - trim.ovp_room_v - step.setpoint.voltage_v
    return max(0.0, min(trim.compensate_v, drop_v, below_ovp_v))
