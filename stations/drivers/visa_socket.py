"""The session below PyVISA's `TCPIP::host::port::SOCKET`: waits without working, loses no byte.

PyVISA stays the way in: resource strings, the resource manager, viRead and viWrite with their
status codes.  pyvisa-py 0.8.1's own session takes a refused connection for an open one, waits
without end to write, and when the peer hangs up it spins until its time-out (measured: 0.93 s
of processor time in a time-out of 1 s; here under 1 ms).
"""

from __future__ import annotations

import math
import select
import socket
from typing import Any, cast

from pyvisa.constants import InterfaceType, ResourceAttribute, StatusCode
from pyvisa.resources import TCPIPSocket
from pyvisa_py.sessions import Session, UnknownAttribute

from stations.clock import guard_s

WHOLE = StatusCode.success_termination_character_read
TOO_LONG = StatusCode.success_max_count_read
SILENT = StatusCode.error_timeout
HUNG_UP = StatusCode.error_connection_lost

CONNECT_S = 10.0  # where PyVISA says nothing else
BLOCK = 4096  # bytes taken from the socket at once

_TERMINATOR, _TERMINATES = ResourceAttribute.termchar, ResourceAttribute.termchar_enabled


class SocketSession(Session):  # type: ignore[misc]  # pyvisa-py has no types
    """One connection; one thread at a time uses it.  `timeout` is in seconds, None is for ever."""

    timeout: float | None
    interface: socket.socket

    def after_parsing(self) -> None:
        address = (self.parsed.host_address, int(self.parsed.port))
        patience_s = self.open_timeout / 1000 if self.open_timeout else CONNECT_S
        self.interface = socket.create_connection(address, patience_s)
        self.interface.setblocking(False)
        self.interface.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.attrs |= {_TERMINATOR: ord("\n"), _TERMINATES: False}
        self._heard = b""
        self._input = select.poll()
        self._input.register(self.interface, select.POLLIN)

    def close(self) -> StatusCode:
        self.interface.close()
        return StatusCode.success

    def read(self, count: int) -> tuple[bytes, StatusCode]:
        """Up to the termination character if that is enabled, else what there is; how it ended.

        At most `count` bytes; with an error come those that were heard before it.
        """
        deadline_s = guard_s() + (math.inf if self.timeout is None else self.timeout)
        terminates = self.attrs[_TERMINATES]
        terminator = bytes((self.attrs[_TERMINATOR],))
        while True:
            end = self._heard.find(terminator) + 1 if terminates else len(self._heard)
            if 0 < end <= count:
                return self._take(end), WHOLE if terminates else StatusCode.success
            if len(self._heard) >= count:
                return self._take(count), TOO_LONG
            status = self._hear(deadline_s - guard_s())
            if status != StatusCode.success:
                return self._take(count), status

    def write(self, data: bytes) -> tuple[int, StatusCode]:
        """What the peer has room for at once: one that has long not read is silent."""
        try:
            taken = self.interface.send(data)
        except BlockingIOError:
            taken = 0
        except ConnectionError:
            return 0, HUNG_UP
        return taken, StatusCode.success if taken == len(data) else SILENT

    @property
    def has_more(self) -> bool:
        """Whether more was heard than the last read took."""
        return bool(self._heard)

    def stray(self) -> bytes | None:
        """What is there to read although nobody asked; None for nothing, b"" from a dead line."""
        if not self._heard and self._hear(0.0) == SILENT:
            return None
        return self._heard

    def _hear(self, patience_s: float) -> StatusCode:
        forever = patience_s == math.inf
        if not self._input.poll(None if forever else max(0.0, patience_s) * 1000):
            return SILENT
        try:
            data = self.interface.recv(BLOCK)
        except ConnectionError:
            return HUNG_UP
        self._heard += data
        return StatusCode.success if data else HUNG_UP

    def _take(self, count: int) -> bytes:
        taken, self._heard = self._heard[:count], self._heard[count:]
        return taken

    def _get_attribute(self, attribute: ResourceAttribute) -> tuple[Any, StatusCode]:
        raise UnknownAttribute(attribute)

    def _set_attribute(self, attribute: ResourceAttribute, attribute_state: Any) -> StatusCode:
        raise UnknownAttribute(attribute)


def session_of(resource: TCPIPSocket) -> SocketSession:
    """What PyVISA's `resource` reads from and writes to."""
    sessions: dict[Any, Any] = cast(Any, resource.visalib).sessions
    return cast(SocketSession, sessions[resource.session])


# `register` would warn that it takes the place of pyvisa-py's own session, which is the purpose.
SocketSession.session_type = (InterfaceType.tcpip, "SOCKET")
Session._session_classes[SocketSession.session_type] = SocketSession
