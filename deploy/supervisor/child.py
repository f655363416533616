"""One run of one program: its output line by line, its readiness, its end."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from deploy.embedded.server import die_with_parent
from deploy.supervisor.program import Program

_POLL_S = 0.1
_LINE_MAX = 1 << 20


class Child:
    """A started program, in a session of its own.

    Ctrl-C at the terminal so reaches the supervisor alone, which decides the order of ending.
    Should the supervisor be killed the kernel ends the program, or for those that others need
    to end well (`orphan`) the sweeper does.
    """

    def __init__(
        self, program: Program, process: asyncio.subprocess.Process, say: Callable[[str], None]
    ) -> None:
        self.program = program
        self.last_words: deque[str] = deque(maxlen=5)
        self._process = process
        self._say = say
        self._started_at = time.time()
        self._ready = asyncio.Event()
        self._on_end: Callable[[], None] = lambda: None
        self._reader = asyncio.create_task(self._read())

    @classmethod
    async def start(
        cls, program: Program, folder: Path, say: Callable[[str], None], *, orphan: bool = False
    ) -> Child:
        """Raises OSError where the program cannot be started at all."""
        process = await asyncio.create_subprocess_exec(
            *program.command,
            cwd=folder,
            env={**os.environ, **program.environment},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            limit=_LINE_MAX,
            start_new_session=True,
            preexec_fn=None if orphan else die_with_parent(signal.SIGTERM),
        )
        return cls(program, process, say)

    @property
    def pid(self) -> int:
        return self._process.pid

    def on_end(self, act: Callable[[], None]) -> None:
        """`act` is called once it has ended, with everything it started."""
        self._on_end = act

    async def wait_ready(self) -> bool:
        """Whether it became ready before it ended or its time was up."""
        waits_for_line = bool(self.program.ready_line)
        is_ready = self.program.is_ready
        deadline = time.monotonic() + self.program.ready_s
        while self._process.returncode is None and time.monotonic() < deadline:
            if self._ready.is_set() or (is_ready is not None and is_ready()):
                return True
            if not waits_for_line and is_ready is None:
                return True
            await asyncio.sleep(_POLL_S)
        return self._ready.is_set()

    async def wait_end(self) -> int:
        """Its exit code (negative: the signal that ended it), after its last line was read."""
        code = await self._wait_exit()
        await self._end_group()
        self._on_end()
        await self._reader
        return code

    async def wait_silence(self) -> None:
        """Return when its heartbeat is too old; never for a program without one."""
        while self.program.heartbeat is None or self._heartbeat_age_s() < self.program.heartbeat_s:
            await asyncio.sleep(_POLL_S)

    async def wait_complaint(self) -> None:
        """Return when somebody complains of it from now on; never where nobody can."""
        before = self._complained_at()
        while self._complained_at() == before:
            await asyncio.sleep(_POLL_S)

    async def stop(self, patience: Callable[[float], asyncio.Future[None]]) -> bool:
        """SIGTERM, then SIGKILL when `patience` (given `stop_s`) is over.

        True if it ended by itself.
        """
        if self._process.returncode is None:
            self._process.terminate()
        ended: asyncio.Future[Any] = asyncio.ensure_future(self._wait_exit())
        over: asyncio.Future[Any] = patience(self.program.stop_s)
        await asyncio.wait({ended, over}, return_when=asyncio.FIRST_COMPLETED)
        over.cancel()
        by_itself = ended.done()
        self.kill()
        await ended
        await self.wait_end()
        return by_itself

    def kill(self) -> None:
        """SIGKILL to it and to everything it started."""
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)

    async def _wait_exit(self) -> int:
        """Unlike `Process.wait`, not until whatever it started has closed the pipe too."""
        while self._process.returncode is None:
            await asyncio.sleep(_POLL_S / 2)
        return self._process.returncode

    async def _end_group(self) -> None:
        """What it started does not outlive it."""
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGTERM)
            await asyncio.sleep(_POLL_S)
            os.killpg(self.pid, signal.SIGKILL)

    def _heartbeat_age_s(self) -> float:
        """Seconds since the last beat, or since the start where there was none after it."""
        assert self.program.heartbeat is not None  # noqa: S101
        try:
            beat = self.program.heartbeat.stat().st_mtime
        except FileNotFoundError:
            beat = 0.0
        return time.time() - max(beat, self._started_at)

    def _complained_at(self) -> int:
        try:
            return self.program.complaint.stat().st_mtime_ns if self.program.complaint else 0
        except FileNotFoundError:
            return 0

    async def _read(self) -> None:
        stream = self._process.stdout
        assert stream is not None  # noqa: S101
        pattern = re.compile(self.program.ready_line) if self.program.ready_line else None
        while True:
            try:
                raw = await stream.readline()
            except ValueError:  # a line beyond _LINE_MAX
                continue
            if not raw:
                return
            line = raw.decode(errors="replace").rstrip()
            if line:
                self.last_words.append(line)
                self._say(line)
            if pattern is not None and pattern.search(line):
                self._ready.set()
