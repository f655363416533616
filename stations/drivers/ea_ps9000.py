"""EA Elektro-Automatik PS 9000 and PSI 9000 supplies: SCPI on LAN, port 5025.

Commands from "Programming Guide ModBus & SCPI" (PGMBEN, revision 17, sections 5.2 to 5.4), as
quoted in public drivers: nominal-io/instro `ea_psb10000.py` and PythonEquipmentDrivers
`_intepro_psi9000.py`.  Three habits shape this file.  Nothing is set before SYST:LOCK ON, which
may be refused without a word.  Errors are told only when asked for, and asking acknowledges
alarms: so the status registers are read first, every time.  Replies carry their unit on some
firmware and not on other.  There is no watchdog on this series that we know of.
"""

from __future__ import annotations

import re
from contextlib import suppress
from functools import partial

from stations.drivers import scpi
from stations.drivers.manners import Supply
from stations.drivers.protocols import (
    BadReply,
    InstrumentError,
    Refused,
    SupplyState,
    WrongInstrument,
)
from stations.drivers.transport import ScpiLink
from stations.values import Identity, Protection, Setpoint, SupplyRatings

THRESHOLD_FACTOR_MAX = 1.1  # of nominal, OVP and OCP; some series stop at 1.03 and say so
MEASURED_FACTOR_MAX = 1.25
POWER_SHARE = 0.02  # of nominal: V x A and the W of one reply agree at least so well
ALARMS = {0: "OVP", 1: "OCP", 2: "OPP", 3: "OT", 13: "PF"}  # bits of STAT:QUES
CV, CC = 8, 9  # bits of STAT:OPER
NEVER_BY_ITSELF = (  # each AUTO of these may switch the output on without us
    "SYST:CONF:OUTP:REST",
    "SYST:ALAR:ACT:PF",
    "SYST:ALAR:ACT:OTEM",
    "POW:STAG:AFT:REM",
)

_IDENTITY = re.compile(r"EA[ -]Elektro-Automatik[^,]*,([^,]+),([^,]+),([^,]+)(?:,.*)?")
_QUANTITY = re.compile(r"(-?\d{1,4}(?:\.\d{1,4})?) ?([VAW]?)")
_REGISTER = re.compile(r"\d{1,5}")


def _ratings(model: str, volts: float, amps: float, watts: float) -> SupplyRatings:
    return SupplyRatings(
        model=model,
        voltage_max_v=volts,
        current_max_a=amps,
        power_max_w=watts,
        voltage_resolution_v=0.01,
        current_resolution_a=0.1,  # as replies show it; a finer display does no harm
        voltage_accuracy_v=0.001 * volts,  # 0.1 % of rating; not a figure of the maker's
        has_watchdog=False,
    )


PS_9080_60_T = _ratings("PS 9080-60 T", 80.0, 60.0, 1500.0)
PSI_9080_60_T = _ratings("PSI 9080-60 T", 80.0, 60.0, 1500.0)


class EaPs9000(Supply[ScpiLink]):
    """One supply, expected to be of `ratings.model`; its own nominal values must agree."""

    def __init__(self, resource: str, *, ratings: SupplyRatings, timeout_s: float) -> None:
        super().__init__(
            ScpiLink(resource, timeout_s),
            ratings,
            ovp_max_v=THRESHOLD_FACTOR_MAX * ratings.voltage_max_v,
            ocp_max_a=THRESHOLD_FACTOR_MAX * ratings.current_max_a,
        )
        self._remote = 0  # the link's session in which we took remote control
        self._alarm = ""  # the first one seen since the output was last switched on

    def prepare(self) -> None:
        """See the right model, take remote control, and let nothing come on by itself."""
        self.identify()
        rated = self.ratings
        nominal = {"VOLT": rated.voltage_max_v, "CURR": rated.current_max_a}
        for what, expected in (nominal | {"POW": rated.power_max_w}).items():
            told = self._link.ask(f"SYST:NOM:{what}?", quantity)
            if told != expected:
                raise WrongInstrument(f"expected {what} {expected:g} of {rated}, it says {told:g}")
        self._take_remote()
        for setting in NEVER_BY_ITSELF:
            if self._link.ask(f"{setting}?", str) != "OFF":
                self._tell(f"{setting} OFF")
                if self._link.ask(f"{setting}?", str) != "OFF":
                    raise Refused(f"{setting} stays on AUTO; switch it off in the supply's menu")

    def _ask_identity(self) -> Identity:
        return self._link.ask("*IDN?", partial(_identity, self.ratings.model))

    def _read(self) -> SupplyState:
        self._note_alarm()
        operation = self._link.ask("STAT:OPER:COND?", _register)
        voltage_v, current_a, raw = self._link.ask("MEAS:ARR?", self._measured)
        setpoint = Setpoint(self._link.ask("VOLT?", quantity), self._link.ask("CURR?", quantity))
        output_on = self._link.ask("OUTP?", _is_on)
        return SupplyState(
            setpoint=setpoint,
            voltage_v=voltage_v,
            current_a=current_a,
            output_on=output_on,
            regulation="CV" if operation >> CV & 1 else "CC" if operation >> CC & 1 else "",
            tripped="" if output_on else self._alarm,
            raw=raw,
        )

    def _apply(self, setpoint: Setpoint) -> None:
        self._remotely()
        self._tell(f"VOLT {setpoint.voltage_v:.2f}", f"CURR {setpoint.current_a:.1f}")
        kept = self._link.ask("VOLT?", quantity), self._link.ask("CURR?", quantity)
        self._refuse_other((setpoint.voltage_v, setpoint.current_a), kept)

    def _protect(self, protection: Protection) -> None:
        self._remotely()
        self._tell(f"VOLT:PROT {protection.ovp_v:.2f}", f"CURR:PROT {protection.ocp_a:.1f}")
        kept = self._read_protection()
        self._refuse_other((protection.ovp_v, protection.ocp_a), (kept.ovp_v, kept.ocp_a))

    def _read_protection(self) -> Protection:
        ovp_v = self._link.ask("VOLT:PROT?", quantity)
        return Protection(ovp_v, self._link.ask("CURR:PROT?", quantity))

    def _switch(self, on: bool) -> None:
        if on:
            self._take_remote()  # which also acknowledges the alarms of before
            self._alarm = ""
            self._tell("OUTP ON")
            return
        self._link.tell("SYST:LOCK ON")
        self._link.tell("OUTP OFF")
        if self._link.ask("OUTP?", _is_on):
            raise Refused("the output stays on; another interface or the panel may hold it")

    def _release(self) -> None:
        """Leaving remote control also switches off, see NEVER_BY_ITSELF."""
        if self._remote and self._remote == self._link.session:
            with suppress(InstrumentError):
                self._link.tell("SYST:LOCK OFF")

    def _remotely(self) -> None:
        if self._remote != self._link.session:
            self._take_remote()

    def _take_remote(self) -> None:
        self._note_alarm()
        scpi.forget_errors(self._link)
        self._link.tell("SYST:LOCK ON")
        owner = self._link.ask("SYST:LOCK:OWN?", str)
        if owner != "REMOTE":
            raise Refused(f"remote control stays with {owner!r}; leave the supply's menu or lock")
        self._remote = self._link.session

    def _tell(self, *commands: str) -> None:
        """Send once, then hear what became of it; alarms are noted before that clears them."""
        for command in commands:
            self._link.tell(command)
        self._note_alarm()
        scpi.refuse_errors(self._link, ", ".join(commands))

    def _note_alarm(self) -> None:
        now = self._link.ask("STAT:QUES:COND?", _register)
        since = self._link.ask("STAT:QUES:EVEN?", _register)
        names = [name for bit, name in ALARMS.items() if (now | since) >> bit & 1]
        self._alarm = self._alarm or (names or [""])[0]

    def _measured(self, line: str) -> tuple[float, float, str]:
        """Volts and amps of a reply like `52.80 V, 40.0 A, 2112 W`, held against its watts."""
        matches = [_QUANTITY.fullmatch(part.strip()) for part in line.split(",")]
        found = [(float(match[1]), match[2]) for match in matches if match]
        units = "".join(unit for _, unit in found)
        if len(matches) != 3 or len(found) != 3 or units not in ("VAW", ""):
            raise BadReply(f"not volts, amps and watts: {line!r}; ask again")
        (volts, _), (amps, _), (watts, _) = found
        rated = self.ratings
        fits = abs(volts * amps - watts) <= POWER_SHARE * rated.power_max_w
        within = abs(volts) <= MEASURED_FACTOR_MAX * rated.voltage_max_v
        if not (fits and within and abs(amps) <= MEASURED_FACTOR_MAX * rated.current_max_a):
            raise BadReply(f"{line!r} cannot be a {rated.model}; ask again")
        return volts, amps, line

    def _refuse_other(self, asked: tuple[float, float], kept: tuple[float, float]) -> None:
        steps = self.ratings.voltage_resolution_v, self.ratings.current_resolution_a
        for want, have, step in zip(asked, kept, steps, strict=True):
            if not abs(want - have) <= step + 1e-9:
                raise Refused(f"asked {asked}, kept {kept}; check its adjustment limits")


def quantity(text: str) -> float:
    """`58.40V`, `58.40 V` and `58.40` are one number; anything else is none."""
    match = _QUANTITY.fullmatch(text)
    if match is None:
        raise BadReply(f"not a quantity: {text!r}; ask again")
    return float(match[1])


def _identity(expected: str, line: str) -> Identity:
    match = _IDENTITY.fullmatch(line)
    if match is None and line.count(",") < 3:
        raise BadReply(f"not an identity: {line!r}; ask again")
    if match is None:
        raise WrongInstrument(f"expected a {expected}, found {line!r}; check the address")
    return Identity("supply", match[1].strip(), match[2].strip(), match[3].strip())


def _register(text: str) -> int:
    if not _REGISTER.fullmatch(text):
        raise BadReply(f"not a status register: {text!r}; ask again")
    return int(text)


def _is_on(text: str) -> bool:
    if text not in ("ON", "OFF"):
        raise BadReply(f"neither ON nor OFF: {text!r}; ask again")
    return text == "ON"
