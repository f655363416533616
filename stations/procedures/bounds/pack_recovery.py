"""B14: an assembled pack, held full while its balancer works, cycled once and read."""

from __future__ import annotations

from collections.abc import Mapping

from stations.procedures.bounds.shared import RESUMES, WARMTH
from stations.values import Window

BOUNDS: Mapping[str, Window] = {
    **RESUMES,
    **WARMTH,
    "target_v": Window(3.50, 3.65),
    "ceiling_min_v": Window(3.40, 3.65),
    "below_bms_v": Window(0.005, 0.050),
    "cell_c_max": Window(0.01, 0.2),  # [A]: never more
    "supply_share": Window(0.05, 1.0),
    "hold_h": Window(0.1, 48.0),
    "again_h": Window(0.1, 12.0),
    "finish_c": Window(0.001, 0.2),
    "finish_above_v": Window(3.35, 3.65),
    "cycle_c": Window(0.01, 1.0),
    "cycle_share": Window(0.02, 0.9),
    "lowest_v": Window(2.60, 3.20),
    "stop_below_v": Window(0.02, 0.30),
    "near_v": Window(0.005, 0.050),
    "proven_share": Window(0.001, 0.10),
    "gone_s": Window(5.0, 600.0),
    "cell_stop_above_v": Window(0.010, 0.100),
    "string_stop_above_v": Window(0.010, 0.050),
    "ovp_above_v": Window(0.005, 0.050),
    "meter_agree_v": Window(0.002, 0.030),
    "bms_setting_within_v": Window(0.001, 0.500),
    "link_ohm_max": Window(0.0001, 0.010),
    "lead_max_ohm": Window(0.002, 0.200),
}
ORDERED = (
    ("ceiling_min_v", "target_v"),
    ("ovp_above_v", "string_stop_above_v"),
    ("string_stop_above_v", "cell_stop_above_v"),
)
