"""Reads of the shelf: every balanced cell that no pack holds, and what was said of it."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import Exists, OuterRef

from shop.cells.models import Cell
from shop.evidence.policy import GatePolicy
from shop.evidence.queries import evidence_of_cells, gate_policy
from shop.jobs.models import RunCell
from shop.packs.models import Placement
from shop.packs.queries import unpacked_with_balance
from shop.shelf.models import Alert
from shop.shelf.rules import Shelved, in_order, shelved

AT_MOST = 500
STANDS_FOR = timedelta(hours=24)  # an alert that nobody acted on for a day is history


def shelf(*, now: datetime) -> list[Shelved]:
    """The shelf by what expires next; the same few queries whatever the number of cells."""
    cells = list(unpacked_with_balance()[:AT_MOST])
    return shelf_of(cells, gate_policy()[1], now) if cells else []


def shelf_of(cells: list[Cell], policy: GatePolicy, now: datetime) -> list[Shelved]:
    evidence = evidence_of_cells(cells)
    found = (shelved(evidence[cell.serial], policy, now) for cell in cells)
    return in_order(cell for cell in found if cell is not None)


def standing_alerts(*, now: datetime) -> list[Alert]:
    """The newest alert of every bank that still waits as it did: not placed, not run again."""
    later = RunCell.objects.filter(cell=OuterRef("cell"), run_id__gt=OuterRef("run_id"))
    placed = Placement.objects.filter(cell=OuterRef("cell"), removed_at=None)
    waits = RunCell.objects.filter(~Exists(placed), ~Exists(later), run=OuterRef("run"))
    newest = (
        Alert.objects.filter(Exists(waits), raised_at__gt=now - STANDS_FOR)
        .order_by("run_id", "-due_at", "-id")
        .distinct("run_id")
    )
    return sorted(newest, key=lambda alert: alert.due_at, reverse=True)
