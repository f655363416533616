"""Every driver by the name a bench file uses."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import Protocol, TypeAlias, cast

from stations.drivers.ea_ps9000 import PS_9080_60_T, PSI_9080_60_T, EaPs9000
from stations.drivers.eletechsup_r4dcb08 import RATINGS as LOGGER_RATINGS
from stations.drivers.eletechsup_r4dcb08 import R4dcb08
from stations.drivers.itech_it8500 import BK_8514, IT8514C, ItechIT8500
from stations.drivers.itech_it8500 import Model as LoadModel
from stations.drivers.jbd_bms import RATINGS as JBD_RATINGS
from stations.drivers.jbd_bms import JbdBms
from stations.drivers.keysight_34970 import RATINGS as SCANNER_RATINGS
from stations.drivers.keysight_34970 import Keysight34972A
from stations.drivers.keysight_truevolt import RATINGS as METER_RATINGS
from stations.drivers.keysight_truevolt import RATINGS_100V as METER_RATINGS_100V
from stations.drivers.keysight_truevolt import Keysight34461A
from stations.drivers.korad_ka import RATINGS as KORAD_RATINGS
from stations.drivers.korad_ka import KoradKA3005P
from stations.drivers.protocols import (
    Bms,
    Load,
    PowerSupply,
    Relays,
    Scanner,
    Thermometer,
    Voltmeter,
)
from stations.drivers.riden_rd60xx import MODELS as RIDEN_MODELS
from stations.drivers.riden_rd60xx import Model, RidenRD60xx
from stations.drivers.waveshare_relay8 import RATINGS as RELAY_RATINGS
from stations.drivers.waveshare_relay8 import WaveshareRelay8
from stations.values import (
    BmsRatings,
    LoadRatings,
    MeterRatings,
    Ratings,
    RelayRatings,
    SupplyRatings,
    ThermometerRatings,
)

Device: TypeAlias = PowerSupply | Voltmeter | Scanner | Relays | Load | Bms | Thermometer
AnyRatings: TypeAlias = (
    SupplyRatings | MeterRatings | RelayRatings | LoadRatings | BmsRatings | ThermometerRatings
)


class Open(Protocol):
    def __call__(
        self, resource: str, *, channels: tuple[int, ...] = (), timeout_s: float
    ) -> Device:
        """The driver of the instrument at `resource`; nothing is sent until it is used.

        `channels` is for scanners and thermometers; a relay board is the one with address 1
        unless `open_relays` opens it.  `timeout_s` is for one answer, on top of the time that
        the instrument itself needs to measure.
        """
        ...


@dataclass(frozen=True, slots=True)
class DriverSpec:
    role: str  # "supply", "meter", "scanner", "relay", "load", "bms", "thermometer"
    ratings: AnyRatings
    open: Open


class UnknownDriver(ValueError):
    """No driver of that name for that role; the message names those there are."""


def _one(role: str, ratings: AnyRatings, make: Callable[..., Device]) -> DriverSpec:
    """For an instrument that has no channels to choose."""

    def opened(resource: str, *, channels: tuple[int, ...] = (), timeout_s: float) -> Device:
        return make(resource, timeout_s=timeout_s)

    return DriverSpec(role, ratings, opened)


def _scanner(resource: str, *, channels: tuple[int, ...] = (), timeout_s: float) -> Scanner:
    return Keysight34972A(resource, channels=channels, timeout_s=timeout_s)


def _relays(
    resource: str, *, channels: tuple[int, ...] = (), address: int = 1, timeout_s: float
) -> Relays:
    return WaveshareRelay8(resource, address=address, timeout_s=timeout_s)


def _logger(resource: str, *, channels: tuple[int, ...] = (), timeout_s: float) -> Thermometer:
    return R4dcb08(resource, channels=channels, timeout_s=timeout_s)


def _ea(ratings: SupplyRatings) -> DriverSpec:
    return _one("supply", ratings, partial(EaPs9000, ratings=ratings))


def _riden(model: Model) -> DriverSpec:
    return _one("supply", model.ratings, partial(RidenRD60xx, model=model))


def _load(model: LoadModel) -> DriverSpec:
    return _one("load", model.ratings, partial(ItechIT8500, model=model))


DRIVERS: Mapping[str, DriverSpec] = MappingProxyType(
    {f"riden_{model.name.lower()}": _riden(model) for model in RIDEN_MODELS}
    | {
        "ea_ps_9080_60_t": _ea(PS_9080_60_T),
        "ea_psi_9080_60_t": _ea(PSI_9080_60_T),
        "korad_ka3005p": _one("supply", KORAD_RATINGS, KoradKA3005P),
        "keysight_34461a": _one("meter", METER_RATINGS, Keysight34461A),
        "keysight_34461a_100v": _one(
            "meter", METER_RATINGS_100V, partial(Keysight34461A, range_v=100)
        ),
        "keysight_34972a": DriverSpec("scanner", SCANNER_RATINGS, _scanner),
        "waveshare_relay8": DriverSpec("relay", RELAY_RATINGS, _relays),
        "itech_it8514c": _load(IT8514C),
        "bk_8514": _load(BK_8514),
        "jbd_bms": _one("bms", JBD_RATINGS, JbdBms),
        "eletechsup_r4dcb08": DriverSpec("thermometer", LOGGER_RATINGS, _logger),
    }
)


def driver(key: str, role: str) -> DriverSpec:
    """The driver called `key`, refused unless it plays `role`."""
    allowed = sorted(name for name, spec in DRIVERS.items() if spec.role == role)
    if key not in allowed:
        raise UnknownDriver(f"no {role} driver {key!r}; there are {', '.join(allowed)}")
    return DRIVERS[key]


def bench_ratings(by_role: Mapping[str, object]) -> Ratings | None:
    """What a bench with instruments of these ratings can do; None without supply or meter.

    A router's board is taken to have a route on every channel.
    """
    supply, meter = by_role.get("supply"), by_role.get("meter")
    if not isinstance(supply, SupplyRatings) or not isinstance(meter, MeterRatings):
        return None
    scanner, load, bms = (by_role.get(role) for role in ("scanner", "load", "bms"))
    thermometer, router = by_role.get("thermometer"), by_role.get("router")
    return Ratings(
        supply,
        meter,
        scanner if isinstance(scanner, MeterRatings) else None,
        load if isinstance(load, LoadRatings) else None,
        thermometer if isinstance(thermometer, ThermometerRatings) else None,
        bms=bms if isinstance(bms, BmsRatings) else None,
        routes=router.channels if isinstance(router, RelayRatings) else 0,
    )


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


def open_load(key: str, resource: str, *, timeout_s: float) -> Load:
    return cast(Load, driver(key, "load").open(resource, timeout_s=timeout_s))


def open_bms(key: str, resource: str, *, timeout_s: float) -> Bms:
    return cast(Bms, driver(key, "bms").open(resource, timeout_s=timeout_s))


def open_thermometer(
    key: str, resource: str, *, channels: tuple[int, ...] = (), timeout_s: float
) -> Thermometer:
    spec = driver(key, "thermometer")
    return cast(Thermometer, spec.open(resource, channels=channels, timeout_s=timeout_s))
