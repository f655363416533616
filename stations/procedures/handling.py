"""F7: whose nuts a person turns in a program, told by the names of its steps.  Pure.

To connect, join, part, unlink or assemble cells is to turn the nuts on their posts, once.  The name
says whose: `connect` of all cells, `connect-3` of the third.  Every other step with a person (LEFT)
leaves them alone.  [B] section 1: the threads of the posts are aluminium.

What a program has put on it asks somebody to take off again, and that counts too.  Where all is
measured by then the run waits for that word, and is done without it as well.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from datetime import timedelta

from stations.procedures.state import Run
from stations.procedures.steps import Instruct, Program

TURNS = re.compile(r"(?:connect|unlink|join|part|assemble)(?:-([1-9][0-9]*))?")

LEFT = frozenset({"place", "finish", "probes"})

UNSAID = "nobody said that it all came off"


def torqued(torque_nm: float | None) -> str:
    """What is said of nuts that go on: to so many newton metres, where the cell's type says it."""
    if torque_nm is None:
        return "Torque each nut as the cell's datasheet says."
    return f"Torque each nut to {torque_nm:g} N·m, as the cell's datasheet says."


def only_takes_off(run: Run) -> bool:
    """Whether all is measured, and nothing is left but that somebody takes off what was put on."""
    return isinstance(run.step, Instruct) and run.step_index == len(run.program.steps) - 1


def leads_off(wait: timedelta, *, cell: int = 0) -> Instruct:
    """Somebody takes leads and meter off the one cell, or off `cell` of several."""
    which = f"cell {cell}" if cell else "the cell"
    return Instruct(
        f"unlink-{cell}" if cell else "unlink",
        f"Take the leads off {which}",
        f"The output is off and {which} is measured. Its leads and the meter's wires off, so that "
        "it stands alone, and a cover on its posts.",
        "Leads and meter are off",
        drawing="unlinked",
        timeout=wait,
    )


def handled(step: str, positions: Iterable[int]) -> list[int]:
    """The positions, of those in the run, whose nuts are turned in the step of that name."""
    found = TURNS.fullmatch(step)
    if found is None:
        return []
    return [p for p in positions if found[1] is None or p == int(found[1])]


def position_of(step: str) -> int:
    """Of the one cell that a person's step is about, by its name; 0 where that is all."""
    found = TURNS.fullmatch(step)
    return int(found[1]) if found is not None and found[1] else 0


def per_cell(program: Program) -> int:
    """How often a run of this program turns the nuts of a cell; of the most handled one."""
    positions = range(1, program.cells + 1)
    turned: Counter[int] = Counter()
    for step in program.steps:
        if isinstance(step, Instruct):
            turned.update(handled(step.name, positions))
    return max(turned.values(), default=0)
