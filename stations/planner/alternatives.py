"""What else would do the same work, and in how many hours: for plans that are too long.

By formula, not by simulation: a person compares them, nobody starts from them.  Hours in CV are
a fit to the model of a cell-sensed 0.00125C tail, good within a tenth of an hour.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import log

from stations.planner.hours import Interval, between, knee
from stations.planner.knowledge import Known
from stations.planner.series import lift
from stations.procedures.steps import Charge
from stations.values import SupplyRatings, Window

BANK_C_MAX = 0.2  # B1
FULL_V = 3.50  # B13: to less, nothing is full and none of these does the same work
SERIES = (4, 8, 16)  # B10: what BMS boards are made for
HANDLING_H = Window(1.0, 2.0)  # of building the string and taking it apart again
TAIL_C = 0.0083  # C-rate below which CV to 0.00125C takes no time
SHORTER = 0.8  # an alternative that saves less than a fifth is none


@dataclass(frozen=True, slots=True)
class Alternative:
    words: str
    hours: Interval


def alternatives(
    charge: Charge, supply: SupplyRatings, known: Known, planned: Interval
) -> tuple[Alternative, ...]:
    """Those that save at least a fifth of the `planned` hours, the quickest first.

    Of a charge to full; instead of cells one by one or by steps, a parallel top balance too.
    """
    found = [*_currents(charge, supply, known), *_halves(charge, known)]
    if charge.stage or (charge.cell and known.cells > 1):
        at_once = parallel_hours(known, charge.setpoint.current_a)
        found.append(Alternative("a parallel top balance of all at once, in one go", at_once))
    if not charge.cell:
        found += _series(charge, supply, known)
    worth = [a for a in found if a.hours.middle <= SHORTER * planned.middle]
    return tuple(sorted(worth, key=lambda a: a.hours.middle))


def parallel_hours(known: Known, amps: float) -> Interval:
    """A parallel bank by CC at `amps` of the whole bank, then CV to its tail."""
    return Interval(*(_bank_h(known, amps, share) for share in (0.9, 0.5, 0.1)))


def _currents(charge: Charge, supply: SupplyRatings, known: Known) -> list[Alternative]:
    planned_a, most_a = charge.setpoint.current_a, BANK_C_MAX * known.bank_ah
    if charge.place:
        most_a = BANK_C_MAX * known.capacity_ah
    found = []
    full_a = min(supply.current_max_a, most_a)
    if full_a > planned_a:
        words = f"the full {full_a:.0f} A of this {supply.model}, if a supervisor allows it"
        found.append(Alternative(words, _hours(charge, known, full_a)))
    if most_a > full_a:
        of = "cell" if charge.place else "bank"
        words = f"a supply of {most_a:.0f} A, 0.2C of this {of}"
        found.append(Alternative(words, _hours(charge, known, most_a)))
    return found


def _halves(charge: Charge, known: Known) -> list[Alternative]:
    """Two banks at two stations; the gate judges them together (G3, G6)."""
    if known.cells < 4:
        return []
    half = Known(known.capacity_ah, known.soc[: known.cells // 2])
    amps = min(charge.setpoint.current_a, BANK_C_MAX * half.bank_ah)
    words = f"two stations like this one with {known.cells // 2} cells each"
    return [Alternative(words, _hours(charge, half, amps))]


def _hours(charge: Charge, known: Known, amps: float) -> Interval:
    """All in parallel at `amps`, or one after the other."""
    if not charge.place:
        return parallel_hours(known, amps)
    turns = [parallel_hours(Known(known.capacity_ah, (soc,)), amps) for soc in known.soc]
    return Interval(*(sum(ends) for ends in zip(*(_ends(t) for t in turns), strict=True)))


def _ends(hours: Interval) -> tuple[float, float, float]:
    return hours.low, hours.middle, hours.high


def _series(charge: Charge, supply: SupplyRatings, known: Known) -> list[Alternative]:
    volts = known.cells * charge.setpoint.voltage_v
    if known.cells not in SERIES or volts > supply.voltage_max_v:
        return []
    share = charge.setpoint.current_a / supply.current_max_a  # what the recipe allows of a rating
    watts_a = share * supply.power_max_w / volts
    amps = min(charge.setpoint.current_a, BANK_C_MAX * known.capacity_ah, watts_a)
    hours = Interval(*(_series_h(charge, known, amps, share) for share in (0.9, 0.5, 0.1)))
    words = f"a series pre-charge behind a BMS at {volts:.1f} V, then the parallel finish"
    return [Alternative(words, hours)]


def _series_h(charge: Charge, known: Known, amps: float, share: float) -> float:
    """The fullest cell stops the string; the parallel bank then fills what the others lack."""
    soc = [between(window, share) for window in known.soc]
    rise = lift(known.capacity_ah, soc, amps)
    charged_h = known.capacity_ah * rise / amps
    after = Known(known.capacity_ah, tuple(Window(z + rise, z + rise) for z in soc))
    handling_h = between(HANDLING_H, 1.0 - share)
    return charged_h + handling_h + _bank_h(after, charge.setpoint.current_a, 0.5)


def _bank_h(known: Known, amps: float, share: float) -> float:
    c_rate = amps / known.bank_ah
    missing = sum(max(0.0, knee(c_rate) - between(window, share)) for window in known.soc)
    return known.capacity_ah * missing / amps + 0.40 * max(0.0, log(c_rate / TAIL_C)) + 0.5
