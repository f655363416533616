"""Links to instruments: SCPI text over a VISA socket, frames over a serial line.

A link does one exchange at a time and keeps one promise: what it returns answers what was just
asked.  Whatever goes wrong — silence, half a line, a second line, a peer that hangs up — it
drops the connection, so that an answer that comes late finds nobody listening; the next
exchange makes a new one.  `session` counts connections and is 0 while there is none, so a
driver sees that the other end may have been restarted.

Nothing is ever sent twice from here.  A driver may repeat a read once with `twice`.
"""

from __future__ import annotations

import os
import select
import termios
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar, cast

import pyvisa
import serial
from pyvisa.constants import StatusCode
from pyvisa.resources import TCPIPSocket

from stations.clock import guard_s
from stations.drivers.protocols import BadReply, InstrumentError, InstrumentSilent
from stations.drivers.visa_socket import HUNG_UP, TOO_LONG, WHOLE, SocketSession, session_of

T = TypeVar("T")

REPLY_MAX = 4096  # bytes; 60 scanner channels of 16 characters are under 1,000

_managing = threading.Lock()  # PyVISA makes its one manager when first asked, from any thread


def always() -> bool:
    return True


def twice(read: Callable[[], T], may_repeat: Callable[[], bool] = always) -> T:
    """Try a read once more if it failed on the wire; never wrap a write in this.

    `may_repeat` is asked after the failure: somebody may be waiting for the line by then.
    """
    try:
        return read()
    except (InstrumentSilent, BadReply):
        if not may_repeat():
            raise
        return read()


class ScpiLink:
    """Lines of ASCII to and from one instrument at `TCPIP::host::port::SOCKET`."""

    def __init__(self, resource: str, timeout_s: float) -> None:
        self.session = 0
        self._resource_name = resource
        self._timeout_s = timeout_s
        self._sessions = 0
        self._resource: TCPIPSocket | None = None
        self._wire: SocketSession | None = None

    def ask(self, command: str, parse: Callable[[str], T], *, busy_s: float = 0.0) -> T:
        """What `parse` makes of the one line that answers `command`; it may raise BadReply.

        `busy_s` is how long the instrument needs to measure, on top of the link's time-out.
        """
        deadline = guard_s() + self._timeout_s + busy_s
        try:
            return parse(self._line(self._send(command), command, deadline))
        except InstrumentError:
            self.close()
            raise
        except (pyvisa.Error, OSError) as error:
            raise self._lost(error) from error

    def tell(self, command: str) -> None:
        """Send a command that has no answer; never repeated, so ask what became of it."""
        try:
            self._send(command)
        except InstrumentError:
            self.close()
            raise
        except (pyvisa.Error, OSError) as error:
            raise self._lost(error) from error

    def reopen(self) -> None:
        self.close()
        self._open()

    def close(self) -> None:
        resource, self._resource, self._wire, self.session = self._resource, None, None, 0
        if resource is not None:
            resource.close()

    def _lost(self, error: Exception) -> InstrumentSilent:
        self.close()
        return InstrumentSilent(f"{self._resource_name}: {error}; check the cable")

    def _send(self, command: str) -> SocketSession:
        wire = self._wire
        if wire is None:
            wire = self._open()
        else:
            stray = wire.stray()
            if stray == b"":
                raise InstrumentSilent(f"{self._resource_name} hung up; ask again to reconnect")
            if stray is not None:
                raise BadReply(f"{self._resource_name} spoke unasked: {stray[:64]!r}; ask again")
        _, status = wire.write(command.encode("ascii") + b"\n")
        if status != StatusCode.success:
            raise InstrumentSilent(f"{self._resource_name} does not take {command}")
        return wire

    def _line(self, wire: SocketSession, command: str, deadline: float) -> str:
        wire.timeout = deadline - guard_s()
        reply, status = wire.read(REPLY_MAX)
        if status != WHOLE:
            raise self._no_line(command, reply, status)
        line = reply[:-1].decode("latin-1")
        if not (line.isascii() and line.isprintable()) or wire.has_more:
            raise BadReply(f"{self._resource_name}: not one line of text to {command}: {reply!r}")
        return line

    def _no_line(self, command: str, heard: bytes, status: StatusCode) -> InstrumentError:
        if status == TOO_LONG:
            return BadReply(f"{self._resource_name}: endless answer to {command}: {heard!r}")
        event = "hung up, no answer" if status == HUNG_UP else "no answer"
        after = f" after {heard!r}" if heard else ""
        return InstrumentSilent(f"{self._resource_name}: {event} to {command}{after}")

    def _open(self) -> SocketSession:
        patience_ms = max(1, int(self._timeout_s * 1000))
        try:
            resource = cast(
                TCPIPSocket,
                _manager().open_resource(
                    self._resource_name, open_timeout=patience_ms, resource_pyclass=TCPIPSocket
                ),
            )
        except Exception as error:  # pyvisa-py raises bare Exception if it cannot connect
            raise InstrumentSilent(
                f"{self._resource_name} does not connect ({error}); is it switched on?"
            ) from error
        resource.read_termination = "\n"
        self._sessions += 1
        self.session = self._sessions
        self._resource, self._wire = resource, session_of(resource)
        return self._wire


def _manager() -> pyvisa.ResourceManager:
    with _managing:
        return pyvisa.ResourceManager("@py")


class SerialLink:
    """Frames to and from one device on a serial line that no other program may share.

    A serial line cannot be hung up: on a new session the answer to a question of the last one
    may still come.  A device answers in order, so a driver first asks a question whose answer
    no other resembles, and passes over everything before that answer.

    DTR and RTS stay as pyserial leaves them on opening; a pseudo-terminal does not have them.
    """

    def __init__(self, path: str, baud: int, timeout_s: float) -> None:
        self.session = 0
        self._path = path
        self._baud = baud
        self._timeout_s = timeout_s
        self._sessions = 0
        self._port: serial.Serial | None = None
        self._input = select.poll()

    def exchange(
        self, request: bytes, parse: Callable[[bytes], T | None], *, quiet_s: float = 0.0
    ) -> T:
        """Send `request` once and return what `parse` makes of the reply.

        `parse` sees everything heard since, block by block; it returns None while the reply
        is not whole and raises BadReply as soon as it cannot be right.  For a device whose
        replies have no end but silence, `parse` sees a reply once, `quiet_s` after its last byte.
        """
        with self._opened() as port:
            return self._exchange(port, request, parse, quiet_s)

    def tell(self, request: bytes, *, quiet_s: float) -> None:
        """Send what has no answer and leave the device alone for `quiet_s`; never repeated."""
        with self._opened() as port:
            line = self._send(port, request)
            if self._input.poll(quiet_s * 1000):
                heard = self._block(line)
                raise BadReply(
                    f"{self._path} answered {heard!r} to {request!r}, which asks nothing"
                )

    def reopen(self) -> None:
        self.close()
        try:
            self._open()
        except (OSError, termios.error) as error:
            raise self._lost(error) from error

    def close(self) -> None:
        port, self._port, self.session = self._port, None, 0
        if port is not None:
            port.close()

    def _lost(self, error: Exception) -> InstrumentSilent:
        self.close()
        return InstrumentSilent(f"{self._path}: {error}; check the cable, and who else holds it")

    @contextmanager
    def _opened(self) -> Iterator[serial.Serial]:
        """The port for one exchange; whatever goes wrong in it drops the session."""
        try:
            yield self._port or self._open()
        except InstrumentError:
            self.close()
            raise
        except (OSError, termios.error) as error:  # SerialException is an OSError
            raise self._lost(error) from error

    def _open(self) -> serial.Serial:
        # It only sets the line up: we wait and read ourselves, with one deadline for an exchange.
        self._port = serial.Serial(self._path, self._baud, timeout=0, exclusive=True)
        self._input = select.poll()
        self._input.register(self._port, select.POLLIN)
        self._sessions += 1
        self.session = self._sessions
        return self._port

    def _send(self, port: serial.Serial, request: bytes) -> int:
        """Discard what lies on the line, then send; the line's descriptor."""
        line = int(port.fileno())
        termios.tcflush(line, termios.TCIFLUSH)
        if os.write(line, request) != len(request):
            raise InstrumentSilent(f"{self._path} takes no more; is the device on?")
        return line

    def _block(self, line: int) -> bytes:
        block = os.read(line, REPLY_MAX)
        if not block:
            raise InstrumentSilent(f"{self._path}: unplugged; check the cable")
        return block

    def _exchange(
        self,
        port: serial.Serial,
        request: bytes,
        parse: Callable[[bytes], T | None],
        quiet_s: float,
    ) -> T:
        deadline = guard_s() + self._timeout_s
        line = self._send(port, request)
        heard = b""
        while len(heard) <= REPLY_MAX:
            left_s = max(0.0, deadline - guard_s())
            patience_s = min(quiet_s, left_s) if quiet_s and heard else left_s
            is_quiet = not self._input.poll(patience_s * 1000)
            if not is_quiet:
                heard += self._block(line)
            if heard and is_quiet == bool(quiet_s):
                result = parse(heard)
                if result is not None:
                    return result
            if is_quiet:
                after = f" after {heard[-64:].hex(' ')}" if heard else ""
                raise InstrumentSilent(f"{self._path}: no answer{after}; is the device on?")
        raise BadReply(f"{self._path}: noise without end: {heard[-64:].hex(' ')}; check the cable")
