"""Every driver by the name a bench file uses."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Protocol, cast

from stations.drivers.keysight_34970 import RATINGS as SCANNER_RATINGS
from stations.drivers.keysight_34970 import Keysight34972A
from stations.drivers.keysight_truevolt import RATINGS as METER_RATINGS
from stations.drivers.keysight_truevolt import Keysight34461A
from stations.drivers.protocols import PowerSupply, Relays, Scanner, Voltmeter
from stations.drivers.riden_rd60xx import MODELS, Model, RidenRD60xx
from stations.drivers.waveshare_relay8 import RATINGS as RELAY_RATINGS
from stations.drivers.waveshare_relay8 import WaveshareRelay8
from stations.values import MeterRatings, RelayRatings, SupplyRatings


class Open(Protocol):
    def __call__(
        self, resource: str, *, channels: tuple[int, ...] = (), timeout_s: float
    ) -> PowerSupply | Voltmeter | Scanner | Relays:
        """The driver of the instrument at `resource`; nothing is sent until it is used.

        `channels` is for scanners; a relay board is the one with address 1 unless
        `open_relays` opens it.  `timeout_s` is for one answer, on top of the time that the
        instrument itself needs to measure.
        """
        ...


@dataclass(frozen=True, slots=True)
class DriverSpec:
    role: str  # "supply", "meter", "scanner", "relay"
    ratings: SupplyRatings | MeterRatings | RelayRatings
    open: Open


class UnknownDriver(ValueError):
    """No driver of that name for that role; the message names those there are."""


def _riden(model: Model) -> DriverSpec:
    def opened(resource: str, *, channels: tuple[int, ...] = (), timeout_s: float) -> PowerSupply:
        return RidenRD60xx(resource, model=model, timeout_s=timeout_s)

    return DriverSpec("supply", model.ratings, opened)


def _meter(resource: str, *, channels: tuple[int, ...] = (), timeout_s: float) -> Voltmeter:
    return Keysight34461A(resource, timeout_s=timeout_s)


def _scanner(resource: str, *, channels: tuple[int, ...] = (), timeout_s: float) -> Scanner:
    return Keysight34972A(resource, channels=channels, timeout_s=timeout_s)


def _relays(
    resource: str, *, channels: tuple[int, ...] = (), address: int = 1, timeout_s: float
) -> Relays:
    return WaveshareRelay8(resource, address=address, timeout_s=timeout_s)


DRIVERS: Mapping[str, DriverSpec] = MappingProxyType(
    {f"riden_{model.name.lower()}": _riden(model) for model in MODELS}
    | {
        "keysight_34461a": DriverSpec("meter", METER_RATINGS, _meter),
        "keysight_34972a": DriverSpec("scanner", SCANNER_RATINGS, _scanner),
        "waveshare_relay8": DriverSpec("relay", RELAY_RATINGS, _relays),
    }
)


def driver(key: str, role: str) -> DriverSpec:
    """The driver called `key`, refused unless it plays `role`."""
    allowed = sorted(name for name, spec in DRIVERS.items() if spec.role == role)
    if key not in allowed:
        raise UnknownDriver(f"no {role} driver {key!r}; there are {', '.join(allowed)}")
    return DRIVERS[key]


def open_supply(key: str, resource: str, *, timeout_s: float) -> PowerSupply:
    return cast(PowerSupply, driver(key, "supply").open(resource, timeout_s=timeout_s))


def open_meter(key: str, resource: str, *, timeout_s: float) -> Voltmeter:
    return cast(Voltmeter, driver(key, "meter").open(resource, timeout_s=timeout_s))


def open_scanner(
    key: str, resource: str, *, channels: tuple[int, ...], timeout_s: float
) -> Scanner:
    spec = driver(key, "scanner")
    return cast(Scanner, spec.open(resource, channels=channels, timeout_s=timeout_s))


def open_relays(key: str, resource: str, *, address: int, timeout_s: float) -> Relays:
    """The relay board that has `address` on its bus."""
    opened = cast("Callable[..., Relays]", driver(key, "relay").open)
    return opened(resource, address=address, timeout_s=timeout_s)
