"""What a number of a recipe may be: a module for each, beside the recipes themselves.

BOUNDS are inclusive; a number outside was mistyped.  Harm to a cell is bounded by its own
datasheet and by the hard limits, not by these.  Of each pair in ORDERED the first must not exceed
the second.  Whoever reads a recipe, from a stored version or from a file, holds it to them.
"""

from stations.procedures.bounds import (
    bottom_balance,
    capacity_test,
    cell,
    levelling,
    pack_recovery,
    recheck,
    resistance_test,
    self_discharge,
    series_precharge,
    step_pause,
    top_balance,
    unseen_precharge,
)

__all__ = [
    "bottom_balance",
    "capacity_test",
    "cell",
    "levelling",
    "pack_recovery",
    "recheck",
    "resistance_test",
    "self_discharge",
    "series_precharge",
    "step_pause",
    "top_balance",
    "unseen_precharge",
]
