"""Checks of every cell, and what a verdict of one opens."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import datetime

from django.db import transaction

from shop.cells.models import Cell
from shop.cells.services import touch_cells
from shop.equipment.models import Instrument
from shop.evidence import queries
from shop.evidence.models import (
    CellVoltage,
    VoltageCheck,
)
from shop.evidence.rules.voltages import POSSIBLE_V, is_number
from shop.jobs.models import Run
from shop.quality.models import Nonconformance
from shop.quality.services import open_nonconformance
from shop.refusals import Problem, refuse
from stations.procedures.state import CellResult, Taken
from stations.values import OffProof

# B7, B8: what a verdict of a check opens, and in which words.
DEPARTURES: Mapping[tuple[str, str], tuple[str, str]] = {
    ("DISCONNECT", "FAIL"): (
        Nonconformance.Kind.DISCONNECT_LOW,
        "is too low at the disconnect check",
    ),
    ("DISCONNECT", "INVALID"): (
        Nonconformance.Kind.READING_ABOVE_WINDOW,
        "read above the window twice at the disconnect check",
    ),
    ("RECHECK", "FAIL"): (Nonconformance.Kind.RECHECK_LOW, "is low at the re-check"),
    ("BOTTOM", "FAIL"): (
        Nonconformance.Kind.BOTTOM_APART,
        "is apart from its neighbours at the bottom check",
    ),
    ("WATCH", "FAIL"): (
        Nonconformance.Kind.SELF_DISCHARGE,
        "lost more charge than its group since the first self-discharge check",
    ),
}
LEAKS = "Put it aside for a supervisor's decision: no balance holds in a cell that leaks."


# B8: a bad contact in the bank leaves a healthy cell as low as a leak does, so the first failure
# is the bank's; the second one is the cell's.
FIRST_LOW = "Tighten the links, repeat the hold, and check again."


LOW_AGAIN = "It was low before: put it aside for a supervisor's decision."


# Checks that may be of cells in which nobody knows when current stopped.
STOP_UNKNOWN = frozenset({VoltageCheck.Kind.PRE_PARALLEL, VoltageCheck.Kind.WATCH})


def record_voltage_check(
    *,
    run: Run,
    kind: str,
    meter: Instrument,
    target_v: float,
    results: Sequence[CellResult],
    current_stopped: OffProof | None,
    simulated: bool,
    now: datetime,
    cell: int = 0,
    again: Taken | None = None,
    compared_with: int | None = None,
    temperature_c: float = math.nan,
) -> VoltageCheck:
    """The check of every cell of a run, or of the one at `cell`, with the windows of the bench.

    `again`: the first cell as it read once more at the end, by hand.

    `current_stopped` is None only before any current, and where nobody knows.  A cell that failed
    after it, or read above its window twice, gets a nonconformance.  `compared_with` is the first
    self-discharge check where this is the second.
    """
    cells = queries.cells_of_run(run)
    if cell:
        cells = {position: one for position, one in cells.items() if position == cell}
    refuse(_reading_problems(kind, results, cells, current_stopped))
    with transaction.atomic():
        Run.objects.select_for_update().get(pk=run.pk)
        touch_cells(cells.values())
        known = VoltageCheck.objects.filter(
            run=run,
            kind=kind,
            current_stopped_at=current_stopped.at if current_stopped else None,
        ).first()
        if known is not None:
            return known
        check = VoltageCheck.objects.create(
            run=run,
            kind=VoltageCheck.Kind(kind),
            meter=meter,
            target_v=target_v,
            current_stopped_at=current_stopped.at if current_stopped else None,
            current_stopped_received_at=current_stopped.received_at if current_stopped else None,
            policy_version=run.policy_version,
            by_id=run.started_by_id,
            compared_with_id=compared_with,
            temperature_c=_number(temperature_c),
            simulated=simulated,
            recorded_at=now,
            again_position=again.position if again else None,
            again_v=again.voltage_v if again else None,
            again_at=again.at if again else None,
            again_received_at=again.received_at if again else None,
        )
        CellVoltage.objects.bulk_create(
            _cell_voltage(check, cells[result.position], result) for result in results
        )
        _open_departures(run, kind, cells, results, now)
    return check


def _cell_voltage(check: VoltageCheck, cell: Cell, result: CellResult) -> CellVoltage:
    return CellVoltage(
        voltage_check=check,
        cell=cell,
        position=result.position,
        voltage_v=_number(result.voltage_v),
        low_v=_number(result.window.low),
        high_v=_number(result.window.high),
        age_s=_number(result.age_s),
        at=result.at,
        received_at=result.received_at,
        verdict=CellVoltage.Verdict(result.verdict.upper()),
    )


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _reading_problems(
    kind: str,
    results: Sequence[CellResult],
    cells: Mapping[int, Cell],
    current_stopped: OffProof | None,
) -> list[Problem]:
    """Readings that fit no cell of the run, or that no cell can show."""
    found = []
    if sorted(result.position for result in results) != sorted(cells):
        found.append(
            Problem(
                "positions",
                f"The check names {len(results)} places, the run has {len(cells)} cells.",
                "Measure every cell of the run once.",
            )
        )
    if kind not in STOP_UNKNOWN and current_stopped is None:
        found.append(
            Problem(
                "no_current_stopped",
                "Nobody knows when current stopped, so the check has no age.",
                "Prove the output off, then measure.",
            )
        )
    found.extend(
        Problem(
            "impossible_voltage",
            f"Cell {result.position} reads {result.voltage_v:.3f} V, which no cell can show.",
            "Check the sense leads and measure again.",
        )
        for result in results
        if is_number(result.voltage_v) and not POSSIBLE_V.contains(result.voltage_v)
    )
    return found


def _open_departures(
    run: Run, kind: str, cells: Mapping[int, Cell], results: Sequence[CellResult], now: datetime
) -> None:
    for result in results:
        departure = DEPARTURES.get((kind, result.verdict.upper()))
        if departure is not None:
            opens, words = departure
            cell = cells[result.position]
            open_nonconformance(
                cell=cell,
                kind=opens,
                words=f"Cell {cell.serial} {words}: {result.voltage_v:.3f} V."
                + _what_next(cell, opens),
                run=run,
                now=now,
            )


def _what_next(cell: Cell, kind: str) -> str:
    if kind == Nonconformance.Kind.SELF_DISCHARGE:
        return f" {LEAKS}"
    if kind != Nonconformance.Kind.RECHECK_LOW:
        return ""
    before = Nonconformance.objects.filter(cell=cell, kind=kind).exists()
    return f" {LOW_AGAIN if before else FIRST_LOW}"
