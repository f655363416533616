"""Turning an outcome into evidence: one transaction, under the lease's token."""

from __future__ import annotations

import math
import re
from datetime import datetime

from django.db import transaction

from shop.care.services import record_spread
from shop.equipment import leases
from shop.equipment.models import Instrument
from shop.equipment.states import InstrumentRole
from shop.evidence.rules.balance import stopped_of
from shop.evidence.services.balances import record_balance
from shop.evidence.services.capacity import record_capacity_test
from shop.evidence.services.checks import record_voltage_check
from shop.evidence.services.resistance import record_resistance_test
from shop.jobs.ending import Ending
from shop.jobs.leasing import Held
from shop.jobs.manifest import seal
from shop.jobs.models import Run
from shop.jobs.places import of_cells, parallel_in
from shop.jobs.procedures import procedure_of
from shop.jobs.services.acts import end_run
from shop.jobs.states import RunState
from shop.quality.services import open_nonconformance
from stations.procedures.state import Record

# Steps that measure every cell, and what is evidence of them.
CHECKS = {
    "pre-parallel": "PRE_PARALLEL",
    "rested": "PRE_PARALLEL",  # of cells that stay apart: the same look at each before any current
    "levelled": "PRE_PARALLEL",  # once charged up to the others
    "precharged": "PRE_PARALLEL",  # in their string: no balance, whatever they show (G9)
    "recovered": "PRE_PARALLEL",  # in their pack, likewise
    "disconnect": "DISCONNECT",
    "recheck": "RECHECK",
    "compare": "BOTTOM",
    "watch": "WATCH",
}
READ_BY = {"BOTTOM": InstrumentRole.METER}  # the one that hung on each cell in its turn
BEFORE_CURRENT = frozenset({"pre-parallel", "rested"})
# What becomes of a test, of one cell or of a pack, by what its procedure measures.
RESULTS = {
    "capacity": record_capacity_test,
    "resistance": record_resistance_test,
    "spread": record_spread,
}


def check_kind(step: str) -> str:
    """What kind of check the step leaves, "" for none; that of one cell ends with its number."""
    return CHECKS.get(re.sub(r"-\d+$", "", step), "")


def conclude(held: Held, ending: Ending, *, now: datetime) -> None:
    """Everything that the run leaves behind, or nothing.

    Manifest (unless nothing ever began), checks, balance, what a test measured, a nonconformance
    for a trip; the run in its terminal state, the job DONE or claimed again, the lease given back.
    Raises LeaseLost for a stale token.
    """
    with transaction.atomic():
        held.check()
        run = (
            Run.objects.select_for_update(of=("self",))
            .select_related("station", "job")
            .get(pk=held.run.pk)
        )
        manifest = seal(run, ending, now=now) if _has_something(ending) else None
        for record in of_cells(ending.records, parallel_in(run)):
            if record.cells:
                _record_check(run, record, ending, now)
        procedure = procedure_of(run.job.kind)
        if manifest and procedure.method and ending.state != RunState.REFUSED:
            record_balance(
                run=run,
                method=procedure.method,
                target_v=ending.target_v,
                records=ending.records,
                manifest_sha256=manifest.sha256,
                simulated=bool(run.simulated),
                now=now,
            )
        measured = RESULTS.get(procedure.measures)
        finished = ending.state == RunState.FINISHED
        if manifest and measured and finished and ending.current_stopped is not None:
            measured(
                run=run,
                records=ending.records,
                current_stopped=ending.current_stopped,
                manifest_sha256=manifest.sha256,
                simulated=bool(run.simulated),
                now=now,
            )
        if ending.state == RunState.TRIPPED:
            suspect_cells(run, ending.reason, now)
        end_run(run, ending.state, cause=ending.reason, now=now)
        leases.release(station_id=held.station_id, token=held.token)


def _has_something(ending: Ending) -> bool:
    """Also where a bench was lost: its journal may hold readings."""
    return ending.has_journal or ending.state != RunState.REFUSED


def _record_check(run: Run, record: Record, ending: Ending, now: datetime) -> None:
    kind, facts = check_kind(record.step), dict(record.facts)
    stops = stopped_of(ending.records)
    stopped = stops.get(record.cell) if record.cell else ending.current_stopped
    if record.step in BEFORE_CURRENT:
        stopped = None
    record_voltage_check(
        run=run,
        kind=kind,
        meter=_meter(run, record),
        target_v=ending.target_v,
        results=record.cells,
        current_stopped=stopped,
        simulated=bool(run.simulated),
        now=now,
        cell=record.cell,
        again=record.again,
        compared_with=int(facts.get("first_check", 0)) or None,
        temperature_c=facts.get("temperature_c", math.nan),
    )


def _meter(run: Run, record: Record) -> Instrument:
    """What read the cells: the one that went from cell to cell, else the station's scanner, or the
    BMS of their string where it has none; what should have read them where nobody came."""
    station, procedure = run.station, procedure_of(run.job.kind)
    if record.meter:
        return station.instruments.get(serial_number=record.meter)
    fitted = {instrument.role: instrument for instrument in station.instruments.all()}
    wanted = [READ_BY.get(check_kind(record.step), InstrumentRole.SCANNER)]
    if procedure.in_series or procedure.on_pack:
        wanted.append(InstrumentRole.BMS)
    one_by_one = (InstrumentRole.MANUAL, InstrumentRole.METER)
    return next(fitted[role] for role in (*wanted, *one_by_one) if role in fitted)


def suspect_cells(run: Run, reason: str, now: datetime) -> None:
    """A trip is a valid reading over a limit: every cell of the bank is suspect until judged."""
    for run_cell in run.run_cells.select_related("cell").order_by("position"):
        open_nonconformance(
            cell=run_cell.cell,
            kind="TRIPPED",
            words=f"Run {run.pk} tripped: {reason}.",
            run=run,
            now=now,
        )
