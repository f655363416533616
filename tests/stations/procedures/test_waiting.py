"""A run that nobody attends waits for its moment with its cells joined (F6, F4)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from stations.plain import from_plain, to_plain
from stations.procedures import check, recheck, resume
from stations.procedures.actions import Action, Hold, Next, SafeHold
from stations.procedures.attendance import Span, unattended, waiting
from stations.procedures.decide import decide
from stations.procedures.progress import confirm, enter_next
from stations.procedures.state import Run
from stations.procedures.steps import Charge, Program, Verify, Wait
from stations.values import NAN, OffProof, Reading, Window
from tests.stations.planner.test_stretches import capacity
from tests.stations.procedures import scripted
from tests.stations.procedures.scripted import RATINGS, START, program, run_at
from tests.stations.procedures.test_recheck import made as recheck_made

MOMENT = START + timedelta(hours=3)
SPAN = Span(START, MOMENT)


def made() -> Program:
    return waiting(unattended(program(), timedelta(hours=4)), SPAN)


def in_the_wait() -> Run:
    return replace(run_at("wait", made()), rested=Window(3.338, 3.342))


def reading(seconds: float, **changes: Any) -> Reading:
    return scripted.reading(seconds, **{"temperatures_c": (21.0, 22.0), **changes})


def heard(run: Run, *items: Reading) -> tuple[Run, Action]:
    action: Action = Hold()
    for item in items:
        run, action = decide(run, item, item.at)
    return run, action


def test_it_waits_after_the_hands_and_is_verified_before_and_after() -> None:
    names = [step.name for step in made().steps]

    assert names[:6] == ["pre-parallel", "connect", "joined", "wait", "joined-again", "balance"]
    assert check.problems(made(), RATINGS) == []


def test_the_hard_limit_of_its_time_includes_the_wait() -> None:
    alone = unattended(program(), timedelta(hours=4))

    assert made().limits.duration_max_s == alone.limits.duration_max_s + 3 * 3600
    past = waiting(alone, Span(MOMENT, START))
    assert past.limits == alone.limits


def test_a_program_with_a_wait_is_stored_and_read_as_it_was() -> None:
    assert from_plain(Program, to_plain(made())) == made()
    tags = [step["type"] for step in to_plain(made())["steps"]]
    assert tags[2:6] == ["Verify", "Wait", "Verify", "Charge"]


def test_a_program_without_any_output_has_nothing_to_wait_with() -> None:
    assert recheck_made().name == recheck.NAME
    assert waiting(recheck_made(), SPAN) == recheck_made()


def test_a_wait_that_nothing_verifies_after_is_refused_by_the_dry_run() -> None:
    steps = tuple(step for step in made().steps if step.name != "joined-again")

    found = check.problems(replace(made(), steps=steps), RATINGS)

    assert any("nothing verifies" in words for words in found)


def test_it_holds_until_its_moment_and_goes_on_by_itself() -> None:
    run, before = heard(in_the_wait(), reading(10), reading(3 * 3600 - 1))
    assert before == Hold()

    run, after = heard(run, reading(3 * 3600))

    assert after == Next()
    assert run.records[-1].kind == "wait"
    assert enter_next(run, MOMENT).step.name == "joined-again"


def test_who_is_there_may_begin_before() -> None:
    run, _ = heard(in_the_wait(), reading(10))

    _, action = heard(confirm(run, "wait"), reading(11))

    assert action == Next()


def test_nobody_begins_before_everything_is_joined() -> None:
    with pytest.raises(ValueError, match="cannot be confirmed now"):
        confirm(run_at("connect", made()), "wait")
    with pytest.raises(ValueError, match="cannot be confirmed now"):
        confirm(run_at("joined", made()), "wait")


AMISS = [
    ({"voltage_v": 3.20}, "check polarity, links and cells"),
    ({"cell_voltages_v": (3.34, 3.34, 3.20, 3.34)}, "cell 3 is -140 mV from the bank"),
    ({"voltage_v": NAN}, "the bank meter shows no voltage"),
    ({"temperatures_c": (21.0, NAN)}, "show no temperature"),
    ({"temperatures_c": ()}, "show no temperature"),
    ({"flags": frozenset({"meter_silent"})}, "meter_silent"),
]


@pytest.mark.parametrize(("changes", "words"), AMISS)
def test_it_never_goes_on_by_a_reading_that_shows_something_amiss(
    changes: dict[str, Any], words: str
) -> None:
    run, action = heard(in_the_wait(), reading(3 * 3600 + 1, **changes))
    assert action == Hold()

    _, ended = heard(run, reading(3 * 3600 + 902, **changes))

    assert isinstance(ended, SafeHold)
    assert words in ended.reason


def test_what_is_put_right_in_time_is_no_matter() -> None:
    off = {"cell_voltages_v": (3.34, 3.34, 3.20, 3.34)}
    run, _ = heard(in_the_wait(), reading(10, **off), reading(800, **off), reading(801))

    _, action = heard(run, reading(1700, **off), reading(2500, **off))

    assert action == Hold()


def test_a_current_with_the_output_off_ends_it_as_everywhere() -> None:
    on = [reading(10 + n, output_on=True, supply_current_a=5.0) for n in range(3)]

    _, action = heard(in_the_wait(), *on)

    assert action == SafeHold("the output is on in step “Wait for the moment, output off”")


def test_an_interrupted_wait_goes_on_waiting() -> None:
    run, _ = heard(in_the_wait(), reading(10, voltage_v=3.2), reading(20))
    at = START + timedelta(hours=1)
    off = OffProof(at, at, 0.0)

    again = resume.resumed(run, at=at, stopped=off, reason="the worker was lost")

    assert resume.problems(run, attempt=1, gap=timedelta(hours=2)) == []
    assert not resume.has_driven(again)
    assert (again.step.name, again.amiss_since) == ("wait", None)
    _, action = heard(again, reading(3601))
    assert action == Hold()
    _, action = heard(again, reading(3 * 3600 + 5))
    assert action == Next()


def test_a_wait_of_days_outlasts_more_interruptions_than_a_charge_may_have() -> None:
    """Each after an hour of peace; those that follow one another count as everywhere."""
    run, attempt = in_the_wait(), 1
    for hour in (1, 2, 3, 4):
        moment = START + timedelta(hours=hour)
        run = replace(run, last_at=moment)
        assert resume.problems(run, attempt=attempt, gap=timedelta(minutes=1)) == []
        off = OffProof(moment, moment, 0.0)
        run, attempt = resume.resumed(run, at=moment, stopped=off, reason="lost"), attempt + 1

    for more in (0, 1):
        assert resume.problems(run, attempt=attempt + more, gap=timedelta(minutes=1)) == []
    found = resume.problems(run, attempt=attempt + 2, gap=timedelta(minutes=1))
    assert found == ["it was tried 7 times, which is the limit"]


def test_a_charge_that_is_interrupted_does_not_wait_again() -> None:
    run = run_at("balance", made())

    again = resume.resumed(run, at=MOMENT, stopped=OffProof(START, START, 0.0), reason="lost")

    assert again.step.name == "joined-again"
    assert resume.has_driven(run)
    assert resume.has_driven(again)


def test_a_single_cell_waits_by_the_same_rule() -> None:
    alone = waiting(capacity(), SPAN)

    at = next(i for i, step in enumerate(alone.steps) if isinstance(step, Wait))
    before, again, driven = alone.steps[at - 1], alone.steps[at + 1], alone.steps[at + 2]

    assert isinstance(before, Verify)
    assert isinstance(again, Verify)
    assert replace(again, name=before.name, title=before.title) == before
    assert isinstance(driven, Charge)
