"""Drivers are found by the name in a bench file, for the role they play."""

from __future__ import annotations

import pytest

from stations.drivers import registry
from stations.drivers.protocols import OutOfRange
from stations.drivers.registry import DRIVERS, UnknownDriver

NOWHERE = "TCPIP0::127.0.0.1::9::SOCKET"


def test_opens_each_role_by_name() -> None:
    supply = registry.open_supply("riden_rd6018", "/dev/null", timeout_s=0.5)
    meter = registry.open_meter("keysight_34461a", NOWHERE, timeout_s=0.5)
    scanner = registry.open_scanner("keysight_34972a", NOWHERE, channels=(101,), timeout_s=0.5)
    relays = registry.open_relays("waveshare_relay8", "/dev/null", address=7, timeout_s=0.5)

    load = registry.open_load("itech_it8514c", "/dev/null", timeout_s=0.5)
    bms = registry.open_bms("jbd_bms", "/dev/null", timeout_s=0.5)
    logger = registry.open_thermometer("eletechsup_r4dcb08", "/dev/null", timeout_s=0.5)

    instruments = (supply, meter, scanner, relays, load, bms, logger)
    models = [instrument.ratings.model for instrument in instruments]
    assert models == ["RD6018", "34461A", "34972A", "Relay8", "IT8514C+", "JBD BMS", "R4DCB08"]


@pytest.mark.parametrize(
    ("key", "role"),
    [("riden_rd6012p", "supply"), ("", "meter"), ("keysight_34461a", "supply")],
)
def test_a_name_without_a_driver_is_refused_with_those_there_are(key: str, role: str) -> None:
    with pytest.raises(UnknownDriver, match=r"there are (ea|keysight)_"):
        registry.driver(key, role)


def test_a_scanner_without_channels_is_refused() -> None:
    with pytest.raises(OutOfRange, match="channels"):
        DRIVERS["keysight_34972a"].open(NOWHERE, timeout_s=0.5)
