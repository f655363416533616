"""SCPI over a raw TCP socket: messages end in LF, one thread a connection.

Several clients may be connected; the instrument executes one message at a time.
"""

from __future__ import annotations

import select
import socket
import socketserver
import threading
from contextlib import suppress

from stations.sim.delivery import Delivery
from stations.sim.faults import Fault, Switchboard
from stations.sim.scpi import ScpiInstrument
from stations.sim.world import World

_LONGEST_MESSAGE = 65536


class Connection:
    """One client's byte stream as messages, with a look at what is already waiting."""

    def __init__(self, link: socket.socket) -> None:
        self._link = link
        self._buffer = b""

    def next(self) -> str | None:
        """The next message without its terminator; None at the end of the stream."""
        while b"\n" not in self._buffer:
            if not self._receive():
                return None
        line, _, self._buffer = self._buffer.partition(b"\n")
        return line.decode("ascii", "replace").strip()

    @property
    def unterminated(self) -> bool:
        """Whether text without a terminator is left over."""
        return bool(self._buffer.strip())

    def query_waits(self) -> bool:
        """Whether another query has already arrived."""
        while select.select([self._link], [], [], 0)[0] and self._receive():
            pass
        complete, _, _ = self._buffer.rpartition(b"\n")
        return b"?" in complete

    def _receive(self) -> bool:
        try:
            data = self._link.recv(4096)
        except OSError:
            return False
        self._buffer += data
        if len(self._buffer) > _LONGEST_MESSAGE:
            self._buffer = b""
        return bool(data)


class _Handler(socketserver.BaseRequestHandler):
    server: LineServer

    def handle(self) -> None:
        self.server.serve(self.request)


class LineServer(socketserver.ThreadingTCPServer):
    """The LAN interface of one instrument."""

    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False

    def __init__(
        self,
        address: tuple[str, int],
        *,
        name: str,
        instrument: ScpiInstrument,
        world: World,
        faults: Switchboard,
    ) -> None:
        super().__init__(address, _Handler)
        self._name = name
        self._instrument = instrument
        self._faults = faults
        self._delivery = Delivery(name, world=world, faults=faults)
        self._busy = threading.Lock()
        self._is_unplugged = self._was_dark = False
        self._links: set[socket.socket] = set()
        self._thread = threading.Thread(
            target=self.serve_forever, args=(0.05,), name=name, daemon=True
        )
        self._world = world
        faults.watch(self._look)

    def start(self) -> None:
        self._delivery.start()
        self._thread.start()

    def close(self) -> None:
        """Stop listening and drop every client."""
        self.shutdown()
        self._thread.join()
        self._delivery.close()
        self.server_close()
        for link in tuple(self._links):
            link.close()

    def serve(self, link: socket.socket) -> None:
        """Answer one client until it leaves."""
        link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._links.add(link)
        connection = Connection(link)
        try:
            while (message := connection.next()) is not None:
                with self._busy:
                    self._answer(link, connection, message)
            if connection.unterminated:
                self._instrument.queue_error(-420)
        except OSError:
            return  # the client left in the middle of an answer
        finally:
            self._links.discard(link)

    def _answer(self, link: socket.socket, connection: Connection, message: str) -> None:
        if self._deaf:
            return
        reply = self._instrument.execute(message)
        if reply is None or self._deaf:
            return
        if self._fault.unplugs:
            self._unplug(link, reply.text.encode("ascii"))
            return
        if connection.query_waits():
            self._instrument.queue_error(-410)  # the unread answer is lost
            return
        line = reply.text.encode("ascii") + b"\n"
        self._delivery.send(line, link.sendall, measured=reply.measured)

    def _unplug(self, link: socket.socket, line: bytes) -> None:
        """Its cable is pulled: the rest of the answer is lost, and nobody is told."""
        self._is_unplugged = True
        link.sendall(line[: len(line) // 2])
        self._world.note("unplugged", sent=line[: len(line) // 2].decode("ascii"))

    def _look(self, instrument: str, fault: str) -> None:
        """The hands have set a fault: a cable that is back reaches whoever still waits, but
        an instrument that has its power again knows nobody."""
        if instrument != self._name:
            return
        if self._is_unplugged and not self._fault.unplugs:
            self._is_unplugged = False
            self._world.note("plugged", instrument=self._name)
        if self._was_dark and not self._fault.dark:
            for link in tuple(self._links):
                with suppress(OSError):
                    link.shutdown(socket.SHUT_RDWR)
        self._was_dark = self._fault.dark

    @property
    def _deaf(self) -> bool:
        return self._is_unplugged or self._fault.swallows

    @property
    def _fault(self) -> Fault:
        return self._faults.of(self._name)
