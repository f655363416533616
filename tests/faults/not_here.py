"""Rows of the fault matrix that cannot be produced here, each beside the nearest that can."""

from __future__ import annotations

from tests.faults import hosts

# row: (what cannot be produced, the nearest that can)
NOT_HERE: dict[str, tuple[str, str]] = {
    "22": (
        "a USB device that the kernel enumerates anew",
        "a pseudo-terminal that goes away in mid-reply and comes back under another name",
    ),
    "31": (
        "a short across the joined bank",
        "a shorted cell on the scanner, and volts that collapse at the bank meter",
    ),
    "53": (
        "a host that loses its power, and hours without mains",
        "kill -9 of the guardian, a supply that goes dark, and seconds",
    ),
}

if not hosts.can_be_made():
    NOT_HERE["18"] = (
        "two hosts; it takes root and `ip netns` (apt-get install iproute2)",
        "17, tables locked and PostgreSQL frozen; 11, a line that is half open",
    )
