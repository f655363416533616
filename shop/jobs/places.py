"""A pack with cells in parallel: its bench knows places in series, the shop knows cells (B14).

What a place showed is what each of its cells showed, for they are joined; positions go place by
place, from the most negative, as in the pack.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from shop.jobs.models import Run
from stations.procedures.state import CellResult, Record


def parallel_in(run: Run) -> int:
    """How many cells of the run stand in parallel at each place of its program."""
    places = int((run.program or {}).get("cells") or 0)
    if run.job.pack_id is None or not places:
        return 1
    return max(1, run.run_cells.count() // places)


def of_cells(records: Iterable[Record], parallel: int) -> tuple[Record, ...]:
    """The records of places as those of `parallel` cells at each."""
    return tuple(replace(record, cells=_each(record.cells, parallel)) for record in records)


def _each(places: tuple[CellResult, ...], parallel: int) -> tuple[CellResult, ...]:
    return tuple(
        replace(place, position=(place.position - 1) * parallel + one)
        for place in places
        for one in range(1, parallel + 1)
    )
