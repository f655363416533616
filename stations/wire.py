"""JSON lines over a unix socket: how a guardian and its callers talk on one host.

A socket's address holds at most 107 bytes and a bench folder's path may be longer, so both
ends go through an opened descriptor of the folder: `/proc/self/fd/<n>/<name>`.
"""

from __future__ import annotations

import json
import os
import select
import socket
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from stations.clock import guard_s
from stations.plain import to_plain

LINE_MAX = 1 << 20
"""Bytes of one message; a longer one is not ours."""


_encode = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode


class WireError(Exception):
    """The other end sent what is not a JSON object on a line; hang up."""


def socket_in(folder: Path) -> Path:
    """Where the guardian of the bench in `folder` listens."""
    return folder / "guardian.sock"


@contextmanager
def _address(path: Path) -> Iterator[str]:
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)


def listen(path: Path) -> socket.socket:
    """A non-blocking listener at `path`, replacing what a dead predecessor left there.

    The caller holds the folder's lock, so nobody living listens at this path.
    """
    with suppress(FileNotFoundError):
        path.unlink()
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        with _address(path) as address:
            listener.bind(address)
        path.chmod(0o660)
        listener.listen(16)
        listener.setblocking(False)
    except BaseException:
        listener.close()
        raise
    return listener


def connect(path: Path, timeout_s: float) -> socket.socket:
    """A connection to the listener at `path`; OSError where there is none."""
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.settimeout(timeout_s)
    try:
        with _address(path) as address:
            connection.connect(address)
    except BaseException:
        connection.close()
        raise
    return connection


def encode(message: Mapping[str, Any]) -> bytes:
    """One message as one line; ValueError for NaN, which plain data writes as null."""
    return _encode(message).encode() + b"\n"


class LineBuffer:
    """Bytes as they arrive in, whole messages out."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[dict[str, Any]]:
        """The messages that `data` completes; raises WireError for what is none."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        if len(self._rest) > LINE_MAX:
            raise WireError(f"a line of more than {LINE_MAX} bytes")
        return [_decode(line) for line in lines]


class Line:
    """A caller's connection to a guardian: messages out, messages in, no thread."""

    def __init__(self, path: Path, timeout_s: float) -> None:
        self._socket = connect(path, timeout_s)
        self._socket.settimeout(timeout_s)
        self._buffer = LineBuffer()
        self._arrived: deque[dict[str, Any]] = deque()
        self._count = 0

    def send(self, op: str, fields: Mapping[str, Any]) -> int:
        """The id that the reply will carry; OSError when nobody takes it."""
        self._count += 1
        message = {"id": self._count, "op": op, "sent_s": guard_s(), **to_plain(fields)}
        self._socket.sendall(encode(message))
        return self._count

    def receive(self, timeout_s: float) -> dict[str, Any] | None:
        """The next message, None after `timeout_s`; OSError or WireError at the line's end."""
        if not self._arrived:
            ready, _, _ = select.select([self._socket], [], [], max(0.0, timeout_s))
            if not ready:
                return None
            data = self._socket.recv(65536)
            if not data:
                raise ConnectionResetError("the guardian hung up")
            self._arrived += self._buffer.feed(data)
        return self._arrived.popleft() if self._arrived else None

    def close(self) -> None:
        self._socket.close()


def _decode(line: bytes) -> dict[str, Any]:
    try:
        message = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise WireError(f"not JSON: {line[:80]!r}") from error
    if not isinstance(message, dict):
        raise WireError(f"not an object: {line[:80]!r}")
    return message
