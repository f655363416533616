"""R4DCB08 logger for eight DS18B20 probes: Modbus RTU, 9600 baud 8N1, one box on the line.

Registers from acpiccolo/R4DCB08-Temperature-Collector (`src/protocol.rs`), which follows the
maker's "R4DCB08 modbus rtu protocol".  The box bears no serial number: it is known by its bus
address, so give each box of the shop its own.
"""

from __future__ import annotations

from stations.drivers import modbus
from stations.drivers.manners import KnownInstrument
from stations.drivers.protocols import BadReply, OutOfRange, Refused, Temperatures
from stations.drivers.transport import SerialLink
from stations.values import NAN, Identity, ThermometerRatings, Window

BAUD = 9600
ANYONE = 0xFF  # whom to ask for the address
CHANNELS = 8
TEMPERATURES, REPORT, ADDRESS = 0x0000, 0x00FD, 0x00FE
NO_PROBE = 0x8000
FAILED = 850  # tenths: what a probe holds before its first conversion, so never believed

RATINGS = ThermometerRatings(
    model="R4DCB08",
    range_c=Window(-55.0, 125.0),
    resolution_c=0.1,
    accuracy_c=0.5,  # of the probe, from -10 to 85 degC
    channels=CHANNELS,
)


class R4dcb08(KnownInstrument[SerialLink]):
    ratings = RATINGS

    def __init__(self, path: str, *, channels: tuple[int, ...] = (), timeout_s: float) -> None:
        """`channels` 1..8 in the order wanted; none means all eight."""
        if len(set(channels)) != len(channels) or any(c not in range(1, 9) for c in channels):
            raise OutOfRange(f"channels {channels}: name each of 1..{CHANNELS} at most once")
        super().__init__(SerialLink(path, BAUD, timeout_s), RATINGS.model)
        self._places = [channel - 1 for channel in channels or range(1, CHANNELS + 1)]
        self._unit = 0

    def prepare(self) -> None:
        """See the box, and see to it that it speaks only when it is asked."""
        self.identify()
        if self._registers(REPORT, 1) != (0,):
            request = modbus.write_request(self._unit, REPORT, 0)
            self._link.exchange(request, lambda heard: modbus.answer(request, heard))
            if self._registers(REPORT, 1) != (0,):
                raise Refused("the logger goes on reporting unasked; set its report time to 0")

    def measure(self) -> Temperatures:
        registers, raw = self._reading(lambda: self._ask(TEMPERATURES, CHANNELS))
        celsius = [_celsius(value) for value in registers]
        return Temperatures(tuple(celsius[place] for place in self._places), raw.hex(" "))

    def _ask_identity(self) -> Identity:
        request = modbus.read_request(ANYONE, ADDRESS, 1)
        self._unit = self._link.exchange(request, _address)
        return Identity("thermometer", RATINGS.model, f"{self._unit:03d}", "")

    def _registers(self, start: int, count: int) -> tuple[int, ...]:
        return self._reading(lambda: self._ask(start, count)).registers

    def _ask(self, start: int, count: int) -> modbus.Answer:
        request = modbus.read_request(self._unit, start, count)
        return self._link.exchange(request, lambda heard: modbus.answer(request, heard))


def _address(heard: bytes) -> int | None:
    """The address at the end of what was heard; a box answers as itself or as `ANYONE`."""
    frame = heard[-modbus.reply_length(modbus.read_request(ANYONE, ADDRESS, 1)) :]
    request = modbus.read_request(frame[0], ADDRESS, 1)
    answer = modbus.answer_at_end(request, frame)
    if answer is None:
        return None
    (address,) = answer.registers
    if frame[0] not in (address, ANYONE):
        raise BadReply(f"box {frame[0]} says it is {address}: ask again")
    return address


def _celsius(register: int) -> float:
    tenths = register - 0x10000 if register > NO_PROBE else register
    if register in (NO_PROBE, FAILED) or not RATINGS.range_c.contains(tenths / 10):
        return NAN
    return tenths / 10
