"""B8: resting cells are judged against their bank's median and age; nothing is energised."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stations.plain import from_plain, to_plain
from stations.procedures import judge, recheck
from stations.procedures.actions import Outcome
from stations.procedures.check import problems
from stations.procedures.rules import RecheckRule
from stations.procedures.steps import Measure, PlanRefused, Program
from stations.runner import begun, run
from stations.values import OffProof, Window
from stations.virtual import STARTED_AT, Act, VirtualBench
from stations.virtual_instruments import Instruments
from tests.stations.procedures.scripted import RATINGS, START
from tests.stations.virtual_cells import relaxed_bank

PLACES = (Act("place", 120.0),)
TARGET_V = 3.65


def made(*, hours: float = 5.0, banks: Sequence[int] = (1, 1, 1, 1), **recipe: Any) -> Program:
    """A program for cells whose current stopped `hours` before the virtual bench begins."""
    stopped = STARTED_AT - timedelta(hours=hours)
    return recheck.program(
        recheck.Spec(
            recipe=recheck.Recipe(**recipe),
            banks=tuple(banks),
            target_v=TARGET_V,
            current_stopped=OffProof(stopped, stopped, 0.0),
            cell_voltage_max_v=3.65,
            cell_voltage_min_v=2.50,
        )
    )


def rule_of(program: Program) -> RecheckRule:
    step = program.steps[-1]
    assert isinstance(step, Measure)
    assert isinstance(step.rule, RecheckRule)
    return step.rule


RULE = rule_of(made())


def play(bench: VirtualBench, **changes: Any) -> Outcome:
    return run(begun(made(**changes), bench.clock.now()), bench)


@pytest.mark.parametrize(
    ("hours", "below_v", "verdict"),
    [
        (0.5, 0.040, "pass"),
        (0.5, 0.041, "marginal"),
        (4.0, 0.040, "pass"),
        (4.0, 0.080, "marginal"),
        (4.0, 0.081, "fail"),
        (14.0, 0.050, "pass"),
        (14.0, 0.051, "marginal"),
        (14.0, 0.090, "marginal"),
        (14.0, 0.091, "fail"),
        (24.0, 0.060, "pass"),
        (24.0, 0.100, "marginal"),
        (24.0, 0.101, "fail"),
        (96.0, 0.100, "marginal"),
    ],
)
def test_limits_are_linear_between_four_hours_and_a_day(
    hours: float, below_v: float, verdict: str
) -> None:
    assert judge.recheck_verdict(RULE, 3.50 - below_v, 3.50, timedelta(hours=hours)) == verdict


def test_the_floor_holds_however_low_the_neighbours_are() -> None:
    """3.34 V: a full healthy cell rests above it."""
    assert judge.recheck_verdict(RULE, 3.339, 3.341, timedelta(hours=5)) == "fail"
    assert judge.recheck_verdict(RULE, 3.340, 3.341, timedelta(hours=5)) == "pass"
    assert judge.recheck_window(RULE, 3.341, timedelta(hours=5)).low == 3.34


def test_each_bank_has_its_own_median() -> None:
    """Two banks of another age rest at other voltages, and both are healthy."""
    volts = (3.52, 3.53, 3.40, 3.41)
    rule = replace(RULE, banks=(7, 7, 9, 9))

    apart, remarks = judge.recheck_results(
        rule, volts, at=START, received_at=START, age=timedelta(hours=5)
    )
    together, _ = judge.recheck_results(
        replace(rule, banks=()), volts, at=START, received_at=START, age=timedelta(hours=5)
    )

    assert [cell.verdict for cell in apart] == ["pass"] * 4
    assert remarks == ()
    assert "fail" not in {cell.verdict for cell in together[:2]}
    assert apart[2].window.low != together[2].window.low


def test_a_warning_passes_with_a_remark() -> None:
    results, remarks = judge.recheck_results(
        RULE, (3.50, 3.50, 3.44, 3.50), at=START, received_at=START, age=timedelta(hours=4)
    )

    assert [cell.verdict for cell in results] == ["pass"] * 4
    assert remarks == ("cell 3 is 60 mV below its bank",)


@given(
    st.lists(st.floats(3.0, 3.65), min_size=4, max_size=4),
    st.timedeltas(timedelta(0), timedelta(days=3)),
    st.timedeltas(timedelta(0), timedelta(days=3)),
)
def test_more_age_never_fails_a_cell_that_passed(
    volts: list[float], age: timedelta, more: timedelta
) -> None:
    def passes(at_age: timedelta) -> list[bool]:
        results, _ = judge.recheck_results(RULE, volts, at=START, received_at=START, age=at_age)
        return [cell.verdict == "pass" for cell in results]

    assert all(later or not now for now, later in zip(passes(age), passes(age + more), strict=True))


def test_the_program_can_enable_no_output() -> None:
    """Its hard limits are below any set-point, and the dry run insists on that."""
    program = made()

    assert [type(step).__name__ for step in program.steps] == ["Instruct", "Measure"]
    assert problems(program, RATINGS) == []
    loose = replace(program, limits=replace(program.limits, current_max_a=5.0))
    assert problems(loose, RATINGS) == [
        "The program never charges, yet its hard limit would allow 5.00 A; it must allow less "
        "than RD6018 resolves."
    ]


def test_the_dry_run_wants_a_channel_for_each_cell() -> None:
    assert RATINGS.scanner is not None
    small = replace(RATINGS, scanner=replace(RATINGS.scanner, channels=3))

    assert "the scanner sees 3 cells, the bank has 4" in problems(made(), small)[0]
    assert "has no scanner" in problems(made(), replace(RATINGS, scanner=None))[0]


def test_a_program_survives_its_journey_through_json() -> None:
    program = made()

    assert from_plain(Program, to_plain(program)) == program


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"banks": (1, 1, 1, 2)}, "Cell 4 is the only one of its bank"),
        ({"banks": ()}, "no cell to check"),
        ({"floor_v": 3.66}, "not below the balance's target"),
    ],
)
def test_refuses_what_cannot_be_judged(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(PlanRefused, match=words):
        made(**changes)


def test_four_healthy_cells_five_hours_after_their_balance() -> None:
    """B8 end to end on the model: nothing is energised, every cell passes, its age is wall time."""
    bench = VirtualBench(relaxed_bank(), person=PLACES)

    outcome = play(bench)

    assert (outcome.kind, outcome.reason) == ("FINISHED", "done")
    assert [record.step for record in outcome.run.records] == ["place", "recheck"]
    cells = outcome.run.records[-1].cells
    assert {cell.verdict for cell in cells} == {"pass"}
    assert all(5 * 3600 < cell.age_s < 5.1 * 3600 for cell in cells)
    assert outcome.run.current_stopped == outcome.run.program.current_stopped
    assert outcome.run.charge_ah == 0.0
    assert not any(kind == "current_stopped" for _, kind, _ in bench.notes)


def test_a_cell_that_leaked_fails_and_its_neighbours_do_not() -> None:
    bench = VirtualBench(relaxed_bank(soc=(0.9995, 0.9995, 0.99, 0.9995)), person=PLACES)

    cells = play(bench).run.records[-1].cells

    assert [cell.verdict for cell in cells] == ["pass", "pass", "fail", "pass"]
    assert cells[2].window == Window(cells[2].window.low, float("inf"))
    assert cells[2].voltage_v < cells[2].window.low


def test_a_lost_channel_ends_in_doubt_after_the_span() -> None:
    """First to last within 30 min: a check that does not settle by then is none."""
    bench = VirtualBench(
        relaxed_bank(), person=PLACES, instruments=Instruments(lost_channels=frozenset({2}))
    )

    outcome = play(bench)

    assert outcome.kind == "ERROR"
    assert "did not settle within 0:30:00" in outcome.reason


def test_without_a_current_that_stopped_there_is_no_age() -> None:
    bench = VirtualBench(relaxed_bank(), person=PLACES)
    program = replace(made(), current_stopped=None)

    outcome = run(begun(program, bench.clock.now()), bench)

    assert outcome.kind == "ERROR"
    assert "nobody knows when current stopped" in outcome.reason
