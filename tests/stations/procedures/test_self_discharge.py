"""Self-discharge watch: two looks days apart, judged by charge and the group's median.

The banks are the cell model's: held together at 3.65 V, parted, and left to lie.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stations.model.bank import Bank, Wiring
from stations.model.cell import cell_of, scattered
from stations.model.ocv import ocv_v, soc_at
from stations.plain import from_plain, to_plain
from stations.procedures import self_discharge, watching
from stations.procedures.actions import Outcome
from stations.procedures.check import problems
from stations.procedures.decide import decide
from stations.procedures.losses import Losses, losses
from stations.procedures.rules import WatchRule
from stations.procedures.state import Record, Taken
from stations.procedures.steps import PlanRefused, Program
from stations.runner import begun, run
from stations.values import NAN, OffProof, Setpoint
from stations.virtual import STARTED_AT, Act, VirtualBench, VirtualClock
from tests.stations.procedures.scripted import RATINGS, START, reading, run_at

PLACES = (Act("place", 120.0),)
DAY = timedelta(days=1)
HEALTHY = (3.55, 3.55, 3.55, 3.55)


def made(
    cells: int = 4,
    *,
    first: self_discharge.First | None = None,
    stopped: OffProof | None = None,
    **recipe: Any,
) -> Program:
    return self_discharge.program(
        self_discharge.Spec(
            self_discharge.Recipe(**recipe), cells, 3.65, 3.65, 2.50, stopped, first
        )
    )


def rule(before_v: Sequence[float] = (), **recipe: Any) -> WatchRule:
    first = self_discharge.First(7, tuple(before_v), START) if before_v else None
    recipe_ = self_discharge.Recipe(**recipe)
    spec = self_discharge.Spec(recipe_, len(before_v) or 4, 3.65, 3.65, 2.50, None, first)
    return self_discharge.rule_of(spec)


def left(seed: int, *, cells: int = 16, leak: float = 0.0) -> Bank:
    """Cells of a batch, 1-3 % a month, much as a parallel hold leaves them; the second may leak.

    Within 0.05 % of charge, and 2 to 4 mV of hysteresis on the charged side.
    """
    rng = np.random.default_rng(seed)
    batch = list(scattered(cell_of(200.0), cells, rng))
    if leak:
        batch[1] = replace(batch[1], self_discharge_month=leak)
    soc = 0.9993 + 0.0005 * rng.uniform(-0.5, 0.5, cells)
    bank = Bank(batch, Wiring(), soc=soc.tolist(), linked=False, fed=False)
    bank.states.hysteresis_v[:] = rng.uniform(0.002, 0.004, cells)
    bank.states.refresh()
    return bank


def held(seed: int, *, leak: float) -> Bank:
    """The same, truly held in parallel: 20 A to 3.65 V, ten minutes in CV."""
    bank = Bank(left(seed, leak=leak).states.cells, Wiring(), soc=[0.98] * 16)
    in_cv_s = 0.0
    while in_cv_s < 600:
        solved = bank.advance(20.0, Setpoint(3.65, 20.0))
        in_cv_s += 20.0 if solved.regulation == "CV" else 0.0
    bank.linked = bank.fed = False
    return bank


def lain(bank: Bank, days: float) -> tuple[float, ...]:
    """Volts of every cell after so many more days."""
    return tuple(bank.advance(days * 86_400, None).cell_v.tolist())


def watched(bank: Bank, first_day: float = 1.0, days: float = 3.0) -> Losses:
    before_v = lain(bank, first_day)
    return losses(rule(before_v), lain(bank, days), START + days * DAY)


def verdicts(found: Losses) -> list[str]:
    return [cell.verdict for cell in found.cells]


@pytest.mark.parametrize(("first_day", "days"), [(1, 3), (1, 7)])
@pytest.mark.parametrize("seed", [1, 2])
def test_a_cell_that_loses_ten_percent_a_month_is_named(
    seed: int, first_day: float, days: float
) -> None:
    for bank in (left(seed, leak=0.10), held(seed, leak=0.10)):
        found = watched(bank, first_day, days)

        assert verdicts(found) == ["pass", "fail", *["pass"] * 14]
        assert 0.06 <= found.cells[1].loss_month <= 0.105  # "or more": it fell onto the plateau
        assert any(words.startswith("cell 2 leaks") for words in found.remarks)


@pytest.mark.parametrize(("first_day", "days"), [(1, 14), (2, 3), (2, 7)])
def test_begun_or_ended_late_it_is_at_least_to_be_watched_again(
    first_day: float, days: float
) -> None:
    """By then it has lain on the plateau for a while, and what it lost there nobody sees."""
    for seed in (1, 2, 3):
        found = watched(held(seed, leak=0.10), first_day, days)

        assert found.cells[1].verdict in ("fail", "marginal")
        assert {cell.verdict for cell in found.cells if cell.position != 2} == {"pass"}


@pytest.mark.parametrize("leak", [0.15, 0.30])
def test_a_worse_one_is_named_all_the_more(leak: float) -> None:
    found = watched(left(3, leak=leak))

    assert found.cells[1].verdict == "fail"
    assert found.cells[1].loss_month > 0.10


def test_no_cell_of_fifty_healthy_banks_is_named() -> None:
    """1 to 3 % a month, with the scatter of a batch in all else."""
    found = [watched(left(seed)) for seed in range(100, 150)]

    assert {verdict for losses_ in found for verdict in verdicts(losses_)} == {"pass"}


def test_what_each_cell_loses_comes_out() -> None:
    bank = left(5)

    found = watched(bank)

    true = [cell.self_discharge_month for cell in bank.states.cells]
    assert [cell.loss_month for cell in found.cells] == pytest.approx(true, abs=0.003)
    assert found.median_month == pytest.approx(float(np.median(true)), abs=0.001)


def test_a_suspect_cell_is_to_be_watched_again() -> None:
    found = watched(left(1, leak=0.06), days=7.0)

    assert found.cells[1].verdict == "marginal"
    assert any("watch it again" in words for words in found.remarks)


def test_a_group_that_fell_onto_the_plateau_is_not_observable() -> None:
    found = losses(rule((3.37, 3.37, 3.37, 3.50)), (3.342, 3.342, 3.342, 3.46), START + 5 * DAY)

    assert set(verdicts(found)) == {"unseen"}
    assert "not observable" in found.remarks[0]
    assert math.isnan(found.median_month)


@pytest.mark.parametrize("volts", [3.26, 3.30, 3.33, 3.345])
def test_a_cell_on_the_plateau_is_not_observable(volts: float) -> None:
    """10 mV can be 20 % of charge there."""
    found = losses(rule((volts, *HEALTHY)), (volts - 0.002, *[3.46] * 4), START + 3 * DAY)

    assert verdicts(found) == ["unseen", *["pass"] * 4]
    assert math.isnan(found.cells[0].loss_month)


def test_what_falls_off_the_far_end_of_the_plateau_is_named_all_the_same() -> None:
    found = losses(rule((3.28, *HEALTHY)), (2.95, *[3.46] * 4), START + 3 * DAY)

    assert found.cells[0].verdict == "fail"


def test_near_empty_a_loss_is_seen_as_well() -> None:
    before_v = (2.95,) * 4
    lost = [3.0, 2.0, 2.0, 12.0]  # % a month, in three days
    after_v = [float(ocv_v(soc_at(2.95 + 0.003) - 0.1 * share / 100)) - 0.003 for share in lost]

    found = losses(rule(before_v), after_v, START + 3 * DAY)

    assert verdicts(found) == ["pass", "pass", "pass", "fail"]
    assert found.cells[0].loss_month == pytest.approx(0.03, abs=0.001)


def test_volts_that_rise_are_of_no_cell_that_rested() -> None:
    found = losses(rule(HEALTHY), (3.57, 3.46, 3.46, 3.46), START + 3 * DAY)

    assert verdicts(found) == ["invalid", "pass", "pass", "pass"]


@given(st.lists(st.floats(2.5, 3.65), min_size=3, max_size=16), st.floats(3.0, 31.0))
def test_cells_that_fell_alike_are_never_named(volts: list[float], days: float) -> None:
    now_v = [max(volt - 0.02, 2.4) for volt in (volts[0],) * len(volts)]

    found = losses(rule((volts[0],) * len(volts)), now_v, START + days * DAY)

    assert "fail" not in verdicts(found)


def test_a_warmer_room_moves_all_and_names_none() -> None:
    """The median takes out what is common: 0.2 mV/K, 3 K."""
    bank = left(2)
    before_v = lain(bank, 1.0)
    warm = tuple(volt + 0.0006 for volt in lain(bank, 3.0))

    assert set(verdicts(losses(rule(before_v), warm, START + 3 * DAY))) == {"pass"}


# The program, on the virtual bench


def play(bank: Bank, program: Program, at: datetime = STARTED_AT) -> Outcome:
    bench = VirtualBench(bank, person=PLACES, clock=VirtualClock(at))
    outcome = run(begun(program, bench.clock.now()), bench)
    assert not any(note[1] == "current_stopped" for note in bench.notes)
    return outcome


def record_of(outcome: Outcome) -> Record:
    assert outcome.kind == "FINISHED", outcome.reason
    return outcome.run.records[-1]


def first_of(outcome: Outcome) -> self_discharge.First:
    cells = record_of(outcome).cells
    return self_discharge.First(7, tuple(c.voltage_v for c in cells), cells[0].received_at)


def test_a_plan_passes_its_dry_run_and_survives_json() -> None:
    first = self_discharge.First(7, HEALTHY, START)
    for program in (made(), made(first=first)):
        assert problems(program, RATINGS) == []
        assert from_plain(Program, to_plain(program)) == program


def test_two_checks_three_days_apart_name_the_cell_that_leaks() -> None:
    bank = left(4, cells=8, leak=0.10)
    lain(bank, 1.0)
    one = play(bank, made(8))
    lain(bank, 3.0)

    other = record_of(play(bank, made(8, first=first_of(one)), STARTED_AT + 3 * DAY))

    facts = dict(other.facts)
    assert [cell.verdict for cell in record_of(one).cells] == ["pass"] * 8
    assert [cell.verdict for cell in other.cells] == ["pass", "fail", *["pass"] * 6]
    assert (facts["first_check"], round(facts["days"], 2)) == (7.0, 3.0)
    assert other.cells[1].voltage_v < other.cells[1].window.low
    assert 0.01 < facts["median_month"] < 0.03


@pytest.mark.parametrize(
    ("days", "words"),
    [(0.5, "The first check was 12 h ago"), (2.9, "shows from"), (40.0, "")],
)
def test_a_second_check_has_its_time(days: float, words: str) -> None:
    """Too early it is refused; where the first one is too old it begins the watch anew."""
    first = self_discharge.First(7, HEALTHY, STARTED_AT - days * DAY)
    bank = left(1, cells=4)
    lain(bank, 1.0)

    outcome = play(bank, made(first=first))

    assert (outcome.kind == "REFUSED") == bool(words)
    assert words in outcome.reason
    if not words:
        record = record_of(outcome)
        assert dict(record.facts)["first_check"] == 0.0
        assert "begins anew" in record.remarks[0]


def test_cells_that_were_charged_this_morning_are_refused() -> None:
    stopped = OffProof(STARTED_AT - DAY / 4, STARTED_AT - DAY / 4, 0.0)

    outcome = play(left(1, cells=4), made(stopped=stopped))

    assert outcome.kind == "REFUSED"
    assert "relax" in outcome.reason


def test_cells_on_the_plateau_are_refused_before_days_are_waited() -> None:
    bank = Bank([cell_of(200.0)] * 4, Wiring(), soc=[0.5] * 4, linked=False, fed=False)

    outcome = play(bank, made())

    assert outcome.kind == "REFUSED"
    assert "charge the group to full together" in outcome.reason


def test_one_of_them_on_the_plateau_is_said_and_not_waited_for() -> None:
    bank = Bank([cell_of(200.0)] * 4, Wiring(), soc=[0.999, 0.999, 0.97, 0.999], linked=False)

    record = record_of(play(bank, made()))

    assert [cell.verdict for cell in record.cells] == ["pass", "pass", "unseen", "pass"]
    assert "cell 3 rests on the plateau" in record.remarks[0]


@pytest.mark.parametrize(("then_c", "now_c", "kept"), [(20.0, 25.0, True), (20.0, 22.0, False)])
def test_cells_that_are_not_as_warm_as_then_wait(then_c: float, now_c: float, kept: bool) -> None:
    known, at = replace(rule(HEALTHY), before_c=then_c), START + 3 * DAY
    taken = [Taken(n, volt, at, at) for n, volt in enumerate(HEALTHY, start=1)]

    assert bool(watching.problems(known, taken, now_c, None)) == kept
    assert not watching.problems(known, taken, NAN, None)  # nobody knows


def test_cells_that_are_unlike_warm_are_not_read() -> None:
    """B8's 3 K hold for a watch as well: a reading waits until they lie side by side."""
    entered = run_at("watch", made())
    apart, alike = (
        reading(5.0, cell_voltages_v=HEALTHY, temperatures_c=warm)
        for warm in ((20.0, 24.0, 20.0, 20.0), (20.0, 21.0, 20.0, 20.0))
    )
    for seen, measured in ((apart, False), (alike, True)):
        state = entered
        for seconds in (5, 6, 7):
            at = START + timedelta(seconds=seconds)
            state, _ = decide(state, replace(seen, at=at, received_at=at, seq=seconds), at)
        assert bool(state.records and state.records[-1].kind == "measure") == measured
    assert dict(state.records[-1].facts)["temperature_c"] == pytest.approx(20.25)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"cells": 2}, "at least 3 together"),
        ({"cells": 3, "first": self_discharge.First(7, HEALTHY, START)}, "of other cells"),
    ],
)
def test_what_cannot_be_watched_is_refused(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(PlanRefused, match=words):
        made(**changes)
