"""How links and leads lie for a step, drawn for the number of cells that there are (B4).

Pure geometry for `components/hookup.html`, in the units of its view box: wide enough for 16 cells
on a phone, where one unit is about a pixel.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

WIDTH = 340.0
TOP, BOTTOM = 44.0, 104.0  # of every cell
RAIL = 14.0  # from a cell to the link beside it
PITCH_MAX = 60.0
DRAWN = frozenset({"diagonal", "single", "unlinked", "series", "pack", "pack-off", "routed"})


@dataclass(frozen=True, slots=True)
class Box:
    """A cell, or the BMS; `marks` are the signs at its top and bottom posts."""

    x: float
    y: float
    width: float
    height: float
    name: str
    marks: tuple[str, str] = ("", "")
    idle: bool = False  # stands alone while others are connected

    @property
    def middle(self) -> float:
        return self.x + self.width / 2

    @property
    def name_y(self) -> float:
        return self.y + self.height / 2 + 4

    @property
    def top_y(self) -> float:
        return self.y + 13

    @property
    def bottom_y(self) -> float:
        return self.y + self.height - 5


@dataclass(frozen=True, slots=True)
class Wire:
    kind: str  # plus, minus, link or meter
    path: str


@dataclass(frozen=True, slots=True)
class Said:
    x: float
    y: float
    words: str
    anchor: str = "start"  # or middle, end


@dataclass(frozen=True, slots=True)
class Hookup:
    """`says` tells all of it to who does not see it."""

    boxes: tuple[Box, ...]
    wires: tuple[Wire, ...]
    words: tuple[Said, ...]
    says: str
    height: float = 150.0
    frame: Box | None = None  # what is one piece and stays whole
    top: float = 0.0
    width: float = WIDTH


def hookup(drawing: str, cells: int, cell: int = 0) -> Hookup | None:
    """The picture of that name for so many cells; None where there is none.

    `cell` is the position of the only one that is connected; 0: the first of one.
    """
    if drawing not in DRAWN or cells < 1:
        return None
    if drawing == "single":
        return _single(cells, cell or 1)
    drawings: dict[str, Callable[[int], Hookup]] = {
        "diagonal": _diagonal,
        "unlinked": _unlinked,
        "routed": _routed,
        "series": _series,
        "pack": lambda n: _pack(n, leads=True),
        "pack-off": lambda n: _pack(n, leads=False),
    }
    return drawings[drawing](cells)


def _row(cells: int, *, idle_but: int = 0, right: float = 20.0) -> tuple[Box, ...]:
    """The cells side by side, plus on top, in the middle of what `right` leaves free."""
    room = WIDTH - 20.0 - right
    pitch = min(PITCH_MAX, room / cells)
    width = round(0.78 * pitch if cells > 4 else 0.64 * pitch, 1)
    left = 20.0 + (room - cells * pitch) / 2 + (pitch - width) / 2
    return tuple(
        Box(
            round(left + n * pitch, 1),
            TOP,
            width,
            BOTTOM - TOP,
            str(n + 1),
            ("+", "−"),
            idle=idle_but not in (0, n + 1),
        )
        for n in range(cells)
    )


def _diagonal(cells: int) -> Hookup:
    row = _row(cells, right=56.0)
    first, last = row[0].middle, row[-1].middle
    high, low = TOP - RAIL, BOTTOM + RAIL
    meter = row[-1].x + row[-1].width + 24
    wires = (
        *_posts(row, high, low),
        Wire("plus", f"M{first:g} {high:g}H{last:g}"),
        Wire("minus", f"M{first:g} {low:g}H{last:g}"),
        Wire("plus", f"M{first:g} {high:g}V12"),
        Wire("minus", f"M{last:g} {low:g}V140"),
        *_meter(last, meter, high, low),
    )
    words = (
        Said(first + 8, 18, "+ lead of the supply"),
        Said(last - 8, 140, "− lead of the supply", "end"),
        Said(meter, (high + low) / 2 + 4, "V", "middle"),
    )
    says = (
        f"{cells} cells, linked plus to plus and minus to minus. Plus lead of the supply on "
        f"cell 1, minus lead on cell {cells}, meter on both posts of cell {cells}"
    )
    return Hookup(row, wires, words, says)


def _single(cells: int, cell: int) -> Hookup:
    row = _row(cells, idle_but=cell if cells > 1 else 0, right=20.0)
    middle = row[cell - 1].middle
    left = middle <= WIDTH / 2
    at, anchor = (middle + 8, "start") if left else (middle - 8, "end")
    words = (
        Said(at, 20, "+ lead, + of the meter", anchor),
        Said(at, 137, "− lead, − of the meter", anchor),
    )
    others = f"; the other {cells - 1} stand alone" if cells > 1 else ""
    says = f"Leads and meter on both posts of cell {cell} of {cells}, no link{others}"
    return Hookup(row, _posts(row[cell - 1 : cell], 12, 138), words, says)


def _unlinked(cells: int) -> Hookup:
    which = f"{cells} cells, each" if cells > 1 else "The cell"
    words = (Said(WIDTH / 2, 132, "no lead, no link", "middle"),)
    return Hookup(
        _row(cells), (), words, f"{which} alone: no lead, no link", height=104.0, top=36.0
    )


def _routed(cells: int) -> Hookup:
    row = _row(cells)
    words = (
        Said(WIDTH / 2, 16, "+ leads 1, 2, … of the router", "middle"),
        Said(WIDTH / 2, 142, "− leads 1, 2, … of the router", "middle"),
    )
    says = f"A pair of the router's leads on each of {cells} cells, by their numbers, and no link"
    return Hookup(row, _posts(row, 24, 124), words, says)


def _string(cells: int) -> tuple[tuple[Box, ...], tuple[Wire, ...], float]:
    """Every second cell turned over, so that links are short; where the last plus is."""
    row = tuple(
        Box(b.x, b.y, b.width, b.height, b.name, ("+", "−") if n % 2 == 0 else ("−", "+"))
        for n, b in enumerate(_row(cells))
    )
    links = []
    for n, (box, following) in enumerate(pairwise(row)):
        y, out = (TOP, TOP - 8) if n % 2 == 0 else (BOTTOM, BOTTOM + 8)
        path = f"M{box.middle:g} {y:g}V{out:g}H{following.middle:g}V{y:g}"
        links.append(Wire("link", path))
    return row, tuple(links), BOTTOM if cells % 2 == 0 else TOP


def _series(cells: int) -> Hookup:
    row, links, last_y = _string(cells)
    first, last = row[0].middle, row[-1].middle
    bms = Box(round(max(4.0, first - 22), 1), 140.0, 44.0, 24.0, "BMS")
    wires = (
        *links,
        Wire("minus", f"M{first:g} {BOTTOM:g}V140"),
        Wire("minus", f"M{bms.x + 44:g} 152H{bms.x + 66:g}"),
        Wire("plus", f"M{last:g} {last_y:g}V{'132' if last_y == BOTTOM else '30'}"),
    )
    plus_y = 131 if last_y == BOTTOM else 34
    words = (
        Said(bms.x + 72, 156, "P−: − lead of the supply"),
        Said(last - 8, plus_y, "+ lead, + of the meter", "end"),
        Said(4, 184, "− of the meter on the minus of cell 1"),
        Said(4, 202, "sense leads of the BMS on every post, in order"),
    )
    says = (
        f"{cells} cells in series, plus to the next minus. The BMS between the minus of cell 1 and "
        f"the minus lead, its sense leads on every post; plus lead and meter on the plus of cell "
        f"{cells}, meter also on the minus of cell 1"
    )
    return Hookup((*row, bms), wires, words, says, height=190.0, top=20.0)


def _pack(cells: int, *, leads: bool) -> Hookup:
    row, links, last_y = _string(cells)
    frame = Box(8.0, TOP - 18, WIDTH - 16, BOTTOM - TOP + 36, "")
    if not leads:
        words: Sequence[Said] = (
            Said(WIDTH / 2, 142, "whole, with its BMS; no lead on it", "middle"),
        )
        says = f"The pack of {cells} in series whole, with its BMS; no lead on it"
        return Hookup(row, links, tuple(words), says, height=134.0, frame=frame, top=16.0)
    first, last = row[0].middle, row[-1].middle
    wires = (
        *links,
        Wire("minus", f"M{first:g} {BOTTOM:g}V146"),
        Wire("plus", f"M{last:g} {last_y:g}V{'146' if last_y == BOTTOM else '12'}"),
    )
    words = (
        Said(4, 164, "− of supply, load, meter"),
        Said(WIDTH - 4, 164, "+ of supply, load, meter", "end"),
    )
    says = (
        f"The pack of {cells} in series whole, with its BMS. Leads of supply and load on its "
        f"terminals; meter on the minus of cell 1 and the plus of cell {cells}"
    )
    return Hookup(row, wires, words, says, height=160.0, frame=frame, top=12.0)


def _posts(row: Sequence[Box], high: float, low: float) -> tuple[Wire, ...]:
    """From the plus of each cell up to `high`, and from its minus down to `low`."""
    return tuple(
        wire
        for box in row
        for wire in (
            Wire("plus", f"M{box.middle:g} {TOP:g}V{high:g}"),
            Wire("minus", f"M{box.middle:g} {BOTTOM:g}V{low:g}"),
        )
    )


def _meter(at: float, meter: float, high: float, low: float) -> tuple[Wire, ...]:
    """From both posts of the last cell to the meter beside it."""
    return (
        Wire("meter", f"M{at:g} {high:g}H{meter:g}V{(high + low) / 2 - 12:g}"),
        Wire("meter", f"M{at:g} {low:g}H{meter:g}V{(high + low) / 2 + 12:g}"),
    )
