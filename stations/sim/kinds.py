"""The kinds of fault that every simulated instrument must have, and by which name each has them.

What has no meaning at an instrument stands in `NO_MEANING` with its reason; nothing is left out.
"""

from __future__ import annotations

from collections.abc import Mapping

from stations.sim.faults import BOARDS, INSTRUMENTS, MEASURING, MODBUS

WRONG_ECHO, STUCK, DRIFT = "wrong echo", "stuck reading", "drift"
STAYS_ON, LIES, OVERSHOOTS = "output that will not turn off", "read-back that lies", "overshoot"
STUCK_RELAY = "stuck relay"
ONLY_MEASURE = ("meter", "scanner", "thermometer")


def _each(roles: tuple[str, ...], fault: str) -> Mapping[str, str]:
    return dict.fromkeys(roles, fault)


KINDS: Mapping[str, Mapping[str, str]] = {
    "silence": _each(INSTRUMENTS, "silence"),
    "garbage": _each(INSTRUMENTS, "garbage"),
    "half reply": _each(INSTRUMENTS, "half"),
    "late reply": _each(INSTRUMENTS, "late"),
    "delay": _each(INSTRUMENTS, "delay"),
    WRONG_ECHO: _each(MODBUS, "wrong_echo"),
    STUCK: _each(MEASURING, "stuck"),
    DRIFT: _each(MEASURING, "drift"),
    STAYS_ON: {
        "supply": "refuse_off",
        "load": "refuse_off",
        "bms": "never_opens",
        **_each(BOARDS, "stuck_closed"),
    },
    LIES: {
        "supply": "lies_off",
        "load": "lies_off",
        "bms": "lies_open",
        **_each(BOARDS, "welded"),
    },
    OVERSHOOTS: {
        "supply": "overshoot",
        "load": "overshoot",
        "bms": "opens_late",
        **_each(BOARDS, "no_timer"),
    },
    STUCK_RELAY: {"scanner": "open_lead", **_each(BOARDS, "stuck_open")},
    "unplug": _each(INSTRUMENTS, "unplugged"),
    "mains off": _each(INSTRUMENTS, "dark"),
}
"""By kind and instrument the fault's name on the switchboard."""

NO_MEANING: Mapping[str, Mapping[str, str]] = {
    WRONG_ECHO: {
        **_each(("meter", "scanner"), "SCPI acknowledges no command, so nothing is echoed"),
        "load": "acknowledges with a status that names no command",
        "bms": "is only read on this bench, and no answer to a read is an echo",
    },
    STUCK: _each(BOARDS, "measures nothing"),
    DRIFT: _each(BOARDS, "measures nothing"),
    STAYS_ON: _each(ONLY_MEASURE, "has no output"),
    LIES: _each(ONLY_MEASURE, "has no output to lie about; what it measures drifts or sticks"),
    OVERSHOOTS: _each(ONLY_MEASURE, "regulates nothing"),
    STUCK_RELAY: {
        **_each(("supply", "load"), "its relay is its output: that will not turn off"),
        "bms": "its switch is its output: that will not turn off",
        **_each(("meter", "thermometer"), "has no relay that moves while it measures"),
    },
}
"""By kind and instrument why it cannot have it."""
