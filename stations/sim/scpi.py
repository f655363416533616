"""A SCPI instrument without its measurements: headers, parameters, error queue (IEEE 488.2).

A command table maps headers in the manuals' notation, `[SENSe:]VOLTage:DC:NPLC`, to methods:
capitals are the short form, brackets are optional, case does not matter.  Several commands in
one message are joined by ";" and their answers likewise.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass

ERRORS = {
    111: "Channel list: slot number out of range",
    112: "Channel list: channel number out of range",
    113: "Channel list: empty scan list",
    -100: "Command unknown",
    -102: "Syntax error",
    -109: "Missing parameter",
    -113: "Undefined header",
    -201: "Invalid while in local",
    -211: "Trigger ignored",
    -214: "Trigger deadlock",
    -221: "Settings conflict",
    -222: "Data out of range",
    -224: "Illegal parameter value",
    -230: "Data stale",
    -410: "Query INTERRUPTED",
    -420: "Query UNTERMINATED",
}
QUEUE_LENGTH = 20  # the oldest stay, the newest becomes -350
_EVENT_BITS = {1: 32, 2: 16, 4: 4}  # command, execution and query errors


class ScpiError(Exception):
    """A command that the instrument refuses: it goes to the error queue and is not executed."""

    def __init__(self, code: int) -> None:
        super().__init__(f"{code} {ERRORS[code]}")
        self.code = code


@dataclass(frozen=True, slots=True)
class Answer:
    """What one query is answered; `measured` marks one that carries a measurement."""

    text: str
    measured: bool = False


@dataclass(frozen=True, slots=True)
class Reply:
    """What one message is answered: its whole text, and the part of it that was measured."""

    text: str
    measured: str


Handler = Callable[[str], Answer | str | None]


def header_pattern(notation: str) -> re.Pattern[str]:
    """The expression that matches every spelling the notation allows."""
    body = notation.rstrip("?")
    query = r"\?" if notation.endswith("?") else ""
    text = re.sub(r"([A-Z*]+)([a-z]*)", _mnemonic, body)
    text = text.replace("[", "(?:").replace("]", ")?")
    return re.compile(f":?{text}{query}", re.IGNORECASE)


def _mnemonic(match: re.Match[str]) -> str:
    short, rest = match.groups()
    short = short.replace("*", r"\*")
    return f"{short}(?:{rest})?" if rest else short


class ScpiInstrument:
    """Executes messages; a subclass adds its commands with `add`."""

    UNKNOWN_HEADER = -113

    def __init__(self, identity: str) -> None:
        self._identity = identity
        self._handlers: list[tuple[re.Pattern[str], Handler]] = []
        self._found: dict[str, Handler | None] = {}
        self._errors: deque[int] = deque()
        self._overflow = False
        self._events = 0
        self._event_mask = 0
        self.add(
            {
                "*IDN?": lambda _: self._identity,
                "*CLS": self._clear,
                "*RST": self._reset,
                "*OPC": self._operation_complete,
                "*OPC?": lambda _: "1",
                "*WAI": lambda _: None,
                "*TST?": lambda _: "+0",
                "*ESE": self._enable_events,
                "*ESE?": lambda _: f"+{self._event_mask}",
                "*ESR?": self._event_status,
                "*STB?": lambda _: f"+{4 if self._errors else 0}",
                "SYSTem:ERRor[:NEXT]?": self._next_error,
                "SYSTem:VERSion?": lambda _: "1994.0",
                "SYSTem:LOCal": lambda _: None,
                "SYSTem:REMote": self._no_such_header,
            }
        )

    def add(self, commands: Mapping[str, Handler]) -> None:
        for notation, handler in commands.items():
            self._handlers.append((header_pattern(notation), handler))

    def execute(self, message: str) -> Reply | None:
        """Carry out one message; errors stop the rest of it, as the manuals say."""
        answers: list[Answer] = []
        path = ""
        for command in filter(None, (part.strip() for part in message.split(";"))):
            header, _, parameters = command.partition(" ")
            try:
                handler = self._find(header, path)
                answer = handler(parameters.strip())
            except ScpiError as error:
                self.queue_error(error.code)
                break
            if not header.startswith("*"):
                path = header.lstrip(":").rpartition(":")[0] or path
            if answer is not None:
                answers.append(Answer(answer) if isinstance(answer, str) else answer)
        if not answers:
            return None
        return Reply(
            ";".join(answer.text for answer in answers),
            ";".join(answer.text for answer in answers if answer.measured),
        )

    def queue_error(self, code: int) -> None:
        """Queue `code` and set its class in the standard event register."""
        self._events |= _EVENT_BITS.get(code // -100, 0)
        if len(self._errors) < QUEUE_LENGTH:
            self._errors.append(code)
        else:
            self._overflow = True

    def reset_settings(self) -> None:
        """What *RST does to the settings."""

    def _find(self, header: str, path: str) -> Handler:
        # After ";" a header continues the path of the one before it.
        for spelling in (f"{path}:{header}" if path else header, header):
            if spelling not in self._found:
                self._found[spelling] = next(
                    (h for pattern, h in self._handlers if pattern.fullmatch(spelling)), None
                )
            if (handler := self._found[spelling]) is not None:
                return handler
        raise ScpiError(self.UNKNOWN_HEADER)

    def _no_such_header(self, _: str) -> None:
        raise ScpiError(self.UNKNOWN_HEADER)

    def _clear(self, _: str) -> None:
        self._errors.clear()
        self._overflow = False
        self._events = 0

    def _operation_complete(self, _: str) -> None:
        self._events |= 1

    def _enable_events(self, text: str) -> None:
        self._event_mask = int(number(text, low=0, high=255, default=0))

    def _event_status(self, _: str) -> str:
        events, self._events = self._events, 0
        return f"+{events}"

    def _reset(self, _: str) -> None:
        self.reset_settings()

    def _next_error(self, _: str) -> str:
        if self._errors:
            code = self._errors.popleft()
            return f'{code:+d},"{ERRORS[code]}"'
        if self._overflow:
            self._overflow = False
            return '-350,"Queue overflow"'
        return '+0,"No error"'


def number(text: str, *, low: float, high: float, default: float) -> float:
    """A numeric parameter: MIN, MAX, DEF or a number with an optional unit of volts."""
    word = text.strip().upper()
    if not word:
        raise ScpiError(-109)
    named = {"MIN": low, "MAX": high, "DEF": default}
    named |= {"MINIMUM": low, "MAXIMUM": high, "DEFAULT": default}
    if word in named:
        return named[word]
    try:
        value = float(word.removesuffix("V").strip())
    except ValueError as error:
        raise ScpiError(-224) from error
    if not low <= value <= high:
        raise ScpiError(-222)
    return value


def next_step(value: float, steps: tuple[float, ...]) -> float:
    """The smallest setting that holds `value`."""
    return next(step for step in steps if step >= value)


def boolean(text: str) -> bool:
    word = text.strip().upper()
    if word in ("1", "ON"):
        return True
    if word in ("0", "OFF"):
        return False
    raise ScpiError(-224 if word else -109)


def scientific(value: float) -> str:
    """`+3.29876543E+00`, the form of both Keysight families."""
    return f"{value:+.8E}"
