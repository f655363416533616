"""The shelf as pages and programs show it: each cell, and where it lies (B8)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from shop.cells.models import Cell
from shop.jobs.models import RunCell
from shop.jobs.queries import policy_numbers
from shop.shelf.places import places_of
from shop.shelf.queries import shelf
from shop.shelf.rules import NOT_PLACED, Place, Shelved, too_warm

ON_BENCH = "On no shelf: a run has it on its bench."


@dataclass(frozen=True, slots=True)
class Lying:
    """Where a cell lies in words; `shelf` "" where nobody recorded it since it last moved.

    Then somebody should say it, as `unsaid` has it, unless a run has it on its bench.
    """

    shelf: str
    words: str
    at: datetime | None = None
    warned: bool = False
    unsaid: bool = False


def lying_of(place: Place | None, cool_c: float) -> Lying:
    if place is None:
        return Lying("", NOT_PLACED, unsaid=True)
    warm = too_warm(place.temperature_c, cool_c)
    words = f"On shelf {place.shelf}."
    return Lying(place.shelf, f"{words} {warm}" if warm else words, place.at, bool(warm))


def shelf_now(*, now: datetime) -> list[tuple[Shelved, Lying]]:
    """By what expires next; the same few queries whatever the number of cells."""
    cells = shelf(now=now)
    return list(zip(cells, lying(cell.serial for cell in cells), strict=True)) if cells else []


def lying(serials: Iterable[str]) -> list[Lying]:
    """Of each cell in turn."""
    asked = list(serials)
    places = places_of(Cell.objects.filter(serial__in=asked))
    on_bench = set(
        RunCell.objects.filter(active=True, cell__serial__in=asked).values_list(
            "cell__serial", flat=True
        )
    )
    cool_c = policy_numbers().shelf_max_degc
    return [
        Lying("", ON_BENCH) if serial in on_bench else lying_of(places.get(serial), cool_c)
        for serial in asked
    ]
