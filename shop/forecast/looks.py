"""What a run has shown of its leads, contacts and cells: each named, well, or not observable."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta

from shop.equipment.queries import measured_of
from shop.evidence.models import Balance, CapacityTest, CellVoltage, VoltageCheck
from shop.jobs.models import Run
from shop.jobs.planning import cells_of
from shop.jobs.procedures import procedure_of
from shop.jobs.queries import steps_begun
from stations.planner.looks import charge_looks
from stations.planner.naming import (
    Filled,
    Look,
    Rested,
    look_at_capacity,
    look_at_filled,
    look_at_joined_capacity,
    look_at_rest,
)
from stations.planner.seen import Seen
from stations.procedures.steps import Charge, Program


def looks_of(run: Run, program: Program, seen: Seen | None) -> tuple[Look, ...]:
    """Of a run with that program, under way or over; nothing before any current or check."""
    procedure = procedure_of(run.job.kind)
    if not procedure.moves_charge:
        rested = list(_rested(run))
        return (look_at_rest(rested),) if rested else ()
    charges = [step for step in program.steps if isinstance(step, Charge)]
    if seen is None or not charges:
        return ()
    rated_ah = cells_of(run.job)[0].capacity_ah
    found = charge_looks(
        charges,
        seen,
        joined=procedure.joins and program.cells > 1,
        rated_ah=rated_ah,
        step_at=_step_at(run),
        commissioned_ohm=measured_of(run.station).leads_ohm,
    )
    measures = found and not charges[-1].stage
    return (*found, _capacity(run, seen.rested_v, rated_ah)) if measures else found


def _step_at(run: Run) -> Callable[[datetime], str]:
    """By what the bench told of its steps."""
    begun = steps_begun(run.pk)
    return lambda at: next((told.name for told in reversed(begun) if told.at <= at), "")


def _capacity(run: Run, rested_v: Sequence[float], rated_ah: float) -> Look:
    test = CapacityTest.objects.filter(run=run).first()
    if test is not None:
        return look_at_capacity(test.capacity_ah, rated_ah)
    balance = Balance.objects.filter(run=run, completeness="COMPLETE").first()
    if procedure_of(run.job.kind).joins:
        whole = rested_v if balance else ()
        return look_at_joined_capacity(balance.charge_ah if balance else 0.0, whole, rated_ah)
    rows = balance.cells.exclude(charge_ah=None) if balance and rested_v else ()
    return look_at_filled(
        [
            Filled(row.position, rested_v[row.position - 1], row.charge_ah)
            for row in rows
            if row.completeness == "COMPLETE" and row.charge_ah is not None
        ],
        rated_ah,
    )


def _rested(run: Run) -> Iterator[Rested]:
    rows = CellVoltage.objects.filter(voltage_check__run=run)
    for row in rows.filter(voltage_check__kind=VoltageCheck.Kind.RECHECK).order_by("position"):
        if row.voltage_v is not None and row.age_s is not None and row.low_v is not None:
            passed = row.verdict == CellVoltage.Verdict.PASS
            age = timedelta(seconds=row.age_s)
            yield Rested(row.position, row.voltage_v, row.low_v, passed, age)
