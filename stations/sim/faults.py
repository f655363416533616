"""The fault switchboard: what is wrong with each simulated instrument right now.

A fault is data: a few traits that the servers ask for at the places where it would act.  To add
a fault, add a row; to add a new kind of misbehaviour, add a trait and the one place that asks.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from stations.sim import rtu

INSTRUMENTS = ("supply", "meter", "scanner", "relay", "router", "load", "bms", "thermometer")
BOARDS = ("relay", "router")
MEASURING = tuple(role for role in INSTRUMENTS if role not in BOARDS)
VOLTMETERS = ("meter", "scanner")
MODBUS = ("supply", *BOARDS, "thermometer")
SUPPLY = ("supply",)
LOAD = ("load",)
BMS = ("bms",)
SWITCHED = ("supply", "load")

Pieces = Sequence[tuple[float, bytes]]
"""What is put on the wire for one reply: wall seconds after it was due, and the bytes."""


def whole(reply: bytes, last: bytes) -> Pieces:
    return ((0.0, reply),)


@dataclass(frozen=True, slots=True)
class Fault:
    """One way to misbehave, and which instruments can."""

    words: str
    instruments: tuple[str, ...] = INSTRUMENTS
    # On the wire
    swallows: bool = False  # nothing that is sent arrives, nothing is answered
    mutes: bool = False  # what is sent is obeyed, nothing is answered
    spoils: Callable[[bytes, bytes], Pieces] = whole  # a reply, and the one before it
    unplugs: bool = False  # the port goes away in the middle of its next answer
    # What is measured
    repeats: bool = False  # measured values stay the same while current flows
    lead: tuple[int, float] | None = None  # the sense lead of one cell, and what is on it
    errs: Callable[[float, float], float] = lambda volts, since_s: volts
    """Volts that are shown for true volts, so many seconds of process time after it was set."""
    cools_c_s: float = 0.0  # degrees that a thermometer shows too little, more each second
    says: Callable[[str], str] = lambda text: text  # instead of a measured value
    # Panel and output of a supply or a load
    holds_output: bool = False  # the output stays on when it is told to go off
    hides_output: bool = False  # the output reads back off, a BMS open, whatever it does
    feigns_off: bool = False  # told off it stays on, and shows off, 0 V and 0 A
    ignores: tuple[str, ...] = ()  # levels whose new values are acknowledged and not taken
    late_on_s: float = 0.0  # wall seconds: ON is not answered, and obeyed so much later
    excess_v: float = 0.0  # regulated so much above its set-point, a load that holds one below
    excess_a: float = 0.0  # a load draws so much more than it is set to
    amps_count: float = 1.0  # a load counts its amps in units of so many, set and read alike
    creep_v_s: float = 0.0  # its reference drifts, and its own voltmeter with it
    knob: tuple[str, float] | None = None  # somebody turns a level by so much, once
    key_on: bool = False  # somebody presses the key that switches it on, once
    restarts: bool = False  # it restarts with factory settings, once
    dark: bool = False  # it has no power: what its coils hold lets go, what it was told is lost
    stranger: bool = False  # it has another serial number
    keeps_local: bool = False  # its panel holds it: remote control is refused
    latches: bool = False  # what was closed for a time stays closed
    sticks_closed: bool = False  # a relay that is closed stays so, whatever it is told
    sticks_open: bool = False  # no relay moves any more
    welds: bool = False  # what a relay has closed stays so, and the relay says that it opened
    early_v: float = 0.0  # a BMS opens so far below its setting; above it where negative
    stays_closed: bool = False  # a BMS that never opens


def _garbled(reply: bytes, last: bytes) -> Pieces:
    return ((0.0, bytes(byte ^ 0x5A for byte in reply[:-1]) + reply[-1:]),)


def _by_bytes(reply: bytes, last: bytes) -> Pieces:
    return [(float(second), bytes((byte,))) for second, byte in enumerate(reply)]


def _other_echo(reply: bytes, last: bytes) -> Pieces:
    """The echo of a write names the register, or coil, beside the one that was written."""
    if reply[1:2] not in (b"\x05", b"\x06", b"\x0f", b"\x10"):
        return whole(reply, last)
    return ((0.0, rtu.sealed(reply[:3] + bytes((reply[3] ^ 1,)) + reply[4:-2])),)


def _instead(text: str) -> Callable[[str], str]:
    return lambda measured: text


def _amps(counts: int) -> Callable[[str], str]:
    """The volts as measured, with other amps."""
    return lambda measured: f"{measured.split()[0]} {counts} 0 0"


WORKS = Fault("works")
FAULTS: Mapping[str, Fault] = {
    "none": WORKS,
    "silence": Fault("hears nothing and answers nothing", swallows=True),
    "mute": Fault("obeys and answers nothing", mutes=True),
    "garbage": Fault("answers with garbage", spoils=_garbled),
    "half": Fault(
        "breaks off in the middle of an answer",
        spoils=lambda reply, last: ((0.0, reply[: len(reply) // 2]),),
    ),
    "doubled": Fault(
        "says every answer twice", spoils=lambda reply, last: ((0.0, reply), (0.03, reply))
    ),
    "delay": Fault("answers 0.2 s later", spoils=lambda reply, last: ((0.2, reply),)),
    "late": Fault("answers after everybody's patience", spoils=lambda reply, last: ((1.2, reply),)),
    "one_behind": Fault(
        "answers the question before", spoils=lambda reply, last: ((0.0, last),) if last else ()
    ),
    "slow": Fault("answers with one byte a second", spoils=_by_bytes),
    "wrong_echo": Fault("echoes another register, if it speaks Modbus", MODBUS, spoils=_other_echo),
    "unplugged": Fault("is unplugged in the middle of an answer", unplugs=True),
    "stuck": Fault("repeats its last measured reply while current flows", MEASURING, repeats=True),
    "offset": Fault("reads 50 mV low", VOLTMETERS, errs=lambda volts, since_s: volts - 0.05),
    "drift": Fault(
        "drifts down by 0.1 mV, or 0.01 °C, a second",
        MEASURING,
        errs=lambda volts, since_s: volts - 1e-4 * since_s,
        cools_c_s=0.01,
    ),
    "wrong_cell": Fault(
        "is on another cell, of 3.300 V", ("meter",), errs=lambda volts, since_s: 3.300
    ),
    "no_contact": Fault(
        "has lost contact with the cells", VOLTMETERS, errs=lambda volts, since_s: 0.0
    ),
    "open_lead": Fault("has an open sense lead at cell 2", ("scanner",), lead=(2, 0.0)),
    "dead_cell": Fault("sees a shorted cell 2", ("scanner",), lead=(2, 0.02)),
    "other_cell": Fault("sees a cell 2 of another chemistry", ("scanner",), lead=(2, 3.95)),
    "nan": Fault("says NAN", VOLTMETERS, says=_instead("NAN")),
    "overload": Fault("says 9.9E37", VOLTMETERS, says=_instead("+9.90000000E+37")),
    "no_number": Fault("says 9.91E37", VOLTMETERS, says=_instead("+9.91000000E+37")),
    "infinite": Fault("says INF", VOLTMETERS, says=_instead("+INF")),
    "empty": Fault("says nothing between its commas", VOLTMETERS, says=_instead("")),
    "ovld": Fault("says OVLD", VOLTMETERS, says=_instead("OVLD")),
    "huge": Fault("says E+99", VOLTMETERS, says=lambda text: text.replace("E+00", "E+99")),
    "comma": Fault("has a decimal comma", VOLTMETERS, says=lambda text: text.replace(".", ",")),
    "lost_probe": Fault(
        "has lost its first probe",
        ("thermometer",),
        says=lambda text: " ".join(("-", *text.split()[1:])),
    ),
    "hot_probe": Fault(
        "says 120 °C of its first probe",
        ("thermometer",),
        says=lambda text: " ".join(("1200", *text.split()[1:])),
    ),
    "all_ones": Fault("measures 65535", SUPPLY, says=_instead("65535 65535 65535 65535")),
    "no_amps": Fault("shows no current", SUPPLY, says=_amps(0)),
    "tail_amps": Fault("shows 0.30 A", SUPPLY, says=_amps(30)),
    "refuse_off": Fault("ignores output off", SWITCHED, holds_output=True),
    "local": Fault("is held by its panel, if it has remote control", SWITCHED, keeps_local=True),
    "lies_off": Fault(
        "ignores output off and says it is off", SWITCHED, holds_output=True, hides_output=True
    ),
    "feigns_off": Fault("stays on and shows off, 0 V and 0 A", SUPPLY, feigns_off=True),
    "late_on": Fault("obeys ON 0.8 s later", SUPPLY, late_on_s=0.8),
    "later_on": Fault("obeys ON 3 s later", SUPPLY, late_on_s=3.0),
    "ignores_set": Fault("keeps its set-point", SUPPLY, ignores=("voltage_v", "current_a")),
    "ignores_protection": Fault("keeps its OVP and OCP", SUPPLY, ignores=("ovp_v", "ocp_a")),
    "panel": Fault("somebody turns its voltage up by 20 mV", SUPPLY, knob=("voltage_v", 0.02)),
    "panel_down": Fault(
        "somebody turns its voltage down by 0.5 V", SUPPLY, knob=("voltage_v", -0.5)
    ),
    "panel_ovp": Fault("somebody turns its OVP up by 10 V", SUPPLY, knob=("ovp_v", 10.0)),
    "panel_amps": Fault("somebody turns its current up by 5 A", LOAD, knob=("current_a", 5.0)),
    "tenfold": Fault("draws ten times what it is set to and reads", LOAD, amps_count=10.0),
    "panel_hold": Fault(
        "somebody turns what it holds down by 50 mV", LOAD, knob=("voltage_v", -0.05)
    ),
    "key_on": Fault("somebody presses its ON key", LOAD, key_on=True),
    "creeps": Fault("creeps up by 0.5 mV a second", SUPPLY, creep_v_s=5e-4),
    "overshoot": Fault(
        "regulates 80 mV, or draws 5 A, too far", SWITCHED, excess_v=0.08, excess_a=5.0
    ),
    "runaway": Fault("regulates 1 V too far", SWITCHED, excess_v=1.0),
    "restart": Fault("restarts with factory settings", SUPPLY, restarts=True),
    "dark": Fault("has no mains, or whatever feeds it", swallows=True, dark=True),
    "stranger": Fault("is another unit of its model", SUPPLY, stranger=True),
    "opens_early": Fault("opens 200 mV below its setting", BMS, early_v=0.2),
    "opens_late": Fault("opens 200 mV above its setting", BMS, early_v=-0.2),
    "never_opens": Fault("never opens by its cells", BMS, stays_closed=True),
    "lies_open": Fault(
        "says that it opened and lets current in", BMS, stays_closed=True, hides_output=True
    ),
    "no_timer": Fault("never opens by itself", BOARDS, latches=True),
    "stuck_closed": Fault("never opens a relay again", BOARDS, sticks_closed=True),
    "stuck_open": Fault("never closes a relay again", BOARDS, sticks_open=True),
    "welded": Fault("drives contacts that have welded, and reads open", BOARDS, welds=True),
}


class UnknownFault(ValueError):
    """The instrument or the fault does not exist here; the message says what does."""


Watcher = Callable[[str, str], None]
"""Told the instrument and the name of its new fault."""


class Switchboard:
    """Which fault each fitted instrument has; one server thread asks, the hands set it."""

    def __init__(self, instruments: tuple[str, ...]) -> None:
        self._lock = threading.Lock()
        self._names = dict.fromkeys(instruments, "none")
        self._frozen: dict[tuple[str, str], str] = {}
        self._since_s: dict[str, float] = {}
        self._watchers: list[Watcher] = []

    @property
    def names(self) -> Mapping[str, str]:
        """The fault's name by instrument."""
        with self._lock:
            return dict(self._names)

    def watch(self, watcher: Watcher) -> None:
        """Have `watcher` told of every fault that is set, after those who asked before."""
        self._watchers.append(watcher)

    def set(self, instrument: str, fault: str) -> None:
        if instrument not in self._names:
            raise UnknownFault(
                f"no instrument {instrument!r} on this bench: {', '.join(self._names)}"
            )
        allowed = [name for name, row in FAULTS.items() if instrument in row.instruments]
        if fault not in allowed:
            raise UnknownFault(f"no fault {fault!r} for the {instrument}: {', '.join(allowed)}")
        with self._lock:
            self._names[instrument] = fault
            self._since_s.pop(instrument, None)
        for watcher in self._watchers:
            watcher(instrument, fault)

    def of(self, instrument: str) -> Fault:
        with self._lock:
            return FAULTS[self._names[instrument]]

    def shown(self, instrument: str, position: int, volts: float, at_s: float) -> float:
        """What a voltmeter takes the volts at a cell for, at process time `at_s`."""
        fault, since_s = self._since(instrument, at_s)
        if fault.lead and fault.lead[0] == position:
            return fault.lead[1]
        return fault.errs(volts, since_s)

    def felt(self, instrument: str, celsius: float, at_s: float) -> float:
        """What a probe takes the temperature of a cell for, at process time `at_s`."""
        fault, since_s = self._since(instrument, at_s)
        return celsius - fault.cools_c_s * since_s

    def _since(self, instrument: str, at_s: float) -> tuple[Fault, float]:
        """Its fault, and for how long it was seen to have it."""
        with self._lock:
            since_s = at_s - self._since_s.setdefault(instrument, at_s)
            return FAULTS[self._names[instrument]], since_s

    def measured(
        self, instrument: str, what: str, *, current_flows: bool, fresh: Callable[[], str]
    ) -> str:
        """The text of a measured value: a fresh one, or the last one of a stuck instrument.

        `what` tells apart the values that one instrument measures.  A stuck instrument comes
        back to life as soon as no current flows.
        """
        key = (instrument, what)
        with self._lock:
            fault = FAULTS[self._names[instrument]]
            if fault.repeats and current_flows and key in self._frozen:
                return self._frozen[key]
        text = fault.says(fresh())
        with self._lock:
            self._frozen[key] = text
        return text
