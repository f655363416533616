"""Reads of equipment: calibration in force, and how a station stands."""

from __future__ import annotations

from datetime import datetime

from shop.equipment.models import Calibration, Instrument


def calibration_in_force(instrument: Instrument, at: datetime) -> Calibration | None:
    """The newest record whose span holds `at`, both ends inclusive; None if there is none.

    A certificate that was withdrawn is none.
    """
    return (
        instrument.calibrations.filter(
            valid_from__lte=at, valid_until__gte=at, withdrawal__isnull=True
        )
        .order_by("-id")
        .first()
    )


def calibrated_until(instrument: Instrument, at: datetime) -> datetime | None:
    """Until when the calibration in force at `at` is valid; None when it is not calibrated."""
    calibration = calibration_in_force(instrument, at)
    return calibration.valid_until if calibration else None
