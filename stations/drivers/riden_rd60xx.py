"""Riden RD60xx bench supplies: Modbus RTU on the USB serial port, unit 1, 115,200 baud 8N1.

Register map and scales from the published clients ShayBox/Riden (`riden/register.py`) and
Baldanos/rd6006 (`registers.md`), and from morgendagen/riden-dongle; the maker publishes none.
The stock firmware answers fewer than ten queries a second, some releases only after half a
second.  It has no watchdog: when we fall silent the output stays as it is, so the protections
in the active set M0 are what is left.  Calibration registers (54..62) are never written.
"""

from __future__ import annotations

from dataclasses import dataclass

from stations.drivers import modbus
from stations.drivers.manners import Supply
from stations.drivers.protocols import BadReply, Refused, SupplyState, WrongInstrument
from stations.drivers.transport import SerialLink
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


class RidenRD60xx(Supply[SerialLink]):
    """One supply of the family, expected to be `model`; refuses to drive any other."""

    def __init__(self, path: str, *, model: Model, timeout_s: float) -> None:
        ratings = model.ratings
        super().__init__(
            SerialLink(path, BAUD, timeout_s),
            ratings,
            ovp_max_v=OVP_MAX_V,
            ocp_max_a=OCP_FACTOR_MAX * ratings.current_max_a,
        )
        self._model = model
        self._turn = -1

    def prepare(self) -> None:
        """See the right model, and see to it that returning mains leaves the output off."""
        self.identify()
        if self._registers(BOOT_POWER, 1) != (0,):
            self._write(BOOT_POWER, 0)
            if self._registers(BOOT_POWER, 1) != (0,):
                raise Refused("switch off 'Boot Power' in the supply's own menu, then try again")

    def _ask_identity(self) -> Identity:
        request = modbus.read_request(UNIT, IDENTITY, IDENTITY_COUNT)
        model_id, high, low, firmware = self._link.exchange(
            request, lambda heard: modbus.answer_at_end(request, heard)
        ).registers
        return Identity(
            role="supply",
            model=model_of(model_id).name,
            serial_number=f"{(high << 16) | low:08d}",
            firmware=f"{firmware // 100}.{firmware % 100:02d}",
        )

    def _read(self) -> SupplyState:
        # Each time of another length: the answer to the question before cannot pass for this one.
        self._turn = (self._turn + 1) % STATE_TURNS
        request = modbus.read_request(UNIT, STATE, STATE_COUNT + self._turn)
        registers, raw = self._exchange(request)
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

    def _protect(self, protection: Protection) -> None:
        ovp, ocp = self._counts(protection.ovp_v, protection.ocp_a)
        self._set((OVP, ovp), (OCP, ocp))

    def _read_protection(self) -> Protection:
        ovp, ocp = self._exchange(modbus.read_request(UNIT, OVP, 2)).registers
        return Protection(ovp_v=self._volts(ovp), ocp_a=self._amps(ocp))

    def _apply(self, setpoint: Setpoint) -> None:
        volts, amps = self._counts(setpoint.voltage_v, setpoint.current_a)
        self._set((VOLTAGE_SET, volts), (CURRENT_SET, amps))

    def _switch(self, on: bool) -> None:
        self._write(OUTPUT, int(on))

    def _set(self, *pairs: tuple[int, int]) -> None:
        """Write neighbouring registers and read them back."""
        for register, value in pairs:
            self._write(register, value)
        asked = tuple(value for _, value in pairs)
        kept = self._registers(pairs[0][0], len(pairs))
        if kept != asked:
            raise Refused(f"registers from {pairs[0][0]} on: asked {asked}, kept {kept}")

    def _registers(self, start: int, count: int) -> tuple[int, ...]:
        request = modbus.read_request(UNIT, start, count)
        return self._reading(lambda: self._exchange(request)).registers

    def _write(self, register: int, value: int) -> None:
        # Never retried: the supply may have obeyed and lost only the answer.
        self._exchange(modbus.write_request(UNIT, register, value))

    def _exchange(self, request: bytes) -> modbus.Answer:
        return self._link.exchange(request, lambda heard: modbus.answer(request, heard))

    def _counts(self, voltage_v: float, current_a: float) -> tuple[int, int]:
        return round(voltage_v * self._model.per_volt), round(current_a * self._model.per_amp)

    def _volts(self, counts: int) -> float:
        return counts / self._model.per_volt

    def _amps(self, counts: int) -> float:
        return counts / self._model.per_amp
