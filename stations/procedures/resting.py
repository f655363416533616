"""Rest, and the comparison of cells that have each had one (B9, B16)."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from stations.procedures import judge
from stations.procedures.actions import Action, Hold, SafeHold
from stations.procedures.progress import onward
from stations.procedures.state import Record, Run, has_rested
from stations.procedures.steps import Compare, Rest
from stations.values import Reading

DOUBT_MAX = timedelta(minutes=15)  # a rest waits so much longer for a reading without doubt


def decide_rest(run: Run, step: Rest, reading: Reading, now: datetime) -> tuple[Run, Action]:
    """Wait; then record what the meter shows, and how long ago current stopped.

    An interruption counts as rest: the output was off.
    """
    age = reading.at - (run.current_stopped.at if run.current_stopped else run.entered_at)
    if age < step.lasts:
        return run, Hold()
    record = Record(
        step=step.name,
        kind="rest",
        entered_at=run.entered_at,
        ended_at=reading.at,
        facts=(
            ("voltage_v", reading.voltage_v),
            ("age_s", age.total_seconds()),
            ("alone", float(step.alone)),
        ),
        cell=step.cell,
        stopped=run.current_stopped if step.cell else None,
        received_at=reading.received_at if step.cell else None,
    )
    return onward(replace(run, records=(*run.records, record)))


def overdue(run: Run, step: Rest, now: datetime) -> SafeHold | None:
    if now - run.entered_at <= step.lasts + DOUBT_MAX:
        return None
    return SafeHold(f"“{step.title}” ended without a reading that is worth anything")


def decide_compare(run: Run, step: Compare, reading: Reading, now: datetime) -> tuple[Run, Action]:
    """Judge what the cells showed at the end of their rests; the last rest of a cell counts.

    Each cell's verdict is a record of its own, with its own current stopped.
    """
    rested = {record.cell: record for record in run.records if has_rested(record)}
    positions = range(1, run.program.cells + 1)
    missing = [str(position) for position in positions if position not in rested]
    if missing:
        return run, SafeHold(f"no rested voltage of cell {', '.join(missing)}: empty it again")
    rests = [rested[position] for position in positions]
    results, remarks = judge.bottom_results(step.rule, rests)
    records = tuple(
        Record(
            step=step.name,
            kind="compare",
            entered_at=run.entered_at,
            ended_at=now,
            cells=(result,),
            remarks=remarks,
            cell=result.position,
            stopped=rest.stopped,
        )
        for result, rest in zip(results, rests, strict=True)
    )
    return onward(replace(run, records=(*run.records, *records)))
