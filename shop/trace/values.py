"""What a customer sees of a pack: approved facts, no names of people, nobody else's cells.

Volts, amps, ampere-hours and seconds as the names say; times are aware UTC.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class InstrumentTrace:
    """An instrument that measured, with the calibration that was valid then."""

    role: str
    model: str
    serial_number: str
    certificate: str
    valid_from: datetime | None
    valid_until: datetime | None


@dataclass(frozen=True, slots=True)
class BalanceTrace:
    """One balance that cells of this pack went through; `run_id` names its curve."""

    run_id: int
    method: str  # TOP, BOTTOM
    target_v: float
    remark: str
    tail_a: float
    done_a: float
    partial_a: float
    cv_s: float
    charge_ah: float
    ended_at: datetime
    recipe: str
    recipe_version: int
    policy_version: int
    software: str
    manifest_sha256: str
    simulated: bool
    serials: tuple[str, ...]  # of this pack
    gaps_s: tuple[
        tuple[float, float], ...
    ]  # from, to: process seconds since the run's first reading

    @property
    def drawn_ah(self) -> float:
        """What came out of cells that were emptied."""
        return -self.charge_ah

    @property
    def longest_gap_s(self) -> float:
        return max((end - begin for begin, end in self.gaps_s), default=0.0)


@dataclass(frozen=True, slots=True)
class CellTrace:
    """One cell at its place, from 1 at the most negative group."""

    position: int
    serial: str
    cell_type: str
    batch: str
    capacity_ah: float
    capacity_source: str  # MEASURED, IMPORTED
    capacity_tested_at: datetime
    run_id: int
    disconnect_v: float
    disconnect_age_s: float  # wall seconds since current stopped
    disconnect_meter: str
    disconnect_by_hand: bool  # a person read the meter
    approved_at: datetime
    resistance_mohm: float | None = None  # DC, of the newest test before assembly
    resistance_after_s: float | None = None  # seconds into its current step


@dataclass(frozen=True, slots=True)
class Advice:
    """What to set on the inverter and the BMS, per cell and for the whole pack."""

    charge_low_v: float
    charge_high_v: float
    pack_low_v: float
    pack_high_v: float
    bms_model: str
    bms_over_voltage_v: float


@dataclass(frozen=True, slots=True)
class PackTrace:
    """The answer first: valid or not and why, then what to set, then the evidence."""

    serial: str
    valid: bool
    why: tuple[str, ...]
    advice: Advice
    design: str
    application: str  # in words
    series: int
    parallel: int
    simulated: bool
    sample: bool
    assembled_at: datetime
    cells: tuple[CellTrace, ...]
    balances: tuple[BalanceTrace, ...]
    instruments: tuple[InstrumentTrace, ...]
    service_at: datetime | None = None  # M4: its cells are to be read by then

    @property
    def run_ids(self) -> tuple[int, ...]:
        """Runs whose curve belongs to this pack."""
        return tuple(balance.run_id for balance in self.balances)
