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

    assert supply.ratings.model == "RD6018"
    assert meter.ratings.model == "34461A"
    assert scanner.ratings.model == "34972A"
    assert relays.ratings.model == "Relay8"


@pytest.mark.parametrize(
    ("key", "role"),
    [("riden_rd6012p", "supply"), ("", "meter"), ("keysight_34461a", "supply")],
)
def test_a_name_without_a_driver_is_refused_with_those_there_are(key: str, role: str) -> None:
    with pytest.raises(UnknownDriver, match=r"there are (riden|keysight)_"):
        registry.driver(key, role)


def test_a_scanner_without_channels_is_refused() -> None:
    with pytest.raises(OutOfRange, match="channels"):
        DRIVERS["keysight_34972a"].open(NOWHERE, timeout_s=0.5)
