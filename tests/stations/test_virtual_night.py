"""A's night on the cell model: joined in the evening, charged by itself, ready by 06:00 (F5, F6).

[A] overnight: 22:00 to 06:00, "total active effort: 15 minutes".
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

import pytest

from stations.bench import BenchLost
from stations.model.bank import Bank, Wiring
from stations.model.cell import cell_of
from stations.planner.hours import charge_of, courses, interval
from stations.planner.knowledge import Known
from stations.planner.presence import visits
from stations.planner.schedule import Schedule, schedule
from stations.procedures.actions import Outcome
from stations.procedures.attendance import Span, unattended, waiting
from stations.procedures.state import Record
from stations.procedures.steps import Program
from stations.runner import begun, run, unopposed
from stations.values import Window
from stations.virtual import Act, VirtualBench, VirtualClock
from stations.virtual_instruments import Instruments
from tests.stations.procedures.scripted import program

EVENING = datetime(2026, 11, 26, 22, 0, tzinfo=UTC)
SIX = datetime(2026, 11, 27, 6, 0, tzinfo=UTC)
HOLD = timedelta(hours=4)
FULL = 0.93  # SOC of each of four 200 Ah cells: what a supply of 18 A fills in a night


@pytest.fixture(scope="module")
def plan() -> Schedule:
    """Who comes at 22:00 for a bank that is to be ready by 06:00."""
    made, known = program(), Known(200.0, (Window(FULL, FULL),) * 4, Window(1e-3, 6e-3), LINKS)
    charge = charge_of(made)
    assert charge is not None
    hours = interval([course.hours for course in courses(made, charge, known, settings=3)])
    asked = visits(made, hours)
    return schedule(asked, hours, ready_by=SIX, hold_max=HOLD, alone_from=EVENING)


LINKS = Window(0.1e-3, 0.3e-3)


def night(until: datetime) -> Program:
    return waiting(unattended(program(), HOLD), Span(EVENING, until))


def bench(*acts: Act) -> VirtualBench:
    bank = Bank([cell_of(200.0)] * 4, Wiring(), soc=(FULL,) * 4, linked=False, fed=False)
    return VirtualBench(
        bank,
        person=(Act("connect", 600.0, hands="join"), *acts),
        sample_s=12.0,
        instruments=Instruments(probes=2),
        clock=VirtualClock(EVENING),
    )


def played(
    on: VirtualBench, until: datetime, objections: Callable[[], Sequence[str]] = unopposed
) -> Outcome:
    outcome = run(begun(night(until), EVENING), on, objections)
    assert not on.output_on
    return outcome


def record(outcome: Outcome, step: str) -> Record:
    return next(found for found in outcome.run.records if found.step == step)


def test_a_night_waits_joined_and_is_ready_by_six_with_hands_only_at_its_ends(
    plan: Schedule,
) -> None:
    at_six = Act("balance", (SIX - plan.drives_at).total_seconds() - 60, step="finish")
    on = bench(at_six, Act("unlink", 120.0, hands="part"))

    outcome = played(on, plan.drives_at)

    assert outcome.kind == "FINISHED", outcome.reason
    joined, charge = record(outcome, "joined"), record(outcome, "balance")
    assert joined.ended_at - EVENING < timedelta(minutes=15)
    assert plan.drives_at <= charge.entered_at < plan.drives_at + timedelta(minutes=1)
    assert EVENING + timedelta(minutes=30) < plan.drives_at
    assert charge.remarks[0] == "done"
    assert SIX - timedelta(minutes=5) < record(outcome, "disconnect").ended_at
    assert record(outcome, "disconnect").ended_at < SIX + timedelta(minutes=10)
    assert [cell.verdict for cell in record(outcome, "disconnect").cells] == ["pass"] * 4


def test_the_evening_is_for_hands_and_the_night_for_nobody(plan: Schedule) -> None:
    first, last = plan.calls

    assert first.earliest == EVENING
    assert first.latest == plan.begin_at
    assert plan.drives_at == plan.begin_at + timedelta(minutes=15)
    assert last.latest == SIX
    assert plan.attention == timedelta(minutes=15)


def test_what_objects_once_the_wait_is_over_refuses_the_run_without_any_output() -> None:
    outcome = played(
        bench(), EVENING + timedelta(hours=1), lambda: ["No test alert was seen to arrive."]
    )

    assert outcome.kind == "REFUSED"
    assert outcome.reason == "No test alert was seen to arrive."
    assert outcome.run.current_stopped is None
    assert outcome.run.charge_ah == 0.0


def test_nobody_to_ask_at_the_moment_interrupts_the_run_without_any_output() -> None:
    def nobody() -> Sequence[str]:
        raise BenchLost("the shop could not be asked")

    outcome = played(bench(), EVENING + timedelta(hours=1), nobody)

    assert (outcome.kind, outcome.reason) == ("INTERRUPTED", "the shop could not be asked")
    assert outcome.run.charge_ah == 0.0


def test_hands_that_come_after_the_moment_begin_at_once() -> None:
    on = bench(Act("balance", 60.0, says="stop"))

    outcome = played(on, EVENING + timedelta(minutes=1))

    joined, charge = record(outcome, "joined"), record(outcome, "balance")
    assert charge.entered_at - joined.ended_at < timedelta(minutes=1)
    assert outcome.kind == "STOPPED"


def test_a_stop_while_it_waits_ends_it_without_any_output() -> None:
    on = bench(Act("wait", 1800.0, says="stop"))

    outcome = played(on, EVENING + timedelta(hours=3))

    assert outcome.kind == "STOPPED"
    assert outcome.run.charge_ah == 0.0
