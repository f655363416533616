"""B10: cells charged in series behind a BMS until the first is full."""

from __future__ import annotations

from collections.abc import Mapping

from stations.procedures.bounds.shared import RESUMES, WARMTH
from stations.values import Window

BOUNDS: Mapping[str, Window] = {
    **RESUMES,
    **WARMTH,
    "target_v": Window(3.50, 3.65),
    "target_min_v": Window(3.40, 3.65),
    "cell_c_max": Window(0.01, 0.5),
    "supply_share": Window(0.05, 1.0),
    "bms_setting_within_v": Window(0.001, 0.020),
    "near_v": Window(0.005, 0.050),
    "tail_c": Window(0.001, 0.05),
    "proven_share": Window(0.001, 0.10),
    "gone_s": Window(5.0, 600.0),
    "cell_stop_above_v": Window(0.010, 0.100),
    "string_stop_above_v": Window(0.010, 0.050),
    "ovp_above_v": Window(0.005, 0.050),
    "meter_agree_v": Window(0.002, 0.030),
    "link_ohm_max": Window(0.0001, 0.010),
    "lead_max_ohm": Window(0.002, 0.200),
    "parallel_rest_h": Window(0.0, 72.0),
    "parallel_spread_max_v": Window(0.01, 0.15),
    "parallel_level_max_v": Window(0.01, 0.30),
    "parallel_peak_warn_c": Window(0.05, 2.0),
    "parallel_peak_max_c": Window(0.05, 2.0),
    "link_ohm": Window(0.00005, 0.010),
}
ORDERED = (
    ("target_min_v", "target_v"),
    ("ovp_above_v", "string_stop_above_v"),
    ("string_stop_above_v", "cell_stop_above_v"),
    ("parallel_spread_max_v", "parallel_level_max_v"),
    ("parallel_peak_warn_c", "parallel_peak_max_c"),
)
