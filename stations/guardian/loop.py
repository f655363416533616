"""The guardian's one loop: callers, answers, signals and time, none of them waited for alone."""

from __future__ import annotations

import logging
import selectors
import signal
import socket
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType

from stations.clock import guard_s
from stations.guardian.core import Guardian
from stations.guardian.peer import Peer
from stations.guardian.requests import Requests

_log = logging.getLogger(__name__)

WAIT_MAX_S = 1.0


class Inbox:
    """Answers from the lanes, in order of arrival; putting one in wakes the loop."""

    def __init__(self) -> None:
        self.reader, self._writer = socket.socketpair()
        self.reader.setblocking(False)
        self._writer.setblocking(False)
        self._answers: deque[Callable[[], None]] = deque()
        self._woken = False  # the loop has not looked yet since it was last woken

    def post(self, answer: Callable[[], None]) -> None:
        """From any thread, and from a signal's handler."""
        self._answers.append(answer)
        if not self._woken:
            self._woken = True
            self.wake()

    def wake(self) -> None:
        try:
            self._writer.send(b"\0")
        except OSError:
            return  # full: the loop has enough to wake up for; closed: it has left

    def empty(self) -> None:
        """Hand out every answer that is there; in the loop."""
        with suppress(BlockingIOError):
            self.reader.recv(4096)
        # After that, or the call of somebody who posts in between would be taken and forgotten;
        # before looking, so that who posts from here on calls again.
        self._woken = False
        while self._answers:
            self._answers.popleft()()

    def close(self) -> None:
        self.reader.close()
        self._writer.close()


class Loop:
    """Runs a guardian at a listening socket until it has finished."""

    def __init__(self, guardian: Guardian, listener: socket.socket, inbox: Inbox) -> None:
        self._guardian = guardian
        self._requests = Requests(guardian)
        self._listener = listener
        self._inbox = inbox
        self._peers: set[Peer] = set()
        self._selector = selectors.DefaultSelector()
        self._selector.register(listener, selectors.EVENT_READ, self._accept)
        self._selector.register(inbox.reader, selectors.EVENT_READ, inbox.empty)

    def run(self) -> None:
        with self._ending_on_signals():
            self._guardian.begin()
            while not self._guardian.finished:
                due_s = self._guardian.due_s()
                wait_s = min(WAIT_MAX_S, max(0.0, due_s - guard_s()))
                # Callers first: what they sent while we slept counts before time has passed.
                for key, _ in self._selector.select(wait_s):
                    key.data()
                self._bury()
                if (now_s := guard_s()) >= due_s:  # what became due since then is, at the next turn
                    self._guardian.tick(now_s)
                self._write()
        for peer in self._peers:
            peer.connection.close()
        self._selector.close()

    def _accept(self) -> None:
        try:
            connection, _ = self._listener.accept()
        except OSError:
            return
        peer = Peer(connection)
        self._peers.add(peer)
        self._selector.register(connection, selectors.EVENT_READ, lambda: self._hear(peer))

    def _hear(self, peer: Peer) -> None:
        """One caller's nonsense ends his connection, never the guardian."""
        try:
            for message in peer.receive():
                self._requests.hear(peer, message)
        except Exception:
            _log.exception("a message cannot be dealt with: hanging up on its sender")
            peer.hang_up()

    def _write(self) -> None:
        for peer in self._peers:
            if peer.has_backlog and peer.open:
                peer.flush()

    def _bury(self) -> None:
        for peer in [peer for peer in self._peers if not peer.open]:
            self._peers.discard(peer)
            self._selector.unregister(peer.connection)
            peer.connection.close()
            self._requests.gone(peer)

    @contextmanager
    def _ending_on_signals(self) -> Iterator[None]:
        def end(number: int, frame: FrameType | None) -> None:
            self._inbox.post(self._guardian.shut_down)

        numbers = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
        before = {number: signal.signal(number, end) for number in numbers}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
