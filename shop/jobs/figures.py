"""What a program is built from: the figures of a job's cells, as values."""

from __future__ import annotations

from dataclasses import dataclass

from shop.refusals import Problem
from stations.values import OffProof


@dataclass(frozen=True, slots=True)
class Parted:
    """What a cell's last balance left: with whom, how full or empty, and when current stopped.

    `done_a` is the current at which its tail, or its taper, is done.
    """

    run_id: int
    target_v: float
    stopped: OffProof
    method: str = "TOP"
    done_a: float = 0.0


@dataclass(frozen=True, slots=True)
class CellFigures:
    """One cell of a job: its type's datasheet, and its last balance if there was one."""

    serial: str
    capacity_ah: float
    voltage_max_v: float
    voltage_min_v: float
    r_ohm: float
    charge_c_max: float  # 1/h
    parted: Parted | None = None


Cells = tuple[CellFigures, ...]  # in bank order, never empty, all of one type


def never_parted(cell: CellFigures, what_to_do: str) -> Problem:
    """Nothing is known that a balance left in this cell."""
    return Problem(
        "never_parted",
        f"Nobody knows when current stopped in cell {cell.serial}: it has no balance with a "
        "disconnect check.",
        what_to_do,
    )
