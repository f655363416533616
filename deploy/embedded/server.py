"""A server as a foreground child: started until it answers, stopped for certain."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from deploy.embedded.membership import wait_for
from deploy.embedded.services import EmbeddedError

READY_DEADLINE_S = 120.0
_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None)


class PortTaken(Exception):
    """Another program listens on the port that was chosen."""


def die_with_parent(
    sign: signal.Signals, prepare: Callable[[], None] = lambda: None
) -> Callable[[], None]:
    """For a child before exec: the kernel sends `sign` when the parent dies, even by kill -9.

    `prepare` runs first: a change of user would undo it.
    """
    parent = os.getpid()

    def in_child() -> None:
        prepare()
        if hasattr(_libc, "prctl"):
            _libc.prctl(_PR_SET_PDEATHSIG, int(sign))
        if os.getppid() != parent:
            os._exit(1)

    return in_child


class Child:
    """One run of one server program."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        log: Path,
        stop_signal: signal.Signals,
        stdin: str = "",
        prepare: Callable[[], None] = lambda: None,
        **popen: Any,
    ) -> None:
        self._log = log
        self._log_start = log.stat().st_size if log.exists() else 0
        self._stop_signal = stop_signal
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=output,
                preexec_fn=die_with_parent(stop_signal, prepare),
                **popen,
            )
        assert self._process.stdin is not None  # noqa: S101
        self._process.stdin.write(stdin.encode())
        self._process.stdin.close()

    @property
    def is_alive(self) -> bool:
        return self._process.poll() is None

    def wait_ready(self, answers: Callable[[], bool]) -> None:
        """Return when the server answers.  Raises PortTaken or EmbeddedError with its words."""
        wait_for(lambda: not self.is_alive or answers(), READY_DEADLINE_S, period_s=0.03)
        if self.is_alive and answers():
            return
        self.stop()
        words = self.words()
        if any(sign in words for sign in ("Address already in use", "TCP/IP sockets")):
            raise PortTaken(words)
        raise EmbeddedError(f"{words.strip().splitlines()[-1] if words.strip() else 'it ended'}")

    def words(self) -> str:
        """What the program has written since it was started."""
        with self._log.open("rb") as file:
            file.seek(self._log_start)
            return file.read().decode(errors="replace")

    def stop(self) -> None:
        for sign, within_s in ((self._stop_signal, 10.0), (signal.SIGKILL, 10.0)):
            if self.is_alive:
                self._process.send_signal(sign)
                try:
                    self._process.wait(within_s)
                except subprocess.TimeoutExpired:
                    continue
        self._process.poll()
