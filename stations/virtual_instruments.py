"""The instruments of a virtual bench: what they show of the model, rounded, off and noisy."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from stations.model.bank import Solution
from stations.model.bms import Bms
from stations.model.ocv import Floats
from stations.values import NAN, BmsSeen, Setpoint

HAND_RESOLUTION_V = 0.001  # four digits, as a person reads them


@dataclass(frozen=True, slots=True)
class Instruments:
    """What supply, meter and scanner resolve, and by how much they err.

    The supply's offsets are true value minus what it says; the meter's is what it shows minus
    true.  Noise is one sigma per reading.
    """

    supply_resolution_v: float = 0.01
    supply_resolution_a: float = 0.01
    load_resolution_v: float = 1e-3
    load_resolution_a: float = 1e-4
    meter_resolution_v: float = 1e-6
    supply_offset_v: float = 0.0
    supply_offset_a: float = 0.0
    meter_offset_v: float = 0.0
    noise_v: float = 0.0
    noise_a: float = 0.0
    has_scanner: bool = True
    has_bms: bool = True  # on a wire: in a string without a scanner it tells the cells
    bms_resolution_v: float = 1e-3
    lost_channels: frozenset[int] = frozenset()  # scanner positions, from 1, that give nothing
    routes: int = 0  # a router puts leads and meter on the first so many cells
    probes: int = 0  # thermometer channels, the first on cell 1

    def resolved(self, asked: Setpoint) -> Setpoint:
        """As the supply takes it."""
        return Setpoint(
            _rounded(asked.voltage_v, self.supply_resolution_v),
            _rounded(asked.current_a, self.supply_resolution_a),
        )

    def true(self, told: Setpoint) -> Setpoint:
        """What a supply that was told so regulates to."""
        return Setpoint(
            told.voltage_v + self.supply_offset_v, told.current_a + self.supply_offset_a
        )


class Displays:
    """What one bench's instruments show; equal seeds give equal noise."""

    def __init__(self, instruments: Instruments, seed: int) -> None:
        self._ours = instruments
        self._rng = np.random.default_rng(seed)

    def driven(self, seen: Solution, *, on: bool, by_load: bool) -> tuple[float, float]:
        """Volts and amps at the terminals of the one that drives: the supply, or the load."""
        ours = self._ours
        amps = self.amps(seen.supply_current_a)  # asked each time: equal seeds, equal noise
        if by_load:
            return (
                _rounded(seen.supply_voltage_v, ours.load_resolution_v),
                _rounded(seen.supply_current_a, ours.load_resolution_a),
            )
        terminals_v = seen.supply_voltage_v - ours.supply_offset_v if on else 0.0
        return _rounded(terminals_v, ours.supply_resolution_v), amps

    def amps(self, true_a: float) -> float:
        """Of the supply's ammeter."""
        ours = self._ours
        said = true_a - ours.supply_offset_a + self._noise(ours.noise_a)
        return _rounded(said, ours.supply_resolution_a)

    def volts(self, true_v: float) -> float:
        """Of the bank meter."""
        ours = self._ours
        shown = true_v + ours.meter_offset_v + self._noise(ours.noise_v)
        return _rounded(shown, ours.meter_resolution_v)

    def by_hand_v(self, true_v: float) -> float:
        """As a person reads the meter."""
        return _rounded(self.volts(true_v), HAND_RESOLUTION_V)

    def cells(self, cell_v: Floats, *, in_series: bool) -> tuple[float, ...]:
        """As `volts` of each cell, all at once; of a string by its BMS where nothing else is."""
        ours = self._ours
        if not ours.has_scanner:
            told = in_series and ours.has_bms
            return tuple(_all_rounded(cell_v, ours.bms_resolution_v)) if told else ()
        shown = cell_v + ours.meter_offset_v
        if ours.noise_v:
            shown += ours.noise_v * self._rng.standard_normal(len(shown))
        volts = _all_rounded(shown, ours.meter_resolution_v)
        for position in ours.lost_channels:
            volts[position - 1] = NAN
        return tuple(volts)

    def bms(self, bms: Bms) -> BmsSeen | None:
        """What the BMS of a string tells of itself; None where it has no wire."""
        if not self._ours.has_bms:
            return None
        return BmsSeen(
            charge_open=bms.charge_open,
            protections=frozenset({"cell OV"} if bms.tripped else ()),
            cell_over_v=bms.over_v,
        )

    def _noise(self, sigma: float) -> float:
        return sigma * float(self._rng.standard_normal()) if sigma else 0.0


def _all_rounded(values: Floats, resolution: float) -> list[float]:
    """As `_rounded` of each."""
    rounded: list[float] = (np.rint(values / resolution) * resolution).round(12).tolist()
    return rounded


def _rounded(value: float, resolution: float) -> float:
    """`value` in whole steps of an instrument; twelve digits, so that 3.65 stays 3.65."""
    return round(round(value / resolution) * resolution, 12)
