"""B3: low cells are charged up to where the high ones rest, and may then be joined to them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from stations.model.bank import Bank, Wiring
from stations.model.cell import cell_of
from stations.plain import from_plain, to_plain
from stations.procedures import levelling
from stations.procedures.actions import Outcome
from stations.procedures.check import problems
from stations.procedures.joining import joining_problems
from stations.procedures.steps import PlanRefused, Program
from stations.runner import begun, run
from stations.virtual import Act, VirtualBench
from tests.stations.procedures.scripted import RATINGS, spec
from tests.stations.procedures.test_joining import rule_of
from tests.stations.test_virtual import record

PERSON = (Act("connect", 300.0, hands="join"), Act("unlink", 3600.0, hands="part"))
ALONE = (Act("connect", 300.0, hands="single", cell=1), PERSON[1])


def made(cells: int = 2, **changes: Any) -> Program:
    own = {k: v for k, v in changes.items() if k in levelling.Recipe.__dataclass_fields__}
    recipe = levelling.Recipe(**own)
    more = {k: v for k, v in changes.items() if k not in own}
    return levelling.program(replace(spec(cells=cells, **more), recipe=recipe), recipe)


def levelled(
    soc: Sequence[float], program: Program, person: Sequence[Act] = PERSON, **bank: Any
) -> Outcome:
    cells = Bank([cell_of(200.0)] * len(soc), Wiring(), soc=soc, linked=False, fed=False, **bank)
    bench = VirtualBench(cells, person=person, sample_s=30.0)
    outcome = run(begun(program, bench.clock.now()), bench)
    assert not bench.output_on
    return outcome


@pytest.mark.parametrize(("soc", "person"), [((0.04, 0.05), PERSON), ((0.04,), ALONE)])
def test_low_cells_come_up_to_the_high_ones(soc: Sequence[float], person: Sequence[Act]) -> None:
    program = made(len(soc))

    outcome = levelled(soc, program, person)

    assert problems(program, RATINGS) == []
    assert from_plain(Program, to_plain(program)) == program
    assert outcome.kind == "FINISHED", outcome.reason
    last = record(outcome, "levelled")
    assert {cell.verdict for cell in last.cells} == {"pass"}
    assert last.remarks == ()
    volts = [cell.voltage_v for cell in last.cells]
    assert joining_problems(rule_of(), [3.30, *volts]) == []
    assert dict(record(outcome, "level").facts)["peak_voltage_v"] <= 3.302


def test_what_was_levelled_is_no_balance() -> None:
    outcome = levelled((0.45, 0.45), made())

    assert {r.kind for r in outcome.run.records} == {"measure", "instruct", "verify", "stage"}


def test_a_cell_that_falls_back_is_named() -> None:
    """It rests below the window once it was taken off."""
    outcome = levelled((0.04, 0.05), made(levelled_below_v=0.0001))

    assert outcome.kind == "FINISHED"
    assert record(outcome, "levelled").remarks == ("not level: cell 1, 2",)


def test_low_cells_that_must_not_be_joined_either_are_refused() -> None:
    outcome = levelled((0.005, 0.40), made())

    assert outcome.kind == "REFUSED"
    assert "never join them directly" in outcome.reason


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"target_v": 2.70}, "outside 2.80"),
        ({"capacity_ah": 1.0}, "resolves"),
    ],
)
def test_a_plan_that_cannot_work_is_refused_with_its_reason(
    changes: dict[str, Any], words: str
) -> None:
    with pytest.raises(PlanRefused, match=words):
        made(**changes)
