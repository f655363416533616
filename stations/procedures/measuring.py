"""Measure steps: settled readings of every cell, judged by the step's rule (B3, B7, B8)."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import datetime, timedelta

from stations.procedures import joining, judge, watching
from stations.procedures.actions import Action, Hold, Refuse, SafeHold
from stations.procedures.progress import onward
from stations.procedures.rules import (
    DisconnectRule,
    LevelRule,
    ParallelRule,
    RecheckRule,
    RestedRule,
    WatchRule,
)
from stations.procedures.state import CellResult, Record, Run
from stations.procedures.steps import Measure
from stations.procedures.turns import seen
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
        words = _unlike_warm(step, reading) or f"did not settle within {step.timeout}"
        return run, SafeHold(f"“{step.title}”: {words}")
    stopped = run.current_stopped
    if stopped is None or not reading.at - stopped.at > step.rule.late:
        return None
    return _measured(
        run, step, _missing(run, step, reading, stopped), now, ("the check came too late",)
    )


def _disconnect(
    run: Run, step: Measure, rule: DisconnectRule, reading: Reading, now: datetime
) -> tuple[Run, Action]:
    stopped = run.current_stopped
    if stopped is None:
        return run, SafeHold("no current was stopped before the disconnect check")
    volts = seen(step, reading)
    run, settled = _settle(run, step, volts)
    if not settled:
        return run, Hold()
    results = judge.disconnect_results(
        rule,
        volts,
        at=reading.at,
        received_at=reading.received_at,
        stopped_at=stopped.at,
        first=step.cell or 1,
    )
    if any(cell.verdict == "invalid" for cell in results) and run.above_window == 0:
        return replace(run, above_window=1, settled=()), Hold()  # measured again, once
    return _measured(run, step, results, now, ())


def _pre_parallel(
    run: Run, step: Measure, rule: ParallelRule, reading: Reading, now: datetime
) -> tuple[Run, Action]:
    volts = reading.cell_voltages_v
    run, settled = _settle(run, step, volts)
    if not settled:
        return run, Hold()
    found = joining.joining_problems(rule, volts)
    if found:
        return run, Refuse(tuple(found))
    least_ah = judge.least_charge_ah(volts, rule.capacity_ah)
    observable = () if least_ah > 0 else ("start SOC not observable: least charge not judged",)
    results = _at_rest(rule.voltage, reading)
    run = replace(run, least_charge_ah=least_ah, rested=Window(min(volts), max(volts)))
    return _measured(run, step, results, now, joining.joining_remarks(rule, volts) + observable)


def _rested(
    run: Run, step: Measure, rule: RestedRule, reading: Reading, now: datetime
) -> tuple[Run, Action]:
    volts = reading.cell_voltages_v
    run, settled = _settle(run, step, volts)
    if not settled:
        return run, Hold()
    found = judge.cell_problems(rule.voltage, volts)
    if found:
        return run, Refuse(tuple(found))
    alone = tuple((volt, judge.least_charge_ah((volt,), rule.capacity_ah)) for volt in volts)
    run = replace(run, rested_alone=alone)
    return _measured(run, step, _at_rest(rule.voltage, reading), now, ())


def _levelled(
    run: Run, step: Measure, rule: LevelRule, reading: Reading, now: datetime
) -> tuple[Run, Action]:
    run, settled = _settle(run, step, reading.cell_voltages_v)
    if not settled:
        return run, Hold()
    results = tuple(
        cell if rule.voltage.contains(cell.voltage_v) else replace(cell, verdict="fail")
        for cell in _at_rest(rule.voltage, reading)
    )
    low = [str(cell.position) for cell in results if cell.verdict == "fail"]
    remarks = (f"not level: cell {', '.join(low)}",) if low else ()
    return _measured(run, step, results, now, remarks)


def _at_rest(allowed: Window, reading: Reading) -> tuple[CellResult, ...]:
    return tuple(
        CellResult(
            position=position,
            voltage_v=volt,
            verdict="pass",
            window=allowed,
            at=reading.at,
            received_at=reading.received_at,
            age_s=NAN,
        )
        for position, volt in enumerate(reading.cell_voltages_v, start=1)
    )


def _recheck(
    run: Run, step: Measure, rule: RecheckRule, reading: Reading, now: datetime
) -> tuple[Run, Action]:
    """First and last reading lie within the step's time limit, which is the span of B8."""
    stopped = run.current_stopped
    if stopped is None:
        return run, SafeHold("nobody knows when current stopped in these cells")
    run, settled = _settle(run, step, reading.cell_voltages_v)
    if not settled or _unlike_warm(step, reading):
        return run, Hold()
    results, remarks = judge.recheck_results(
        rule,
        reading.cell_voltages_v,
        at=reading.at,
        received_at=reading.received_at,
        # Wall time: these cells may have parted at another bench, by another process clock.
        age=reading.received_at - stopped.received_at,
    )
    return _measured(run, step, results, now, (*remarks, _warmth(reading)))


def _span_k(reading: Reading) -> float:
    """Between the warmest and the coldest probe; NaN where there are not two to compare."""
    known = [celsius for celsius in reading.temperatures_c if math.isfinite(celsius)]
    return max(known) - min(known) if len(known) > 1 else NAN


def _unlike_warm(step: Measure, reading: Reading) -> str:
    """Why the cells cannot be compared yet, or ""; nothing is said where there are no probes."""
    if isinstance(step.rule, RecheckRule) and _span_k(reading) > step.rule.temperature_span_k:
        return (
            f"the cells are {_span_k(reading):.1f} K apart, and are compared within "
            f"{step.rule.temperature_span_k:.0f} K: let them lie side by side"
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
    run, settled = _settle(run, step, reading.cell_voltages_v)
    if not settled:
        return run, Hold()
    found = watching.problems(rule, reading, run.current_stopped)
    if found:
        return run, Refuse(tuple(found))
    results, remarks, facts = watching.results(rule, reading, run.current_stopped)
    return _measured(run, step, results, now, remarks, facts)


def _settle(run: Run, step: Measure, volts: tuple[float, ...]) -> tuple[Run, bool]:
    """Collect readings until the last few of every cell agree; a lost channel restarts it."""
    if len(volts) != (1 if step.cell else run.program.cells) or any(
        math.isnan(volt) for volt in volts
    ):
        return replace(run, settled=()), False
    kept = (*run.settled, volts)[-step.settle_samples :]
    run = replace(run, settled=kept)
    if len(kept) < step.settle_samples:
        return run, False
    spreads = [max(cell) - min(cell) for cell in zip(*kept, strict=True)]
    return run, max(spreads) <= step.settle_v


def _missing(
    run: Run, step: Measure, reading: Reading, stopped: OffProof
) -> tuple[CellResult, ...]:
    positions = (step.cell,) if step.cell else range(1, run.program.cells + 1)
    return tuple(
        CellResult(
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
    record = Record(
        step=step.name,
        kind="measure",
        entered_at=run.entered_at,
        ended_at=now,
        cells=results,
        remarks=remarks,
        facts=facts or (("least_charge_ah", run.least_charge_ah),),
        cell=step.cell,
    )
    return onward(replace(run, records=(*run.records, record), settled=()))
