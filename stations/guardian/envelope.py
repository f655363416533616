"""The guardian's own judgement of a sample: limits, doubt, and for how long.  Pure.

Whatever a program or a runner thinks, the output goes off when a valid value is over a limit
(a trip: the DUT is suspect), when two samples in a row are in doubt or none was valid for
`reading_age_max_s` (a safe hold: the bench is suspect), and when the supply is found in another
state than the one asked for.  Comparisons are written so that NaN fails them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime

from stations.frozen import changed
from stations.values import UNSEEN_LEADS_MAX_V, Limits, Reading, only_silent

DOUBTS_MAX = 2  # doubtful samples in a row before the output goes off
STUCK_COUNT = 10  # identical raw replies in a row, over ...
STUCK_S = 30.0  # ... this much process time, with ...
STUCK_CURRENT_A = 0.1  # ... more than this flowing
# A string's meter against the sum of its cells, for each: a BMS is off by 10 mV at most, a link
# drops some, and the two are not read at the same instant.
STRING_CELL_V = 0.030
# A BMS tells whole millivolts, which stand still for minutes on the plateau.  It is stuck once the
# meter on its string has moved by more than its rounding, for each cell, and it has not.
STANDSTILL_CELL_V = 0.003

# What each doubt is about: a value that it covers is missing, not over a limit.
_ABOUT_METER = frozenset({"meter_silent", "meter_invalid"})
_ABOUT_CELLS = frozenset({"scanner_silent", "scanner_invalid", "bms_silent", "bms_invalid"})
_ABOUT_THERMOMETER = frozenset({"thermometer_silent", "thermometer_invalid"})
_ABOUT_OUTPUT = frozenset({"supply_silent", "supply_invalid", "load_silent", "load_invalid"})


@dataclass(frozen=True, slots=True)
class Verdict:
    """Why the output must go off: `kind` is "trip" or "safe_hold", and may it pass by itself?"""

    kind: str
    reason: str
    resumable: bool = False


@dataclass(frozen=True, slots=True)
class Tally:
    """What the judgement remembers of one session."""

    opened_at: datetime
    last_at: datetime
    last_current_a: float = 0.0
    charge_ah: float = 0.0
    doubts: int = 0
    drawn_ah: float = 0.0


def judge(
    limits: Limits,
    tally: Tally,
    reading: Reading,
    *,
    expected_on: bool,
    draws: bool = False,
    astray: str = "",
) -> tuple[Tally, Verdict | None]:
    """The tally after `reading`, and a Verdict where the output must go off.

    `expected_on` is what the guardian last asked of the supply, or of the load where that
    `draws`; `astray` names one of them that is on while the other was asked on.  With the output
    off only an output that is on against the guardian's word is a reason.
    """
    doubtful = bool(reading.flags or string_doubt(limits, reading))
    tally = _account(tally, reading, draws=draws, doubtful=doubtful)
    if not expected_on:
        found_on = reading.output_on and not reading.flags & _ABOUT_OUTPUT
        reason = "the output was found on although it was switched off"
        return tally, Verdict("safe_hold", reason) if found_on else None
    verdict = _tripped(reading) or _over_limit(limits, tally, reading, draws=draws)
    if verdict is not None:
        return tally, verdict
    if astray:
        words = f"the {astray} was found on although it was switched off"
        return tally, Verdict("safe_hold", words)
    if not reading.output_on:
        return tally, Verdict("safe_hold", "the output was found off although it was switched on")
    if tally.doubts >= DOUBTS_MAX:
        doubts = ", ".join(sorted(reading.flags)) or string_doubt(limits, reading)
        words = f"{tally.doubts} samples in doubt: {doubts}"
        return tally, Verdict("safe_hold", words, only_silent(reading.flags))
    return tally, None


def _account(tally: Tally, reading: Reading, *, draws: bool, doubtful: bool) -> Tally:
    """Charge by trapezoids over process time; a missing current carries the last one on."""
    known = math.isfinite(reading.supply_current_a)
    current_a = reading.supply_current_a if known else tally.last_current_a
    hours = (reading.at - tally.last_at).total_seconds() / 3600.0
    moved_ah = 0.5 * (current_a + tally.last_current_a) * hours
    return changed(
        tally,
        last_at=reading.at,
        last_current_a=current_a,
        charge_ah=tally.charge_ah + max(0.0, moved_ah),
        drawn_ah=tally.drawn_ah + (max(0.0, -moved_ah) if draws else 0.0),
        doubts=tally.doubts + 1 if doubtful else 0,
    )


def string_doubt(limits: Limits, reading: Reading) -> str:
    """Why cells and meter of a series string are in doubt, or ""; nothing of cells in parallel."""
    series, cells = limits.series_cells, reading.cell_voltages_v
    if not series:
        return ""
    if limits.cells_unseen:
        return _terminals_doubt(reading)
    if len(cells) != series:
        return f"{len(cells)} of {series} cells in series are seen"
    sum_v = math.fsum(cells)
    if abs(reading.voltage_v - sum_v) <= STRING_CELL_V * series:
        return ""
    return f"the string's meter shows {reading.voltage_v:.3f} V, its cells add up to {sum_v:.3f} V"


def _terminals_doubt(reading: Reading) -> str:
    """Why the meter may not be on the whole string, or "": the supply's terminals are above it by
    what leads drop."""
    meter_v, terminals_v = reading.voltage_v, reading.supply_voltage_v
    flows = reading.output_on and reading.supply_current_a > STUCK_CURRENT_A
    if not flows or abs(terminals_v - meter_v) <= UNSEEN_LEADS_MAX_V:
        return ""
    return f"the string's meter shows {meter_v:.3f} V, the supply's terminals {terminals_v:.3f} V"


def _tripped(reading: Reading) -> Verdict | None:
    for flag in sorted(reading.flags):
        role, found, protection = flag.partition("_tripped_")
        if found:
            return Verdict("trip", f"the {role} switched itself off by {protection.upper()}")
    return None


def _over_limit(limits: Limits, tally: Tally, reading: Reading, *, draws: bool) -> Verdict | None:
    low_v, high_v = limits.bank_voltage_min_v, limits.bank_voltage_max_v
    if not (reading.flags & _ABOUT_METER or low_v <= reading.voltage_v <= high_v):
        return Verdict(
            "trip", f"bank at {reading.voltage_v:.3f} V, outside {low_v:.2f} … {high_v:.3f} V"
        )
    amps, max_a = reading.supply_current_a, limits.current_max_a
    if draws:
        amps, max_a = -amps, limits.drawn_max_a
    unheard = reading.flags & _ABOUT_OUTPUT and math.isnan(amps)
    if not (unheard or amps <= max_a):
        return Verdict("trip", f"current {amps:.2f} A, above {max_a:.2f} A")
    low_v, high_v = limits.cell_voltage_min_v, limits.cell_voltage_max_v
    for position, volt in enumerate(reading.cell_voltages_v, start=1):
        missing = reading.flags & _ABOUT_CELLS and math.isnan(volt)
        if not (missing or low_v <= volt <= high_v):
            return Verdict(
                "trip", f"cell {position} at {volt:.3f} V, outside {low_v:.2f} … {high_v:.3f} V"
            )
    words = _temperature(limits, reading, amps, draws=draws)
    if words:
        return Verdict("trip", words)
    if not tally.charge_ah <= limits.charge_max_ah:
        return Verdict(
            "trip", f"{tally.charge_ah:.1f} Ah delivered, above {limits.charge_max_ah:.1f} Ah"
        )
    if not tally.drawn_ah <= limits.drawn_max_ah:
        return Verdict("trip", f"{tally.drawn_ah:.1f} Ah drawn, above {limits.drawn_max_ah:.1f} Ah")
    if not (reading.at - tally.opened_at).total_seconds() <= limits.duration_max_s:
        return Verdict("trip", f"the session took longer than {limits.duration_max_s:.0f} s")
    return None


def _temperature(limits: Limits, reading: Reading, amps: float, *, draws: bool) -> str:
    """Why the cells are too hot or too cold for this, or "".

    A bench without a thermometer has no probes; one that lost one is in doubt by its flag.
    """
    missing = reading.flags & _ABOUT_THERMOMETER
    low_c = -math.inf if draws else limits.temperature_min_c
    for probe, celsius in enumerate(reading.temperatures_c, start=1):
        if not (missing and math.isnan(celsius)) and not low_c <= celsius <= (
            limits.temperature_max_c
        ):
            return f"probe {probe} at {celsius:.1f} °C, outside {low_c:.0f} … " + (
                f"{limits.temperature_max_c:.0f} °C"
            )
    cold = reading.coldest_c < limits.cold_below_c and limits.cold_current_max_a > 0
    if cold and not draws and amps > limits.cold_current_max_a:
        return (
            f"{amps:.2f} A into cells at {reading.coldest_c:.1f} °C, above the "
            f"{limits.cold_current_max_a:.2f} A that cold cells take"
        )
    return ""


@dataclass(frozen=True, slots=True)
class Repeats:
    """How often, and since when, one instrument has given the very same raw reply."""

    raw: str = ""
    count: int = 0
    since: datetime | None = None

    def after(self, raw: str, at: datetime, current_a: float) -> Repeats:
        """A new reply; without current an unchanging voltage is no wonder."""
        flows = abs(current_a) > STUCK_CURRENT_A
        if flows and raw and raw == self.raw:
            return changed(self, count=self.count + 1)
        return Repeats(raw=raw if flows else "", count=1, since=at)

    def stuck(self, at: datetime) -> bool:
        enough = self.count >= STUCK_COUNT and self.since is not None
        return enough and self.since is not None and (at - self.since).total_seconds() >= STUCK_S


@dataclass(frozen=True, slots=True)
class Standstill:
    """What the string's meter showed when a BMS first told the very cells that it tells now, and
    how far it has moved since, while current flows."""

    cells_v: tuple[float, ...] = ()
    meter_v: float = math.nan
    moved_v: float = 0.0

    def after(self, cells_v: tuple[float, ...], meter_v: float, current_a: float) -> Standstill:
        if not abs(current_a) > STUCK_CURRENT_A:
            return Standstill()
        if cells_v != self.cells_v or math.isnan(self.meter_v):
            return Standstill(cells_v, meter_v)
        return changed(self, moved_v=abs(meter_v - self.meter_v))

    @property
    def stuck(self) -> bool:
        return self.moved_v > STANDSTILL_CELL_V * len(self.cells_v)
