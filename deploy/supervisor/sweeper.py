"""Stops what a killed supervisor leaves behind, in the supervisor's own order.

A process of its own that reads `+<stage> <pid>` and `-<stage> <pid>` (leaders of process
groups) from a pipe.  When the pipe ends, the supervisor has ended, however it did: what is
still listed is asked to end and then killed, the highest stage first, so that a guardian still
has its instruments while it switches off.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

PATIENCE_S = 8.0
_PROJECT = Path(__file__).resolve().parents[2]


class Sweeper:
    """The supervisor's end of the pipe."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "deploy.supervisor.sweeper"],
            cwd=_PROJECT,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            text=True,
        )

    def watch(self, stage: int, pid: int) -> None:
        self._tell(f"+{stage} {pid}")

    def forget(self, stage: int, pid: int) -> None:
        self._tell(f"-{stage} {pid}")

    def dismiss(self) -> None:
        """It sweeps what is left, normally nothing, and ends."""
        with suppress(OSError):
            self._process.communicate()

    def _tell(self, words: str) -> None:
        assert self._process.stdin is not None  # noqa: S101
        with suppress(OSError):
            self._process.stdin.write(f"{words}\n")
            self._process.stdin.flush()


def main(lines: Iterable[str]) -> int:
    for sign in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(sign, signal.SIG_IGN)
    listed: set[tuple[int, int]] = set()
    for line in lines:
        stage, pid = (int(word) for word in line[1:].split())
        if line[0] == "+":
            listed.add((stage, pid))
        else:
            listed.discard((stage, pid))
    for stage in sorted({stage for stage, _ in listed}, reverse=True):
        _sweep([pid for of, pid in listed if of == stage])
    return 0


def _sweep(groups: list[int]) -> None:
    for group in groups:
        _send(group, signal.SIGTERM)
    pause, deadline = threading.Event(), time.monotonic() + PATIENCE_S
    while any(_send(group, 0) for group in groups) and time.monotonic() < deadline:
        pause.wait(0.1)
    for group in groups:
        _send(group, signal.SIGKILL)


def _send(group: int, sign: int) -> bool:
    try:
        os.killpg(group, sign)
    except (ProcessLookupError, PermissionError):
        return False
    return True


if __name__ == "__main__":
    sys.exit(main(sys.stdin))
