"""Batches of cells as they come in, and taking turns on cells."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import date

from django.db import IntegrityError, transaction
from django.db.models import F

from shop.cells.models import Batch, Cell, CellType
from shop.people.models import User
from shop.people.roles import Act, require
from shop.refusals import Problem, Refusal, refuse


def lock_cells(cells: Iterable[Cell]) -> None:
    """Lock the cells for this transaction before their evidence is judged.

    Whoever judges (approval, assembly) and whoever writes what they judge take turns.
    """
    ids = sorted({cell.pk for cell in cells})
    rows = Cell.objects.filter(pk__in=ids).select_for_update()
    list(rows.order_by("pk").values_list("pk"))  # in one order: no deadlock


def touch_cells(cells: Iterable[Cell]) -> None:
    """Lock the cells for this transaction before anything is written that is judged of them.

    Their rows are rewritten, not only locked: a SERIALIZABLE transaction that waited for this
    turn, and whose snapshot is older, is then told so by PostgreSQL and tries again.  A lock
    alone would let it go on with what it saw before.
    """
    touched = list(cells)
    lock_cells(touched)
    ids = [cell.pk for cell in touched]
    Cell.objects.filter(pk__in=ids).update(maker_code=F("maker_code"))


def receive_batch(
    *,
    code: str,
    supplier: str,
    supplier_lot: str,
    cell_type: CellType,
    received_on: date,
    serials: Sequence[str],
    by: User,
    maker_codes: Mapping[str, str] | None = None,
) -> Batch:
    """A batch with its cells, all or nothing; every serial is new and given once."""
    require(by.role, Act.DEFINE)
    twice = [serial for serial, n in Counter(serials).items() if n > 1]
    known = Cell.objects.filter(serial__in=serials).values_list("serial", flat=True)
    refuse(
        [Problem("serial_twice", f"Serial {s} is given twice.", "Scan each once.") for s in twice]
        + [
            Problem("serial_known", f"There is a cell {s} already.", "Check the label.")
            for s in known
        ]
    )
    codes = maker_codes or {}
    try:
        with transaction.atomic():
            batch = Batch.objects.create(
                code=code,
                supplier=supplier,
                supplier_lot=supplier_lot,
                cell_type=cell_type,
                received_on=received_on,
            )
            Cell.objects.bulk_create(
                Cell(serial=serial, batch=batch, maker_code=codes.get(serial, ""))
                for serial in serials
            )
    except IntegrityError as error:
        raise Refusal(
            [Problem("batch_known", f"There is a batch {code!r} already.", "Choose another code.")]
        ) from error
    return batch
