"""Every condition of a night alone, each refused in words (F4)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from pytest_django import Settings

from shop.alerts.models import AlertCheck
from shop.alerts.services import tell_runs
from shop.equipment.instruments import register_instruments
from shop.equipment.rules.registering import Named
from shop.equipment.services import record_commissioning
from shop.forecast import queries
from shop.jobs import unattended
from shop.jobs.models import Job, JobEvent
from shop.jobs.moves import move_run
from shop.jobs.policies import Policy
from shop.jobs.services.starts import start_run
from shop.jobs.states import RunState
from shop.jobs.terms import Terms
from shop.jobs.unattended import Asked, Night
from shop.refusals import Problem, Refusal
from stations.procedures.steps import Charge, Program
from stations.values import NAN, Ratings, ThermometerRatings, Window
from tests import factories
from tests.cast import Cast
from tests.factories import NOON
from tests.shop.equipment.reports import document_of
from tests.shop.jobs.nights import ready_for_a_night
from tests.stations.commissioning.made import BY_LOAD, drew
from tests.stations.procedures.scripted import RATINGS, program, reading

PROBES = ThermometerRatings("R4DCB08", Window(-55.0, 125.0), 0.1, 0.5, 8)
FITTED = replace(RATINGS, thermometer=PROBES)
READY = Night(
    cells=4,
    attended_only=False,
    has_relay=True,
    cutoff_at=NOON - timedelta(hours=23),
    alert_at=NOON - timedelta(hours=1),
    unsent=(),
    commissioning=(),
)
ASKED = Asked.by(Policy())
ALONE = Terms(attended=False)


def codes(made: Program, ratings: Ratings, night: Night) -> list[str]:
    found = unattended.problems(made, ratings, night, asked=ASKED, now=NOON)
    assert all(problem.words and problem.fix for problem in found)
    return [problem.code for problem in found]


def high_ovp() -> Program:
    fine = program()
    steps = tuple(
        replace(s, protection=replace(s.protection, ovp_v=3.80)) if isinstance(s, Charge) else s
        for s in fine.steps
    )
    return replace(fine, steps=steps)


def test_where_every_condition_holds_a_run_may_be_left_alone() -> None:
    assert codes(program(), FITTED, READY) == []


def test_a_supply_with_a_watchdog_of_its_own_needs_no_relay() -> None:
    watched = replace(FITTED, supply=replace(FITTED.supply, has_watchdog=True))

    assert codes(program(), watched, replace(READY, has_relay=False)) == []


@pytest.mark.parametrize(
    ("made", "ratings", "changes", "wanted"),
    [
        (program, RATINGS, {}, ["no_temperature"]),
        (program, FITTED, {"has_relay": False}, ["no_watchdog"]),
        (program, FITTED, {"attended_only": True}, ["attended_recipe"]),
        (program, FITTED, {"cutoff_at": None}, ["cutoff"]),
        (program, FITTED, {"cutoff_at": NOON - timedelta(hours=25)}, ["cutoff"]),
        (program, FITTED, {"alert_at": None}, ["alert_path"]),
        (program, FITTED, {"alert_at": NOON - timedelta(hours=25)}, ["alert_path"]),
        (program, FITTED, {"unsent": [7]}, ["alert_unsent"]),
        (program, FITTED, {"commissioning": [Problem("x", "y.", "z.")]}, ["x"]),
        (high_ovp, FITTED, {}, ["ovp", "ovp"]),
        (program, FITTED, {"cells": 33}, ["few_probes"]),
        (
            program,
            replace(FITTED, supply=replace(FITTED.supply, has_protection=False)),
            {},
            ["no_protection"],
        ),
    ],
)
def test_each_condition_that_does_not_hold_is_named(
    made: Callable[[], Program], ratings: Ratings, changes: dict[str, Any], wanted: list[str]
) -> None:
    assert codes(made(), ratings, replace(READY, **changes)) == wanted


@pytest.mark.parametrize(
    ("changes", "wanted"),
    [
        ({"temperatures_c": (25.0, 25.0)}, []),
        ({"temperatures_c": (25.0, NAN)}, ["no_live_temperature"]),
        ({}, ["no_live_temperature"]),
        ({"temperatures_c": (25.0,), "voltage_v": NAN}, ["no_meter"]),
    ],
)
def test_the_bench_itself_must_show_meter_and_temperature(
    changes: dict[str, Any], wanted: list[str]
) -> None:
    found = unattended.live_problems(reading(1, **changes), 4, 4)

    assert [problem.code for problem in found] == wanted
    assert len(unattended.live_problems(None, 4, 4)) == 2


@pytest.mark.parametrize(
    ("probes", "cells", "per_probe", "words"),
    [
        (4, 16, 4, ""),
        (1, 4, 4, ""),
        (1, 5, 4, "1 temperature probe for 5 cells: 2 are asked for. Lay one on every fourth cell"),
        (3, 16, 4, "3 temperature probes for 16 cells: 4 are asked for."),
        (1, 16, 4, "1 temperature probe for 16 cells: 4 are asked for. Lay one on every fourth"),
        (15, 16, 1, "16 are asked for. Lay one on every cell and"),
        (1, 16, 10, "Lay one on every 10th cell and name its channel in bench.toml. Start it att"),
    ],
)
def test_so_many_cells_ask_for_so_many_probes(
    probes: int, cells: int, per_probe: int, words: str
) -> None:
    found = unattended.live_problems(reading(1, temperatures_c=(25.0,) * probes), cells, per_probe)

    assert len(found) == bool(words)
    assert words in " ".join(map(str, found))


@pytest.mark.parametrize(("above_v", "wanted"), [(0.100, []), (0.010, ["ovp", "ovp"])])
def test_the_policy_says_how_high_the_supplys_own_protection_may_lie(
    above_v: float, wanted: list[str]
) -> None:
    asked = Asked.by(Policy(unattended_ovp_above_v=above_v))

    found = unattended.problems(program(), FITTED, READY, asked=asked, now=NOON)

    assert [problem.code for problem in found] == wanted


@pytest.fixture
def night(cast: Cast, settings: Settings) -> Job:
    return ready_for_a_night(cast, settings)


def refused(job: Job, cast: Cast) -> set[str]:
    with pytest.raises(Refusal) as refusal:
        start_run(job=job, by=cast.tola, now=NOON, terms=ALONE)
    return {problem.code for problem in refusal.value.problems}


def test_what_does_not_come_to_its_end_is_not_left_alone_but_may_be_stayed_with(
    night: Job, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F5: leads of 60 mohm, of which the plan itself says that it breaks off."""
    monkeypatch.setattr(queries, "leads_known", lambda station: Window(0.060, 0.060))

    assert refused(night, cast) == {"unfinished"}
    assert start_run(job=night, by=cast.tola, now=NOON).attended is True


def test_a_run_is_started_alone_where_all_holds_and_says_so(night: Job, cast: Cast) -> None:
    run = start_run(job=night, by=cast.tola, now=NOON, terms=ALONE)

    run.refresh_from_db()
    assert run.attended is False
    assert JobEvent.objects.get(run=run, kind="started").data["attended"] is False


def test_a_hand_held_meter_was_never_commissioned_and_forbids_no_night(
    night: Job, cast: Cast
) -> None:
    """The bench cannot ask it, so no report of a bench ever names it."""
    assert night.station is not None
    named = [Named("manual", "", "87-1", "Fluke 87V")]
    (meter,) = register_instruments(station=night.station, named=named, by=cast.sade, now=NOON)
    factories.calibrate(meter)

    assert start_run(job=night, by=cast.tola, now=NOON, terms=ALONE).attended is False


def test_what_draws_is_not_left_alone_before_its_load_was_tried(
    cast: Cast, settings: Settings
) -> None:
    """B16 at a station whose report is of before a check tried the load: it charges alone."""
    charge = ready_for_a_night(cast, settings, load=True)
    station = charge.station
    assert station is not None
    draw = factories.make_job(
        by=cast.tola,
        cells=factories.make_cells(1),
        recipe_version=factories.make_capacity_recipe(by=cast.sade),
        claimed_at=station,
    )

    assert refused(draw, cast) == {"load_not_commissioned"}
    assert start_run(job=charge, by=cast.tola, now=NOON, terms=ALONE).attended is False


def test_what_draws_is_left_alone_once_a_check_tried_its_load(
    cast: Cast, settings: Settings
) -> None:
    station = ready_for_a_night(cast, settings, load=True).station
    assert station is not None
    tried = document_of(station, at=NOON - timedelta(hours=1), figures=drew(), by=BY_LOAD)
    record_commissioning(station=station, document=tried, by=cast.tola, now=NOON)
    draw = factories.make_job(
        by=cast.tola,
        cells=factories.make_cells(1),
        recipe_version=factories.make_capacity_recipe(by=cast.sade),
        claimed_at=station,
    )

    assert start_run(job=draw, by=cast.tola, now=NOON, terms=ALONE).attended is False


def test_a_run_is_attended_unless_somebody_asks_otherwise(night: Job, cast: Cast) -> None:
    assert start_run(job=night, by=cast.tola, now=NOON).attended is True


def test_an_alert_that_nobody_received_lately_refuses_a_night(
    night: Job, cast: Cast, settings: Settings
) -> None:
    AlertCheck.objects.update(confirmed_at=None)
    assert refused(night, cast) == {"alert_path"}

    settings.ALERT_EMAIL = ""
    assert refused(night, cast) == {"alert_path"}


def test_a_run_whose_alert_does_not_leave_refuses_the_next_night(night: Job, cast: Cast) -> None:
    """A test that arrived in the evening says nothing of a mail server that fails at midnight."""
    factories.make_run(by=cast.tola, state=RunState.TRIPPED, attended=False)
    assert refused(night, cast) == {"alert_unsent"}

    tell_runs(now=NOON)

    assert start_run(job=night, by=cast.tola, now=NOON, terms=ALONE).attended is False


def test_an_alert_has_a_minute_to_leave_before_it_refuses_another_night(
    night: Job, cast: Cast
) -> None:
    """Two benches that lost their worker together go on together: each alert leaves at a beat."""
    other = factories.make_run(by=cast.tola, state=RunState.RUNNING, attended=False)
    move_run(other, RunState.INTERRUPTED, now=NOON - timedelta(seconds=5))

    later = Terms(attended=False, not_before=NOON + timedelta(hours=5))
    assert start_run(job=night, by=cast.tola, now=NOON, terms=later).attended is False


def test_an_alert_that_had_its_minute_refuses_another_night(night: Job, cast: Cast) -> None:
    other = factories.make_run(by=cast.tola, state=RunState.RUNNING, attended=False)
    move_run(other, RunState.INTERRUPTED, now=NOON - timedelta(seconds=70))

    assert refused(night, cast) == {"alert_unsent"}


def test_a_recipe_that_is_attended_refuses_a_night(night: Job, cast: Cast) -> None:
    recipe = factories.make_recipe_version(by=cast.sade, attended_only=True)
    job = factories.make_job(by=cast.tola, claimed_at=night.station, recipe_version=recipe)

    assert refused(job, cast) == {"attended_recipe"}


def test_a_station_without_probes_or_relay_refuses_a_night(night: Job, cast: Cast) -> None:
    bare = factories.make_job(by=cast.tola, claimed_at=factories.make_station())

    found = refused(bare, cast)

    assert found == {"no_temperature", "no_watchdog", "cutoff", "not_commissioned"}


def test_an_output_proven_off_in_an_earlier_run_counts_for_a_day(night: Job, cast: Cast) -> None:
    assert night.station is not None
    later = NOON + timedelta(days=1)
    AlertCheck.objects.update(sent_at=later)
    with pytest.raises(Refusal) as refusal:
        start_run(job=night, by=cast.tola, now=later, terms=ALONE)
    assert [problem.code for problem in refusal.value.problems] == ["cutoff"]

    earlier = factories.make_run(by=cast.tola, station=night.station, state="FINISHED")  # type: ignore[arg-type]
    JobEvent.objects.create(
        job=earlier.job, run=earlier, kind="bench_current_stopped", at=later - timedelta(hours=1)
    )
    assert start_run(job=night, by=cast.tola, now=later, terms=ALONE).attended is False


def test_a_night_that_begins_later_is_judged_by_what_still_holds_then(
    night: Job, cast: Cast
) -> None:
    """The bench would refuse it at that moment, with nobody there."""
    later = Terms(attended=False, not_before=NOON + timedelta(hours=22, minutes=30))

    with pytest.raises(Refusal) as refusal:
        start_run(job=night, by=cast.tola, now=NOON, terms=later)

    assert {problem.code for problem in refusal.value.problems} == {"cutoff", "alert_path"}
    soon = Terms(attended=False, not_before=NOON + timedelta(hours=21))
    assert start_run(job=night, by=cast.tola, now=NOON, terms=soon).attended is False
