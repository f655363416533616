"""The production driver of an instrument on a simulated bench."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from stations.config import load
from stations.drivers.registry import DRIVERS
from tests.stations.sim.inside import Inside

PATIENT_S = 5.0  # the host may be busy
PATIENT_WITH_BMS_S = 1.5  # what wakes it is lost, and costs all of the patience
BRIEF_S = 0.2


def driver_of(bench: Inside, role: str, timeout_s: float = PATIENT_S) -> Any:
    if role == "bms":
        timeout_s = min(timeout_s, PATIENT_WITH_BMS_S)
    found = {i.role: i for i in load(bench.path / "bench.toml").instruments}[role]
    opened = DRIVERS[found.driver].open
    return opened(found.resource, channels=found.channels, timeout_s=timeout_s)


@contextmanager
def driving(bench: Inside, role: str) -> Iterator[Any]:
    driver = driver_of(bench, role)
    try:
        yield driver
    finally:
        driver.close()
