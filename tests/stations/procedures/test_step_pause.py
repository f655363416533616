"""B11: the parallel bank in three voltages, output off between, to next to no current."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from shop.evidence.rules.balance import balance_of
from stations.plain import from_plain, to_plain
from stations.procedures import step_pause
from stations.procedures.actions import Outcome
from stations.procedures.check import problems
from stations.procedures.steps import Charge, PlanRefused, Program, Verify
from stations.runner import begun, run
from stations.virtual import ATTENTIVE, Act, VirtualBench
from tests.stations.procedures.scripted import RATINGS, SUPPLY, spec
from tests.stations.test_virtual import bank, record


def made(**changes: Any) -> Program:
    own = {k: v for k, v in changes.items() if k in step_pause.Recipe.__dataclass_fields__}
    recipe = step_pause.Recipe(**own)
    more = {k: v for k, v in changes.items() if k not in own}
    return step_pause.program(replace(spec(**more), recipe=recipe), recipe)


def play(bench: VirtualBench, program: Program) -> Outcome:
    outcome = run(begun(program, bench.clock.now()), bench)
    assert not bench.output_on
    return outcome


def test_each_voltage_follows_a_pause_in_which_the_bank_is_seen_again() -> None:
    program = made()
    charges = [step for step in program.steps if isinstance(step, Charge)]

    assert [step.setpoint.voltage_v for step in charges] == [3.40, 3.50, 3.60, 3.60]
    assert [step.stage for step in charges] == [True, True, False, False]
    assert {step.setpoint.current_a for step in charges} == {14.4}  # 80 % of 18 A
    assert all(step.protection.ovp_v == step.setpoint.voltage_v + 0.1 for step in charges)
    for before, step in zip(program.steps, program.steps[1:], strict=False):
        assert not isinstance(step, Charge) or isinstance(before, Verify)
    assert problems(program, RATINGS) == []
    assert from_plain(Program, to_plain(program)) == program


def test_four_cells_from_90_percent_come_to_their_disconnect_check() -> None:
    bench = VirtualBench(bank((0.90,) * 4), sample_s=6.0)

    outcome = play(bench, made())

    assert outcome.kind == "FINISHED", outcome.reason
    for step in ("first", "second", "balance"):
        facts = dict(record(outcome, step).facts)
        assert 0.01 < facts["tail_a"] <= 0.25
        assert record(outcome, step).remarks == ("done",)
    peaks = [dict(record(outcome, s).facts)["peak_voltage_v"] for s in ("first", "second")]
    assert peaks == [pytest.approx(3.40, abs=0.002), pytest.approx(3.50, abs=0.002)]
    offs = [kind for _, kind, _ in bench.notes if kind == "current_stopped"]
    assert len(offs) == 4
    assert {cell.verdict for cell in record(outcome, "disconnect").cells} == {"pass"}
    figures = balance_of(outcome.run.records)
    assert figures is not None
    assert figures.completeness == "COMPLETE"
    assert figures.cv_s < 2 * 3600  # the hours at 3.400 V are bulk, no hold at the target


def test_cells_that_rest_above_the_first_voltage_pass_it_without_current() -> None:
    bench = VirtualBench(bank((0.9975,) * 4), sample_s=3.0)  # some 3.51 V at rest

    outcome = play(bench, made())

    assert outcome.kind == "FINISHED", outcome.reason
    first = dict(record(outcome, "first").facts)
    assert first["charge_ah"] == pytest.approx(0.0, abs=1e-3)
    assert {cell.verdict for cell in record(outcome, "disconnect").cells} == {"pass"}


def test_leads_that_come_off_on_the_way_are_found_at_the_target() -> None:
    person = (*ATTENTIVE, Act("second", 1.0, hands="leads off", says=""))
    bench = VirtualBench(bank((0.9975,) * 4), person=person, sample_s=3.0)

    outcome = play(bench, made())

    assert (outcome.kind, outcome.reason[:40]) != ("FINISHED", "done")
    assert "balance" not in {r.step for r in outcome.run.records if "done" in r.remarks}


@pytest.mark.parametrize("step", ["pause-first", "second", "pause-second"])
def test_a_stop_on_the_way_to_the_target_is_no_complete_balance(step: str) -> None:
    """M5: the first voltage has its own tail, and 3.400 V is not the balance."""
    stop = Act(step, 1.0, says="stop")
    bench = VirtualBench(bank((0.99,) * 4), person=(*ATTENTIVE, stop), sample_s=3.0)

    outcome = play(bench, made())

    assert outcome.kind == "STOPPED"
    figures = balance_of(outcome.run.records)
    assert figures is not None
    assert (figures.completeness, figures.remark[:7]) == ("PARTIAL", "stopped")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"second_v": 3.40}, "do not rise"),
        ({"target_v": 3.50}, "do not rise"),
        ({"target_v": 3.66}, "outside 3.50"),
        ({"target_v": 3.55, "bms_run_v": 3.58}, "below 3.58 V, to which the pack's BMS"),
        ({"full_rating_allowed": True}, "its share of the supply's rating"),
        ({"cells": 1}, "at least 2 cells"),
        ({"supply": replace(SUPPLY, current_resolution_a=0.15)}, "resolves"),
        ({"cells": 64}, "leak"),
    ],
)
def test_a_plan_that_cannot_work_is_refused_with_its_reason(
    changes: dict[str, object], words: str
) -> None:
    with pytest.raises(PlanRefused, match=words):
        made(**changes)
