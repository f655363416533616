"""What `decide` asks of the bench, and how an attempt ended."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from stations.procedures.state import Run
from stations.values import Setpoint


@dataclass(frozen=True, slots=True)
class Hold:
    """Nothing to do."""


@dataclass(frozen=True, slots=True)
class Set:
    """Change the set-point of the running output."""

    setpoint: Setpoint


@dataclass(frozen=True, slots=True)
class Next:
    """This step is done; enter the following one (the output goes off first)."""


@dataclass(frozen=True, slots=True)
class Finish:
    """The program is done."""


@dataclass(frozen=True, slots=True)
class Refuse:
    """A check before any current failed: problems in words, nothing was energised."""

    problems: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SafeHold:
    """Doubt about the bench: output off.  `resumable`: it may pass without a person's help."""

    reason: str
    resumable: bool = False


@dataclass(frozen=True, slots=True)
class Trip:
    """A valid reading over a limit, or a step that took too long: output off, DUT suspect."""

    reason: str


Action = Hold | Set | Next | Finish | Refuse | SafeHold | Trip


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an attempt ended.  `kind` is FINISHED, REFUSED, TRIPPED, ERROR, STOPPED or INTERRUPTED.

    INTERRUPTED: nothing is wrong with cells or bench as far as anybody knows, and the run may
    go on by its ResumeRule from `unclosed`, which is `run` before the present step was closed.
    """

    kind: str
    reason: str
    run: Run
    unclosed: Run
    problems: tuple[str, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)
