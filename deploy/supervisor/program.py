"""What the supervisor is told about a program."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path


class StartFailed(Exception):
    """A program did not become ready; the message names it and has its last words."""


@dataclass(frozen=True, slots=True)
class Program:
    """One program to keep running.

    Programs of a lower `stage` are ready before those of a higher one are started, and stopped
    after them.  Ready means: a line of output matches `ready_line` (a regular expression), or
    `is_ready` says so; with neither, being started is enough.  SIGTERM asks it to end, SIGKILL
    follows after `stop_s`.

    `heartbeat` is a file that the program touches while it does its work; when it is older
    than `heartbeat_s` the program is killed, `make_safe` run, and the program started again.

    `complaint` is a file that another program touches when this one runs but no longer does its
    work; it is then told to end, and started again.
    """

    name: str
    command: tuple[str, ...]
    stage: int = 0
    ready_line: str = ""
    is_ready: Callable[[], bool] | None = None
    ready_s: float = 60.0
    stop_s: float = 10.0
    restarts: bool = True
    heartbeat: Path | None = None
    heartbeat_s: float = 5.0
    make_safe: tuple[str, ...] = ()
    complaint: Path | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
