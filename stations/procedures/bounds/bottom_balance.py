"""B9: each cell alone to one empty voltage, then compared at rest."""

from __future__ import annotations

from collections.abc import Mapping

from stations.procedures.bounds.shared import RESUMES
from stations.values import Window

BOUNDS: Mapping[str, Window] = {
    **RESUMES,
    "target_v": Window(2.50, 3.00),
    "first_c": Window(0.02, 0.5),
    "second_c": Window(0.01, 0.2),
    "third_c": Window(0.002, 0.05),
    "hold_end_c": Window(0.001, 0.05),
    "hold_above_v": Window(0.0, 0.030),
    "taper_max_s": Window(600.0, 24 * 3600.0),
    "rest_s": Window(1.0, 4 * 3600.0),
    "rest_late_s": Window(60.0, 5 * 3600.0),
    "spread_max_v": Window(0.002, 0.050),
    "mean_low_v": Window(2.50, 3.00),
    "mean_high_v": Window(2.55, 3.05),
    "single_spread_max_v": Window(0.010, 0.100),
    "single_mean_low_v": Window(2.50, 3.00),
    "single_mean_high_v": Window(2.75, 3.05),
    "start_low_v": Window(2.50, 3.30),
    "empty_max_s": Window(3600.0, 7 * 24 * 3600.0),
    "cutoff_samples": Window(1, 10),
    "stop_below_v": Window(0.02, 0.50),  # so never below 2.0 V, where an LFP cell is harmed
    "meter_agree_v": Window(0.002, 0.050),
    "load_lead_max_ohm": Window(0.001, 0.050),
    "verify_cells_v": Window(0.005, 0.150),
}
ORDERED = (
    ("second_c", "first_c"),
    ("third_c", "second_c"),
    ("hold_end_c", "first_c"),
    ("rest_s", "rest_late_s"),
    ("mean_low_v", "mean_high_v"),
    ("single_mean_low_v", "single_mean_high_v"),
)
