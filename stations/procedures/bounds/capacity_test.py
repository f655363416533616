"""B16: charge, rest, discharge at rated C: what one cell holds."""

from __future__ import annotations

from collections.abc import Mapping

from stations.procedures.bounds.shared import RESUMES, WARMTH
from stations.values import Window

BOUNDS: Mapping[str, Window] = {
    **RESUMES,
    **WARMTH,
    "target_v": Window(3.50, 3.65),
    "charge_c": Window(0.01, 1.0),
    "supply_share": Window(0.05, 1.0),
    "done_c": Window(0.001, 0.05),
    "done_share": Window(0.01, 0.5),
    "dwell_s": Window(10.0, 3600.0),
    "cv_max_s": Window(600.0, 24 * 3600.0),
    "rest_s": Window(1.0, 24 * 3600.0),
    "discharge_c": Window(0.05, 1.0),
    "cutoff_v": Window(2.50, 3.00),
    "cutoff_samples": Window(1, 10),
    "stop_below_v": Window(0.02, 0.50),  # so never below 2.0 V, where an LFP cell is harmed
    "gap_max_s": Window(1.0, 5.0),  # B16: a longer hole is never evidence
    "empty_rest_s": Window(1.0, 3600.0),
    "full_low_v": Window(3.20, 3.45),
    "alarm_above_v": Window(0.005, 0.050),
    "stop_above_v": Window(0.010, 0.100),
    "ovp_above_v": Window(0.020, 0.100),
    "meter_agree_v": Window(0.002, 0.050),
    "lead_max_ohm": Window(0.002, 0.100),
    "load_lead_max_ohm": Window(0.001, 0.050),
    "verify_cells_v": Window(0.005, 0.150),
}
ORDERED = (
    ("alarm_above_v", "stop_above_v"),
    ("stop_above_v", "ovp_above_v"),
)
