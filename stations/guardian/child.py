"""A guardian of one's own: the ordinary one, as a child of whoever works at the bench alone.

Whatever becomes of the parent, it switches off and proves it.  Where another guardian holds the
bench nothing is begun.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from stations.bench import BenchError
from stations.clock import guard_s
from stations.config import BenchConfig
from stations.guardian.direct import switch_off
from stations.guardian.service import BenchTaken, alone
from stations.guardian_client import GuardianLink, GuardianSilent

TAKEN = 3  # exit code of a guardian that found another one
START_S = 30.0
LEAVE_S = 40.0
OFF_S = 20.0
_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None)


class NotProvenOff(Exception):
    """After all the output is not proven off: pull the leads; the message says what was tried."""


@contextmanager
def own_guardian(path: Path, config: BenchConfig, log_name: str) -> Iterator[GuardianLink]:
    """An ordinary guardian of this bench, ours until the end; its last act is off, proven.

    What it says goes to `log_name` beside bench.toml.  Raises BenchError, BenchTaken, NotProvenOff.
    """
    with (config.folder / log_name).open("wb") as log:
        child = subprocess.Popen(
            [sys.executable, "-m", "stations", "guard", str(path)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,  # Ctrl-C is for us; we then end it in order
            preexec_fn=_die_with(os.getpid()),
        )
    try:
        link = GuardianLink(config.socket)
        _wait_off(child, link, log_name)
        yield link
    finally:
        _end(child, config)


def _end(child: subprocess.Popen[bytes], config: BenchConfig) -> None:
    """The guardian proves the output off and leaves; where it died, that is done without it."""
    child.terminate()
    with suppress(subprocess.TimeoutExpired):
        child.wait(LEAVE_S)
    if child.returncode in (0, TAKEN):
        return
    if child.returncode is None:
        raise NotProvenOff(f"the guardian {child.pid} does not end: pull the supply's leads")
    with alone(config.folder):
        found = switch_off(config, until_s=guard_s() + OFF_S)
    if found.proof is None:
        raise NotProvenOff(f"{found.alarm}: pull the supply's leads")


def _die_with(parent: int) -> Callable[[], None]:
    """For the child before exec: the kernel ends it in order when we die, even by kill -9."""

    def in_child() -> None:
        _libc.prctl(_PR_SET_PDEATHSIG, int(signal.SIGTERM))
        if os.getppid() != parent:
            os._exit(1)

    return in_child


def _wait_off(child: subprocess.Popen[bytes], link: GuardianLink, log_name: str) -> None:
    pause, deadline, words = threading.Event(), guard_s() + START_S, "it does not answer"
    while guard_s() < deadline:
        if child.poll() is not None:
            if child.returncode == TAKEN:
                raise BenchTaken("another guardian took the bench meanwhile")
            raise BenchError(f"the guardian ended at once: {log_name} beside bench.toml says why")
        with suppress(GuardianSilent):
            status = link.status()
            words = str(status["alarm"]) or "the output is not proven off yet"
            if status["locked"]:
                break
            if status["output"] == "off":
                return
        pause.wait(0.05)
    raise BenchError(f"the output cannot be proven off: {words}")
