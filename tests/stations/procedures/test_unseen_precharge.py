"""B10: a string whose cells nobody sees, somebody there: its BMS ends it, or its own voltage."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from stations.drivers.jbd_bms import RATINGS as JBD
from stations.model.bank import Bank
from stations.model.bms import Bms
from stations.plain import from_plain, to_plain
from stations.procedures import attendance, by_hand, unseen_precharge
from stations.procedures.actions import Outcome
from stations.procedures.check import problems
from stations.procedures.resume import resumed
from stations.procedures.steps import PlanRefused, Presence, Program, SeriesCharge
from stations.procedures.unseen_precharge import Recipe, Spec
from stations.runner import begun, run
from stations.values import Ratings, SupplyRatings
from stations.virtual import TAKES_OFF, Act, VirtualBench, reads_by_hand
from stations.virtual_instruments import Instruments
from tests.stations.procedures.test_series_precharge import METER, RD6018, SCANNER, string_of
from tests.stations.test_virtual import record

RATINGS = Ratings(RD6018, METER)
BLIND = Instruments(has_scanner=False, has_bms=False)
BUILT = Act("assemble", 600.0, hands="string", answer=3.65)
STRONG = replace(RD6018, model="EA 80-120", current_max_a=120.0, power_max_w=3000.0)
NOT_SEEN = "cells not observable: nothing on this bench shows them"


def made(
    cells: int = 4,
    *,
    reads: bool = False,
    supply: SupplyRatings = RD6018,
    capacity_ah: float = 100.0,
    **recipe: Any,
) -> Program:
    spec = Spec(
        recipe=Recipe(**recipe),
        cells=cells,
        capacity_ah=capacity_ah,
        cell_voltage_max_v=3.65,
        cell_voltage_min_v=2.5,
        supply=supply,
        by_hand=reads,
    )
    return unseen_precharge.program(spec)


def charged(bank: Bank, program: Program, person: Sequence[Act] = (BUILT, TAKES_OFF)) -> Outcome:
    bench = VirtualBench(bank, person=person, sample_s=5.0, instruments=BLIND)
    outcome = run(begun(program, bench.clock.now()), bench)
    assert not bench.output_on
    return outcome


@pytest.mark.parametrize("cells", [4, 8, 16])
@pytest.mark.parametrize("cell_c_max", [0.05, 0.2])
def test_the_bms_ends_it_and_is_told_by_the_run_up_of_one_cell(
    cells: int, cell_c_max: float
) -> None:
    program = made(cells, cell_c_max=cell_c_max)

    outcome = charged(string_of([0.95] + [0.85] * (cells - 1)), program)

    assert problems(program, RATINGS) == []
    assert from_plain(Program, to_plain(program)) == program
    assert outcome.kind == "FINISHED", outcome.reason
    done = record(outcome, "precharge")
    assert done.remarks[0].startswith("the BMS opened: no current flows, and the string had run up")
    facts = dict(done.facts)
    assert (facts["bms_opened"], facts["peak_cell"]) == (1.0, 0.0)
    assert facts["run_up_v"] > Recipe().run_up_v


@pytest.mark.parametrize("cells", [4, 16])
@pytest.mark.parametrize("after_h", [0.02, 0.5, 2.0, 3.0])
def test_a_lead_that_comes_off_is_no_bms_that_opened(cells: int, after_h: float) -> None:
    off = Act("precharge", 3600 * after_h, hands="leads off", says="")
    bank = string_of([0.50] + [0.20] * (cells - 1))

    bench = LeadsOff(bank, person=(BUILT, off, TAKES_OFF), sample_s=5.0, instruments=BLIND)
    outcome = run(begun(made(cells), bench.clock.now()), bench)

    assert outcome.kind == "ERROR"
    assert "a lead is off, or the BMS opened early" in outcome.reason
    assert NOT_SEEN in record(outcome, "precharge").remarks


class LeadsOff(VirtualBench):
    """The string stays built, and its meter on it, when the leads are taken off."""

    def _perform(self, act: Act) -> Any:
        event = super()._perform(act)
        if act.hands == "leads off":
            self.bank.series = True
        return event


def test_a_bms_that_opens_early_is_not_taken_for_the_end() -> None:
    outcome = charged(string_of([0.95, 0.85, 0.85, 0.85], Bms(early_v=0.2)), made())

    assert outcome.kind == "ERROR"
    assert "or the BMS opened early; no full cell was lifting the string" in outcome.reason


def test_a_bms_that_is_open_from_the_beginning_lets_no_end_be_told() -> None:
    outcome = charged(string_of([0.5] * 4, Bms(told_open=True)), made())

    assert outcome.kind == "ERROR"
    assert "the string never took any" in outcome.reason


def test_equal_cells_come_to_the_voltage_of_the_string_and_take_no_more() -> None:
    outcome = charged(string_of([0.97] * 4), made())

    assert outcome.kind == "FINISHED", outcome.reason
    assert record(outcome, "precharge").remarks == (
        "the string is at its 14.60 V and takes no more",
        NOT_SEEN,
    )


def test_a_string_that_stands_at_its_voltage_for_so_long_is_done() -> None:
    bank = string_of([0.97] * 4, Bms(stays_closed=True))

    outcome = charged(bank, made(hold_h=0.1, tail_c=0.001))

    assert outcome.kind == "FINISHED", outcome.reason
    assert record(outcome, "precharge").remarks[0] == "held at its 14.60 V for 0:06:00"


def test_its_records_have_no_cell_and_say_so() -> None:
    outcome = charged(string_of([0.95, 0.85, 0.85, 0.85]), made())

    assert all(not known.cells for known in outcome.run.records)
    for look in ("string", "string-after"):
        rest, unseen = record(outcome, look).remarks
        assert rest.startswith("the string at rest: 13.")
        assert unseen == NOT_SEEN
    assert dict(record(outcome, "assemble").facts) == {"bms_over_v": 3.65}


def test_a_setting_that_is_not_the_target_confirms_nothing() -> None:
    wrong = replace(BUILT, after_s=60.0, answer=3.75)
    bench = VirtualBench(string_of([0.97] * 4), person=(wrong, BUILT, TAKES_OFF), instruments=BLIND)

    outcome = run(begun(made(), bench.clock.now()), bench)

    ignored = [data for _, kind, data in bench.notes if kind == "ignored"]
    assert len(ignored) == 1
    assert dict(record(outcome, "assemble").facts) == {"bms_over_v": 3.65}


def test_a_meter_that_is_on_one_cell_alone_starts_no_charge() -> None:
    outcome = charged(string_of([0.9] * 4), made(), (replace(BUILT, hands="join"),))

    assert outcome.kind == "ERROR"
    assert "4 cells in series rest at 10.0 … 14.6 V: put it on the minus" in outcome.reason


def test_the_meter_of_the_string_stops_it() -> None:
    bench = VirtualBench(
        string_of([0.97] * 4, Bms(stays_closed=True)),
        person=(BUILT, TAKES_OFF),
        sample_s=5.0,
        instruments=replace(BLIND, supply_offset_v=0.15),
    )

    outcome = run(begun(made(), bench.clock.now()), bench)

    assert outcome.kind == "TRIPPED"
    assert "above the hard limit of 14.700 V" in outcome.reason


def test_who_has_a_meter_reads_each_cell_before_and_after() -> None:
    program = by_hand.typed_steps(made(reads=True))
    person = (
        BUILT,
        TAKES_OFF,
        *reads_by_hand("rested", (1, 2, 3, 4), after_s=60.0, each_s=20.0),
        *reads_by_hand("precharged", (1, 2, 3, 4), after_s=60.0, each_s=20.0),
    )

    outcome = charged(string_of([0.95, 0.85, 0.85, 0.85]), program, person)

    assert problems(program, replace(RATINGS, by_hand=True)) == []
    assert outcome.kind == "FINISHED", outcome.reason
    volts = [cell.voltage_v for cell in record(outcome, "precharged").cells]
    assert volts.index(max(volts)) == 0
    assert NOT_SEEN in record(outcome, "precharge").remarks


@pytest.mark.parametrize(
    ("ratings", "words"),
    [
        (replace(RATINGS, scanner=SCANNER), "this bench shows each of the 4 cells"),
        (replace(RATINGS, bms=JBD), "this bench shows each of the 4 cells"),
        (replace(RATINGS, meter=replace(METER, voltage_max_v=12.0)), "has the 100 V range"),
    ],
)
def test_a_bench_that_is_not_for_it_is_refused_in_words(ratings: Ratings, words: str) -> None:
    assert any(words in problem for problem in problems(made(), ratings))


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        (lambda made: replace(made, presence=None), "somebody must say at least every 30 min"),
        (
            lambda made: replace(
                made, presence=Presence(timedelta(minutes=31), timedelta(minutes=5))
            ),
            "somebody must say at least every 30 min",
        ),
        (lambda made: replace(made, steps=_with_seen(made)), "it ends by cells that nobody sees"),
    ],
)
def test_without_somebody_there_it_is_refused(
    changed: Callable[[Program], Program], words: str
) -> None:
    assert any(words in problem for problem in problems(changed(made()), RATINGS))


@pytest.mark.parametrize(
    ("recipe", "words"),
    [
        ({}, "set lead_max_ohm to 28 mΩ at most"),  # 60 A, and up to 63 by its hard limit
        ({"lead_max_ohm": 0.029}, "meter may lie 2.0 V below the supply"),
        ({"lead_max_ohm": 0.028}, ""),
        ({"cell_c_max": 0.1}, ""),
    ],
)
def test_a_current_at_which_the_guardian_would_doubt_the_meter_is_refused(
    recipe: dict[str, Any], words: str
) -> None:
    strong = made(supply=STRONG, capacity_ah=300.0, **recipe)

    found = problems(strong, replace(RATINGS, supply=STRONG))

    assert len(found) == bool(words)
    assert words in "".join(found)


def _with_seen(program: Program) -> Any:
    return tuple(
        replace(step, unseen=None) if isinstance(step, SeriesCharge) else step
        for step in program.steps
    )


@pytest.mark.parametrize(("policy_s", "every_s"), [(1800, 900), (600, 600)])
def test_the_stricter_of_policy_and_recipe_says_how_often_somebody_is_asked(
    policy_s: float, every_s: float
) -> None:
    policy = Presence(timedelta(seconds=policy_s), timedelta(seconds=60))

    presence = attendance.attended(made(), policy).presence

    assert presence is not None
    assert presence.every.total_seconds() == every_s


def test_the_string_stays_within_what_its_cells_bear_together() -> None:
    program = made(16)
    limits = program.limits

    (step,) = [s for s in program.steps if isinstance(s, SeriesCharge)]
    assert limits.bank_voltage_max_v == pytest.approx(16 * limits.cell_voltage_max_v)
    assert step.setpoint.current_a <= 0.2 * 100.0
    assert limits.charge_max_ah == pytest.approx(110.0)


def test_five_cells_in_series_are_refused_in_words() -> None:
    with pytest.raises(PlanRefused, match="A string of 5 cells"):
        made(5)


def interrupted(after_s: float) -> tuple[Outcome, Outcome]:
    """Cut short so long after current began, and gone on with by the rules of a resume."""
    bench = VirtualBench(
        string_of([0.95, 0.85, 0.85, 0.85]),
        person=(BUILT, Act("precharge", after_s, says="stop"), TAKES_OFF),
        sample_s=5.0,
        instruments=BLIND,
    )
    cut = run(begun(made(), bench.clock.now()), bench)
    again = resumed(cut.unclosed, at=bench.clock.now(), stopped=bench.off(), reason="nobody there")
    assert again.step.name == "string"
    later = VirtualBench(bench.bank, sample_s=5.0, clock=bench.clock, instruments=BLIND)
    return cut, run(again, later)


def test_it_goes_on_from_its_look_at_the_string_once_somebody_is_there_again() -> None:
    """F4."""
    cut, outcome = interrupted(after_s=300.0)

    assert outcome.kind == "FINISHED", outcome.reason
    done = record(outcome, "precharge")
    assert done.remarks[0].startswith("the BMS opened")
    assert any("nobody there" in remark for remark in done.remarks)
    assert outcome.run.charge_ah > dict(record(cut, "precharge").facts)["charge_ah"]


def test_a_bms_that_opens_before_it_could_be_told_is_not_taken_for_the_end() -> None:
    _, outcome = interrupted(after_s=900.0)

    assert outcome.kind == "ERROR"
    assert "less than the 1.0 Ah went in that would tell" in outcome.reason
