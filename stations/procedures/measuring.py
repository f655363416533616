"""Measure steps: settled readings of every cell, judged by the step's rule (B3, B7, B8)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from stations.procedures import by_hand, joining, judge, led, watching
from stations.procedures.actions import Action, Hold, Refuse, SafeHold
from stations.procedures.led import OPEN_MAX_V
from stations.procedures.progress import onward
from stations.procedures.rules import (
    DisconnectRule,
    LevelRule,
    ParallelRule,
    RecheckRule,
    RestedRule,
    WatchRule,
)
from stations.procedures.state import CellResult, Record, Run, Taken
from stations.procedures.steps import Measure
from stations.procedures.taking import cells_taken, first_of_each
from stations.values import NAN, OffProof, Reading, Window


def decide_measure(run: Run, step: Measure, reading: Reading, now: datetime) -> tuple[Run, Action]:
    """Judge one valid reading with the output off; each cell stands alone on the scanner."""
    over = overdue(run, step, reading, now)
    if over is not None:
        return over
    if reading.at - timedelta(seconds=reading.age_s) < run.entered_at:
        return run, Hold()  # begun while the step before still was: its links may be on
    match step.rule:
        case ParallelRule() as rule:
            return _pre_parallel(run, step, rule, reading, now)
        case RestedRule() as rule:
            return _rested(run, step, rule, reading, now)
        case LevelRule() as rule:
            return _levelled(run, step, rule, reading, now)
        case DisconnectRule() as rule:
            return _disconnect(run, step, rule, reading, now)
        case RecheckRule() as rule:
            return _recheck(run, step, rule, reading, now)
        case WatchRule() as rule:
            return _watch(run, step, rule, reading, now)


def overdue(run: Run, step: Measure, reading: Reading, now: datetime) -> tuple[Run, Action] | None:
    """How the step ends once its time is over, whatever the reading is worth; None before."""
    if not isinstance(step.rule, DisconnectRule):
        if not now - run.entered_at > step.timeout:
            return None
        words = _unlike_warm(step, reading) or f"{_unsettled(run, step)} within {step.timeout}"
        return run, SafeHold(f"“{step.title}”: {words}")
    stopped = run.current_stopped
    if stopped is None or not reading.at - stopped.at > step.rule.late:
        return None
    late = _too_late(run, step, step.rule, reading, stopped)
    return _measured(run, step, late, now, ("the check came too late",))


def _unsettled(run: Run, step: Measure) -> str:
    """What is still waited for."""
    if step.by_hand is None:
        return "did not settle"
    left = by_hand.left(step, run.program.cells, [one.position for one in run.typed])
    named = ", ".join(map(str, left))
    if not left:
        return "no good reading ended it"
    return f"cells {named} were not read" if len(left) > 1 else f"cell {named} was not read"


def _disconnect(
    run: Run, step: Measure, rule: DisconnectRule, reading: Reading, now: datetime
) -> tuple[Run, Action]:
    stopped = run.current_stopped
    if stopped is None:
        return run, SafeHold("no current was stopped before the disconnect check")
    run, taken = cells_taken(run, step, reading)
    if not taken:
        return run, Hold()
    if step.routed and abs(reading.voltage_v) > OPEN_MAX_V:
        return run, SafeHold(
            f"with every route open the bank meter still shows {reading.voltage_v:.3f} V: the "
            f"contacts behind the route of cell {step.cell} have not opened, see to them"
        )
    results = _parted(rule, taken, stopped)
    invalid = any(cell.verdict == "invalid" for cell in results)
    if invalid and run.above_window == 0 and step.by_hand is None:  # a person was asked again
        return replace(run, above_window=1, settled=()), Hold()  # measured again, once
    return _measured(run, step, results, now, ())


def _parted(
    rule: DisconnectRule, taken: Sequence[Taken], stopped: OffProof
) -> tuple[CellResult, ...]:
    """Each cell by its own age since current stopped."""
    return tuple(
        result
        for one in taken
        for result in judge.disconnect_results(
            rule,
            (one.voltage_v,),
            at=one.at,
            received_at=one.received_at,
            stopped_at=stopped.at,
            first=one.position,
        )
    )


def _pre_parallel(
    run: Run, step: Measure, rule: ParallelRule, reading: Reading, now: datetime
) -> tuple[Run, Action]:
    run, taken = cells_taken(run, step, reading)
    if not taken:
        return run, Hold()
    volts = tuple(one.voltage_v for one in taken)
    found = joining.joining_problems(rule, volts)
    if found:
        return run, Refuse(tuple(found))
    least_ah = judge.least_charge_ah(volts, rule.capacity_ah)
    observable = () if least_ah > 0 else ("start SOC not observable: least charge not judged",)
    results = _at_rest(rule.voltage, taken)
    run = replace(run, least_charge_ah=least_ah, rested=Window(min(volts), max(volts)))
    return _measured(run, step, results, now, joining.joining_remarks(rule, volts) + observable)


def _rested(
    run: Run, step: Measure, rule: RestedRule, reading: Reading, now: datetime
) -> tuple[Run, Action]:
    run, taken = cells_taken(run, step, reading)
    if not taken:
        return run, Hold()
    volts = tuple(one.voltage_v for one in taken)
    found = judge.start_problems(rule, volts)
    if found:
        return run, Refuse(tuple(found))
    alone = tuple((volt, judge.least_charge_ah((volt,), rule.capacity_ah)) for volt in volts)
    run = replace(run, rested_alone=alone)
    return _measured(run, step, _at_rest(rule.voltage, taken), now, ())


def _levelled(
    run: Run, step: Measure, rule: LevelRule, reading: Reading, now: datetime
) -> tuple[Run, Action]:
    run, taken = cells_taken(run, step, reading)
    if not taken:
        return run, Hold()
    results = tuple(
        cell if rule.voltage.contains(cell.voltage_v) else replace(cell, verdict="fail")
        for cell in _at_rest(rule.voltage, taken)
    )
    low = [str(cell.position) for cell in results if cell.verdict == "fail"]
    remarks = (f"not level: cell {', '.join(low)}",) if low else ()
    return _measured(run, step, results, now, remarks)


def _at_rest(allowed: Window, taken: Sequence[Taken]) -> tuple[CellResult, ...]:
    return tuple(
        CellResult(
            position=one.position,
            voltage_v=one.voltage_v,
            verdict="pass",
            window=allowed,
            at=one.at,
            received_at=one.received_at,
            age_s=NAN,
        )
        for one in taken
    )


def _recheck(
    run: Run, step: Measure, rule: RecheckRule, reading: Reading, now: datetime
) -> tuple[Run, Action]:
    """First and last reading lie within the step's time limit, which is the span of B8.

    All are judged at the age of the first one, where the limits are the strictest; a record has
    each one's own.
    """
    stopped = run.current_stopped
    if stopped is None:
        return run, SafeHold("nobody knows when current stopped in these cells")
    run, taken = cells_taken(run, step, reading)
    if not taken or _unlike_warm(step, reading):
        return run, Hold()
    first = min(taken, key=lambda one: one.received_at)
    results, remarks = judge.recheck_results(
        rule,
        [one.voltage_v for one in taken],
        at=first.at,
        received_at=first.received_at,
        # Wall time: these cells may have parted at another bench, by another process clock.
        age=first.received_at - stopped.received_at,
    )
    own = tuple(
        replace(
            result,
            at=one.at,
            received_at=one.received_at,
            age_s=(one.received_at - stopped.received_at).total_seconds(),
        )
        for result, one in zip(results, taken, strict=True)
    )
    return _measured(run, step, own, now, (*remarks, _warmth(reading)))


def _span_k(reading: Reading) -> float:
    """Between the warmest and the coldest probe; NaN where there are not two to compare."""
    known = [celsius for celsius in reading.temperatures_c if math.isfinite(celsius)]
    return max(known) - min(known) if len(known) > 1 else NAN


def _unlike_warm(step: Measure, reading: Reading) -> str:
    """Why the cells cannot be compared yet, or ""; nothing is said where there are no probes."""
    rule = step.rule
    if isinstance(rule, RecheckRule | WatchRule) and _span_k(reading) > rule.temperature_span_k:
        return (
            f"the cells are {_span_k(reading):.1f} K apart, and are compared within "
            f"{rule.temperature_span_k:.0f} K: let them lie side by side"
        )
    return ""


def _warmth(reading: Reading) -> str:
    if math.isnan(_span_k(reading)):
        return "temperatures not observable: no two probes on these cells"
    return f"{len(reading.temperatures_c)} probes within {_span_k(reading):.1f} K of each other"


def _watch(
    run: Run, step: Measure, rule: WatchRule, reading: Reading, now: datetime
) -> tuple[Run, Action]:
    """The first look at cells that rest, or the second one, which says what each lost."""
    run, taken = cells_taken(run, step, reading)
    if not taken or _unlike_warm(step, reading):
        return run, Hold()
    warm_c, stopped = _mean_c(reading), run.current_stopped
    found = watching.problems(rule, taken, warm_c, stopped)
    if found:
        return run, Refuse(tuple(found))
    results, remarks, facts = watching.results(rule, taken, warm_c, stopped)
    return _measured(run, step, results, now, (*remarks, _warmth(reading)), facts)


def _mean_c(reading: Reading) -> float:
    known = [celsius for celsius in reading.temperatures_c if math.isfinite(celsius)]
    return sum(known) / len(known) if known else NAN


def _too_late(
    run: Run, step: Measure, rule: DisconnectRule, reading: Reading, stopped: OffProof
) -> tuple[CellResult, ...]:
    """What was read in time counts, one by one; the rest is missing."""
    read = {one.position: one for one in first_of_each(run.typed)}
    there = {cell.position: cell for cell in _parted(rule, list(read.values()), stopped)}
    positions = (step.cell,) if step.cell else range(1, run.program.cells + 1)
    return tuple(
        there.get(position)
        or CellResult(
            position=position,
            voltage_v=NAN,
            verdict="missing",
            window=Window(NAN, NAN),
            at=reading.at,
            received_at=reading.received_at,
            age_s=(reading.at - stopped.at).total_seconds(),
        )
        for position in positions
    )


def _measured(
    run: Run,
    step: Measure,
    results: tuple[CellResult, ...],
    now: datetime,
    remarks: tuple[str, ...],
    facts: tuple[tuple[str, float], ...] = (),
) -> tuple[Run, Action]:
    meters = [one.meter for one in run.typed]
    twice = len(run.typed) > len(first_of_each(run.typed))
    record = Record(
        step=step.name,
        kind="measure",
        entered_at=run.entered_at,
        ended_at=now,
        cells=results,
        remarks=(*remarks, *run.retyped),
        facts=facts or (("least_charge_ah", run.least_charge_ah),),
        cell=step.cell,
        meter=meters[0] if meters else "",
        again=run.typed[-1] if twice else None,
    )
    return onward(led.done(replace(run, records=(*run.records, record), settled=())))
