"""The load's stretch of a check, on any Bench: the supply is off and stays off.

Its input off first, then a tenth of the larger current until a person has read its own display,
then the larger one.  Every draw has its own cut-off and timer set and read back before it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from statistics import fmean

from stations.bench import Bench
from stations.commissioning.drawing import DrawPlan
from stations.commissioning.figures import Drawn, Figures, Judged, Plateau, drawn_plateau
from stations.commissioning.judge import findings, load_agrees, passed
from stations.commissioning.procedure import Attendant, settled, typed_a
from stations.values import Draw

Keep = Callable[[Figures], None]


def try_load(
    bench: Bench,
    draws: DrawPlan,
    by: Judged,
    attendant: Attendant,
    figures: Figures,
    keep: Keep = lambda figures: None,
) -> Figures:
    """With what the load showed; unchanged where the supply's questions did not all pass.

    Raises CannotCommission or BenchError; either way the load is off or going off.
    """
    if not passed(findings(figures, replace(by, load=None))):
        attendant.say("the load is not tried before the supply is as it must be")
        return figures
    drawn = Drawn(bank_ah=draws.bank_ah)

    def kept(now: Drawn) -> Figures:
        seen = replace(figures, drawn=now)
        keep(seen)
        return seen

    try:
        drawn = _idle(bench, draws, attendant, drawn)
        kept(drawn)
        attendant.say(f"drawing {draws.small.current_a:g} A with the load")
        bench.energise()
        drawn = replace(drawn, small=_plateau(bench, draws.small))
        kept(drawn)
        drawn = replace(drawn, panel_a=typed_a(bench, attendant, "load"))
        agrees = load_agrees(kept(drawn), by)
        bench.off()
        if agrees:
            drawn = replace(drawn, large=_large(bench, draws, attendant))
        else:
            attendant.say("driver and display do not agree: no larger current is drawn")
        kept(drawn)
    finally:
        bench.off()
    return kept(_off_again(bench, draws, drawn))


def _idle(bench: Bench, draws: DrawPlan, attendant: Attendant, drawn: Drawn) -> Drawn:
    attendant.say("supply proven off, the load's input off: reading its zero")
    bench.configure_load(draws.small)  # from now on readings tell of the load
    readings = settled(bench)
    off_a = fmean(-reading.supply_current_a for reading in readings)
    return replace(drawn, off_a=off_a, idle=drawn_plateau(draws.small, readings))


def _large(bench: Bench, draws: DrawPlan, attendant: Attendant) -> Plateau:
    attendant.say(f"they agree: drawing {draws.large.current_a:g} A")
    bench.configure_load(draws.large)
    bench.energise()
    return _plateau(bench, draws.large)


def _off_again(bench: Bench, draws: DrawPlan, drawn: Drawn) -> Drawn:
    """By its own ammeter, once the guardian has proven it off; nothing stays set up."""
    bench.configure_load(draws.small)
    readings = settled(bench)
    bench.off()
    return replace(drawn, off_again_a=fmean(-reading.supply_current_a for reading in readings))


def _plateau(bench: Bench, draw: Draw) -> Plateau:
    return drawn_plateau(draw, settled(bench))
