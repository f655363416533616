"""Self-discharge watch: the first check of some cells, or the second where there is a first."""

from __future__ import annotations

from collections.abc import Mapping

from stations.procedures.bounds.shared import WAITS
from stations.values import Window

BOUNDS: Mapping[str, Window] = {
    **WAITS,
    "gap_min_s": Window(24 * 3600.0, 60 * 24 * 3600.0),
    "gap_max_s": Window(2 * 24 * 3600.0, 120 * 24 * 3600.0),
    "rest_min_s": Window(3600.0, 14 * 24 * 3600.0),
    "warn_month": Window(0.005, 0.10),
    "fail_month": Window(0.01, 0.30),
    "observable_share": Window(0.1, 1.0),
    "unsure_v": Window(0.0002, 0.010),
    "hysteresis_v": Window(0.0, 0.010),
    "plateau_v": Window(0.005, 0.020),
    "span_max_s": Window(60.0, 4 * 3600.0),
    "temperature_span_k": Window(0.5, 10.0),
}
ORDERED = (
    ("gap_min_s", "gap_max_s"),
    ("warn_month", "fail_month"),
    ("unsure_v", "plateau_v"),
)
