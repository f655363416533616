"""A program for somebody who stays, and one for a night without anybody (F4, B19)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from stations.plain import from_plain, to_plain
from stations.procedures import recheck
from stations.procedures.attendance import attended, ovp_problems, unattended
from stations.procedures.steps import Charge, Presence, Program
from tests.stations.procedures.scripted import program
from tests.stations.procedures.test_recheck import made

HALF_AN_HOUR = Presence(timedelta(minutes=30), timedelta(minutes=5))


def charges(made: Program) -> dict[str, Charge]:
    return {step.name: step for step in made.steps if isinstance(step, Charge)}


def test_an_attended_program_says_how_often_somebody_must_be_there() -> None:
    watched = attended(program(), HALF_AN_HOUR)

    assert watched.presence == HALF_AN_HOUR
    assert from_plain(Program, to_plain(watched)) == watched


def test_a_program_without_any_output_needs_nobody() -> None:
    assert made().name == recheck.NAME
    assert attended(made(), HALF_AN_HOUR) == made()


def test_only_the_charge_that_waits_for_a_person_is_held_on_unattended() -> None:
    before, alone = program(), unattended(program(), timedelta(hours=4))

    held, plain = charges(alone), charges(before)
    assert held["balance"].hold_max == timedelta(hours=4)
    assert held["balance"].timeout == plain["balance"].timeout + timedelta(hours=4)
    assert held["refresh"] == plain["refresh"]
    assert alone.limits.duration_max_s == before.limits.duration_max_s + 4 * 3600
    assert alone.presence is None


def test_a_protection_too_far_above_its_target_is_named() -> None:
    fine = program()
    high = tuple(
        replace(step, protection=replace(step.protection, ovp_v=3.76))
        if isinstance(step, Charge)
        else step
        for step in fine.steps
    )

    assert ovp_problems(fine, 0.100) == []
    assert (
        "sets OVP at 3.760 V, more than 100 mV above its 3.650 V"
        in ovp_problems(replace(fine, steps=high), 0.100)[0]
    )
