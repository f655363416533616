"""Reads of equipment: calibration in force, and how a station stands."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from shop.equipment.models import Calibration, Station


def calibrations_in_force(station: Station, at: datetime) -> Mapping[int, Calibration]:
    """By instrument, the newest record whose span holds `at`, both ends inclusive.

    A certificate that was withdrawn is none.
    """
    spans = Calibration.objects.filter(
        instrument__station=station,
        valid_from__lte=at,
        valid_until__gte=at,
        withdrawal__isnull=True,
    )
    newest = spans.order_by("instrument_id", "-id").distinct("instrument_id")
    return {calibration.instrument_id: calibration for calibration in newest}
