"""The bench as a runner sees it: one interface, two sides.

`VirtualBench` (stations.virtual) puts the cell model behind it, `GuardianBench`
(stations.guardian_client) puts a guardian's socket behind it.  The runner cannot tell which.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from stations.values import Draw, Event, OffProof, Protection, Reading, Setpoint


class BenchError(Exception):
    """The bench refused or could not do what was asked; output off is already under way."""


class BenchLost(BenchError):
    """The guardian is gone or no longer takes our token: stop, do not come back by yourself."""


class Bench(Protocol):
    """Everything a program may ask for.  Each call that asks also pets the dead-man."""

    def next(self) -> Reading | Event:
        """The next reading or event, in order; blocks, petting the dead-man meanwhile."""
        ...

    def configure(self, setpoint: Setpoint, protection: Protection) -> None:
        """With the output off: set protection and set-point and read both back.

        Raises BenchError naming what read back otherwise.
        """
        ...

    def configure_load(self, draw: Draw) -> None:
        """With every output off: set the load's own ends and its current and read both back.

        Raises BenchError naming what read back otherwise, or that there is no load.
        """
        ...

    def route(self, cell: int) -> datetime:
        """With every output off: leads and meter on that cell alone, 0: on none; seen there.

        Process time at which they were.  Raises BenchError naming what read back otherwise, or
        that there is no router.
        """
        ...

    def see_parted(self) -> None:
        """With every output off, where there is a contactor: see that its contacts are open.

        Raises BenchError naming one that has welded.
        """
        ...

    def arrived(self) -> Sequence[Reading | Event]:
        """What `next` would hand out without waiting, oldest first; it stays there.

        After the answer to `off` that is all that came before it, so also why the guardian
        had switched off by itself.
        """
        ...

    def energise(self) -> datetime:
        """Switch on what was configured since the last off, the supply or the load, and see it on.

        Process time at which it was seen on: what was read until then is of before.
        """
        ...

    def adjust(self, setpoint: Setpoint) -> None:
        """Change the set-point while on, and read it back."""
        ...

    def off(self) -> OffProof:
        """Switch off and prove it; if the proof fails BenchError is raised and the guardian
        goes on trying by itself."""
        ...

    def note(self, kind: str, data: Mapping[str, Any]) -> None:
        """Write an event of the program (step entered, measured, verdict) to the journal."""
        ...
