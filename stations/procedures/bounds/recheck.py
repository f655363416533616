"""B8: every cell again, each against the median of those that it was balanced with."""

from __future__ import annotations

from collections.abc import Mapping

from stations.procedures.bounds.shared import WAITS
from stations.values import Window

BOUNDS: Mapping[str, Window] = {
    **WAITS,
    "early_s": Window(600.0, 24 * 3600.0),
    "early_warn_v": Window(0.005, 0.200),
    "early_fail_v": Window(0.005, 0.200),
    "late_s": Window(3600.0, 14 * 24 * 3600.0),
    "late_warn_v": Window(0.005, 0.200),
    "late_fail_v": Window(0.005, 0.200),
    "floor_v": Window(3.30, 3.45),
    "empty_early_warn_v": Window(0.005, 0.100),
    "empty_early_fail_v": Window(0.005, 0.150),
    "empty_late_warn_v": Window(0.005, 0.150),
    "empty_late_fail_v": Window(0.005, 0.200),
    "empty_floor_v": Window(2.00, 2.80),
    "single_more_v": Window(0.0, 0.050),
    "taper_c_max": Window(0.005, 0.04),
    "span_max_s": Window(60.0, 4 * 3600.0),
    "temperature_span_k": Window(0.5, 10.0),
}
ORDERED = (
    ("early_s", "late_s"),
    ("early_warn_v", "early_fail_v"),
    ("late_warn_v", "late_fail_v"),
    ("empty_early_warn_v", "empty_early_fail_v"),
    ("empty_late_warn_v", "empty_late_fail_v"),
)
