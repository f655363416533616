"""Bounds that several recipes share: how a run waits and goes on, and what warmth cells bear."""

from __future__ import annotations

from collections.abc import Mapping

from stations.values import Window

WAITS: Mapping[str, Window] = {
    "wait_max_s": Window(60.0, 48 * 3600.0),
    "resume_attempts_max": Window(1, 10),
}
RESUMES: Mapping[str, Window] = {
    **WAITS,
    "resume_gap_max_s": Window(0.0, 4 * 3600.0),
    "resume_rest_s": Window(0.0, 3600.0),
}
WARMTH: Mapping[str, Window] = {
    "temperature_min_degc": Window(0.0, 20.0),
    "temperature_max_degc": Window(25.0, 60.0),
    "cold_below_degc": Window(0.0, 25.0),
    "cold_c": Window(0.005, 0.2),
}
