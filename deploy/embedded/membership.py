"""Join and leave the processes that share the embedded servers."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable
from pathlib import Path

from deploy.embedded import locks
from deploy.embedded.services import ALL, EmbeddedError, Server, Services, plan, read

START_DEADLINE_S = 150.0  # crash recovery of a large database takes its time
_PROJECT = Path(__file__).resolve().parents[2]


class _Outliving(subprocess.Popen[bytes]):
    """A program that may outlive its starter: no warning when it does."""

    def __del__(self) -> None:
        """Nothing: `Popen` would say that the program is still running."""


_joined: dict[Path, int] = {}  # data folder -> descriptor of its users.lock
_launched: dict[Path, _Outliving] = {}  # the holders that we started
_guard = threading.Lock()


def join(data: Path, *, needs: Iterable[Server] = ALL, durable: bool = True) -> Services:
    """Make sure the servers that one `needs` run, and keep them while this process lives.

    Cheap when they run already (two file locks).  `durable=False` is for throw-away data: the
    servers then never wait for the disk.  Raises EmbeddedError saying what to do.
    """
    data = data.resolve()
    with _guard:
        if data not in _joined:
            plan(data)
            _joined[data] = _become_user(data)
        if locks.holder_state(data, needs) != "ready":
            _start_holder(data, needs, durable=durable)
        return read(data)


def leave(data: Path, *, wait_s: float = 15.0) -> None:
    """Stop using the servers; if this was the last user, wait until they have stopped."""
    data = data.resolve()
    with _guard:
        descriptor = _joined.pop(data, None)
    if descriptor is None:
        return
    locks.release(descriptor)

    def gone_or_shared() -> bool:
        if locks.holder_state(data) == "absent":
            return True
        # While the holder stops it keeps the lock exclusively; others keep it shared.
        if not locks.try_exclusive(descriptor):
            shared = locks.try_shared(descriptor)
            if shared:
                locks.release(descriptor)
            return shared
        locks.release(descriptor)
        return False

    wait_for(gone_or_shared, wait_s)
    os.close(descriptor)
    if locks.holder_state(data) == "absent":
        _reap(data)


def wait_for(condition: Callable[[], bool], within_s: float, period_s: float = 0.02) -> bool:
    """Poll `condition` until it holds or `within_s` passed; return whether it held."""
    pause = threading.Event()
    for _ in range(max(1, round(within_s / period_s))):
        if condition():
            return True
        pause.wait(period_s)
    return condition()


def _become_user(data: Path) -> int:
    descriptor = locks.open_lock(data / "users.lock")
    # A holder on its way out keeps the lock until its servers have stopped.
    if not wait_for(lambda: locks.try_shared(descriptor), 30.0):
        os.close(descriptor)
        raise EmbeddedError(f"the servers of {data} are stopping and do not end; see holder.log")
    return descriptor


def _start_holder(data: Path, needs: Iterable[Server], *, durable: bool) -> None:
    mutex = locks.open_lock(data / "start.lock")
    try:
        if not wait_for(lambda: locks.try_exclusive(mutex), START_DEADLINE_S):
            raise EmbeddedError(f"somebody has been starting the servers of {data} for too long")
        locks.want(data, needs)
        if locks.holder_state(data) == "absent":
            _launch(data, durable=durable)
        wait_for(lambda: _ready_or_failed(data, needs), START_DEADLINE_S)
        if locks.holder_state(data, needs) != "ready":
            raise EmbeddedError(_last_words(data))
    finally:
        os.close(mutex)


def _ready_or_failed(data: Path, needs: Iterable[Server]) -> bool:
    state = locks.holder_state(data, needs)
    launched = _launched.get(data)
    # A holder of ours is "absent" until it has its lock; one of others' is gone.
    ended = launched is None or launched.poll() is not None
    return state == "ready" or (state == "absent" and ended)


def _launch(data: Path, *, durable: bool) -> None:
    """Start the holder in a session of its own: it outlives its starter, whatever ends that."""
    _reap(data)
    command = [sys.executable, "-m", "deploy.embedded.holder", str(data)]
    with (data / "holder.log").open("ab") as log:
        log.truncate(0)
        _launched[data] = _Outliving(
            command if durable else [*command, "--throw-away"],
            cwd=_PROJECT,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


def _reap(data: Path) -> None:
    """Take leave of a holder that we launched and that has given up its lock."""
    ended = _launched.pop(data, None)
    if ended is not None:
        ended.wait(10.0)


def _last_words(data: Path) -> str:
    log = data / "holder.log"
    lines = log.read_text(errors="replace").strip().splitlines() if log.exists() else []
    last = lines[-1] if lines else "no message"
    return f"the embedded servers did not start: {last} (more in {log})"
