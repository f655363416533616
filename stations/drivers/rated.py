"""What the model behind a driver can bear and resolve, for people."""

from __future__ import annotations

from stations.drivers.registry import DRIVERS
from stations.values import (
    BmsRatings,
    LoadRatings,
    MeterRatings,
    RelayRatings,
    SupplyRatings,
    ThermometerRatings,
)


def ratings_words(driver: str) -> str:
    """In one line."""
    match DRIVERS[driver].ratings:
        case SupplyRatings() as its:
            own = "OVP and OCP of its own" if its.has_protection else "no OVP or OCP of its own"
            return (
                f"{its.voltage_max_v:g} V, {its.current_max_a:g} A, {its.power_max_w:g} W; steps "
                f"{its.voltage_resolution_v:g} V, {its.current_resolution_a:g} A; {own}"
            )
        case LoadRatings() as its:
            modes = "CC and CV" if its.has_cv else "CC alone"
            return (
                f"{its.voltage_max_v:g} V, {its.current_max_a:g} A, {its.power_max_w:g} W; {modes}"
            )
        case MeterRatings() as its:
            channels = f"{its.channels} channels, " if its.channels > 1 else ""
            return f"{channels}{its.voltage_max_v:g} V, to {1000 * its.accuracy_v:g} mV"
        case RelayRatings() as its:
            return f"{its.channels} relays, each held for {its.hold_max_s:g} s at most"
        case BmsRatings() as its:
            return f"up to {its.cells_max} cells, to {1000 * its.accuracy_v:g} mV"
        case ThermometerRatings() as its:
            return f"{its.channels} probes, to {its.accuracy_c:g} °C"
