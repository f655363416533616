"""Figures in, findings out: is this bench what its drivers take it for?  Pure.

Every comparison is written so that NaN fails it.
"""

from __future__ import annotations

import math

from stations.commissioning.figures import Figures, Finding, Judged, Plateau

PASS, FAIL, MISSING = "pass", "fail", "missing"
COUNTS = 2  # of a display may go for its rounding
TENFOLD = (6.0, 16.0)  # one is so many times the other: a scale is off by ten, not a little


def findings(figures: Figures, by: Judged) -> tuple[Finding, ...]:
    """One per question, in the order in which they were asked."""
    return (
        _zero(figures, by),
        _offset(figures, by),
        _cells(figures, by),
        _current("small current", figures.small, figures, by),
        _panel(figures, by),
        _current("large current", figures.large, figures, by),
        _leads(figures, by),
        _linear(figures, by),
    )


def passed(found: tuple[Finding, ...]) -> bool:
    return bool(found) and all(finding.verdict == PASS for finding in found)


def _zero(figures: Figures, by: Judged) -> Finding:
    limit_a = _zero_max_a(by)
    words = (
        f"With the output off the ammeter shows {_amps(figures.off_a)}, afterwards "
        f"{_amps(figures.off_again_a)}; allowed are {limit_a:.2f} A."
    )
    fix = "Let the supply warm up; if it stays, have its ammeter adjusted."
    both = (figures.off_a, figures.off_again_a)
    return _finding("ammeter zero", words, fix, all(abs(amps) <= limit_a for amps in both))


def _offset(figures: Figures, by: Judged) -> Finding:
    if figures.nothing is None:
        return _missing("voltage offset")
    limit_v = by.supply.voltage_accuracy_v + by.meter_accuracy_v + by.supply.voltage_resolution_v
    at_v, offset_v = figures.nothing.bank_v, figures.offset_v
    words = (
        f"With nothing drawn the supply shows {1000 * offset_v:+.1f} mV against the bank meter, "
        f"seen at {at_v:.3f} V; allowed are {1000 * limit_v:.0f} mV."
    )
    tenfold = _tenfold(figures.nothing.supply_v, at_v)
    scale = "One of the two is wrong by a factor of ten: check the driver in bench.toml. "
    fix = "Check that both are on the bank; then have the one that is wrong calibrated."
    flows = abs(figures.nothing.current_a) > _zero_max_a(by)
    if flows:
        words = f"{figures.nothing.current_a:.2f} A flow although the output is set below the bank."
        fix = "Check whether something else than the bank hangs on the supply."
    good = abs(offset_v) <= limit_v and not flows
    return _finding("voltage offset", words, (scale if tenfold else "") + fix, good)


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


def _current(name: str, plateau: Plateau | None, figures: Figures, by: Judged) -> Finding:
    if plateau is None:
        return _missing(name)
    zero_a = figures.zero_a
    limit_a = _counts_a(by) + by.tolerances.current_share * plateau.set_current_a
    read_a = plateau.current_a - zero_a
    words = (
        f"Set to {plateau.set_current_a:.2f} A the supply reads {read_a:.2f} A without its zero; "
        f"allowed are ± {limit_a:.2f} A."
    )
    if plateau.regulation == "CV":
        fix = "The output was not at its current limit: draw the bank down a little and try again."
    elif _tenfold(read_a, plateau.set_current_a):
        fix = "Set and read differ tenfold: bench.toml names the driver of another model."
    else:
        fix = "Check whether the load or another supply shares the leads."
    good = plateau.regulation != "CV" and abs(read_a - plateau.set_current_a) <= limit_a
    return _finding(name, words, fix, good)


def _panel(figures: Figures, by: Judged) -> Finding:
    if figures.small is None or math.isnan(figures.panel_a):
        return _missing("supply's display")
    read_a, shown_a = figures.small.current_a, figures.panel_a
    limit_a = _counts_a(by) + by.tolerances.panel_share * abs(read_a)
    words = f"Its own display shows {shown_a:.2f} A, the driver reads {read_a:.2f} A."
    if _tenfold(read_a, shown_a):
        fix = (
            "The scale is wrong by a factor of ten: bench.toml names the driver of another model. "
            "Correct it before anything is charged here."
        )
    else:
        fix = "Read the display again at the small current; if they differ, do not use this supply."
    return _finding("supply's display", words, fix, abs(read_a - shown_a) <= limit_a)


def _leads(figures: Figures, by: Judged) -> Finding:
    if figures.small is None or figures.large is None:
        return _missing("leads")
    ohm, limit_ohm = figures.lead_ohm, by.tolerances.lead_max_ohm
    more_a = figures.large.current_a - figures.small.current_a
    blur_ohm = by.supply.voltage_resolution_v / more_a if more_a > 0 else math.inf
    words = (
        f"The leads take {1000 * ohm:.1f} mΩ (to within {1000 * blur_ohm:.1f}); "
        f"allowed are {1000 * limit_ohm:.0f} mΩ."
    )
    if ohm > by.tolerances.scale_ohm:
        fix = "No lead is that bad: check the scale of the supply's driver, then every contact."
    elif ohm < -blur_ohm:
        fix = "The bank rises more than the supply: the meter is not where the current is."
    else:
        fix = "Use shorter or thicker leads with ring lugs, and tighten them at both ends."
    return _finding("leads", words, fix, -blur_ohm <= ohm <= limit_ohm)


def _linear(figures: Figures, by: Judged) -> Finding:
    """The drop without current, from two currents, is the offset that was seen without current."""
    if figures.small is None or figures.large is None or figures.nothing is None:
        return _missing("drop follows current")
    at_none_v = figures.small.drop_v - figures.lead_ohm * (figures.small.current_a - figures.zero_a)
    apart_v = abs(at_none_v - figures.offset_v)
    limit_v = 2 * COUNTS * by.supply.voltage_resolution_v
    words = (
        f"Without current the two currents leave {1000 * at_none_v:+.1f} mV, and "
        f"{1000 * figures.offset_v:+.1f} mV were seen; allowed are {1000 * limit_v:.0f} mV between."
    )
    fix = "A contact changes with the current: clean and tighten lugs and links, then try again."
    return _finding("drop follows current", words, fix, apart_v <= limit_v)


def _zero_max_a(by: Judged) -> float:
    """Amps that count as none."""
    return _counts_a(by) + by.tolerances.zero_share * by.supply.current_max_a


def panel_agrees(figures: Figures, by: Judged) -> bool:
    """Whether the larger current may be asked for at all."""
    return _panel(figures, by).verdict == PASS


def _counts_a(by: Judged) -> float:
    return COUNTS * by.supply.current_resolution_a


def _tenfold(one: float, other: float) -> bool:
    low, high = sorted((abs(one), abs(other)))
    return low > 0 and TENFOLD[0] <= high / low <= TENFOLD[1]


def _amps(amps: float) -> str:
    return "nothing that was read" if math.isnan(amps) else f"{amps:.2f} A"


def _finding(check: str, words: str, fix: str, good: bool) -> Finding:
    return Finding(check, PASS if good else FAIL, words, "" if good else fix)


def _missing(check: str) -> Finding:
    return Finding(check, MISSING, "It was not come to.", "Mend what failed before it, then again.")
