"""B12: one cell after the other on one supply, each to its own tail and its own check."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from shop.evidence.rules.balance import balance_of, cells_of, stopped_of
from stations.model.bank import Bank, Wiring
from stations.model.cell import cell_of
from stations.plain import from_plain, to_plain
from stations.procedures import single_cells
from stations.procedures.actions import Outcome
from stations.procedures.check import problems
from stations.procedures.progress import enter_next
from stations.procedures.resume import resumed
from stations.procedures.state import Run
from stations.procedures.steps import Charge, PlanRefused, Program, Verify
from stations.replay import replay
from stations.runner import begun, run
from stations.values import OffProof, Window
from stations.virtual import Act, VirtualBench
from tests.stations.procedures.scripted import RATINGS, START, spec
from tests.stations.test_replay import Journalled
from tests.stations.test_virtual import record


class KilledIn(Journalled):
    """Dies 50 readings after the program has entered the named step."""

    def __init__(self, step: str, inner: VirtualBench) -> None:
        super().__init__(inner)
        self._step = step

    def note(self, kind: str, data: Mapping[str, Any]) -> None:
        super().note(kind, data)
        if kind == "step" and data["name"] == self._step:
            self.lives = 50


def made(cells: int = 3, **changes: Any) -> Program:
    return single_cells.program(spec(cells=cells, **changes))


def by_turns(cells: int = 3) -> tuple[Act, ...]:
    """Somebody who connects each cell, is there at its end, and takes the leads off."""
    acts: list[Act] = []
    for cell in range(1, cells + 1):
        acts += (
            Act(f"connect-{cell}", 120.0, hands="single", cell=cell),
            Act(f"finish-{cell}", 60.0),
            Act(f"unlink-{cell}", 60.0, hands="part"),
        )
    return tuple(acts)


def table(soc: Sequence[float] = (0.98, 0.99, 0.97), **changes: Any) -> Bank:
    cells = [cell_of(200.0)] * len(soc)
    return Bank(cells, Wiring(), soc=soc, linked=False, fed=False, **changes)


def play(bench: VirtualBench, program: Program | None = None) -> Outcome:
    outcome = run(begun(program or made(), bench.clock.now()), bench)
    assert not bench.output_on
    return outcome


def test_the_plan_scales_with_one_cell() -> None:
    program = made()
    facts = dict(program.facts)
    charges = [step for step in program.steps if isinstance(step, Charge)]

    assert facts["tail_done_a"] == pytest.approx(0.25)
    assert facts["current_a"] == 14.4  # 0.2C would be 40 A, 80 % of the supply is less
    assert {step.finish_current_a for step in charges} == {6.0}
    assert [step.cell for step in charges] == [1, 1, 2, 2, 3, 3]
    assert {step.setpoint.voltage_v for step in charges} == {3.65}
    for before, step in zip(program.steps, program.steps[1:], strict=False):
        if isinstance(step, Charge):
            assert isinstance(before, Verify)
            assert before.cell == step.cell
    assert problems(program, RATINGS) == []
    assert from_plain(Program, to_plain(program)) == program


def test_three_cells_end_alike_each_with_its_own_stop_and_check() -> None:
    outcome = play(VirtualBench(table(), person=by_turns(), sample_s=6.0))

    assert outcome.kind == "FINISHED", outcome.reason
    records, stops = outcome.run.records, stopped_of(outcome.run.records)
    checks = [record(outcome, f"disconnect-{cell}").cells[0] for cell in (1, 2, 3)]
    assert [(c.position, c.verdict) for c in checks] == [(1, "pass"), (2, "pass"), (3, "pass")]
    assert all(c.age_s == pytest.approx(60.0, abs=10.0) for c in checks)
    assert stops[1].at < checks[0].at < stops[2].at < checks[1].at < stops[3].at
    own = cells_of(records)
    assert {figures.completeness for figures in own.values()} == {"COMPLETE"}
    assert [own[n].charge_ah for n in (1, 2, 3)] == pytest.approx([3.8, 1.8, 5.8], abs=0.3)
    volts = [c.voltage_v for c in checks]
    assert max(volts) - min(volts) < 0.005
    group = balance_of(records)
    assert group is not None
    assert group.charge_ah == pytest.approx(sum(f.charge_ah for f in own.values()))


def test_what_one_cell_took_does_not_count_for_the_next() -> None:
    """B2: the second cell is empty, whatever went into the first."""
    person = by_turns(2)
    outcome = play(VirtualBench(table((0.5, 0.06)), person=person, sample_s=12.0), made(2))

    facts = dict(record(outcome, "balance-2").facts)
    assert outcome.kind == "FINISHED", outcome.reason
    assert facts["charge_ah"] > facts["least_charge_ah"] > 100


def test_leads_on_another_cell_are_not_charged() -> None:
    person = (Act("connect-1", 120.0, hands="single", cell=2),)
    bench = VirtualBench(table((0.6, 0.999, 0.6)), person=person, sample_s=3.0)

    outcome = play(bench)

    assert outcome.kind == "ERROR"
    assert "See that it is cell 1" in outcome.reason
    assert outcome.run.charge_ah == 0.0


def test_leads_on_another_cell_that_rests_alike_are_noticed_once_it_rises() -> None:
    person = (Act("connect-1", 120.0, hands="single", cell=2),)
    bench = VirtualBench(table((0.6, 0.6, 0.6)), person=person, sample_s=1.0)

    outcome = play(bench)

    assert outcome.kind == "ERROR"
    assert "disagree" in outcome.reason
    assert outcome.run.charge_ah < 1.0


def test_a_reversed_cell_is_refused_before_any_is_charged() -> None:
    bank = table(reversed_positions=frozenset({2}))

    outcome = play(VirtualBench(bank, person=by_turns()))

    assert outcome.kind == "REFUSED"
    assert "Cell 2" in outcome.problems[0]
    assert "reversed" in outcome.problems[0]


def test_a_stop_in_the_second_cell_keeps_the_first() -> None:
    stop = Act("finish-2", 1.0, says="stop")
    person = tuple(act for act in by_turns() if act.on_step != "finish-2")
    person += (Act("balance-2", 900.0, says="stop"), stop)
    program = made(cv_min_s=3600.0)

    outcome = play(VirtualBench(table(), person=person, sample_s=3.0), program)

    own = cells_of(outcome.run.records)
    assert outcome.kind == "STOPPED"
    assert {cell: figures.completeness for cell, figures in own.items()} == {
        1: "COMPLETE",
        2: "PARTIAL",
    }
    assert stopped_of(outcome.run.records)[2] == outcome.run.current_stopped
    group = balance_of(outcome.run.records)
    assert group is not None
    assert group.completeness == "PARTIAL"


def test_a_late_person_leaves_a_missing_check_of_that_cell_alone() -> None:
    person = tuple(
        Act("unlink-1", 1200.0, hands="part") if act.on_step == "unlink-1" else act
        for act in by_turns()
    )

    outcome = play(VirtualBench(table(), person=person, sample_s=6.0))

    verdicts = [record(outcome, f"disconnect-{n}").cells[0].verdict for n in (1, 2, 3)]
    assert verdicts == ["missing", "pass", "pass"]


def test_somebody_who_stays_spares_the_refresh() -> None:
    person = tuple(
        Act(f"balance-{act.on_step[-1]}", 60.0, step=act.on_step)
        if "finish" in act.on_step
        else act
        for act in by_turns()
    )

    outcome = play(VirtualBench(table(), person=person, sample_s=6.0))

    assert outcome.kind == "FINISHED", outcome.reason
    assert {r.kind for r in outcome.run.records if "refresh" in r.step} == {"skipped"}
    assert len(stopped_of(outcome.run.records)) == 3
    assert outcome.run.records[-1].ended_at - outcome.run.started_at < timedelta(hours=4)


def test_an_interrupted_charge_goes_on_with_the_same_cell_and_its_own_account() -> None:
    half = Run(program=made(), started_at=START, step_entered_at=START)
    half = replace(half, rested_alone=((3.34, 0.0), (3.10, 170.0), (3.34, 0.0)), charge_ah=4.0)
    while half.step.name != "balance-2":
        half = enter_next(half, START)
    stopped = OffProof(START, START, 0.0)

    again = resumed(replace(half, charge_ah=20.0), at=START, stopped=stopped, reason="a test")

    assert again.step.name == "joined-2"
    after = enter_next(again, START)
    assert (after.step.name, after.cell) == ("balance-2", 2)
    assert (after.least_charge_ah, after.least_from_ah) == (170.0, 4.0)
    assert after.rested == Window(3.10, 3.10)


def test_a_run_that_was_killed_in_the_second_cell_goes_on_there_and_keeps_the_first() -> None:
    """F4: from its journal, as the next worker does it."""
    program, bench = made(), VirtualBench(table(), person=by_turns(), sample_s=6.0)
    first = KilledIn("balance-2", bench)
    killed = run(begun(program, first.opened_at), first)
    known = replay(program, [first.journal(killed)])
    again = resumed(
        known.outcome.unclosed, at=bench.clock.now(), stopped=known.stopped, reason="killed"
    )

    outcome = run(again, bench)

    assert outcome.kind == "FINISHED", outcome.reason
    own = cells_of(outcome.run.records)
    assert {cell: f.completeness for cell, f in own.items()} == dict.fromkeys((1, 2, 3), "COMPLETE")
    assert sorted(stopped_of(outcome.run.records)) == [1, 2, 3]
    assert "interrupted" in own[2].remark
    assert (own[1].remark, own[3].remark) == ("", "")
    assert [record(outcome, f"disconnect-{n}").cells[0].verdict for n in (1, 2, 3)] == ["pass"] * 3


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"target_v": 3.45}, "outside 3.50"),
        ({"target_v": 3.55, "bms_run_v": 3.60}, "the pack's BMS"),
        ({"capacity_ah": 5.0}, "resolves"),
    ],
)
def test_a_plan_that_cannot_work_is_refused_with_its_reason(
    changes: dict[str, Any], words: str
) -> None:
    with pytest.raises(PlanRefused, match=words):
        made(**changes)


def test_the_dry_run_sees_a_cell_that_is_never_measured() -> None:
    program = made()
    steps = tuple(step for step in program.steps if step.name != "disconnect-2")
    unmeasured = from_plain(Program, to_plain(program) | {"steps": to_plain(steps)})

    assert any("cell 2 is not measured" in words for words in problems(unmeasured, RATINGS))
