"""First self-discharge checks that wait for their second: what they saw of which cells."""

from __future__ import annotations

import math
from collections.abc import Iterable

from django.db.models import Exists, OuterRef, QuerySet

from shop.cells.models import Cell
from shop.evidence.models import CellVoltage, VoltageCheck
from shop.jobs.figures import Watched
from shop.jobs.models import RunCell
from shop.jobs.procedures import RESTING
from shop.jobs.states import RunState


def open_first_checks() -> QuerySet[VoltageCheck]:
    """Not compared yet, not superseded, and no current has flowed in any of their cells since: in
    no run, and in no pack that one of them was put into."""
    moved = (
        RunCell.objects.filter(cell__voltages__voltage_check=OuterRef("pk"))
        .filter(run_id__gt=OuterRef("run_id"))
        .exclude(run__job__kind__in=RESTING)
        .exclude(run__state=RunState.REFUSED)
        .exclude(run__token=None, run__state=RunState.STOPPED)
    )
    # By relation, not by import: packs know evidence, never the reverse.
    packed = Cell.objects.filter(
        voltages__voltage_check=OuterRef("pk"), placements__placed_at__gt=OuterRef("recorded_at")
    )
    return VoltageCheck.objects.filter(
        ~Exists(moved),
        ~Exists(packed),
        kind=VoltageCheck.Kind.WATCH,
        compared_with=None,
        compared_by=None,
        supersession=None,
    )


def watched_cells(cells: Iterable[Cell]) -> dict[int, Watched]:
    """By cell id, from the newest open first check of each; cells without one lack."""
    rows = (
        CellVoltage.objects.filter(
            cell__in=[cell.pk for cell in cells],
            voltage_check__in=open_first_checks(),
            voltage_v__isnull=False,
        )
        .select_related("voltage_check__meter")
        .prefetch_related("voltage_check__cells")
        .order_by("voltage_check__recorded_at", "pk")
    )
    return {row.cell_id: _watched(row) for row in rows}


def _watched(row: CellVoltage) -> Watched:
    check = row.voltage_check
    assert row.voltage_v is not None  # noqa: S101  asked for above
    return Watched(
        check_id=check.pk,
        cells=len(check.cells.all()),
        voltage_v=row.voltage_v,
        at=row.received_at,
        temperature_c=math.nan if check.temperature_c is None else check.temperature_c,
        meter=check.meter.serial_number,
    )
