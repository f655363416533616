"""Plays a transcript of (sent, answered) pairs to a driver over a real socket or a real pty.

The player accepts exactly the bytes of the next pair and nothing else, so a driver that sends
too much, too early or in another order fails the test that plays it.
"""

from __future__ import annotations

import os
import selectors
import socket
import threading
import tty
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from tests.wait import wait_until


@dataclass(frozen=True)
class Pair:
    """What the driver sends and what it is answered.

    `late` is written when the next pair has come in, just before that one's answer: as late
    as an answer can be and still be taken for the next.  With `hang_up` the line goes dead
    after the answer, and nobody can connect again.
    With `pause_s` the answer comes a byte at a time, so far apart.
    A question that differs from turn to turn is written as the first; `turned` makes it the
    n-th, and its answer likewise.
    """

    sent: bytes
    answered: bytes = b""
    late: bytes = b""
    hang_up: bool = False
    pause_s: float = 0.0
    turned: Callable[[Pair, int], Pair] | None = None


def lines(*pairs: tuple[str, str]) -> list[Pair]:
    """Pairs of SCPI text; an empty answer is a command."""
    return [
        Pair(sent.encode() + b"\n", answered.encode() + b"\n" if answered else b"")
        for sent, answered in pairs
    ]


def frames(*pairs: tuple[str, str]) -> list[Pair]:
    """Pairs of frames in hexadecimal."""
    return [Pair(bytes.fromhex(sent), bytes.fromhex(answered)) for sent, answered in pairs]


class Player:
    """Answers on one line after the other; `resource` is where."""

    def __init__(self, pairs: list[Pair]) -> None:
        self.resource = ""
        self.unexpected = b""
        self._left = deque(pairs)
        self._turn = 0
        self._heard = b""
        self._pause = threading.Event()
        self._owed: list[tuple[int, bytes]] = []
        self._selector = selectors.DefaultSelector()
        self._wake, self._waker = os.pipe()
        self._selector.register(self._wake, selectors.EVENT_READ)
        self._thread = threading.Thread(target=self._run, name="transcript")

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._pause.set()
        os.write(self._waker, b"x")
        self._thread.join()
        self._selector.close()
        os.close(self._wake)
        os.close(self._waker)

    def finish(self) -> None:
        """Every pair was played, and nothing else came."""
        wait_until(lambda: not self._left or self.unexpected, within_s=5, what=f"{self._left}")
        assert self.unexpected == b"", f"{self.unexpected!r}; next was {self._left}"

    def _run(self) -> None:
        while True:
            for key, _ in self._selector.select():
                if key.fd == self._wake:
                    return
                self._ready(key.fd)

    def _ready(self, descriptor: int) -> None:
        raise NotImplementedError

    def _hang_up(self, descriptor: int) -> None:
        raise NotImplementedError

    def _take(self, descriptor: int, data: bytes) -> None:
        self._heard += data
        while self._heard:
            pair = self._next()
            expected = pair.sent if pair else b""
            if not expected or not expected.startswith(self._heard[: len(expected)]):
                self.unexpected, self._heard = self.unexpected + self._heard, b""
                return
            if len(self._heard) < len(expected):
                return
            self._heard = self._heard[len(expected) :]
            self._turn += self._left.popleft().turned is not None
            assert pair is not None
            self._play(descriptor, pair)

    def _next(self) -> Pair | None:
        if not self._left:
            return None
        pair = self._left[0]
        return pair.turned(pair, self._turn) if pair.turned else pair

    def _play(self, descriptor: int, pair: Pair) -> None:
        for line, late in self._owed:
            with suppress(OSError):  # a late answer to a line that nobody holds any more
                os.write(line, late)
        self._owed = [(descriptor, pair.late)] if pair.late else []
        for piece in _pieces(pair):
            self._pause.wait(pair.pause_s)
            with suppress(OSError):  # the driver has hung up
                os.write(descriptor, piece)
        if pair.hang_up:
            self._hang_up(descriptor)


def _pieces(pair: Pair) -> list[bytes]:
    if pair.pause_s:
        return [bytes((byte,)) for byte in pair.answered]
    return [pair.answered] if pair.answered else []


class SocketPlayer(Player):
    """A LAN instrument: any number of connections, each to its own end."""

    def __init__(self, pairs: list[Pair]) -> None:
        super().__init__(pairs)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._links: dict[int, socket.socket] = {}
        self._selector.register(self._listener, selectors.EVENT_READ)
        self.resource = f"TCPIP0::127.0.0.1::{self._listener.getsockname()[1]}::SOCKET"

    def stop(self) -> None:
        super().stop()
        for link in (self._listener, *self._links.values()):
            link.close()

    def _ready(self, descriptor: int) -> None:
        if descriptor == self._listener.fileno():
            link, _ = self._listener.accept()
            link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._links[link.fileno()] = link
            self._selector.register(link, selectors.EVENT_READ)
            return
        try:
            data = self._links[descriptor].recv(4096)
        except ConnectionError:
            data = b""
        if data:
            self._take(descriptor, data)
        else:
            # Kept open on our side: a late answer can still be tried on it.
            self._selector.unregister(descriptor)
            self._heard = b""

    def _hang_up(self, descriptor: int) -> None:
        self._selector.unregister(self._listener)
        self._listener.close()
        self._links[descriptor].shutdown(socket.SHUT_WR)


class PtyPlayer(Player):
    """A serial device; `resource` is the terminal."""

    def __init__(self, pairs: list[Pair]) -> None:
        super().__init__(pairs)
        self._master, self._slave = os.openpty()
        tty.setraw(self._slave)
        self.resource = os.ttyname(self._slave)
        self._selector.register(self._master, selectors.EVENT_READ)

    def stop(self) -> None:
        super().stop()
        for descriptor in (self._master, self._slave):
            with suppress(OSError):
                os.close(descriptor)

    def _ready(self, descriptor: int) -> None:
        self._take(descriptor, os.read(descriptor, 4096))

    def _hang_up(self, descriptor: int) -> None:
        self._selector.unregister(descriptor)
        os.close(self._slave)
        os.close(self._master)
        self._slave = self._master = -1


@contextmanager
def playing(player: Player, *, whole: bool = True) -> Iterator[Player]:
    """Without `whole` a part of the transcript may be left over."""
    player.start()
    try:
        yield player
        if whole:
            player.finish()
    finally:
        player.stop()


def on_socket(pairs: list[Pair]) -> SocketPlayer:
    return SocketPlayer(pairs)


def on_pty(pairs: list[Pair]) -> PtyPlayer:
    return PtyPlayer(pairs)
