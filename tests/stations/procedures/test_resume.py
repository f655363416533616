"""A run that was interrupted goes on by rule, or says why it does not (F4)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from stations.procedures import resume
from stations.procedures.actions import Trip
from stations.procedures.decide import decide
from stations.procedures.progress import confirm, enter_next
from stations.procedures.state import Run
from stations.values import OffProof
from tests.stations.procedures.scripted import START, holding, run_at

SHORT = timedelta(minutes=5)
AT = START + timedelta(hours=3)
STOPPED = OffProof(AT - SHORT, AT - SHORT, 0.0)


def in_the_hold() -> Run:
    """An hour into the CV hold, 20 Ah delivered."""
    run = run_at("balance")
    for minute in range(1, 61):
        item = holding(60.0 * minute, 9.0)
        run, _ = decide(run, item, item.at)
    return replace(run, charge_ah=20.0, step_charge_ah=20.0, tail_since=run.last_at)


def resumed(run: Run) -> Run:
    return resume.resumed(run, at=AT, stopped=STOPPED, reason="the worker was lost")


@pytest.mark.parametrize(
    ("attempt", "gap", "named"),
    [
        (1, timedelta(minutes=60), ""),
        (2, SHORT, ""),
        (3, SHORT, "tried 3 times"),
        (1, timedelta(minutes=60, seconds=1), "longer than 1:00:00"),
    ],
)
def test_a_charge_resumes_within_an_hour_and_three_attempts(
    attempt: int, gap: timedelta, named: str
) -> None:
    found = resume.problems(in_the_hold(), attempt=attempt, gap=gap)

    assert (named in found[0]) if named else (found == [])


def test_a_wait_for_a_person_resumes_as_long_as_it_might_have_lasted() -> None:
    run = run_at("finish")

    assert resume.problems(run, attempt=1, gap=timedelta(hours=11)) == []
    assert resume.problems(run, attempt=1, gap=timedelta(hours=13)) != []


def test_what_is_used_up_does_not_go_on() -> None:
    limits = in_the_hold().program.limits
    spent = replace(in_the_hold(), charge_ah=limits.charge_max_ah)
    late = replace(in_the_hold(), last_at=START + timedelta(seconds=limits.duration_max_s))

    assert "its charge is used up" in resume.problems(spent, attempt=1, gap=SHORT)
    assert "its time is used up" in resume.problems(late, attempt=1, gap=SHORT)


def test_a_charge_is_entered_again_by_its_verification_after_a_rest() -> None:
    again = resumed(in_the_hold())

    assert again.step.name == "joined"
    assert again.rest_until == STOPPED.at + timedelta(seconds=60)
    assert again.current_stopped == STOPPED
    assert (again.tail_since, again.cv_since, again.setpoint) == (None, None, None)


def test_who_announced_himself_during_a_charge_announces_himself_again_after_it_broke_off() -> None:
    """B19: an hour later nobody may stand there, and the refresh would be left out for nobody."""
    announced = confirm(replace(in_the_hold(), confirmed=frozenset({"connect"})), "finish")

    again = resumed(announced)

    assert not again.announced
    assert again.confirmed == {"connect"}
    assert confirm(enter_next(again, AT), "finish").announced == {"finish"}


def test_caps_count_over_all_attempts_and_the_tail_afresh() -> None:
    again = enter_next(resumed(in_the_hold()), AT)

    assert again.step.name == "balance"
    assert (again.step_charge_ah, again.charge_ah) == (20.0, 20.0)
    assert again.cv_spent_s == pytest.approx(59 * 60)
    late = holding((AT - START).total_seconds() + 5 * 3600.0 + 180, 9.0)
    early, _ = decide(again, holding((AT - START).total_seconds() + 60, 9.0), AT)
    _, action = decide(early, late, late.at)
    assert isinstance(action, Trip)
    assert "CV hold timed out" in action.reason


def test_the_next_session_may_only_use_what_is_left() -> None:
    run = in_the_hold()
    left = resume.remaining(run, START + timedelta(hours=3))

    assert left.charge_max_ah == pytest.approx(run.program.limits.charge_max_ah - 20.0)
    assert left.duration_max_s == run.program.limits.duration_max_s - 3 * 3600.0


def test_a_person_and_a_measurement_begin_their_step_again() -> None:
    for step in ("pre-parallel", "connect", "finish", "unlink", "disconnect"):
        run = run_at(step)
        again = resumed(run)

        assert (again.step.name, again.step_entered_at) == (step, AT)
        assert again.current_stopped == run.current_stopped


def test_an_interruption_stays_on_the_record_of_the_charge() -> None:
    again = enter_next(resumed(in_the_hold()), AT)
    assert again.interruptions == ("interrupted for 300 s: the worker was lost",)
