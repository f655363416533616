"""A TCP line on this host that can be spoiled while it is in use.

    with Proxy(("127.0.0.1", port)) as proxy:
        client = socket.create_connection(("127.0.0.1", proxy.port))
        proxy.line = DROP
        ...
        proxy.line = PASS

It stands between any client and server: an instrument, a database, a broker.  A line that drops
holds back what was sent, as TCP sends lost packets again: it arrives when the line is good once
more.  What a half-open line has frozen never passes anything again.
"""

from __future__ import annotations

import array
import fcntl
import math
import os
import select
import socket
import struct
import termios
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Any

from stations.clock import guard_s

BLOCK = 65536
QUEUE_MAX = 1 << 20  # bytes under way in one direction; beyond, the sender has to wait
CONNECT_S = 1.0
ANSWER_S = 10.0
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)  # SO_LINGER with no time to linger


@dataclass(frozen=True, slots=True)
class Line:
    """What happens to bytes that pass, in either direction; times are wall seconds."""

    delay_s: float = 0.0
    bytes_per_s: float = math.inf
    cut_after: float = math.inf  # bytes in one direction; then both ends see the other hang up
    drops: bool = False  # nothing passes, nobody is told; a new connection finds nobody
    freezes: bool = False  # a drop for what is connected now, and for good; new ones pass
    resets: bool = False  # every connection is reset, new ones at once
    corrupts: bool = False  # a byte of every block becomes 0xFF


PASS = Line()
DROP = Line(drops=True)
HALF_OPEN = Line(freezes=True)
RESET = Line(resets=True)
CORRUPT = Line(corrupts=True)


def delay(seconds: float) -> Line:
    return Line(delay_s=seconds)


def slow(bytes_per_s: float) -> Line:
    return Line(bytes_per_s=bytes_per_s)


def cut(after: int) -> Line:
    """Hang up on a connection when `after` more bytes have passed in one direction."""
    return Line(cut_after=after)


class Proxy:
    """Passes connections on to `target`.  One thread does it all, from `with` to its end."""

    def __init__(self, target: tuple[str, int]) -> None:
        self._target = target
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.setblocking(False)
        self.port: int = self._listener.getsockname()[1]
        self._line = PASS
        self._connections: list[_Connection] = []
        self._asked: deque[Callable[[], None]] = deque()
        self._wake_read, self._wake_write = os.pipe()
        self._ended = False
        self._thread = threading.Thread(target=self._run, name="proxy", daemon=True)

    def __enter__(self) -> Proxy:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._do(self._end)
        self._thread.join()
        os.close(self._wake_read)
        os.close(self._wake_write)

    @property
    def line(self) -> Line:
        """What the line is like; a change is in force when the assignment returns."""
        return self._line

    @line.setter
    def line(self, line: Line) -> None:
        self._do(lambda: self._become(line))

    @property
    def connections(self) -> int:
        """Connections that it holds, frozen ones included."""
        return len(self._connections)

    @property
    def held(self) -> int:
        """Bytes that were sent and have not been passed on: what a bad line keeps back."""
        found: list[int] = []
        self._do(lambda: found.extend(pipe.held for pipe in self._pipes()))
        return sum(found)

    def _do(self, act: Callable[[], None]) -> None:
        """Have the thread do it, and wait until it has."""
        done = threading.Event()

        def acted() -> None:
            act()
            done.set()

        self._asked.append(acted)
        os.write(self._wake_write, b"x")
        if not done.wait(ANSWER_S):
            raise RuntimeError("the proxy's thread has died")

    def _run(self) -> None:
        while not self._ended:
            now_s = guard_s()
            for connection in tuple(self._connections):
                connection.push(self._line, now_s)
            self._connections = [c for c in self._connections if c.open]
            hearing = {pipe.source: pipe for pipe in self._pipes() if pipe.hears(self._line)}
            stuffed = [pipe.sink for pipe in self._pipes() if pipe.stuffed]
            sources: list[Any] = [self._wake_read, *hearing]
            sources += [] if self._line.drops else [self._listener]
            ready, _, _ = select.select(sources, stuffed, [], self._patience_s(now_s))
            for source in ready:
                if source is self._wake_read:
                    os.read(source, BLOCK)
                elif source is self._listener:
                    self._accept()
                else:
                    hearing[source].hear(self._line)
            while self._asked:
                self._asked.popleft()()

    def _pipes(self) -> list[_Pipe]:
        return [pipe for connection in self._connections for pipe in connection.pipes]

    def _patience_s(self, now_s: float) -> float | None:
        due_s = min((pipe.due_s(self._line) for pipe in self._pipes()), default=math.inf)
        return None if math.isinf(due_s) else max(0.0, due_s - now_s)

    def _accept(self) -> None:
        try:
            client, _ = self._listener.accept()
        except OSError:  # it has left again
            return
        try:
            if self._line.resets:
                raise ConnectionResetError
            server = socket.create_connection(self._target, timeout=CONNECT_S)
        except OSError:  # nobody is there, and the client must see it
            _close(client, reset=True)
        else:
            self._connections.append(_Connection(client, server))

    def _become(self, line: Line) -> None:
        self._line = line
        for connection in self._connections:
            connection.meets(line)

    def _end(self) -> None:
        self._ended = True
        self._listener.close()
        for connection in self._connections:
            connection.close()
        self._connections = []


class _Pipe:
    """One direction of a connection."""

    def __init__(self, source: socket.socket, sink: socket.socket) -> None:
        self.source = source
        self.sink = sink
        self.frozen = False
        self.stuffed = False  # the sink takes no more for now
        self.finished = False  # the sender's end was passed on
        self.broken = False  # the sender has reset it
        self.passed = 0  # bytes, since the line last changed
        self._at_end = False
        self._queue: deque[tuple[float, bytes]] = deque()  # when due, what
        self._next_s = 0.0  # when a slow line is free for its next byte

    @property
    def held(self) -> int:
        unread = array.array("i", [0])
        fcntl.ioctl(self.source, termios.FIONREAD, unread)
        return unread[0] + self._queued

    @property
    def _queued(self) -> int:
        return sum(len(data) for _, data in self._queue)

    def blocked(self, line: Line) -> bool:
        return line.drops or self.frozen

    def hears(self, line: Line) -> bool:
        return not (self.blocked(line) or self._at_end or self._queued > QUEUE_MAX)

    def hear(self, line: Line) -> None:
        try:
            data = self.source.recv(BLOCK)
        except BlockingIOError:
            return
        except OSError:
            self.broken = True
            return
        if data:
            self._queue.append((guard_s() + line.delay_s, data))
        else:
            self._at_end = True

    def due_s(self, line: Line) -> float:
        """Guard time at which `push` has something to do."""
        if self.blocked(line) or self.stuffed or not self._queue:
            return math.inf
        return max(self._queue[0][0], self._next_s)

    def push(self, line: Line, now_s: float) -> bool:
        """Pass on what is due; False when the line is to be cut."""
        self.stuffed = False
        while self.due_s(line) <= now_s:
            count = BLOCK if math.isinf(line.bytes_per_s) else 1
            count = min(count, int(min(line.cut_after, 1 << 40)) - self.passed)
            if count <= 0:
                return False
            due_s, data = self._queue.popleft()
            piece = _spoiled(data[:count]) if line.corrupts else data[:count]
            try:
                sent = self.sink.send(piece)
            except BlockingIOError:
                sent, self.stuffed = 0, True
            self.passed += sent
            self._next_s = now_s + sent / line.bytes_per_s
            if data[sent:]:
                self._queue.appendleft((due_s, data[sent:]))
        if self._at_end and not (self._queue or self.finished or self.blocked(line)):
            self.finished = True
            self.sink.shutdown(socket.SHUT_WR)
        return True


class _Connection:
    """Two sockets and both directions between them."""

    def __init__(self, client: socket.socket, server: socket.socket) -> None:
        self.open = True
        self._ends = client, server
        self.pipes = _Pipe(client, server), _Pipe(server, client)
        for end in self._ends:
            end.setblocking(False)
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def meets(self, line: Line) -> None:
        """The line has changed."""
        for pipe in self.pipes:
            pipe.frozen |= line.freezes
            pipe.passed = 0
        if line.resets:
            self.close(reset=True)

    def push(self, line: Line, now_s: float) -> None:
        try:
            cut_short = [pipe for pipe in self.pipes if not pipe.push(line, now_s)]
        except OSError:  # an end has gone: the other must see it
            self.close(reset=True)
            return
        if any(pipe.broken for pipe in self.pipes):
            self.close(reset=True)
        elif cut_short or all(pipe.finished for pipe in self.pipes):
            self.close()

    def close(self, *, reset: bool = False) -> None:
        self.open = False
        for end in self._ends:
            _close(end, reset=reset)


def _spoiled(piece: bytes) -> bytes:
    """The same length with another byte in the middle: what was text is no more."""
    middle = len(piece) // 2
    return piece[:middle] + b"\xff" + piece[middle + 1 :]


def _close(end: socket.socket, *, reset: bool) -> None:
    if reset:
        with suppress(OSError):
            end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
    end.close()
