"""What else would do the same work, and in how many hours: for plans that are too long.

Each is a program of its own, planned like any other, so that what a recipe, a supply or a string
forbids is not offered, and played on the cell model with the very leads that lie there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from math import ceil

from stations.planner.emptying import emptying_interval
from stations.planner.hours import (
    Bulk,
    Interval,
    between,
    cell_with,
    charge_of,
    courses,
    interval,
    spread,
)
from stations.planner.knowledge import Known
from stations.planner.series import lift, series_hours
from stations.procedures.steps import Charge, PlanRefused, Program, SeriesCharge
from stations.procedures.strings import STRINGS
from stations.values import SupplyRatings, Window

FULL_V = 3.50  # B13: to less, nothing is full and none of these does the same work
HANDLING_H = Window(1.0, 2.0)  # of building the string and taking it apart again
SHORTER = 0.8  # an alternative that saves less than a fifth is none
SETTINGS = 3
SUPPLIES_V = 30.0  # what bench supplies are made for, and twice that
ANY_A, ANY_W = 1e5, 1e6  # of a supply that limits nothing
SAME, AT_ONCE, IN_SERIES = "same", "all at once", "in series"


@dataclass(frozen=True, slots=True)
class Alternative:
    words: str
    hours: Interval


@dataclass(frozen=True, slots=True)
class Variant:
    """What a program is made for: the job's own procedure, a parallel balance, or a string."""

    method: str
    cells: int
    supply: SupplyRatings
    full_rating: bool = False  # a supervisor allows all that the supply is rated for (B1)


Make = Callable[[Variant], Program]  # raises PlanRefused for what cannot be


def alternatives(
    make: Make, own: Variant, known: Known, planned: Interval, *, finishes: bool = True
) -> tuple[Alternative, ...]:
    """Those that save at least a fifth of the `planned` hours of the program of `own`, the quickest
    first; where that one does not finish, all that do.
    """
    program = make(own)
    charge = charge_of(program)
    if charge is None or program.target_v < FULL_V:
        return ()
    found = [*_supplies(make, own, known, charge), *_leads(make, own, known, charge)]
    found += _halves(make, own, known)
    if charge.stage or (charge.cell and known.cells > 1):
        words = "a parallel top balance of all at once, in one go"
        found += _offered(make, replace(own, method=AT_ONCE), known, words)
    if not charge.cell:
        found += _series(make, own, known)
    return _worth(found, planned, finishes)


def loads(make: Make, own: Variant, known: Known, planned: Interval) -> tuple[Alternative, ...]:
    """Of cells that one load empties in turn (B9): the same among more stations."""
    found = []
    for stations in (2, 4):
        if known.cells >= stations:
            each = ceil(known.cells / stations)
            part = replace(known, soc=known.soc[:each])
            hours = emptying_interval(make(replace(own, cells=each)), part)
            words = f"{stations} stations with a load like this one, {_shares(known.cells, each)}"
            found.append(Alternative(words, hours))
    return _worth(found, planned, True)


def _worth(found: list[Alternative], planned: Interval, finishes: bool) -> tuple[Alternative, ...]:
    worth = [a for a in found if not finishes or a.hours.middle <= SHORTER * planned.middle]
    return tuple(sorted(worth, key=lambda a: a.hours.middle))


def _offered(make: Make, variant: Variant, known: Known, words: str) -> Iterator[Alternative]:
    """With the hours that its own program takes; nothing where it is refused or breaks off."""
    hours = _hours(make, variant, known)
    if hours is not None:
        yield Alternative(words, hours)


def _hours(make: Make, variant: Variant, known: Known) -> Interval | None:
    try:
        program = make(variant)
    except PlanRefused:
        return None
    return played(program, known)


@lru_cache(maxsize=128)
def played(program: Program, known: Known) -> Interval | None:
    """Hours of a charge by the program itself; None where it would not come to its tail."""
    charge = charge_of(program)
    if charge is None:
        return None
    found = courses(program, charge, known, settings=SETTINGS)
    if not all(course.finishes for course in found):
        return None
    return interval([course.hours for course in found])


def _supplies(make: Make, own: Variant, known: Known, charge: Charge) -> Iterator[Alternative]:
    """More amperes: all of this supply, or another that gives what cells and leads bear."""
    supply, planned_a = own.supply, charge.setpoint.current_a
    full = _amps(make, replace(own, full_rating=True))
    if full > planned_a:
        words = f"the full {full:.0f} A of this {supply.model}, if a supervisor allows it"
        yield from _offered(make, replace(own, full_rating=True), known, words)
    most_a = _amps(make, replace(own, supply=_rated(supply, ANY_A)))
    carried_a = _carried(charge, known)
    amps = min(most_a, carried_a)
    if amps > planned_a:
        share = planned_a / supply.current_max_a
        larger = replace(own, supply=_rated(supply, ceil(amps / share)))
        of = "cell" if charge.place else "bank"
        ah = known.capacity_ah if of == "cell" else known.bank_ah
        why = f"{most_a / ah:g}C of this {of}" if most_a <= carried_a else "what these leads carry"
        yield from _offered(make, larger, known, f"a supply that gives {amps:.0f} A, {why}")


def _leads(make: Make, own: Variant, known: Known, charge: Charge) -> Iterator[Alternative]:
    """Where leads limit the current, others of half their resistance (B6)."""
    if charge.stage or _carried(charge, known) >= charge.setpoint.current_a:
        return
    half = Window(known.leads_ohm.low / 2, known.leads_ohm.high / 2)
    words = (
        f"leads of {1000 * half.low:.1f} to {1000 * half.high:.1f} mΩ, half of what these have: "
        "twice as thick or half as long"
    )
    yield from _offered(make, own, replace(known, leads_ohm=half), words)


def _carried(charge: Charge, known: Known) -> float:
    """Amps that the longest leads that these may be let through on the plateau."""
    longest = replace(known, leads_ohm=Window(known.leads_ohm.high, known.leads_ohm.high))
    (setting,) = spread(charge, longest, 1)
    cells = 1 if charge.place else known.cells
    return Bulk(charge, cell_with(known.capacity_ah, setting), setting, cells).carried_a()


def _rated(supply: SupplyRatings, amps: float) -> SupplyRatings:
    return replace(supply, current_max_a=amps, power_max_w=ANY_W)


def _amps(make: Make, variant: Variant) -> float:
    """What its program charges with; 0 where it cannot be."""
    try:
        charge = charge_of(make(variant))
    except PlanRefused:
        return 0.0
    return charge.setpoint.current_a if charge else 0.0


def _halves(make: Make, own: Variant, known: Known) -> Iterator[Alternative]:
    """Two banks at two stations; the gate judges them together (G3, G6)."""
    if known.cells >= 4:
        each = ceil(known.cells / 2)
        words = f"two stations like this one, {_shares(known.cells, each)}"
        part = replace(known, soc=known.soc[:each])
        yield from _offered(make, replace(own, cells=each), part, words)


def _shares(cells: int, each: int) -> str:
    """ "4 cells each", or how many at most where they do not share out evenly."""
    plural = "s" if each > 1 else ""
    return f"{each} cell{plural} each" if cells % each == 0 else f"up to {each} cell{plural} each"


def _series(make: Make, own: Variant, known: Known) -> Iterator[Alternative]:
    """B10: a string behind a BMS, then the parallel finish; by parts or a higher supply."""
    strings = [n for n in sorted(STRINGS, reverse=True) if known.cells % n == 0]
    made = ((n, _string(make, own, n)) for n in strings)
    cells, string = next(((n, one) for n, one in made if one is not None), (0, None))
    if string is not None:
        several = known.cells // cells
        of = f"of {several} strings of {cells}, one after the other, " if several > 1 else ""
        yield from _pre_charged(make, own, known, string, cells, of)
    if cells != known.cells and known.cells in STRINGS:
        volts = SUPPLIES_V if cells and own.supply.voltage_max_v < SUPPLIES_V else 2 * SUPPLIES_V
        higher = replace(own, supply=replace(own.supply, voltage_max_v=volts, power_max_w=ANY_W))
        string = _string(make, higher, known.cells)
        if string is not None:
            with_one = f"with a supply of {volts:.0f} V, "
            yield from _pre_charged(make, own, known, string, known.cells, with_one)


def _string(make: Make, own: Variant, cells: int) -> SeriesCharge | None:
    try:
        program = make(replace(own, method=IN_SERIES, cells=cells))
    except PlanRefused:
        return None
    return next((step for step in program.steps if isinstance(step, SeriesCharge)), None)


def _pre_charged(
    make: Make, own: Variant, known: Known, string: SeriesCharge, cells: int, how: str
) -> Iterator[Alternative]:
    """The fullest cell stops the string; the parallel bank then fills what the others lack."""
    amps, several = string.setpoint.current_a, known.cells // cells
    soc = [between(window, 0.5) for window in known.soc]
    rise = lift(known.capacity_ah, soc, amps)
    after = replace(known, soc=tuple(Window(z + rise, z + rise) for z in soc))
    finish = _hours(make, replace(own, method=AT_ONCE), after)
    if finish is None:
        return
    charged = series_hours(string, known)
    hours = Interval(
        several * (charged.low + HANDLING_H.low) + finish.low,
        several * (charged.middle + between(HANDLING_H, 0.5)) + finish.middle,
        several * (charged.high + HANDLING_H.high) + finish.high,
    )
    words = (
        f"a series pre-charge behind a BMS {how}at {string.setpoint.voltage_v:.1f} V, "
        "then the parallel finish"
    )
    yield Alternative(words, hours)
