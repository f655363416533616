"""The words of the bench as frozen values that every layer shares.

Units are in the names and always SI or the trade's own: volts, amps, ohms, ampere-hours,
seconds, degrees Celsius.  Current is positive into the cells.  Times are aware UTC; `at` is
process time (the bench clock), `received_at` is wall time.  A channel that was not read is
NaN, and NaN never passes a limit.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from stations.plain import LATER

NAN = math.nan
# No program, recipe or order may let one cell reach more.  LiFePO4 makers charge to 3.65 V (EVE
# LF105, Lishen LP54173207 specifications); a cell type may say at most this, and the supply's own
# OVP lies up to 100 mV beyond (requirement F4).  Between the two it is our choice.
CELL_CEILING_V = 3.80
# Where nobody sees the cells of a string (B10): the longest that nobody says a word, and what its
# meter may lie below the supply's terminals while current flows.  One cell that the meter is not
# on is more.
UNSEEN_PRESENCE_MAX_S = 1800.0
UNSEEN_LEADS_MAX_V = 2.0


@dataclass(frozen=True, slots=True)
class Window:
    """An inclusive lower and upper bound; NaN is never inside."""

    low: float
    high: float

    def contains(self, value: float) -> bool:
        return self.low <= value <= self.high


@dataclass(frozen=True, slots=True)
class Setpoint:
    """What we ask a supply for: regulated voltage and current limit at its terminals."""

    voltage_v: float
    current_a: float


@dataclass(frozen=True, slots=True)
class Protection:
    """Device-side thresholds that switch the supply's output off without us."""

    ovp_v: float
    ocp_a: float


@dataclass(frozen=True, slots=True)
class Cutoff:
    """Device-side ends of a discharge that switch the load off without us."""

    voltage_v: float
    duration_s: float


@dataclass(frozen=True, slots=True)
class Draw:
    """What we ask a load for: a constant current out of the cells, and its own ends.

    One that `holds` regulates its terminals at the volts of its cut-off instead (CV), with at most
    that current, and draws nothing below them.
    """

    current_a: float  # drawn, so above 0
    cutoff: Cutoff
    holds: bool = field(default=False, metadata=LATER)


@dataclass(frozen=True, slots=True)
class Limits:
    """The hard envelope.  The guardian enforces it on its own readings, whatever anyone asks.

    Voltages are at the bank meter and at each cell that a scanner sees; current is the
    supply's read-back, or the load's while that draws.  `charge_max_ah` caps the charge
    delivered while one session lives, `drawn_max_ah` what a load takes out; where nothing may be
    drawn both limits of the load are 0.

    Temperatures are of each probe on a cell, while an output is on: at most `temperature_max_c`,
    and while charging at least `temperature_min_c`; below `cold_below_c` a charge takes at most
    `cold_current_max_a` (0: any that is allowed at all).
    """

    bank_voltage_max_v: float
    bank_voltage_min_v: float
    cell_voltage_max_v: float
    cell_voltage_min_v: float
    current_max_a: float
    setpoint_voltage_max_v: float
    duration_max_s: float
    charge_max_ah: float
    reading_age_max_s: float = 3.0
    temperature_max_c: float = 45.0
    drawn_max_a: float = field(default=0.0, metadata=LATER)
    drawn_max_ah: float = field(default=0.0, metadata=LATER)
    # So many cells stand in series between the leads, and the meter on all of them: each must be
    # seen while current flows, and their sum be what the meter shows.  0: they are in parallel.
    series_cells: int = field(default=0, metadata=LATER)
    # Of a string that nothing on the bench shows the cells of: a BMS without a wire protects them,
    # and somebody says at least every `UNSEEN_PRESENCE_MAX_S` that they are there.
    cells_unseen: bool = field(default=False, metadata=LATER)
    temperature_min_c: float = field(default=0.0, metadata=LATER)
    cold_below_c: float = field(default=10.0, metadata=LATER)
    cold_current_max_a: float = field(default=0.0, metadata=LATER)


@dataclass(frozen=True, slots=True)
class SupplyRatings:
    """What a supply model can bear and resolve, from its maker's sheet."""

    model: str
    voltage_max_v: float
    current_max_a: float
    power_max_w: float
    voltage_resolution_v: float
    current_resolution_a: float
    voltage_accuracy_v: float
    has_watchdog: bool
    has_protection: bool = True  # OVP and OCP levels of its own, apart from the set-point


@dataclass(frozen=True, slots=True)
class MeterRatings:
    """What a meter or scanner can measure; `channels` is 1 for a meter."""

    model: str
    voltage_max_v: float
    resolution_v: float
    accuracy_v: float
    channels: int


@dataclass(frozen=True, slots=True)
class RelayRatings:
    """How many channels a relay board has, and the longest time it can close one for."""

    model: str
    channels: int
    hold_max_s: float


@dataclass(frozen=True, slots=True)
class LoadRatings:
    """What a load model can bear and resolve; `duration_max_s` is the longest it times itself."""

    model: str
    voltage_max_v: float
    current_max_a: float
    power_max_w: float
    voltage_resolution_v: float
    current_resolution_a: float
    voltage_accuracy_v: float
    duration_max_s: float
    has_cv: bool = False  # holds a voltage, within a limit of its current


@dataclass(frozen=True, slots=True)
class BmsRatings:
    """What a BMS can tell of a series string."""

    model: str
    cells_max: int
    resolution_v: float
    accuracy_v: float
    current_resolution_a: float
    tells_setting: bool = False  # at how many volts of a cell it opens


@dataclass(frozen=True, slots=True)
class ThermometerRatings:
    """What a temperature logger can measure, over `range_c`."""

    model: str
    range_c: Window
    resolution_c: float
    accuracy_c: float
    channels: int


@dataclass(frozen=True, slots=True)
class Measured:
    """What the commissioning of a bench found: 0 and NaN where nobody measured it.

    What a supply gives beside its set-point, and what it shows beside the truth, differ.  Only at
    the target are both seen; else `shown_offset_v` is None, and one stands for the other.
    """

    supply_offset_v: float = 0.0  # true volts at its terminals minus its set-point
    leads_ohm: float = NAN  # both together
    zero_a: float = NAN  # what its ammeter shows with nothing flowing
    shown_offset_v: float | None = None  # true volts at its terminals minus what it shows


@dataclass(frozen=True, slots=True)
class Ratings:
    """Everything the dry run needs to know of a bench; `by_hand`: a hand-held meter lies there."""

    supply: SupplyRatings
    meter: MeterRatings
    scanner: MeterRatings | None = None
    load: LoadRatings | None = None
    thermometer: ThermometerRatings | None = None
    bms: BmsRatings | None = None
    measured: Measured = field(default_factory=Measured)
    by_hand: bool = False
    routes: int = 0  # a router puts the leads on the first so many cells


@dataclass(frozen=True, slots=True)
class Identity:
    """Who an instrument says it is."""

    role: str  # "supply", "meter", "scanner", "relay", "router", "load", "bms", "thermometer"
    model: str
    serial_number: str
    firmware: str


@dataclass(frozen=True, slots=True)
class BmsSeen:
    """What the BMS of a series string says of itself.

    `charge_open`: it lets no charge in, for the reasons in `protections`.  `cell_over_v` is the
    cell voltage at which it is set to open, NaN where it does not tell.
    """

    charge_open: bool
    protections: frozenset[str] = frozenset()
    cell_over_v: float = NAN
    name: str = ""


@dataclass(frozen=True, slots=True)
class Reading:
    """One timed sample of the whole bench, as the guardian journalled it.

    `seq` counts from 1 within one attempt.  `age_s` is guard time: how old the oldest channel
    was when the guardian completed the sample.  `voltage_v` is the independent bank meter;
    `supply_*` are the supply's own read-backs, or the load's while that is driven: volts at its
    terminals, and a current below 0.  `flags` name doubts: "meter_invalid",
    "meter_silent", "meter_stuck", "scanner_silent", "supply_silent" ...; a reading with flags
    is evidence of doubt and never of progress.  Without a scanner `cell_voltages_v` is empty, but
    for a series string, whose BMS tells them;
    without a thermometer `temperatures_c`: one a probe, the first on cell 1.  `temperature_c` is
    the hottest of them, NaN where none was read.
    """

    seq: int
    at: datetime
    received_at: datetime
    age_s: float
    output_on: bool
    voltage_v: float
    supply_voltage_v: float
    supply_current_a: float
    cell_voltages_v: tuple[float, ...] = ()
    temperature_c: float = NAN
    regulation: str = ""  # "CC", "CV" or "" where the supply did not say
    flags: frozenset[str] = frozenset()
    temperatures_c: tuple[float, ...] = field(default=(), metadata=LATER)
    bms: BmsSeen | None = field(default=None, metadata=LATER)

    @property
    def coldest_c(self) -> float:
        """NaN where no probe was read."""
        return min((c for c in self.temperatures_c if math.isfinite(c)), default=NAN)


def only_silent(flags: frozenset[str]) -> bool:
    """Whether all doubt is that instruments did not answer, which may pass by itself."""
    return bool(flags) and all(flag.endswith("_silent") for flag in flags)


@dataclass(frozen=True, slots=True)
class OffProof:
    """Proof that the output is off, and when: the moment that ages count from.

    `at` is process time, `received_at` wall time of the first reading that showed the output
    off by the supply's own state and by measured current.
    """

    at: datetime
    received_at: datetime
    supply_current_a: float


@dataclass(frozen=True, slots=True)
class Event:
    """Something besides a reading that the bench tells the runner, already journalled.

    Kinds: "act" (a person's act: data holds id, kind and what was confirmed), "stop" (someone
    asked for a stop; the guardian has the output off), "safe_hold" (the guardian switched off
    by itself: data["reason"]), "trip" (the guardian's own envelope: data["reason"]).
    """

    kind: str
    at: datetime
    received_at: datetime
    data: Mapping[str, Any] = field(default_factory=dict)
