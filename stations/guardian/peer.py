"""One caller at the guardian's socket, and one question of his."""

from __future__ import annotations

import logging
import socket
from collections.abc import Mapping
from typing import Any, TypeVar

from stations.clock import guard_s
from stations.plain import from_plain
from stations.wire import LineBuffer, WireError, encode

_log = logging.getLogger(__name__)

T = TypeVar("T")

BLOCK = 65536  # bytes taken from a connection at once
BACKLOG_MAX = 4 << 20
"""Bytes kept for a caller that does not read; beyond that he is hung up on."""


class Peer:
    """A connection: what arrives in messages, what leaves without ever blocking."""

    def __init__(self, connection: socket.socket) -> None:
        connection.setblocking(False)
        self.connection = connection
        self.open = True
        self._arrived = LineBuffer()
        self._leaving = b""

    @property
    def has_backlog(self) -> bool:
        return bool(self._leaving)

    def receive(self) -> list[dict[str, Any]]:
        """Whole messages that have arrived; closes the connection at its end or on nonsense."""
        messages: list[dict[str, Any]] = []
        try:
            while data := self.connection.recv(BLOCK):
                messages += self._arrived.feed(data)
                if len(data) < BLOCK:
                    return messages
        except BlockingIOError:
            return messages
        except (OSError, WireError):
            self.open = False
            return messages
        self.open = False
        return messages

    def send(self, message: Mapping[str, Any]) -> None:
        if not self.open:
            return
        try:
            self._leaving += encode(message)
        except (ValueError, RecursionError):  # it repeats what he sent, as the id of his question
            _log.exception("an answer cannot be put on a line: hanging up")
            self.hang_up()
        else:
            self.flush()

    def flush(self) -> None:
        try:
            while self._leaving:
                self._leaving = self._leaving[self.connection.send(self._leaving) :]
        except BlockingIOError:
            self.open = len(self._leaving) <= BACKLOG_MAX
        except OSError:
            self.open = False

    def hang_up(self) -> None:
        """The loop closes what is not open."""
        self.open = False


class Bad(ValueError):
    """A request without the field it needs, or with one of another type."""


class Ask:
    """One request and its one reply, now or later."""

    def __init__(self, peer: Peer, message: Mapping[str, Any]) -> None:
        self.peer = peer
        self.message = message

    @property
    def op(self) -> object:
        return self.message.get("op")

    @property
    def token(self) -> object:
        return self.message.get("token")

    @property
    def sent_s(self) -> float:
        """Guard time at which this was sent, never later than now: it may have waited for us."""
        now_s = guard_s()
        sent_s = self.message.get("sent_s", now_s)
        return min(sent_s, now_s) if isinstance(sent_s, int | float) else now_s

    def reply(self, **fields: Any) -> None:
        self.peer.send({"id": self.message.get("id"), "ok": True} | fields)

    def refuse(self, code: str, words: str) -> None:
        self.peer.send({"id": self.message.get("id"), "ok": False, "code": code, "error": words})

    def text(self, key: str) -> str:
        value = self.message.get(key)
        if not isinstance(value, str) or not 0 < len(value) <= 500:
            raise Bad(f"{key} must be a text of at most 500 characters, not {value!r}")
        return value

    def mapping(self, key: str) -> Mapping[str, Any]:
        value = self.message.get(key, {})
        if not isinstance(value, Mapping):
            raise Bad(f"{key} must be an object, not {value!r}")
        return value

    def value(self, key: str, kind: type[T]) -> T:
        try:
            return from_plain(kind, self.message.get(key))
        except (ValueError, TypeError, KeyError) as error:
            raise Bad(f"{key}: {error}") from error
