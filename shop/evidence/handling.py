"""F7: how often the nuts of a cell were turned, counted from the evidence each time.

Every confirmed step that links, unlinks or connects counts once for each cell concerned; so does
being placed in a pack, and being taken out of one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection

from shop.cells.models import Cell
from shop.jobs.models import RunCell
from stations.procedures.handling import handled


def nut_handlings(cell_ids: Collection[int]) -> Counter[int]:
    """By the cell's id; two queries whatever the number of cells."""
    confirmed = RunCell.objects.filter(cell__in=cell_ids, run__acts__kind="confirm")
    turned: Counter[int] = Counter()
    for cell, position, step in confirmed.values_list("cell", "position", "run__acts__data__step"):
        turned[cell] += len(handled(str(step), [position]))
    # By relation, not by import: packs know evidence, never the reverse.
    placed = Cell.objects.filter(pk__in=cell_ids, placements__isnull=False)
    for cell, removed_at in placed.values_list("pk", "placements__removed_at"):
        turned[cell] += 1 if removed_at is None else 2
    return turned


def over(cell_ids: Collection[int], *, more: int, most: int) -> dict[int, int]:
    """Cells that `more` handlings would bring beyond `most`, with how often they were turned."""
    turned = nut_handlings(cell_ids)
    return {cell: turned[cell] for cell in cell_ids if turned[cell] + more > most}
