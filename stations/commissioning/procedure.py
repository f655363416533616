"""The check itself, on any Bench: what is set when, and what is read then.

The bench behind it switches off on any doubt and says so as an event; here that ends the check.
Nothing is set above the target, and nothing beyond a tenth of the rating before a person has seen
the supply's own display agree.  Where there is a load it is tried after that, in `trying_load`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from statistics import fmean
from typing import Protocol

from stations.bench import Bench
from stations.commissioning.figures import (
    CannotCommission,
    Figures,
    Judged,
    Plan,
    Plateau,
    idle_setpoint,
    plateau,
)
from stations.commissioning.judge import panel_agrees
from stations.values import Event, Limits, Reading, Setpoint

SETTLING = 2  # readings after a change that do not count
COUNTED = 4  # readings that do
PATIENCE = 600  # readings that the person may take to read the display
DOUBTS_MAX = 5  # readings in a row; with the output on the bench gives up before that
_OVER = ("trip", "safe_hold", "stop")


class Attendant(Protocol):
    """The person at the bench, who is never waited for while the output is on."""

    def ask_panel(self, role: str) -> None:
        """Ask for the amps on its own display, without saying how many they should be."""
        ...

    def panel_a(self) -> float | None:
        """What was typed, or None as long as nothing was."""
        ...

    def say(self, words: str) -> None: ...


def limits(plan: Plan, *, hurry: float = 1.0) -> Limits:
    """The envelope of a check; `hurry` is how much faster than guard time its bench may run."""
    return Limits(
        bank_voltage_max_v=plan.target_v,
        bank_voltage_min_v=2.0,
        cell_voltage_max_v=plan.target_v,
        cell_voltage_min_v=2.0,
        current_max_a=plan.protection.ocp_a,
        setpoint_voltage_max_v=plan.target_v,
        duration_max_s=900.0 * hurry,
        charge_max_ah=2.0 * hurry,
    )


def commission(
    bench: Bench,
    plan: Plan,
    by: Judged,
    attendant: Attendant,
    keep: Callable[[Figures], None] = lambda figures: None,
) -> Figures:
    """Raises CannotCommission or BenchError; either way the output is off or going off.

    `keep` hears the figures as they come, for a check that does not end.
    """
    figures = Figures(target_v=plan.target_v)
    try:
        for step in (_off, _nothing, _small, _large):
            figures = step(bench, plan, by, attendant, figures)
            keep(figures)
    finally:
        bench.off()
    return _off_again(bench, figures)


def _off(bench: Bench, plan: Plan, by: Judged, attendant: Attendant, figures: Figures) -> Figures:
    attendant.say("output proven off: reading the ammeter's zero")
    readings = _read(bench, COUNTED)
    return replace(
        figures,
        off_a=fmean(reading.supply_current_a for reading in readings),
        rest_v=fmean(reading.voltage_v for reading in readings),
    )


def _nothing(
    bench: Bench, plan: Plan, by: Judged, attendant: Attendant, figures: Figures
) -> Figures:
    setpoint = idle_setpoint(by.supply, plan, figures.rest_v)
    attendant.say(f"output on below the bank, at {setpoint.voltage_v:.2f} V: nothing may flow")
    bench.configure(setpoint, plan.protection)
    bench.energise()
    return replace(figures, nothing=_plateau(bench, setpoint))


def _small(bench: Bench, plan: Plan, by: Judged, attendant: Attendant, figures: Figures) -> Figures:
    attendant.say("charging with a tenth of the supply's rating")
    bench.adjust(plan.small)
    figures = replace(figures, small=_plateau(bench, plan.small))
    return replace(figures, panel_a=typed_a(bench, attendant, "supply"))


def typed_a(bench: Bench, attendant: Attendant, role: str) -> float:
    """The amps that a person reads off the display; CannotCommission where nobody does."""
    attendant.ask_panel(role)
    for _ in range(PATIENCE):
        amps = attendant.panel_a()
        if amps is not None:
            return amps
        _reading(bench)
    raise CannotCommission(f"nobody read the {role}'s display: a check needs a person beside it")


def _large(bench: Bench, plan: Plan, by: Judged, attendant: Attendant, figures: Figures) -> Figures:
    if not panel_agrees(figures, by):
        attendant.say("driver and display do not agree: no larger current is tried")
        return figures
    attendant.say("they agree: charging with the larger current")
    bench.adjust(plan.large)
    return replace(figures, large=_plateau(bench, plan.large))


def _off_again(bench: Bench, figures: Figures) -> Figures:
    readings = _read(bench, COUNTED)
    return replace(figures, off_again_a=fmean(reading.supply_current_a for reading in readings))


def _plateau(bench: Bench, setpoint: Setpoint) -> Plateau:
    return plateau(setpoint, settled(bench))


def settled(bench: Bench) -> list[Reading]:
    """What is read after a change, once what was read before it and just after it is gone."""
    return _read(bench, len(bench.arrived()) + SETTLING + COUNTED)[-COUNTED:]


def _read(bench: Bench, number: int) -> list[Reading]:
    return [_reading(bench) for _ in range(number)]


def _reading(bench: Bench) -> Reading:
    """The next reading without a doubt; CannotCommission where the bench gave up."""
    doubts: list[frozenset[str]] = []
    while len(doubts) < DOUBTS_MAX:
        item = bench.next()
        if isinstance(item, Reading):
            if not item.flags:
                return item
            doubts.append(item.flags)
        elif isinstance(item, Event) and item.kind in _OVER:
            raise CannotCommission(
                f"the bench switched off by itself: {item.data.get('reason', item.kind)}"
            )
    named = ", ".join(sorted(frozenset().union(*doubts)))
    raise CannotCommission(f"{len(doubts)} readings in doubt: {named}; check that instrument")
