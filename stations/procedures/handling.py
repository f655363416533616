"""F7: whose nuts a person turns in a program, told by the names of its steps.  Pure.

To connect, join, part, unlink or assemble cells is to turn the nuts on their posts, once.  The name
says whose: `connect` of all cells, `connect-3` of the third.  Every other step with a person (LEFT)
leaves them alone.  [B] section 1: the threads of the posts are aluminium.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

from stations.procedures.steps import Instruct, Program

TURNS = re.compile(r"(?:connect|unlink|join|part|assemble)(?:-([1-9][0-9]*))?")

LEFT = frozenset({"place", "finish"})


def handled(step: str, positions: Iterable[int]) -> list[int]:
    """The positions, of those in the run, whose nuts are turned in the step of that name."""
    found = TURNS.fullmatch(step)
    if found is None:
        return []
    return [p for p in positions if found[1] is None or p == int(found[1])]


def per_cell(program: Program) -> int:
    """How often a run of this program turns the nuts of a cell; of the most handled one."""
    positions = range(1, program.cells + 1)
    turned: Counter[int] = Counter()
    for step in program.steps:
        if isinstance(step, Instruct):
            turned.update(handled(step.name, positions))
    return max(turned.values(), default=0)
