"""What a check draws with the load, from its ratings and from the bank that is linked.  Pure.

It draws as a capacity test does (B16): no more than that test's rate of the linked cells, and
down to its hard floor.  The small current is a tenth of the larger one, so that a load which draws
ten times what it is told draws no more than the larger one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from stations.commissioning.figures import LARGE_SHARE, SMALL_SHARE, CannotCommission, Tolerances
from stations.commissioning.sides import COUNTS
from stations.procedures.capacity_test import Recipe
from stations.procedures.drawing import LOAD_AMPS_COUNTS, Drawing
from stations.procedures.planned import in_steps
from stations.values import CELL_CEILING_V, Cutoff, Draw, Limits, LoadRatings

TRIED_S = 900.0  # by the load's own timer, should nobody end it: longer than a person is waited for


@dataclass(frozen=True, slots=True)
class DrawPlan:
    """Both draws, and what the guardian lets the session take from the bank."""

    bank_ah: float
    small: Draw
    large: Draw
    limit_a: float
    limit_ah: float
    floor_v: float

    def within(self, limits: Limits) -> Limits:
        """The envelope of a check that draws too."""
        return replace(
            limits,
            bank_voltage_min_v=self.floor_v,
            cell_voltage_min_v=self.floor_v,
            duration_max_s=2 * limits.duration_max_s,
            drawn_max_a=self.limit_a,
            drawn_max_ah=self.limit_ah,
        )


def drawn_most_a(load: LoadRatings) -> float:
    """Amps that no check draws more of, however large the bank is."""
    rated_a = min(load.current_max_a, load.power_max_w / CELL_CEILING_V)
    return in_steps(LARGE_SHARE * rated_a, load.current_resolution_a)


def draw_plan(load: LoadRatings, *, bank_ah: float, hurry: float = 1.0) -> DrawPlan:
    """Raises CannotCommission for a bank that this load cannot be tried at.

    `hurry` is how much faster than guard time the bench may run.
    """
    recipe = Recipe()
    if not (math.isfinite(bank_ah) and bank_ah > 0):
        raise CannotCommission(f"{bank_ah:g} Ah is no bank: type what the linked cells are rated")
    drawing = Drawing.of(recipe, recipe.cutoff_v, capacity_ah=bank_ah, load=load)
    step_a = load.current_resolution_a
    large_a = min(drawn_most_a(load), drawing.current_a(recipe.discharge_c))
    small_a = in_steps(SMALL_SHARE * large_a, step_a)
    if not small_a * Tolerances().panel_share >= COUNTS * step_a:
        raise CannotCommission(
            f"a bank of {bank_ah:g} Ah gives {large_a:g} A at {recipe.discharge_c:g}C, too little "
            f"to try a {load.model} by: link more cells, then check again"
        )
    # The large draw's own cut-off for both: it would end a tenfold draw before anybody saw it.
    own_v = drawing.own_cutoff_v(large_a)
    own = Cutoff(own_v, min(TRIED_S * hurry, load.duration_max_s))
    return DrawPlan(
        bank_ah,
        Draw(small_a, own),
        Draw(large_a, own),
        limit_a=1.05 * large_a + LOAD_AMPS_COUNTS * step_a,
        limit_ah=2 * small_a * TRIED_S * hurry / 3600,
        floor_v=drawing.floor_v,
    )
