"""F7: whose nuts a step turns, told by its name."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from stations import procedures
from stations.procedures.handling import LEFT, handled


@pytest.mark.parametrize(
    ("step", "turned"),
    [
        ("connect", [1, 2, 3]),
        ("unlink", [1, 2, 3]),
        ("connect-2", [2]),
        ("unlink-3", [3]),
        ("connect-4", []),
        ("connected", []),
        ("finish", []),
        ("finish-2", []),
        ("place", []),
        ("join", [1, 2, 3]),
        ("part", [1, 2, 3]),
        ("assemble", [1, 2, 3]),
        ("joined", []),
    ],
)
def test_connecting_and_unlinking_turn_the_nuts_of_the_cells_concerned(
    step: str, turned: list[int]
) -> None:
    assert handled(step, [1, 2, 3]) == turned


def names_of_steps_with_a_person() -> set[str]:
    """As they stand in the code; of one that is made for each cell the part before its number."""
    found = set()
    for path in Path(procedures.__path__[0]).glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Instruct":
                named = node.args[0]
                words = (n.value for n in ast.walk(named) if isinstance(n, ast.Constant))
                found.add(str(next(words, getattr(named, "id", ""))).rstrip("-"))
    return found


def test_it_is_decided_for_every_step_with_a_person_whether_nuts_are_turned() -> None:
    names = names_of_steps_with_a_person()

    assert {"connect", "unlink", "place", "finish"} <= names
    assert {name for name in names if not handled(name, [1])} == LEFT
