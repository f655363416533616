"""B1: all cells in parallel.  Its bounds are those of whatever else charges to a target."""

from __future__ import annotations

from collections.abc import Mapping

from stations.procedures.bounds.shared import RESUMES, WARMTH
from stations.values import Window

BOUNDS: Mapping[str, Window] = {
    **RESUMES,
    **WARMTH,
    "target_v": Window(3.50, 3.65),  # B13
    "target_min_v": Window(3.45, 3.65),
    "bms_run_v": Window(0.0, 3.80),
    "done_c": Window(0.0002, 0.05),  # up to the reviewer's 0.05C in [B], appendix A
    "partial_c": Window(0.0002, 0.05),
    "done_share": Window(0.01, 0.5),
    "partial_share": Window(0.01, 0.9),
    "bank_c_max": Window(0.001, 0.5),
    "supply_share": Window(0.05, 1.0),
    "finish_c": Window(0.001, 0.2),
    "finish_above_v": Window(3.35, 3.65),
    "at_least_below_v": Window(0.001, 0.050),
    "cv_min_s": Window(0.0, 24 * 3600.0),
    "cv_max_s": Window(600.0, 48 * 3600.0),
    "dwell_s": Window(10.0, 3600.0),
    "flat_for_s": Window(600.0, 24 * 3600.0),
    "flat_fraction": Window(0.0, 0.5),
    "no_current_s": Window(60.0, 24 * 3600.0),
    "refresh_cv_min_s": Window(0.0, 4 * 3600.0),
    "alarm_above_v": Window(0.005, 0.050),
    "stop_above_v": Window(0.010, 0.100),
    "ovp_above_v": Window(0.020, 0.100),  # F4: at most target + 100 mV
    "meter_agree_v": Window(0.002, 0.050),
    "compensate_leads_v": Window(0.0, 0.050),  # B5
    "ovp_room_v": Window(0.050, 0.150),  # B5
    "lead_max_ohm": Window(0.002, 0.100),
    "leak_per_month": Window(0.0, 0.30),
    "parallel_spread_max_v": Window(0.0, 0.30),
    "parallel_level_max_v": Window(0.0, 0.30),
    "parallel_peak_warn_c": Window(0.1, 1.0),
    "parallel_peak_max_c": Window(0.1, 1.0),  # B3: never above the makers' limit of charge
    "link_ohm": Window(0.00001, 0.01),
    "resistor_ohm": Window(0.1, 10.0),
    "resistor_s": Window(10.0, 3600.0),
    "pass_below_v": Window(0.005, 0.100),
    "marginal_below_v": Window(0.005, 0.150),
    "above_v": Window(0.0, 0.020),
    "fresh_s": Window(30.0, 900.0),
    "late_s": Window(30.0, 1800.0),
    "verify_margin_v": Window(0.005, 0.100),
    "verify_cells_v": Window(0.005, 0.150),
}
ORDERED = (
    ("done_c", "partial_c"),
    ("done_share", "partial_share"),
    ("target_min_v", "target_v"),
    ("bms_run_v", "target_v"),  # B13
    ("cv_min_s", "cv_max_s"),
    ("alarm_above_v", "stop_above_v"),
    ("stop_above_v", "ovp_above_v"),
    ("parallel_spread_max_v", "parallel_level_max_v"),
    ("parallel_peak_warn_c", "parallel_peak_max_c"),
    ("pass_below_v", "marginal_below_v"),
    ("fresh_s", "late_s"),
)
