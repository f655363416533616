"""Recipes by procedure: stored parameters, their bounds and defaults, and the program they make.

Each module has `recipe_of` (raises Refusal naming every wrong key), `defaults` (every parameter,
ready to be stored as a version) and `program` (raises PlanRefused or Refusal).  The numbers and
their sources stand with each procedure in `stations.procedures`.
"""

from shop.jobs.recipes import (
    bottom_balance,
    capacity_test,
    levelling,
    pack_recovery,
    recharge,
    recheck,
    resistance_test,
    self_discharge,
    series_precharge,
    single_cells,
    step_pause,
    top_balance,
    unseen_precharge,
)

__all__ = [
    "bottom_balance",
    "capacity_test",
    "levelling",
    "pack_recovery",
    "recharge",
    "recheck",
    "resistance_test",
    "self_discharge",
    "series_precharge",
    "single_cells",
    "step_pause",
    "top_balance",
    "unseen_precharge",
]
