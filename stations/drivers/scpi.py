"""Replies of Keysight's SCPI instruments, read strictly: a whole line or nothing.

Formats from the "34460A/61A/65A/70A Operating and Service Guide" and the "34970A/34972A Command
Reference": *IDN?, SYST:ERR?, and readings as `+3.29876543E+00`; 9.9E+37 stands for an overload
and 9.91E+37 for no reading (SCPI-1999, section 7.2.1).
"""

from __future__ import annotations

import math
import re
from abc import abstractmethod
from functools import partial

from stations.drivers.manners import KnownInstrument
from stations.drivers.protocols import BadReply, Measured, Refused, WrongInstrument
from stations.drivers.transport import ScpiLink, twice
from stations.values import Identity

ERRORS_MAX = 32  # the queues hold 20 entries
TURNS = 255  # what the event status enable register holds (IEEE 488.2, section 11.5.1)

_IDENTITY = re.compile(
    r"(?:Keysight|Agilent) Technologies,(\w{3,12}),([A-Z0-9]{6,16}),([\w.-]{1,64})"
)
_ERROR = re.compile(r'([+-]?\d{1,4}),"([^"]{1,255})"')
_NO_NUMBER = re.compile(r"[+-]9\.91?0*E\+37")


def identity(line: str, *, role: str, model: str) -> Identity:
    """The *IDN? reply of a `model`; any other model is a WrongInstrument."""
    match = _IDENTITY.fullmatch(line)
    if match is None:
        raise BadReply(f"not an identity: {line!r}; ask again")
    found, serial_number, firmware = match.groups()
    if found != model:
        raise WrongInstrument(f"expected a {model}, found {line!r}; check the address")
    return Identity(role=role, model=found, serial_number=serial_number, firmware=firmware)


def volts(token: str, pattern: re.Pattern[str], *, limit_v: float, digits: int) -> float:
    """One reading rounded to `digits` decimals; the sentinels for "no number" become NaN.

    `pattern` is the exact format of the instrument, so that a number that lost a character is
    refused; so is a value beyond `limit_v`, which the configured range cannot have measured.
    """
    if pattern.fullmatch(token):
        value = float(token)
        if abs(value) <= limit_v:
            return round(value, digits)
    if _NO_NUMBER.fullmatch(token):
        return math.nan
    raise BadReply(f"not a reading: {token!r}; ask again")


def next_error(link: ScpiLink) -> str:
    """The oldest entry of the error queue, taken out of it; "" when there is none."""
    return link.ask("SYST:ERR?", _error)


def forget_errors(link: ScpiLink) -> None:
    """Empty the error queue of what happened before us."""
    for _ in range(ERRORS_MAX):
        if not next_error(link):
            return
    raise Refused("the error queue does not empty; switch the instrument off and on")


def refuse_errors(link: ScpiLink, doing: str) -> None:
    """Raise Refused if the instrument reports that something went wrong since."""
    error = next_error(link)
    if error:
        forget_errors(link)
        raise Refused(f"{doing} was refused: {error}; check its set-up and firmware")


def _error(line: str) -> str:
    match = _ERROR.fullmatch(line)
    if match is None:
        raise BadReply(f"not an error report: {line!r}; ask again")
    return "" if int(match[1]) == 0 else line


class ScpiVoltmeter(KnownInstrument[ScpiLink]):
    """What a meter and a scanner share: set up anew on every connection."""

    def __init__(
        self, resource: str, *, role: str, model: str, timeout_s: float, busy_s: float
    ) -> None:
        super().__init__(ScpiLink(resource, timeout_s), model)
        self._role = role
        self._busy_s = busy_s  # what a reading takes by itself
        self._prepared = -1  # the link's session that was set up
        self._turn = 0

    @abstractmethod
    def _set_up(self) -> None:
        """Set what readings depend on, read it back, and see an empty error queue."""

    @abstractmethod
    def _measured(self, line: str) -> Measured:
        """The reply to READ? as volts; raises BadReply."""

    def prepare(self) -> None:
        self._meet()
        session = self._link.session
        forget_errors(self._link)
        self._set_up()
        self._prepared = session

    def measure(self) -> Measured:
        return twice(self._measure)

    def _ask_identity(self) -> Identity:
        return self._link.ask(
            "*IDN?", lambda line: identity(line, role=self._role, model=self._model_name)
        )

    def _measure(self) -> Measured:
        if self._prepared != self._link.session:
            self.prepare()  # a new connection: it may have been switched off meanwhile
        # A number goes out with each question and must come back with its answer, so that no
        # answer that is late, doubled or somebody else's can ever be taken for this one.  The
        # register that carries it means nothing here: nobody asks for service requests.
        self._turn = turn = self._turn % TURNS + 1
        question = f"*ESE {turn};*ESE?;:READ?"
        return self._link.ask(question, partial(self._paired, turn), busy_s=self._busy_s)

    def _paired(self, turn: int, line: str) -> Measured:
        number, _, reading = line.partition(";")
        if number not in (f"{turn}", f"+{turn}"):
            raise BadReply(f"not the answer to question {turn}: {line!r}; ask again")
        return self._measured(reading)
