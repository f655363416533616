"""What a program is built from: the figures of a job's cells, as values."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

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
class PackFigures:
    """The assembled pack that a cell is in, where the job is done to the pack itself."""

    serial: str
    bms_over_v: float  # a cell, in service
    parallel: int = 1  # cells at each place in series


@dataclass(frozen=True, slots=True)
class Watched:
    """What an open first self-discharge check saw of a cell: `cells` is how many it was of."""

    check_id: int
    cells: int
    voltage_v: float
    at: datetime  # wall time
    temperature_c: float  # NaN: nobody measured it
    meter: str  # serial number


@dataclass(frozen=True, slots=True)
class CellFigures:
    """One cell of a job: its type's datasheet, and its last balance if there was one."""

    serial: str
    capacity_ah: float
    voltage_max_v: float
    voltage_min_v: float
    r_ohm: float
    charge_c_max: float  # 1/h
    discharge_c_max: float | None = None  # 1/h; None where the type does not say
    torque_nm: float | None = None  # of a nut; likewise (F7)
    parted: Parted | None = None
    pack: PackFigures | None = None
    watched: Watched | None = None


Cells = tuple[CellFigures, ...]  # in bank order, never empty, all of one type


def places_of(cells: Cells) -> tuple[Cells, ...]:
    """The cells at each place: those in parallel there, in a pack that has such, else one."""
    parallel = cells[0].pack.parallel if cells[0].pack else 1
    return tuple(cells[first : first + parallel] for first in range(0, len(cells), parallel))


def place_ah(cells: Cells) -> float:
    """What the weakest place bears as one: its cells together."""
    return min(sum(cell.capacity_ah for cell in place) for place in places_of(cells))


def first_check_of(cells: Cells) -> tuple[Watched, ...]:
    """What one first self-discharge check saw of just these cells; empty where there is none."""
    seen = tuple(cell.watched for cell in cells if cell.watched is not None)
    whole = len(seen) == len(cells) and {(w.check_id, w.cells) for w in seen} == {
        (seen[0].check_id, len(cells))
    }
    return seen if whole else ()


def never_parted(cell: CellFigures, what_to_do: str) -> Problem:
    """Nothing is known that a balance left in this cell."""
    return Problem(
        "never_parted",
        f"Nobody knows when current stopped in cell {cell.serial}: it has no balance with a "
        "disconnect check.",
        what_to_do,
    )
