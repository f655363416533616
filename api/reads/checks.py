"""Cells side by side, as a strip: the volts of each, its delta, and against which limits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from api.words import duration
from shop.equipment.states import InstrumentRole
from shop.evidence.models import CellVoltage, VoltageCheck

OUTLIER_V = 0.010  # G6's limit of spread: beyond it the eye should land on the cell


@dataclass(frozen=True, slots=True)
class CellShown:
    """One square of the strip; `delta_v` against the group's median."""

    position: int
    serial: str
    voltage_v: float | None
    delta_v: float | None
    verdict: str
    note: str = ""

    @property
    def is_outlier(self) -> bool:
        far = self.delta_v is not None and abs(self.delta_v) > OUTLIER_V
        return far or self.verdict not in ("", "PASS")


@dataclass(frozen=True, slots=True)
class CheckShown:
    check: VoltageCheck
    cells: tuple[CellShown, ...]

    @property
    def is_by_hand(self) -> bool:
        """A lower class of evidence: a person read the meter."""
        return self.check.meter.role == InstrumentRole.MANUAL

    @property
    def is_led(self) -> bool:
        """The bench's own meter was led from cell to cell; of emptied cells it hung on each."""
        check = self.check
        return check.meter.role == InstrumentRole.METER and check.kind != VoltageCheck.Kind.BOTTOM


def strip(cells: Sequence[tuple[str, float | None]]) -> tuple[CellShown, ...]:
    """Serials and volts in bank order as squares with their deltas."""
    middle = _median([volts for _, volts in cells])
    return tuple(
        CellShown(position, serial, volts, _delta(volts, middle), "")
        for position, (serial, volts) in enumerate(cells, start=1)
    )


def check_shown(check: VoltageCheck) -> CheckShown:
    return together([check])


def together(checks: Sequence[VoltageCheck]) -> CheckShown:
    """Checks of single cells as one, with the deltas among all of them."""
    rows = sorted((r for c in checks for r in c.cells.all()), key=lambda row: row.position)
    middle = _median([row.voltage_v for row in rows])
    return CheckShown(checks[0], tuple(_cell_shown(row, middle) for row in rows))


def _cell_shown(row: CellVoltage, middle: float | None) -> CellShown:
    return CellShown(
        position=row.position,
        serial=row.cell.serial,
        voltage_v=row.voltage_v,
        delta_v=_delta(row.voltage_v, middle),
        verdict=row.verdict,
        note=_window(row),
    )


def _window(row: CellVoltage) -> str:
    """Against which limits, and how long after current stopped (principle: no naked number)."""
    if row.low_v is None:
        return ""
    # A re-check has no upper end: nothing rests too high.
    window = f"≥ {row.low_v:.3f} V" if row.high_v is None else f"{row.low_v:.3f}–{row.high_v:.3f} V"
    return window if row.age_s is None else f"{window}, {duration(row.age_s)} after stop"


def _median(volts: Sequence[float | None]) -> float | None:
    measured = [v for v in volts if v is not None]
    return median(measured) if measured else None


def _delta(volts: float | None, middle: float | None) -> float | None:
    return None if volts is None or middle is None else volts - middle
