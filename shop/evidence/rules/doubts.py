"""What somebody took back of a cell's evidence: a record superseded, a calibration withdrawn.

Only what counts now is doubted; newer evidence of the same kind takes the place of the old.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from shop.evidence.rules.bottom import is_emptied
from shop.evidence.values import CellEvidence, InstrumentUse, TakenBack, VoltageEvidence


class Part(StrEnum):
    """What of a cell's evidence is doubted, as people call it."""

    CAPACITY = "capacity test"
    BALANCE = "balance"
    PRE_PARALLEL = "pre-parallel check"
    DISCONNECT = "disconnect check"
    RECHECK = "re-check"
    CALIBRATION = "calibration"


BOTTOM_CHECK = "bottom check"  # of an emptied cell, in the place of its disconnect check
# The checks of a balance are of its own run, so a new one comes with a new balance.
FIXES: Mapping[Part, str] = {
    Part.CAPACITY: "Test the cell again, or import the test that counts.",
    Part.BALANCE: "Balance the cell again.",
    Part.PRE_PARALLEL: "Balance the cell again.",
    Part.DISCONNECT: "Balance the cell again.",
    Part.RECHECK: "Check every cell of its bank again.",
    Part.CALIBRATION: "Measure again with a calibrated instrument.",
}


@dataclass(frozen=True, slots=True)
class Doubt:
    """Something that counted, and stands for nothing any more."""

    part: Part
    words: str

    @property
    def fix(self) -> str:
        return FIXES[self.part]


def doubts(cell: CellEvidence, roles: Collection[str] | None = None) -> list[Doubt]:
    """Everything that was taken back of what counts for this cell.

    `roles` are those that a policy wants calibrated, None for all; the meter of a check always is.
    """
    return [*_superseded(cell), *_withdrawn(cell, roles)]


def _superseded(cell: CellEvidence) -> Iterator[Doubt]:
    parts = (
        (Part.CAPACITY, cell.capacity),
        (Part.BALANCE, cell.balance),
        *_checks(cell),
    )
    for part, record in parts:
        if record is not None and record.superseded is not None:
            said = _said(record.superseded)
            name = BOTTOM_CHECK if part is Part.DISCONNECT and is_emptied(cell.balance) else part
            yield Doubt(part, f"The {name} of cell {cell.serial} was superseded {said}")


def _withdrawn(cell: CellEvidence, roles: Collection[str] | None) -> Iterator[Doubt]:
    """Once for each certificate, where no other one covers what was measured under it."""
    found = {
        (use.serial_number, span.certificate): (use, span.withdrawn)
        for use in _uses(cell, roles)
        for span in use.withdrawn
    }
    for (serial_number, certificate), (use, back) in found.items():
        assert back is not None  # noqa: S101  it is of those that were withdrawn
        yield Doubt(
            Part.CALIBRATION,
            f"Calibration {certificate} of {use.model} {serial_number}, which measured cell "
            f"{cell.serial}, was withdrawn {_said(back)}",
        )


def _said(back: TakenBack) -> str:
    return f"on {back.at:%Y-%m-%d}: {back.words.rstrip('.')}."


def _checks(cell: CellEvidence) -> tuple[tuple[Part, VoltageEvidence | None], ...]:
    return (
        (Part.PRE_PARALLEL, cell.pre_parallel),
        (Part.DISCONNECT, cell.disconnect),
        (Part.RECHECK, cell.recheck_since),
    )


def _uses(cell: CellEvidence, roles: Collection[str] | None) -> Iterator[InstrumentUse]:
    """Every instrument that measured what counts."""
    if cell.balance is not None:
        used = cell.balance.instruments
        yield from (use for use in used if roles is None or use.role in roles)
    if cell.capacity is not None:
        yield from cell.capacity.instruments or ()
    yield from (check.meter for _, check in _checks(cell) if check is not None)
