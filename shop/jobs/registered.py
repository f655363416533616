"""The instruments of a station as a run must find them on its bench (F1)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from shop.equipment.models import Calibration, Instrument, Station
from shop.equipment.queries import calibrations_in_force
from shop.jobs.preflight import Registered


def registered_at(station: Station, now: datetime) -> Sequence[Registered]:
    """Each with the certificate that is in force."""
    calibrations = calibrations_in_force(station, now)
    return [
        _as_registered(instrument, calibrations.get(instrument.pk))
        for instrument in station.instruments.all()
    ]


def _as_registered(instrument: Instrument, calibration: Calibration | None) -> Registered:
    return Registered(
        role=instrument.role,
        model=instrument.model,
        serial_number=instrument.serial_number,
        certificate=calibration.certificate if calibration else "",
        valid_until=calibration.valid_until if calibration else None,
    )
