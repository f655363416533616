"""When the cells of a bank parted: what their newest balances left, and when current stopped."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.db.models import Max

from shop.cells.models import Cell
from shop.evidence.models import CellBalance, CellVoltage, VoltageCheck
from shop.jobs.figures import Parted
from stations.values import NAN, OffProof

# What measures a cell once its current has stopped.
PARTING = (VoltageCheck.Kind.DISCONNECT.value, VoltageCheck.Kind.BOTTOM.value)


def parted_cells(cells: Iterable[Cell]) -> dict[int, Parted]:
    """By cell id; a cell without a balance, or whose balance has no check of its end, lacks."""
    asked = [cell.pk for cell in cells]
    freed = freed_at(asked)
    rows = (
        CellBalance.objects.filter(cell__in=asked)
        .select_related("balance")
        .order_by("balance__recorded_at", "balance_id")
    )
    balances = {
        row.cell_id: row.balance
        for row in rows
        if row.cell_id not in freed or row.balance.recorded_at > freed[row.cell_id]
    }
    measured = (
        CellVoltage.objects.filter(
            cell__in=balances,
            voltage_check__kind__in=PARTING,
            voltage_check__run__in={balance.run_id for balance in balances.values()},
        )
        .select_related("voltage_check")
        .order_by("voltage_check__current_stopped_received_at")
    )
    stops = {
        (row.cell_id, row.voltage_check.run_id): stop
        for row in measured
        if (stop := _stop(row.voltage_check)) is not None
    }
    return {
        cell_id: Parted(
            balance.run_id,
            balance.target_v,
            stops[cell_id, balance.run_id],
            balance.method,
            balance.done_a,
        )
        for cell_id, balance in balances.items()
        if (cell_id, balance.run_id) in stops
    }


def freed_at(cell_ids: Iterable[int]) -> dict[int, datetime]:
    """By cell id: when it was last taken out of a pack; in use it was charged and discharged."""
    # By relation, not by import: packs know evidence, never the reverse.
    rows = Cell.objects.filter(pk__in=set(cell_ids), placements__removed_at__isnull=False)
    return dict(rows.annotate(freed=Max("placements__removed_at")).values_list("pk", "freed"))


def _stop(check: VoltageCheck) -> OffProof | None:
    at, received_at = check.current_stopped_at, check.current_stopped_received_at
    return OffProof(at, received_at, NAN) if at is not None and received_at is not None else None


def banks_of(cell_ids: Iterable[int]) -> dict[int, list[tuple[datetime, int]]]:
    """By cell id: when each of its balances was recorded, and the run that made it, in order."""
    found: dict[int, list[tuple[datetime, int]]] = {}
    rows = (
        CellBalance.objects.filter(cell__in=set(cell_ids))
        .values_list("cell_id", "balance__recorded_at", "balance__run_id")
        .order_by("balance__recorded_at", "balance_id")
    )
    for cell_id, recorded_at, run_id in rows:
        found.setdefault(cell_id, []).append((recorded_at, run_id))
    return found


def bank_at(banks: Iterable[tuple[datetime, int]], at: datetime) -> int | None:
    """The run whose balance was the newest at that moment; None before the first."""
    known = [run_id for recorded_at, run_id in banks if recorded_at <= at]
    return known[-1] if known else None
