"""Recording on which shelf cells lie, and reading where they lie now (B8)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from django.db import transaction
from django.db.models import Exists, OuterRef, Q

from shop.audit import services as audit
from shop.audit.models import AuditEntry
from shop.cells.models import Cell
from shop.cells.queries import cells_by_serial
from shop.cells.services import lock_cells
from shop.jobs.models import RunCell
from shop.jobs.queries import cell_facts
from shop.packs.models import Placement
from shop.people.models import User
from shop.people.roles import Act, require
from shop.refusals import refuse
from shop.shelf.models import ShelfPlace
from shop.shelf.rules import Place, elsewhere_problems, place_problems


def place_cells(
    *,
    serials: Sequence[str],
    shelf: str,
    unlinked: bool,
    covered: bool,
    temperature_c: float | None,
    by: User,
    now: datetime,
) -> list[ShelfPlace]:
    """Record that the cells lie there, all or none; `temperature_c` is the shelf's, None unread."""
    require(by.role, Act.SHELVE)
    name, warm_c = shelf.strip(), None if temperature_c is None else float(temperature_c)
    refuse(
        place_problems(
            name, cells=serials, unlinked=unlinked, covered=covered, temperature_c=warm_c
        )
    )
    cells = cells_by_serial(serials)
    with transaction.atomic():
        lock_cells(cells)  # a run or a pack that takes one comes before or after
        refuse(elsewhere_problems(cell_facts(cells)))
        made = ShelfPlace.objects.bulk_create(
            ShelfPlace(
                cell=cell,
                shelf=name,
                unlinked=unlinked,
                covered=covered,
                temperature_c=warm_c,
                by=by,
                at=now,
            )
            for cell in cells
        )
        data = {"records": [row.told for row in made]}
        audit.record(kind=AuditEntry.Kind.CELLS_SHELVED, by=by, now=now, data=data)
    return made


def places_of(cells: Iterable[Cell]) -> Mapping[str, Place]:
    """Where each cell lies by its newest record, by serial; one that moved since is not in it.

    Nor one that a run or a pack has now, whatever the times of two who wrote at once.
    """
    run = RunCell.objects.filter(
        Q(active=True) | Q(run__queued_at__gt=OuterRef("at")), cell=OuterRef("cell")
    )
    pack = Placement.objects.filter(
        Q(removed_at=None) | Q(removed_at__gt=OuterRef("at")), cell=OuterRef("cell")
    )
    newest = (
        ShelfPlace.objects.filter(cell__in=[cell.pk for cell in cells])
        .annotate(moved=Exists(run) | Exists(pack))
        .select_related("cell")
        .order_by("cell_id", "-id")
        .distinct("cell_id")
    )
    return {
        row.cell.serial: Place(row.shelf, row.at, row.temperature_c)
        for row in newest
        if not row.moved
    }
