"""What was seen while a bench was commissioned, and what is allowed there.  Pure values."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from statistics import fmean

from stations.plain import LATER
from stations.values import NAN, Draw, LoadRatings, Protection, Reading, Setpoint, SupplyRatings

BELOW_BANK_V = 0.10  # set so far below the bank, an output that is on delivers nothing
SMALL_SHARE = 0.1  # of the supply's rating: even a tenfold mistake stays within the rating
LARGE_SHARE = 0.5
SHARE_MAX = 0.8  # requirement B1
OVP_MARGIN_V = 0.10
OCP_MARGIN = 1.2


class CannotCommission(Exception):
    """What keeps this bench from being commissioned now; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Plateau:
    """Means over the readings at one set-point, once they had settled.

    `supply_v` and `current_a` are of the one that drives.  Of a load they are what its terminals
    show and what it draws, above 0; its `set_voltage_v` is its own cut-off.
    """

    set_voltage_v: float
    set_current_a: float
    bank_v: float
    supply_v: float
    current_a: float
    regulation: str
    readings: int
    cells_v: tuple[float, ...] = ()

    @property
    def drop_v(self) -> float:
        """Terminals minus bank: what leads take, and what the two voltmeters differ by."""
        return self.supply_v - self.bank_v


@dataclass(frozen=True, slots=True)
class Drawn:
    """What was seen of the load, as `Figures` has it of the supply; amps out of the cells.

    `bank_ah` is of all linked cells together, as the person said.  `idle` is with its input off:
    behind an open contactor its terminals then do not show the bank.
    """

    bank_ah: float
    off_a: float = NAN
    off_again_a: float = NAN
    idle: Plateau | None = None
    small: Plateau | None = None
    panel_a: float = NAN
    large: Plateau | None = None

    @property
    def zero_a(self) -> float:
        return _furthest(self.off_a, self.off_again_a)

    @property
    def lead_ohm(self) -> float:
        """Both leads, less what its sense leads make up for; by two currents."""
        return -_slope_ohm(self.small, self.large)


@dataclass(frozen=True, slots=True)
class Figures:
    """Everything that is judged; None for what was not come to.

    `panel_a` is what a person read off the supply's own display at the small current: the only
    look at the current that does not come through the driver.  `at_target`: the output on at the
    target, leads and meter laid together with no cell on them; None where nobody did that.
    `drawn` is None at a bench without a load, and in reports of before it was tried.
    """

    target_v: float
    off_a: float = NAN  # the supply's ammeter with the output proven off
    off_again_a: float = NAN  # likewise after everything
    rest_v: float = NAN  # the bank before, with the output off
    nothing: Plateau | None = None  # output on, set below the bank
    small: Plateau | None = None
    panel_a: float = NAN
    large: Plateau | None = None
    at_target: Plateau | None = field(default=None, metadata=LATER)
    drawn: Drawn | None = field(default=None, metadata=LATER)

    @property
    def zero_a(self) -> float:
        """Ammeter zero: of the two looks with the output off the one further from nothing."""
        return _furthest(self.off_a, self.off_again_a)

    @property
    def offset_v(self) -> float:
        """Supply's voltmeter minus bank meter with nothing drawn; `nothing.bank_v` says where."""
        return self.nothing.drop_v if self.nothing else NAN

    @property
    def offset_target_v(self) -> float:
        """Set-point minus bank meter at the target with nothing drawn; NaN where unknown."""
        seen = self.at_target
        return seen.set_voltage_v - seen.bank_v if seen else NAN

    @property
    def lead_ohm(self) -> float:
        """Both leads, from the difference of two currents, so that no offset is in it."""
        return _slope_ohm(self.small, self.large)


def _furthest(*amps: float) -> float:
    return max((known for known in amps if math.isfinite(known)), key=abs, default=NAN)


def _slope_ohm(small: Plateau | None, large: Plateau | None) -> float:
    """By how much the drop grows with each amp; NaN without a larger current."""
    if small is None or large is None:
        return NAN
    more_a = large.current_a - small.current_a
    return (large.drop_v - small.drop_v) / more_a if more_a > 0 else NAN


@dataclass(frozen=True, slots=True)
class Plan:
    """What is going to be set, from the target, the ratings and the larger current."""

    target_v: float
    small_a: float
    large_a: float

    @property
    def protection(self) -> Protection:
        return Protection(self.target_v + OVP_MARGIN_V, OCP_MARGIN * self.large_a)

    @property
    def small(self) -> Setpoint:
        return Setpoint(self.target_v, self.small_a)

    @property
    def large(self) -> Setpoint:
        return Setpoint(self.target_v, self.large_a)


@dataclass(frozen=True, slots=True)
class Tolerances:
    """What a bench may be off by; the report keeps the ones that it was judged by."""

    zero_share: float = 0.005  # of the supply's rated current
    current_share: float = 0.02  # read-back against set-point
    panel_share: float = 0.10  # a display that a person reads while it flickers
    lead_max_ohm: float = 0.020
    scale_ohm: float = 0.100  # no lead is that bad: somebody's scale is wrong
    cell_max_v: float = 0.020  # scanner against bank meter, with nothing drawn


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was asked; `fix` is empty where it passed."""

    check: str
    verdict: str  # "pass", "fail", "missing"
    words: str
    fix: str = ""


def plan(supply: SupplyRatings, *, target_v: float, large_a: float | None = None) -> Plan:
    """Raises CannotCommission where the supply cannot do what is asked."""
    small_a = SMALL_SHARE * supply.current_max_a
    highest_a = SHARE_MAX * supply.current_max_a
    wanted_a = LARGE_SHARE * supply.current_max_a if large_a is None else large_a
    if not supply.has_protection:
        raise CannotCommission(f"{supply.model} has no OVP and OCP of its own: use another supply")
    if not 2.5 <= target_v <= min(3.65, supply.voltage_max_v):
        raise CannotCommission(f"target {target_v:g} V is not within 2.5 … 3.65 V of one LFP bank")
    if not 2 * small_a <= wanted_a <= highest_a:
        raise CannotCommission(
            f"the larger current {wanted_a:g} A must lie within {2 * small_a:g} … {highest_a:g} A "
            f"({SHARE_MAX:.0%} of the rating)"
        )
    return Plan(target_v, round(small_a, 3), round(wanted_a, 3))


def plateau(setpoint: Setpoint, readings: Sequence[Reading]) -> Plateau:
    """The mean of `readings`, which all were taken at `setpoint`; there is at least one."""
    cells = zip(*(reading.cell_voltages_v for reading in readings), strict=True)
    return Plateau(
        set_voltage_v=setpoint.voltage_v,
        set_current_a=setpoint.current_a,
        bank_v=fmean(reading.voltage_v for reading in readings),
        supply_v=fmean(reading.supply_voltage_v for reading in readings),
        current_a=fmean(reading.supply_current_a for reading in readings),
        regulation=readings[-1].regulation,
        readings=len(readings),
        cells_v=tuple(fmean(volts) for volts in cells),
    )


def drawn_plateau(draw: Draw, readings: Sequence[Reading]) -> Plateau:
    """Likewise while a load is set to `draw`; what it draws is above 0."""
    seen = plateau(Setpoint(draw.cutoff.voltage_v, draw.current_a), readings)
    return replace(seen, current_a=-seen.current_a)


def idle_setpoint(supply: SupplyRatings, chosen: Plan, rest_v: float) -> Setpoint:
    """Below the bank, so that nothing flows; raises CannotCommission for a bank that is not one."""
    if not 2.5 <= rest_v <= chosen.target_v - BELOW_BANK_V:
        raise CannotCommission(
            f"the bank meter reads {rest_v:.3f} V; it must lie within 2.5 … "
            f"{chosen.target_v - BELOW_BANK_V:.2f} V: check polarity, links and the meter's leads, "
            "or draw a full bank down a little"
        )
    counts = math.floor((rest_v - BELOW_BANK_V) / supply.voltage_resolution_v)
    return Setpoint(round(counts * supply.voltage_resolution_v, 6), chosen.small_a)


@dataclass(frozen=True, slots=True)
class Judged:
    """By what the figures are judged."""

    supply: SupplyRatings
    meter_accuracy_v: float
    tolerances: Tolerances = field(default_factory=Tolerances)
    load: LoadRatings | None = field(default=None, metadata=LATER)  # None: it was not tried
