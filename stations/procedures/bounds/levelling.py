"""B3: low cells charged to where the high ones rest."""

from __future__ import annotations

from collections.abc import Mapping

from stations.procedures.bounds import top_balance
from stations.values import Window

BOUNDS: Mapping[str, Window] = {
    **top_balance.BOUNDS,
    "target_v": Window(2.90, 3.40),
    "target_min_v": Window(2.50, 3.40),
    "cv_max_s": Window(600.0, 14 * 24 * 3600.0),
    "flat_for_s": Window(600.0, 14 * 24 * 3600.0),
    "levelled_below_v": Window(0.005, 0.150),
}
ORDERED = top_balance.ORDERED
