"""JBD (Xiaoxiang, LLT, Overkill) battery management systems: DD..77 frames, 9600 baud 8N1.

Register map from Overkill Solar's `JBD_REGISTER_MAP.md`, venus-os_dbus-serialbattery `lltjbd.py`
and syssi/esphome-jbd-bms `jbd_bms.cpp`.  Only read here: its settings stay the customer's, and
factory mode, in which alone it tells them, is left without storing.  The board sleeps, and the
request that wakes it gets no answer; so silence is asked again before it is called that, and
never taken for 0 V.  Its ground is not the pack's minus: use an isolated adapter.  Cells are good
to 5 to 10 mV: enough to see which is first, not to decide a cut-off.
"""

from __future__ import annotations

import struct
from contextlib import suppress

from stations.drivers.manners import KnownInstrument
from stations.drivers.protocols import BadReply, BmsState, InstrumentSilent, Refused
from stations.drivers.transport import SerialLink
from stations.values import NAN, BmsRatings, Identity, Window

BAUD = 9600
START, READ, WRITE, END = 0xDD, 0xA5, 0x5A, 0x77
AROUND = 7  # start, register, status, length; check sum in two; end
BASIC, CELLS, NAME = 0x03, 0x04, 0x05
ENTER, LEAVE, CELL_OVER = 0x00, 0x01, 0x24
FACTORY, DISCARD = bytes.fromhex("56 78"), bytes(2)
WAKE_TRIES = 2  # and every read is repeated once more by itself

BASIC_FORM = ">HhHHHHHHHBBBBB"  # to the number of probes, whose values follow
PROTECTIONS = (
    "cell OV",
    "cell UV",
    "pack OV",
    "pack UV",
    "charge OT",
    "charge UT",
    "discharge OT",
    "discharge UT",
    "charge OC",
    "discharge OC",
    "short",
    "front end",
    "MOS lock",
    "charge time",
)
CELL_MAX_V = 5.0
PROBE_C = Window(-55.0, 125.0)
ZERO_C = 2731  # tenths of a kelvin

RATINGS = BmsRatings(
    model="JBD BMS",
    cells_max=32,
    resolution_v=0.001,
    accuracy_v=0.010,
    current_resolution_a=0.01,
    tells_setting=True,
)


class JbdBms(KnownInstrument[SerialLink]):
    """Known by the name it bears, which its app can set: it tells no serial number."""

    ratings = RATINGS

    def __init__(self, path: str, *, timeout_s: float) -> None:
        super().__init__(SerialLink(path, BAUD, timeout_s), RATINGS.model)

    def prepare(self) -> None:
        self.identify()

    def read(self) -> BmsState:
        return self._reading(self._read)

    def cell_over_v(self) -> float:
        """Volts of a cell at which it is set to stop charge; NaN where it refuses to tell.

        While it is asked it is in factory mode: with every output off only.
        """
        try:
            self._write(ENTER, FACTORY)
            told = self._ask(CELL_OVER)
        except Refused:
            return NAN
        finally:
            with suppress(Refused):
                self._write(LEAVE, DISCARD)
        if len(told) != 2:
            raise BadReply(f"no voltage in {told.hex(' ')}; ask again")
        return int.from_bytes(told, "big") / 1000

    def _ask_identity(self) -> Identity:
        for _ in range(WAKE_TRIES - 1):
            with suppress(InstrumentSilent):
                return self._named()
        try:
            return self._named()
        except InstrumentSilent as silence:
            words = f"{silence} It may be asleep: charge it or press its button"
            raise InstrumentSilent(words) from silence

    def _named(self) -> Identity:
        data = self._link.exchange(request(NAME), lambda heard: _at_end(NAME, heard))
        if data[:1] == bytes((len(data) - 1,)):
            data = data[1:]  # some firmware counts the text once more
        name = data.rstrip(b"\0 ").decode("latin-1")
        if not (name and name.isascii() and name.isprintable()):
            raise BadReply(f"no name: {data!r}; ask again")
        version = self._ask(BASIC)[18]
        return Identity("bms", RATINGS.model, name, f"{version >> 4}.{version & 15}")

    def _read(self) -> BmsState:
        basic, cells = self._ask(BASIC), self._ask(CELLS)
        fields = struct.unpack_from(BASIC_FORM, basic)
        pack, current, protection = fields[0], fields[1], fields[8]
        switches, count, probes = fields[11:]
        volts = [value / 1000 for value in struct.unpack(f">{len(cells) // 2}H", cells)]
        if len(volts) != count or len(basic) < 23 + 2 * probes or max(volts) > CELL_MAX_V:
            raise BadReply(f"{count} cells, {probes} probes, {volts} V: ask again")
        return BmsState(
            cell_volts=tuple(volts),
            pack_voltage_v=pack / 100,
            current_a=current / 100,
            temperatures_c=tuple(map(_celsius, struct.unpack_from(f">{probes}H", basic, 23))),
            charge_on=bool(switches & 1),
            discharge_on=bool(switches & 2),
            protections=frozenset(
                name for bit, name in enumerate(PROTECTIONS) if protection >> bit & 1
            ),
            raw=f"{basic.hex(' ')} | {cells.hex(' ')}",
        )

    def _ask(self, register: int) -> bytes:
        return self._link.exchange(request(register), lambda heard: _payload(register, heard))

    def _write(self, register: int, data: bytes) -> None:
        self._link.exchange(
            request(register, data, kind=WRITE), lambda heard: _payload(register, heard)
        )


def request(register: int, data: bytes = b"", *, kind: int = READ) -> bytes:
    body = bytes((register, len(data))) + data
    return bytes((START, kind)) + body + checksum(body) + bytes((END,))


def checksum(body: bytes) -> bytes:
    return (-sum(body) & 0xFFFF).to_bytes(2, "big")


def _payload(register: int, heard: bytes) -> bytes | None:
    """The data of the one frame that answers, None while it is not whole.

    Frames end by their length: 0x77 may also stand in the data.
    """
    head = bytes((START, register))
    if not head.startswith(heard[:2]):
        raise BadReply(f"{heard.hex(' ')} does not answer register {register:02X}; read again")
    if len(heard) < 4 or len(heard) < heard[3] + AROUND:
        return None
    body, tail = heard[2 : 4 + heard[3]], heard[4 + heard[3] :]
    if tail != checksum(body) + bytes((END,)):
        raise BadReply(f"not one whole frame: {heard.hex(' ')}; read again")
    if body[0]:
        raise Refused(f"the BMS refuses register {register:02X} (status {body[0]:02X})")
    if register == BASIC and len(body) < 2 + struct.calcsize(BASIC_FORM):
        raise BadReply(f"too short for register {register:02X}: {heard.hex(' ')}; read again")
    if register == CELLS and (len(body) < 4 or len(body) % 2):
        raise BadReply(f"no cells in {heard.hex(' ')}; read again")
    return body[2:]


def _at_end(register: int, heard: bytes) -> bytes | None:
    """Like `_payload`, but passes over anything before it: for finding the beat after a fault."""
    try:
        return _payload(register, heard[max(0, heard.rfind(bytes((START, register)))) :])
    except BadReply:
        return None


def _celsius(tenths_kelvin: int) -> float:
    value = (tenths_kelvin - ZERO_C) / 10
    return value if PROBE_C.contains(value) else NAN
