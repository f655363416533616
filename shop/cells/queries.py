"""Reads of cells."""

from __future__ import annotations

from collections.abc import Sequence

from shop.cells.models import Cell
from shop.refusals import Problem, Refusal


def cells_by_serial(serials: Sequence[str]) -> list[Cell]:
    """The cells in the order given, one twice if it was given twice.

    Raises Refusal naming every serial that is unknown.
    """
    known = {
        cell.serial: cell
        for cell in Cell.objects.filter(serial__in=serials).select_related("batch__cell_type")
    }
    unknown = [serial for serial in dict.fromkeys(serials) if serial not in known]
    if unknown:
        raise Refusal(
            [
                Problem(
                    "unknown_serial", f"No cell {s!r} is known.", "Check the label or receive it."
                )
                for s in unknown
            ]
        )
    return [known[serial] for serial in serials]
