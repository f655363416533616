"""B11: the bank in three voltages, with a pause between."""

from __future__ import annotations

from collections.abc import Mapping

from stations.procedures.bounds import top_balance
from stations.values import Window

BOUNDS: Mapping[str, Window] = {
    **top_balance.BOUNDS,
    "supply_share": Window(0.05, 0.80),  # B11: never more, whoever allows it
    "first_v": Window(3.38, 3.60),
    "second_v": Window(3.38, 3.64),
    "stage_cv_min_s": Window(0.0, 24 * 3600.0),
    "first_share": Window(0.05, 1.0),
}
ORDERED = (*top_balance.ORDERED, ("first_v", "second_v"), ("second_v", "target_v"))
