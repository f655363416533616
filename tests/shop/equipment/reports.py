"""Commissioning reports of stations that factories made."""

from __future__ import annotations

from typing import Any

from shop.equipment.models import Station
from stations.commissioning.report import Commissioned, encode
from tests.factories import NOON
from tests.stations.commissioning.made import report


def document_of(station: Station, *, named: str = "", **changes: Any) -> bytes:
    """As the bench of `station` wrote it at NOON, with what differs; `named` is another name."""
    seen = tuple(
        Commissioned(i.role, i.driver, i.model, i.serial_number, "1.0")
        for i in station.instruments.all()
    )
    usual: dict[str, Any] = {"station": named or station.slug, "at": NOON, "instruments": seen}
    return encode(report(**(usual | changes)))
