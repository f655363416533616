"""B10: cells charged in series behind a BMS without a wire, nobody seeing them, somebody there."""

from __future__ import annotations

from collections.abc import Mapping

from stations.procedures.bounds import series_precharge
from stations.procedures.bounds.shared import RESUMES, WARMTH
from stations.values import UNSEEN_PRESENCE_MAX_S, Window

SHARED = (
    "target_v",
    "target_min_v",
    "supply_share",
    "bms_setting_within_v",
    "tail_c",
    "proven_share",
    "gone_s",
    "string_stop_above_v",
    "ovp_above_v",
    "meter_agree_v",
    "link_ohm_max",
    "lead_max_ohm",
)
BOUNDS: Mapping[str, Window] = {
    **RESUMES,
    **WARMTH,
    **{name: series_precharge.BOUNDS[name] for name in SHARED},
    "cell_c_max": Window(0.01, 0.2),
    "presence_s": Window(60.0, UNSEEN_PRESENCE_MAX_S),
    "run_up_v": Window(0.08, 0.20),
    "run_up_share": Window(0.002, 0.02),
    "knee_v": Window(3.43, 3.60),
    "hold_h": Window(0.1, 6.0),
}
ORDERED = (
    ("target_min_v", "target_v"),
    ("knee_v", "target_v"),
    ("ovp_above_v", "string_stop_above_v"),
)
