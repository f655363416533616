"""ITECH IT8500 loads and their BK Precision 8500 twins: 26-byte frames at 9600 baud 8N1.

Frames, commands and units from sigrok `src/hardware/itech-it8500`, pybk8500 `commands.py` (after
BK's "85xx manual", Command details) and BK's own `dcload.py`.  The line is TTL level and not
isolated: use the maker's isolated adapter.  Nothing is set before the remote command.  When we
fall silent the load goes on drawing, so it is only ever switched on with its own two ends set:
the battery test's lowest voltage, and the load-on timer.  The battery test draws a constant current
(BK's 8500B manual, "Battery Test Function"), so it cannot guard a constant voltage: there the level
itself is what the load does not go below, beside the timer.
"""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass

from stations.drivers.manners import SwitchedInstrument, refuse_outside
from stations.drivers.protocols import BadReply, LoadState, OutOfRange, Refused, WrongInstrument
from stations.drivers.transport import SerialLink
from stations.values import Cutoff, Identity, LoadRatings

ADDRESS = 0
BAUD = 9600
LENGTH, DATA = 26, 22
START, STATUS, DONE = 0xAA, 0x12, 0x80
STATUS_WORDS = {
    0x90: "check sum",
    0xA0: "parameter",
    0xB0: "cannot be carried out",
    0xC0: "unknown command",
}

REMOTE, INPUT, MODE, FUNCTION, FUNCTION_GET = 0x20, 0x21, 0x28, 0x5D, 0x5E
LIMITS, LEVEL, LEVEL_GET, STATE, PRODUCT = 0x01, 0x2A, 0x2B, 0x5F, 0x6A
# MOST is the current that is allowed now; LIMITS tell what the unit can (sigrok).
MODE_GET, MOST, MOST_GET, VOLTS, VOLTS_GET = 0x29, 0x24, 0x25, 0x2C, 0x2D
LOWEST, LOWEST_GET = 0x4E, 0x4F  # of the battery test
TIMER, TIMER_GET, TIMED, TIMED_GET = 0x50, 0x51, 0x52, 0x53
CONSTANT_CURRENT, CONSTANT_VOLTAGE = 0, 1
FIXED, BATTERY_TEST = 0, 4
PER_VOLT, PER_AMP, PER_WATT = 1_000, 10_000, 1_000

IS_ON = 3  # bit of the operation state
TRIPS = ("reverse", "OV", "OC", "OP", "OT", "sense")  # bits 0.. of the demand state
REGULATION = {6: "CC", 7: "CV", 8: "CW", 9: "CR"}


@dataclass(frozen=True, slots=True)
class Model:
    """`code` begins what the load calls itself; its own limits must not be below the ratings."""

    code: str
    ratings: LoadRatings


def _model(name: str, code: str, volts: float, amps: float, watts: float) -> Model:
    ratings = LoadRatings(
        model=name,
        voltage_max_v=volts,
        current_max_a=amps,
        power_max_w=watts,
        voltage_resolution_v=1 / PER_VOLT,
        current_resolution_a=0.01,  # the frame has 0.1 mA, the converter of a 240 A load has not
        voltage_accuracy_v=0.0005 * 3.65 + 0.0002 * volts,  # 0.05 % + 0.02 % of full scale
        duration_max_s=0xFFFF,
        has_cv=True,
    )
    return Model(code, ratings)


# The twins answer alike.  BK's lower power is from its sheet as commonly quoted, which we have
# not read ourselves: it only ever makes us ask for less.
IT8514C = _model("IT8514C+", "8514", 120.0, 240.0, 1500.0)
BK_8514 = _model("8514", "8514", 120.0, 240.0, 1200.0)


class ItechIT8500(SwitchedInstrument[SerialLink]):
    """One load, driven in constant current, or in constant voltage to hold a cell down."""

    def __init__(self, path: str, *, model: Model, timeout_s: float) -> None:
        super().__init__(SerialLink(path, BAUD, timeout_s), model.ratings.model)
        self.ratings = model.ratings
        self._code = model.code
        self._ends_set = 0  # the link's session in which its own ends were set
        self._holds = False  # it was last set to hold a voltage

    def prepare(self) -> None:
        self.identify()
        amps, volts, _, watts = struct.unpack_from("<IIII", self._get(LIMITS))
        told = volts / PER_VOLT, amps / PER_AMP, watts / PER_WATT
        rated = self.ratings.voltage_max_v, self.ratings.current_max_a, self.ratings.power_max_w
        if any(has < needs for has, needs in zip(told, rated, strict=True)):
            raise WrongInstrument(
                f"expected {rated} V A W of a {self.ratings.model}, it says {told}; "
                "raise the limits in its menu or name another model"
            )
        self._switch(False)
        self._leave_hold()
        self._set(MODE, bytes((CONSTANT_CURRENT,)))

    def read(self) -> LoadState:
        return self._reading(self._read)

    def protect(self, cutoff: Cutoff) -> None:
        """Arm the battery test and the timer and read both back."""
        millivolts, seconds = self._ends(cutoff)
        self._synchronise()
        self._holds = False
        self._set(LOWEST, struct.pack("<I", millivolts))
        self._set(FUNCTION, bytes((BATTERY_TEST,)))
        self._arm(millivolts, seconds)

    def read_protection(self) -> Cutoff:
        """What would end a discharge now: 0 V and never where the load would go on for ever."""
        return self._reading(self._read_protection)

    def apply(self, level_a: float) -> None:
        """A constant current; the mode is the last to change, so that an older level never acts."""
        refuse_outside("current", level_a, self.ratings.current_max_a)
        self._synchronise()
        self._leave_hold()
        if level_a:  # nothing needs no room, and one that cannot be switched off gets none
            self._set(MOST, _tenths(self.ratings.current_max_a))
        self._set(LEVEL, _tenths(level_a))
        self._set(MODE, bytes((CONSTANT_CURRENT,)))
        self._kept_amps(LEVEL_GET, level_a)

    def hold(self, cutoff: Cutoff, limit_a: float) -> None:
        """A constant voltage at the cut-off, within a current; only with the load off.

        Whether a unit limits at that current or trips ("OC") we have not seen: either ends there.
        """
        refuse_outside("current", limit_a, self.ratings.current_max_a)
        millivolts, seconds = self._ends(cutoff)
        self._synchronise()
        self._holds, self._ends_set = True, 0
        self._set(VOLTS, struct.pack("<I", millivolts))
        self._set(LEVEL, _tenths(0.0))  # else a limit below it could be refused
        self._set(MOST, _tenths(limit_a))
        self._set(MODE, bytes((CONSTANT_VOLTAGE,)))
        self._set(FUNCTION, bytes((FIXED,)))
        self._kept_amps(MOST_GET, limit_a)
        self._arm(millivolts, seconds)

    def _leave_hold(self) -> None:
        """The level that was an end of its own is none in constant current."""
        if self._holds:
            self._ends_set, self._holds = 0, False

    def _ends(self, cutoff: Cutoff) -> tuple[int, int]:
        """In millivolts and whole seconds; raises OutOfRange."""
        refuse_outside("cut-off", cutoff.voltage_v, self.ratings.voltage_max_v)
        refuse_outside("duration", cutoff.duration_s, self.ratings.duration_max_s)
        millivolts, seconds = round(cutoff.voltage_v * PER_VOLT), math.ceil(cutoff.duration_s)
        if not (millivolts and seconds):
            raise OutOfRange(f"{cutoff} is outside what ends a discharge; ask for more than 0")
        return millivolts, seconds

    def _arm(self, millivolts: int, seconds: int) -> None:
        """The timer, and both ends seen kept."""
        self._set(TIMER, struct.pack("<H", seconds))
        self._set(TIMED, b"\x01")
        asked, kept = Cutoff(millivolts / PER_VOLT, seconds), self._read_protection()
        if kept != asked:
            raise Refused(f"asked for {asked}, kept {kept}; check the load's menu")
        self._ends_set = self._link.session

    def _kept_amps(self, command: int, asked_a: float) -> None:
        kept_a = self._number(command, "<I") / PER_AMP
        if not abs(kept_a - asked_a) <= self.ratings.current_resolution_a + 1e-9:
            raise Refused(f"asked for {asked_a} A, kept {kept_a} A; check the load's own limits")

    def _ask_identity(self) -> Identity:
        data = self._link.exchange(frame(PRODUCT), lambda heard: _at_end(PRODUCT, heard))
        code, serial_number = (_text(part) for part in (data[:5], data[7:17]))
        name = self.ratings.model if code.startswith(self._code) else code
        return Identity("load", name, serial_number, f"{data[6]:x}.{data[5]:02x}")

    def _read(self) -> LoadState:
        data = self._get(STATE)
        volts, amps, _, operation, demand = struct.unpack_from("<IIIBH", data)
        voltage_v, drawn_a, rated = volts / PER_VOLT, amps / PER_AMP, self.ratings
        if voltage_v > 1.1 * rated.voltage_max_v or drawn_a > 1.1 * rated.current_max_a:
            raise BadReply(f"{voltage_v} V, {drawn_a} A is beyond {rated.model}; read again")
        bits = [bit for bit in range(16) if demand >> bit & 1]
        return LoadState(
            level_a=self._number(MOST_GET if self._holds else LEVEL_GET, "<I") / PER_AMP,
            voltage_v=voltage_v,
            drawn_a=drawn_a,
            output_on=bool(operation >> IS_ON & 1),
            regulation=next((REGULATION[bit] for bit in bits if bit in REGULATION), ""),
            tripped=" ".join(TRIPS[bit] for bit in bits if bit < len(TRIPS)),
            raw=data.hex(" "),
        )

    def _read_protection(self) -> Cutoff:
        function = self._number(FUNCTION_GET, "<B")
        if self._holds:
            mode = self._number(MODE_GET, "<B")
            keeps = (function, mode) == (FIXED, CONSTANT_VOLTAGE)
        else:
            keeps = function == BATTERY_TEST
        millivolts = self._number(VOLTS_GET if self._holds else LOWEST_GET, "<I")
        seconds = float(self._number(TIMER_GET, "<H"))
        times = self._number(TIMED_GET, "<B") == 1
        return Cutoff(millivolts / PER_VOLT if keeps else 0.0, seconds if times else math.inf)

    def _switch(self, on: bool) -> None:
        if on and self._ends_set != self._link.session:
            raise Refused("set the load's own cut-off first: it would go on if we fell silent")
        self._set(REMOTE, b"\x01")
        self._set(INPUT, bytes((on,)))

    def _set(self, command: int, data: bytes) -> None:
        # Never retried: the load may have obeyed and lost only the answer.
        self._link.exchange(frame(command, data), lambda heard: _answer(STATUS, heard))

    def _get(self, command: int) -> bytes:
        return self._link.exchange(frame(command), lambda heard: _answer(command, heard))

    def _number(self, command: int, form: str) -> int:
        return int(struct.unpack_from(form, self._get(command))[0])


def _tenths(amps: float) -> bytes:
    """Of a milliampere, as the frames carry a current."""
    return struct.pack("<I", round(amps * PER_AMP))


def frame(command: int, data: bytes = b"") -> bytes:
    body = bytes((START, ADDRESS, command)) + data.ljust(DATA, b"\0")
    return body + bytes((sum(body) & 0xFF,))


def _answer(command: int, heard: bytes) -> bytes | None:
    """The data of the one frame that answers, None while it is not whole; a refusal raises."""
    heads = [bytes((START, ADDRESS, kind)) for kind in (command, STATUS)]
    if not any(head.startswith(heard[:3]) for head in heads):
        raise BadReply(f"{heard.hex(' ')} does not answer command {command:02X}; read again")
    if len(heard) < LENGTH:
        return None
    if len(heard) > LENGTH or sum(heard[:-1]) & 0xFF != heard[-1]:
        raise BadReply(f"not one whole frame: {heard.hex(' ')}; read again")
    if heard[2] == STATUS and heard[3] != DONE:
        words = STATUS_WORDS.get(heard[3], "for a reason of its own")
        raise Refused(f"the load refuses a command: {words} (status {heard[3]:02X})")
    if heard[2] != command:
        raise BadReply(f"an acknowledgement is no answer to command {command:02X}; read again")
    return heard[3:-1]


def _at_end(command: int, heard: bytes) -> bytes | None:
    """Like `_answer`, but passes over anything before it: for finding the beat after a fault."""
    try:
        return _answer(command, heard[-LENGTH:])
    except BadReply:
        return None


def _text(part: bytes) -> str:
    text = part.rstrip(b"\0 ").decode("latin-1")
    if not (text and text.isascii() and text.isprintable()):
        raise BadReply(f"no name: {part!r}; read again")
    return text
