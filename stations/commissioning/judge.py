"""Figures in, findings out: is this bench what its drivers take it for?  Pure.

Every comparison is written so that NaN fails it.  Of the load the same is asked as of the supply.
"""

from __future__ import annotations

import math

from stations.commissioning.figures import Figures, Finding, Judged, Plateau
from stations.commissioning.sides import COUNTS, Side, load_side, supply_side

PASS, FAIL, MISSING = "pass", "fail", "missing"
TENFOLD = (6.0, 16.0)  # one is so many times the other: a scale is off by ten, not a little


def findings(figures: Figures, by: Judged) -> tuple[Finding, ...]:
    """One per question, in the order in which they were asked."""
    supply = supply_side(figures, by)
    found: tuple[Finding, ...] = (
        _zero(supply),
        _offset(figures, supply),
        _cells(figures, by),
        *_currents(supply),
        _leads(supply),
        _linear(supply),
    )
    if by.load is not None:
        load = load_side(figures.drawn, by.load, by)
        found += (_zero(load), _load_volts(load), *_currents(load), _leads(load), _linear(load))
    if figures.at_target is not None:
        found += (_at_target(figures.at_target, supply),)
    return found


def passed(found: tuple[Finding, ...]) -> bool:
    return bool(found) and all(finding.verdict == PASS for finding in found)


def panel_agrees(figures: Figures, by: Judged) -> bool:
    """Whether the larger current may be asked for at all."""
    return _panel(supply_side(figures, by)).verdict == PASS


def load_agrees(figures: Figures, by: Judged) -> bool:
    """Likewise of the load; its own ammeter and its display against what was set."""
    if by.load is None:
        return False
    load = load_side(figures.drawn, by.load, by)
    small = _current("small current", load.small, load)
    return _panel(load).verdict == small.verdict == PASS


def _zero(side: Side) -> Finding:
    limit_a, check = side.zero_max_a, f"{side.named}ammeter zero"
    if side.role == "load" and math.isnan(side.off_a):
        return _missing(check)
    off = "its input" if side.role == "load" else "the output"
    whose = "load's" if side.role == "load" else "ammeter"
    words = (
        f"With {off} off the {whose} shows {_amps(side.off_a)}, afterwards "
        f"{_amps(side.off_again_a)}; allowed are {limit_a:.2f} A."
    )
    fix = f"Let the {side.role} warm up; if it stays, have its ammeter adjusted."
    both = (side.off_a, side.off_again_a)
    return _finding(check, words, fix, all(abs(amps) <= limit_a for amps in both))


def _offset(figures: Figures, supply: Side) -> Finding:
    if figures.nothing is None:
        return _missing("voltage offset")
    limit_v = supply.offset_max_v
    at_v, offset_v = figures.nothing.bank_v, figures.offset_v
    words = (
        f"With nothing drawn the supply shows {1000 * offset_v:+.1f} mV against the bank meter, "
        f"seen at {at_v:.3f} V; allowed are {1000 * limit_v:.0f} mV."
    )
    fix = "Check that both are on the bank; then have the one that is wrong calibrated."
    flows = abs(figures.nothing.current_a) > supply.zero_max_a
    if flows:
        words = f"{figures.nothing.current_a:.2f} A flow although the output is set below the bank."
        fix = "Check whether something else than the bank hangs on the supply."
    good = abs(offset_v) <= limit_v and not flows
    return _finding("voltage offset", words, _scale(figures.nothing.supply_v, at_v) + fix, good)


def _load_volts(load: Side) -> Finding:
    """The load's voltmeter with nothing drawn; behind a contactor, what two currents leave."""
    check = "load's voltmeter"
    seen = load.idle if load.sees_bank else load.large
    if seen is None:
        return _missing(check)
    offset_v = seen.drop_v if load.sees_bank else load.no_current_v
    limit_v = load.offset_max_v + (0.0 if load.sees_bank else _linear_max_v(load))
    how = "" if load.sees_bank else " as two currents tell, its contactor being open without,"
    words = (
        f"With nothing drawn{how} the load shows {1000 * offset_v:+.1f} mV against the bank meter, "
        f"seen at {seen.bank_v:.3f} V; allowed are {1000 * limit_v:.0f} mV."
    )
    fix = "Check that both are on the bank; then have the one that is wrong calibrated."
    return _finding(
        check, words, _scale(seen.supply_v, seen.bank_v) + fix, abs(offset_v) <= limit_v
    )


def _scale(shown_v: float, at_v: float) -> str:
    if _tenfold(shown_v, at_v):
        return "One of the two is wrong by a factor of ten: check the driver in bench.toml. "
    return ""


def _cells(figures: Figures, by: Judged) -> Finding:
    if figures.nothing is None:
        return _missing("scanner")
    limit_v, plateau = by.tolerances.cell_max_v, figures.nothing
    if not plateau.cells_v:
        return Finding("scanner", PASS, "This bench has no scanner.")
    apart = [(abs(volts - plateau.bank_v), n) for n, volts in enumerate(plateau.cells_v, start=1)]
    worst_v, position = max(apart, key=lambda pair: math.inf if math.isnan(pair[0]) else pair[0])
    words = (
        f"Cell {position} is furthest from the bank meter, by {1000 * worst_v:.1f} mV; allowed are "
        f"{1000 * limit_v:.0f} mV."
    )
    fix = f"Check the sense lead of cell {position}, its link, and the order of scanner.channels."
    return _finding("scanner", words, fix, worst_v <= limit_v)


def _currents(side: Side) -> tuple[Finding, Finding, Finding]:
    return (
        _current("small current", side.small, side),
        _panel(side),
        _current("large current", side.large, side),
    )


def _current(name: str, plateau: Plateau | None, side: Side) -> Finding:
    check = side.named + name
    if plateau is None:
        return _missing(check)
    limit_a = side.counts_a + side.tolerances.current_share * plateau.set_current_a
    read_a = plateau.current_a - side.zero_a
    words = (
        f"Set to {plateau.set_current_a:.2f} A the {side.role} reads {read_a:.2f} A without its "
        f"zero; allowed are ± {limit_a:.2f} A."
    )
    if plateau.regulation == "CV" and side.role == "load":
        fix = "It held a voltage instead of the current: set it to constant current, try again."
    elif plateau.regulation == "CV":
        fix = "The output was not at its current limit: draw the bank down a little and try again."
    elif _tenfold(read_a, plateau.set_current_a):
        fix = "Set and read differ tenfold: bench.toml names the driver of another model."
    elif side.role == "load":
        fix = "Check whether the leads bear the current, and that nothing else shares them."
    else:
        fix = "Check whether the load or another supply shares the leads."
    good = plateau.regulation != "CV" and abs(read_a - plateau.set_current_a) <= limit_a
    return _finding(check, words, fix, good)


def _panel(side: Side) -> Finding:
    check = f"{side.role}'s display"
    if side.small is None or math.isnan(side.panel_a):
        return _missing(check)
    read_a, shown_a = side.small.current_a, side.panel_a
    limit_a = side.counts_a + side.tolerances.panel_share * abs(read_a)
    words = f"Its own display shows {shown_a:.2f} A, the driver reads {read_a:.2f} A."
    done = "drawn" if side.role == "load" else "charged"
    if _tenfold(read_a, shown_a):
        fix = (
            "The scale is wrong by a factor of ten: bench.toml names the driver of another model. "
            f"Correct it before anything is {done} here."
        )
    else:
        fix = (
            "Read the display again at the small current; if they differ, do not use this "
            f"{side.role}."
        )
    return _finding(check, words, fix, abs(read_a - shown_a) <= limit_a)


def _leads(side: Side) -> Finding:
    check = f"{side.named}leads"
    if side.small is None or side.large is None:
        return _missing(check)
    ohm, limit_ohm = side.lead_ohm, side.tolerances.lead_max_ohm
    more_a = side.large.current_a - side.small.current_a
    blur_ohm = side.ratings.voltage_resolution_v / more_a if more_a > 0 else math.inf
    words = (
        f"The leads take {1000 * ohm:.1f} mΩ (to within {1000 * blur_ohm:.1f}); "
        f"allowed are {1000 * limit_ohm:.0f} mΩ."
    )
    if side.role == "load" and abs(ohm) <= blur_ohm:
        words += " Its sense leads are on the bank: what its power leads take is not seen."
    if ohm > side.tolerances.scale_ohm:
        fix = (
            f"No lead is that bad: check the scale of the {side.role}'s driver, then every contact."
        )
    elif ohm < -blur_ohm and side.role == "load":
        fix = "The bank falls more than the load: the meter is not where the current is."
    elif ohm < -blur_ohm:
        fix = "The bank rises more than the supply: the meter is not where the current is."
    else:
        fix = "Use shorter or thicker leads with ring lugs, and tighten them at both ends."
    return _finding(check, words, fix, -blur_ohm <= ohm <= limit_ohm)


def _linear(side: Side) -> Finding:
    """The drop without current, from two currents, is the offset that was seen without current."""
    check = f"{side.named}drop follows current"
    if side.small is None or side.large is None or side.idle is None:
        return _missing(check)
    if side.role == "load" and not side.sees_bank:
        return Finding(check, PASS, "Without current its open contactor parts it from the bank.")
    seen_v = side.idle.drop_v
    apart_v, limit_v = abs(side.no_current_v - seen_v), _linear_max_v(side)
    words = (
        f"Without current the two currents leave {1000 * side.no_current_v:+.1f} mV, and "
        f"{1000 * seen_v:+.1f} mV were seen; allowed are {1000 * limit_v:.0f} mV between."
    )
    fix = "A contact changes with the current: clean and tighten lugs and links, then try again."
    return _finding(check, words, fix, apart_v <= limit_v)


def _linear_max_v(side: Side) -> float:
    return 2 * COUNTS * side.ratings.voltage_resolution_v


def _at_target(seen: Plateau, supply: Side) -> Finding:
    """What the supply truly gives at the target, its leads and the meter laid together."""
    limit_v, more_v = supply.offset_max_v, seen.bank_v - seen.set_voltage_v
    words = (
        f"Set to {seen.set_voltage_v:.3f} V, with nothing drawn, the meter shows "
        f"{1000 * more_v:+.1f} mV against that; allowed are {1000 * limit_v:.0f} mV."
    )
    fix = (
        "See that the meter's leads are on the supply's; then have the one that is wrong adjusted."
    )
    flows = abs(seen.current_a) > supply.zero_max_a or seen.regulation == "CC"
    if flows:
        words = (
            f"{seen.current_a:.2f} A flow at {seen.bank_v:.3f} V: a cell or a load is on the leads."
        )
        fix = "Take everything but the meter off the supply's leads, then check again."
    return _finding("offset at target", words, fix, abs(more_v) <= limit_v and not flows)


def _tenfold(one: float, other: float) -> bool:
    low, high = sorted((abs(one), abs(other)))
    return low > 0 and TENFOLD[0] <= high / low <= TENFOLD[1]


def _amps(amps: float) -> str:
    return "nothing that was read" if math.isnan(amps) else f"{amps:.2f} A"


def _finding(check: str, words: str, fix: str, good: bool) -> Finding:
    return Finding(check, PASS if good else FAIL, words, "" if good else fix)


def _missing(check: str) -> Finding:
    return Finding(check, MISSING, "It was not come to.", "Mend what failed before it, then again.")
