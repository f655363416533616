"""Riden RD60xx bench supplies: Modbus RTU on the USB serial port, unit 1, 115,200 baud 8N1.

Register map and scales from the published clients ShayBox/Riden (`riden/register.py`) and
Baldanos/rd6006 (`registers.md`), and from morgendagen/riden-dongle; the maker publishes none.
The stock firmware answers fewer than ten queries a second, some releases only after half a
second.  It has no watchdog: when we fall silent the output stays as it is, so the protections
in the active set M0 are what is left.  Calibration registers (54..62) are never written.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from stations.drivers import modbus
from stations.drivers.protocols import (
    BadReply,
    InstrumentError,
    OutOfRange,
    Refused,
    SupplyState,
    WrongInstrument,
)
from stations.drivers.transport import SerialLink, always, twice
from stations.values import Identity, Protection, Setpoint, SupplyRatings

UNIT = 1
BAUD = 115_200

IDENTITY, IDENTITY_COUNT = 0, 4  # model id, serial number high and low, firmware x 100
VOLTAGE_SET, CURRENT_SET = 8, 9
STATE, STATE_COUNT = 8, 11  # set-point, measured, power, input, keypad lock, trip, mode, output
STATE_TURNS = 8  # how many more registers may be read along; some firmware answers 20 at most
OUTPUT = 18
BOOT_POWER = 68  # 1: the output comes on by itself when mains returns
OVP, OCP = 82, 83  # of M0, the active set

VOLTAGE_MAX_V = 60.0  # every model of the family
OVP_MAX_V = 62.0  # as shipped (Baldanos/rd6006, issue 8)
OCP_FACTOR_MAX = 1.02  # of the rated current, as shipped (same)
LFP_TOP_V = 3.65

TRIPS = {0: "", 1: "OVP", 2: "OCP"}
REGULATION = {0: "CV", 1: "CC"}


@dataclass(frozen=True, slots=True)
class Model:
    """One row of the family: the ids it reports, counts per volt and per amp, rated current.

    RD6012P (60125..60129) changes its current scale with its range and RD6018P's scale is
    not published; both are unknown here, and an unknown id is refused.
    """

    name: str
    ids: range
    per_volt: int
    per_amp: int
    current_max_a: float

    @property
    def ratings(self) -> SupplyRatings:
        # Accuracy class 0.3 % + 3 counts, taken where it matters; not a figure of the maker's.
        accuracy_v = round(0.003 * LFP_TOP_V + 3 / self.per_volt, 3)
        return SupplyRatings(
            model=self.name,
            voltage_max_v=VOLTAGE_MAX_V,
            current_max_a=self.current_max_a,
            power_max_w=VOLTAGE_MAX_V * self.current_max_a,
            voltage_resolution_v=1 / self.per_volt,
            current_resolution_a=1 / self.per_amp,
            voltage_accuracy_v=accuracy_v,
            has_watchdog=False,
        )


MODELS = (
    Model("RD6006", range(60060, 60065), 100, 1000, 6.0),
    Model("RD6006P", range(60065, 60066), 1000, 10000, 6.0),
    Model("RD6012", range(60120, 60125), 100, 100, 12.0),
    Model("RD6018", range(60180, 60190), 100, 100, 18.0),
    Model("RD6024", range(60241, 60250), 100, 100, 24.0),
    Model("RD6030", range(60301, 60302), 100, 100, 30.0),
)


def model_of(model_id: int) -> Model:
    """The model that reports `model_id`; a guess could be wrong by a factor of ten in current."""
    for model in MODELS:
        if model_id in model.ids:
            return model
    raise WrongInstrument(f"model id {model_id} is no Riden whose scales we know; use another")


class RidenRD60xx:
    """One supply of the family, expected to be `model`; refuses to drive any other."""

    def __init__(self, path: str, *, model: Model, timeout_s: float) -> None:
        self.ratings = model.ratings
        self.may_repeat: Callable[[], bool] = always
        self._model = model
        self._link = SerialLink(path, BAUD, timeout_s)
        self._known: Identity | None = None
        self._session = 0  # the link's session in which the identity was seen
        self._turn = -1
        self._energised = False  # we switched it on and have not seen it obey an off

    def identify(self) -> Identity:
        return twice(self._identify, self.may_repeat)

    def prepare(self) -> None:
        """See the right model, and see to it that returning mains leaves the output off."""
        self.identify()
        if self._read(BOOT_POWER, 1).registers != (0,):
            self._write(BOOT_POWER, 0)
            if self._read(BOOT_POWER, 1).registers != (0,):
                raise Refused("switch off 'Boot Power' in the supply's own menu, then try again")

    def read(self) -> SupplyState:
        registers, raw = twice(self._read_state, self.may_repeat)
        voltage_v, current_a = self._volts(registers[2]), self._amps(registers[3])
        trip, mode, output = registers[8:11]
        if trip not in TRIPS or mode not in REGULATION or output not in (0, 1):
            raise BadReply(f"no state this supply can be in: {raw.hex(' ')}; read again")
        if voltage_v > 1.1 * VOLTAGE_MAX_V or current_a > 1.1 * self.ratings.current_max_a:
            raise BadReply(f"{voltage_v} V, {current_a} A is beyond {self._model.name}; read again")
        return SupplyState(
            setpoint=Setpoint(self._volts(registers[0]), self._amps(registers[1])),
            voltage_v=voltage_v,
            current_a=current_a,
            output_on=output == 1,
            regulation=REGULATION[mode],
            tripped=TRIPS[trip],
            raw=raw.hex(" "),
        )

    def protect(self, protection: Protection) -> None:
        ovp = _counts("OVP", protection.ovp_v, OVP_MAX_V, self._model.per_volt)
        ocp_max_a = OCP_FACTOR_MAX * self.ratings.current_max_a
        ocp = _counts("OCP", protection.ocp_a, ocp_max_a, self._model.per_amp)
        self._set((OVP, ovp), (OCP, ocp))

    def read_protection(self) -> Protection:
        ovp, ocp = self._read(OVP, 2).registers
        return Protection(ovp_v=self._volts(ovp), ocp_a=self._amps(ocp))

    def apply(self, setpoint: Setpoint) -> None:
        volts = _counts("voltage", setpoint.voltage_v, VOLTAGE_MAX_V, self._model.per_volt)
        amps = _counts(
            "current", setpoint.current_a, self.ratings.current_max_a, self._model.per_amp
        )
        self._set((VOLTAGE_SET, volts), (CURRENT_SET, amps))

    def output(self, on: bool) -> None:
        """Switch the output and see the command acknowledged; `read` tells whether it obeyed.

        Off goes out first thing even on a link just made, whoever is at its other end.
        """
        if on:
            self._synchronise()
            self._energised = True
        self._write(OUTPUT, int(on))
        self._energised = on

    def reopen(self) -> None:
        self._link.reopen()

    def close(self) -> None:
        """Leave the output off, as far as the link still allows, and let the port go."""
        if self._energised:
            with suppress(InstrumentError):
                self.output(False)
        self._link.close()

    def _identify(self) -> Identity:
        request = modbus.read_request(UNIT, IDENTITY, IDENTITY_COUNT)
        model_id, high, low, firmware = self._link.exchange(
            request, lambda heard: modbus.answer_at_end(request, heard)
        ).registers
        seen = Identity(
            role="supply",
            model=model_of(model_id).name,
            serial_number=f"{(high << 16) | low:08d}",
            firmware=f"{firmware // 100}.{firmware % 100:02d}",
        )
        if seen.model != self._model.name or self._known not in (None, seen):
            expected = self._known or self._model.name
            raise WrongInstrument(f"expected {expected}, found {seen}; check which cable is where")
        self._known = seen
        self._session = self._link.session
        return seen

    def _read_state(self) -> modbus.Answer:
        # Each time of another length: the answer to the question before cannot pass for this one.
        self._turn = (self._turn + 1) % STATE_TURNS
        return self._read_once(STATE, STATE_COUNT + self._turn)

    def _synchronise(self) -> None:
        """On a new connection see the identity first: it also outlives every late answer."""
        if not self._link.session or self._session != self._link.session:
            self._identify()

    def _read(self, start: int, count: int) -> modbus.Answer:
        return twice(lambda: self._read_once(start, count), self.may_repeat)

    def _read_once(self, start: int, count: int) -> modbus.Answer:
        self._synchronise()
        return self._exchange(modbus.read_request(UNIT, start, count))

    def _set(self, *pairs: tuple[int, int]) -> None:
        """Write neighbouring registers and read them back."""
        self._synchronise()
        for register, value in pairs:
            self._write(register, value)
        asked = tuple(value for _, value in pairs)
        kept = self._read(pairs[0][0], len(pairs)).registers
        if kept != asked:
            raise Refused(f"registers from {pairs[0][0]} on: asked {asked}, kept {kept}")

    def _write(self, register: int, value: int) -> None:
        # Never retried: the supply may have obeyed and lost only the answer.
        self._exchange(modbus.write_request(UNIT, register, value))

    def _exchange(self, request: bytes) -> modbus.Answer:
        return self._link.exchange(request, lambda heard: modbus.answer(request, heard))

    def _volts(self, counts: int) -> float:
        return counts / self._model.per_volt

    def _amps(self, counts: int) -> float:
        return counts / self._model.per_amp


def _counts(name: str, value: float, limit: float, per_unit: int) -> int:
    """`value` in counts, rounded once; refuses what is outside 0..`limit`, NaN included."""
    if not 0.0 <= value <= limit:
        raise OutOfRange(f"{name} {value} is outside 0..{limit:g}; ask for less")
    return round(value * per_unit)
