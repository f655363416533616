"""A self-discharge check as it is shown: what waits for its second, or what each cell lost."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from shop.cells.models import Cell
from shop.evidence.models import CellVoltage, VoltageCheck
from shop.evidence.watched import open_first_checks
from shop.jobs.models import Job, Run
from shop.shelf.second_checks import SecondCheck, second_check_of
from stations.plain import from_plain
from stations.procedures.losses import Losses, losses
from stations.procedures.rules import WatchRule
from stations.values import NAN

WATCH = VoltageCheck.Kind.WATCH


@dataclass(frozen=True, slots=True)
class CellLost:
    """One cell of a second check; what is not observable is NaN."""

    position: int
    serial: str
    before_v: float
    now_v: float
    drop_v: float
    against_v: float  # its drop beyond the group's median
    loss_share: float  # a month
    verdict: str

    @property
    def change_v(self) -> float:
        return -self.drop_v

    @property
    def loss_percent(self) -> float:
        return 100 * self.loss_share


@dataclass(frozen=True, slots=True)
class WatchShown:
    """`second` is what a first check waits for; `losses` and `cells` are of a second one."""

    run_id: int
    second: SecondCheck | None
    losses: Losses | None
    cells: tuple[CellLost, ...]

    @property
    def is_clean(self) -> bool:
        """Nothing speaks against any cell, as far as this check goes."""
        return all(cell.verdict == "PASS" for cell in self.cells)

    @property
    def leaking(self) -> tuple[CellLost, ...]:
        return tuple(cell for cell in self.cells if cell.verdict == CellVoltage.Verdict.FAIL)

    @property
    def days(self) -> float:
        return self.losses.gap.total_seconds() / 86_400 if self.losses else NAN

    @property
    def median_percent(self) -> float:
        return 100 * self.losses.median_month if self.losses else NAN


def watch_of(run: Run) -> WatchShown | None:
    """What the run's self-discharge check says; None where it has none."""
    check = next((c for c in run.voltage_checks.all() if c.kind == WATCH), None)
    if check is None:
        return None
    if check.compared_with_id is None:
        waits = open_first_checks().filter(pk=check.pk).exists()
        return WatchShown(run.pk, second_check_of(check) if waits else None, None, ())
    rows = sorted(check.cells.all(), key=lambda row: row.position)
    rule = from_plain(WatchRule, (run.program or {})["steps"][-1]["rule"])
    found = losses(rule, [_number(row.voltage_v) for row in rows], rows[0].received_at)
    cells = tuple(_lost(row, found, index) for index, row in enumerate(rows))
    return WatchShown(run.pk, None, found, cells)


def second_of_job(job: Job) -> SecondCheck | None:
    """What the finished first check of the job waits for."""
    check = (
        open_first_checks()
        .filter(run__job=job)
        .select_related("run")
        .prefetch_related("cells")
        .first()
    )
    return second_check_of(check) if check else None


def watch_of_cell(cell: Cell) -> tuple[WatchShown, CellLost | None] | None:
    """The newest check of a watch that this cell was in, and its own row of a second one."""
    runs = Run.objects.filter(voltage_checks__kind=WATCH, voltage_checks__cells__cell=cell)
    run = runs.prefetch_related("voltage_checks__cells__cell").order_by("-pk").first()
    shown = watch_of(run) if run else None
    if shown is None:
        return None
    return shown, next((lost for lost in shown.cells if lost.serial == cell.serial), None)


def watch_shape(shown: WatchShown | None) -> dict[str, Any] | None:
    """As the API gives it."""
    if shown is None:
        return None
    second = shown.second
    return {
        "due_at": second.due_at if second else None,
        "until": second.until if second else None,
        "days": _finite(shown.days),
        "median_share_month": _finite(shown.losses.median_month) if shown.losses else None,
        "cells": [
            {
                "serial": cell.serial,
                "position": cell.position,
                "before_v": cell.before_v,
                "drop_v": cell.drop_v,
                "against_median_v": _finite(cell.against_v),
                "loss_share_month": _finite(cell.loss_share),
                "verdict": cell.verdict,
            }
            for cell in shown.cells
        ],
    }


def _lost(row: CellVoltage, found: Losses, index: int) -> CellLost:
    cell = found.cells[index]
    return CellLost(
        position=row.position,
        serial=row.cell.serial,
        before_v=cell.before_v,
        now_v=cell.now_v,
        drop_v=cell.drop_v,
        against_v=cell.drop_v - found.median_drop_v,
        loss_share=cell.loss_month,
        verdict=row.verdict,
    )


def _number(value: float | None) -> float:
    return NAN if value is None else value


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
