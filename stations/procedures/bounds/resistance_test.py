"""DC resistance of one cell by a current step."""

from __future__ import annotations

from collections.abc import Mapping

from stations.procedures.bounds.shared import RESUMES
from stations.values import Window

BOUNDS: Mapping[str, Window] = {
    **RESUMES,
    "current_c": Window(0.05, 1.0),
    "step_s": Window(2.0, 120.0),
    "early_s": Window(0.5, 60.0),
    "rest_s": Window(1.0, 24 * 3600.0),
    "rested_low_v": Window(3.00, 3.30),
    "rested_high_v": Window(3.30, 3.36),
    "low_share": Window(0.1, 1.0),
    "warn_share": Window(1.0, 10.0),
    "fail_share": Window(1.0, 20.0),
    "resolution_share": Window(0.001, 0.10),
    "cutoff_v": Window(2.50, 3.00),
    "cutoff_samples": Window(1, 10),
    "stop_below_v": Window(0.02, 0.50),
    "gap_max_s": Window(1.0, 5.0),
    "after_s": Window(1.0, 3600.0),
    "meter_agree_v": Window(0.002, 0.050),
    "load_lead_max_ohm": Window(0.001, 0.050),
    "verify_cells_v": Window(0.005, 0.150),
}
ORDERED = (
    ("early_s", "step_s"),
    ("low_share", "warn_share"),
    ("warn_share", "fail_share"),
)
