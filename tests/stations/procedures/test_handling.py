"""F7: whose nuts a step turns, told by its name."""

from __future__ import annotations

import pytest

from stations.procedures.handling import handled


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
    ],
)
def test_connecting_and_unlinking_turn_the_nuts_of_the_cells_concerned(
    step: str, turned: list[int]
) -> None:
    assert handled(step, [1, 2, 3]) == turned
