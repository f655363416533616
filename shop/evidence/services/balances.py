"""What a run balanced."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from shop.cells.models import Cell
from shop.cells.services import touch_cells
from shop.evidence import queries
from shop.evidence.models import (
    Balance,
    CellBalance,
)
from shop.evidence.rules.balance import BalanceFigures, balance_of, cells_of, stopped_of
from shop.jobs.models import Run
from stations.procedures.state import Record
from stations.values import OffProof


def record_balance(
    *,
    run: Run,
    method: str,
    target_v: float,
    records: Sequence[Record],
    manifest_sha256: str,
    simulated: bool,
    now: datetime,
) -> Balance | None:
    """The balance that a run's records show, one row for the group and one per cell.

    Cells that are driven one by one have their own figures, and no row before their hold, or
    before they came to the cut-off.
    None, and nothing written, where the current never came to its CV hold.
    """
    figures = balance_of(records)
    if figures is None:
        return None
    cells = queries.cells_of_run(run)
    with transaction.atomic():
        Run.objects.select_for_update().get(pk=run.pk)
        touch_cells(cells.values())
        known = Balance.objects.filter(run=run).first()
        if known is not None:
            return known
        balance = Balance.objects.create(
            run=run,
            method=Balance.Method(method),
            target_v=target_v,
            completeness=Balance.Completeness(figures.completeness),
            remark=figures.remark,
            tail_a=figures.tail_a,
            done_a=figures.done_a,
            partial_a=figures.partial_a,
            cv_s=figures.cv_s,
            charge_ah=figures.charge_ah,
            policy_version=run.policy_version,
            recipe_version=run.job.recipe_version,
            manifest_sha256=manifest_sha256,
            simulated=simulated,
            recorded_at=now,
        )
        own, stops = cells_of(records), stopped_of(records)
        CellBalance.objects.bulk_create(
            _cell_balance(balance, position, cell, own.get(position), stops.get(position))
            for position, cell in cells.items()
            if position in own or not own
        )
    return balance


def _cell_balance(
    balance: Balance,
    position: int,
    cell: Cell,
    own: BalanceFigures | None,
    stopped: OffProof | None,
) -> CellBalance:
    row = CellBalance(balance=balance, cell=cell, position=position)
    if own is not None:
        row.completeness, row.remark = own.completeness, own.remark
        row.tail_a, row.cv_s, row.charge_ah = own.tail_a, own.cv_s, own.charge_ah
        row.rested_v = own.rested_v
        row.current_stopped_at = stopped.at if stopped else None
        row.current_stopped_received_at = stopped.received_at if stopped else None
    return row
