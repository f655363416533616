"""Links to instruments: SCPI text over a VISA socket, frames over a serial line.

A link does one exchange at a time and keeps one promise: what it returns answers what was just
asked.  Whatever goes wrong — silence, half a line, a second line, a peer that hangs up — it
drops the connection, so that an answer that comes late finds nobody listening; the next
exchange makes a new one.  `session` counts connections and is 0 while there is none, so a
driver sees that the other end may have been restarted.

Nothing is ever sent twice from here.  A driver may repeat a read once with `twice`.
"""

from __future__ import annotations

import fcntl
import select
import socket
import struct
import termios
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, NamedTuple, TypeVar, cast

import pyvisa
import serial
from pyvisa.constants import StatusCode
from pyvisa.resources import TCPIPSocket

from stations.clock import guard_s
from stations.drivers.protocols import BadReply, InstrumentError, InstrumentSilent

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


def waiting(descriptor: int) -> int:
    """How many bytes can be read from `descriptor` without blocking."""
    buffer = fcntl.ioctl(descriptor, termios.FIONREAD, b"\0\0\0\0")
    return int(struct.unpack("i", buffer)[0])


class Readiness:
    """Waits for input on one descriptor; a peer that hung up shows at once."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._poll = select.poll()
        self._poll.register(descriptor, select.POLLIN)

    def wait(self, timeout_s: float) -> int | None:
        """Bytes that can be read: None after `timeout_s` without any, 0 if the peer hung up."""
        if timeout_s < 0 or not self._poll.poll(timeout_s * 1000):
            return None
        return waiting(self._descriptor)


class ScpiLink:
    """Lines of ASCII to and from one instrument at `TCPIP::host::port::SOCKET`.

    PyVISA's own read with a termination character is not used: pyvisa-py 0.8.1 keeps what
    follows the first line for the next query, loses a partial reply, and when the peer hangs up
    it spins until its time-out (measured: 0.93 s of processor time in a time-out of 1 s; here
    under 1 ms).  We wait on its socket and take exactly the bytes that are there.
    """

    def __init__(self, resource: str, timeout_s: float) -> None:
        self.session = 0
        self._resource_name = resource
        self._timeout_s = timeout_s
        self._sessions = 0
        self._wire: _Wire | None = None

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
        wire, self._wire, self.session = self._wire, None, 0
        if wire is not None:
            wire.warnings.close()
            wire.resource.close()

    def _lost(self, error: Exception) -> InstrumentSilent:
        self.close()
        return InstrumentSilent(f"{self._resource_name}: {error}; check the cable")

    def _send(self, command: str) -> _Wire:
        wire = self._wire
        if wire is None:
            wire = self._open()
        else:
            left = wire.input.wait(0)
            if left == 0:
                raise InstrumentSilent(f"{self._resource_name} hung up; ask again to reconnect")
            if left is not None:
                raise BadReply(f"{self._resource_name} spoke unasked ({left} bytes); ask again")
        wire.resource.write_raw(command.encode("ascii") + b"\n")
        return wire

    def _line(self, wire: _Wire, command: str, deadline: float) -> str:
        reply = b""
        while not reply.endswith(b"\n"):
            count = wire.input.wait(deadline - guard_s())
            if not count:
                event = "no answer" if count is None else "hung up, no answer"
                heard = f" after {reply!r}" if reply else ""
                raise InstrumentSilent(f"{self._resource_name}: {event} to {command}{heard}")
            if len(reply) + count > REPLY_MAX:
                raise BadReply(f"{self._resource_name}: endless answer to {command}: {reply!r}")
            reply += wire.read(count)
        line = reply[:-1].decode("latin-1")
        if not (line.isascii() and line.isprintable()):
            raise BadReply(f"{self._resource_name}: not one line of text to {command}: {reply!r}")
        return line

    def _open(self) -> _Wire:
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
        resource.timeout = patience_ms
        below = _socket_of(resource)
        if below.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            resource.close()  # pyvisa-py takes a refused connection for an open one
            raise InstrumentSilent(f"{self._resource_name} refuses us; is it switched on?")
        below.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._sessions += 1
        self.session = self._sessions
        self._wire = _Wire(resource, Readiness(below.fileno()), ExitStack())
        # A read of exactly what is there is what we want, and no cause for a warning.
        whole = StatusCode.success_max_count_read
        self._wire.warnings.enter_context(resource.ignore_warning(whole))
        return self._wire


class _Wire(NamedTuple):
    """One VISA session, and where we wait for its input."""

    resource: TCPIPSocket
    input: Readiness
    warnings: ExitStack

    def read(self, count: int) -> bytes:
        """Exactly `count` bytes that are known to be there (viRead, the shortest way to them)."""
        return self.resource.visalib.read(self.resource.session, count)[0]


def _manager() -> pyvisa.ResourceManager:
    with _managing:
        return pyvisa.ResourceManager("@py")


def _socket_of(resource: TCPIPSocket) -> socket.socket:
    """The socket below a pyvisa-py session, to wait on; PyVISA does all reading and writing."""
    sessions: dict[Any, Any] = cast(Any, resource.visalib).sessions
    return cast(socket.socket, sessions[resource.session].interface)


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
            port.reset_input_buffer()
            port.write(request)
            if Readiness(port.fileno()).wait(quiet_s) is not None:
                heard = port.read(REPLY_MAX)
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
        # Reads never block here (we poll, with one deadline for an exchange); writes are bounded.
        self._port = serial.Serial(
            self._path, self._baud, timeout=0, write_timeout=self._timeout_s, exclusive=True
        )
        self._sessions += 1
        self.session = self._sessions
        return self._port

    def _exchange(
        self,
        port: serial.Serial,
        request: bytes,
        parse: Callable[[bytes], T | None],
        quiet_s: float,
    ) -> T:
        deadline = guard_s() + self._timeout_s
        port.reset_input_buffer()
        port.write(request)
        ready = Readiness(port.fileno())
        heard = b""
        while len(heard) <= REPLY_MAX:
            left_s = deadline - guard_s()
            count = ready.wait(min(quiet_s, left_s) if quiet_s and heard else left_s)
            if count is not None:
                heard += port.read(max(1, count))
            if heard and (count is None) == bool(quiet_s):
                result = parse(heard)
                if result is not None:
                    return result
            if count is None:
                after = f" after {heard[-64:].hex(' ')}" if heard else ""
                raise InstrumentSilent(f"{self._path}: no answer{after}; is the device on?")
        raise BadReply(f"{self._path}: noise without end: {heard[-64:].hex(' ')}; check the cable")
