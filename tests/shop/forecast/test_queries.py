"""Hours of a job at its station, and what a run has left by its own readings (F5)."""

from __future__ import annotations

import gc
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.db import connections

from shop import clock
from shop.forecast import queries
from shop.forecast.queries import Forecast, Outlook, forecast, outlook_of
from shop.jobs import recipes
from shop.jobs.models import Job, Run
from shop.jobs.planning import plan
from shop.jobs.services.orders import create_job
from shop.jobs.states import RunState
from shop.refusals import Refusal
from stations.planner.naming import Look
from stations.planner.seen import Seen
from stations.values import Reading, Window
from tests import factories
from tests.cast import Cast
from tests.shop.care.test_due import make_pack
from tests.shop.jobs.shop_bench import in_thread
from tests.shop.readings.samples import make_readings, store
from tests.wait import wait_until


@pytest.fixture
def job(cast: Cast) -> Job:
    factories.make_policy(by=cast.sade)
    return factories.make_job(by=cast.tola, claimed_at=factories.make_station(now=clock.now()))


def told(job: Job, rested_v: float | None = None) -> Forecast:
    assert job.station is not None
    found = forecast(job, job.station, rested_v)
    assert found is not None
    return found


def test_hours_are_an_interval_that_measured_volts_make_narrow(job: Job) -> None:
    """4 x 200 Ah at 14.4 A: from 90 % down to 10 % where nobody measured anything."""
    unknown, low = told(job), told(job, 3.20)

    assert unknown.hours.low < 12 < 40 < unknown.hours.high
    assert low.hours.middle == pytest.approx(0.91 * 800 / 14.4 + 0.6, rel=0.05)
    assert low.hours.high - low.hours.low < 0.3 * (unknown.hours.high - unknown.hours.low)
    assert low.finishes
    offered = [other.words for other in low.alternatives]
    assert "two stations like this one, 2 cells each" in offered
    assert not any("series" in words for words in offered)  # its meter measures no string of 14.6 V


@pytest.mark.parametrize("volts", [0.0, 1.99, 3.66, 12.8, float("nan")])
def test_volts_that_no_cell_rests_at_are_refused(job: Job, volts: float) -> None:
    with pytest.raises(Refusal, match="No LiFePO4 cell rests at"):
        told(job, volts)


def test_a_procedure_without_a_charge_has_no_hours(cast: Cast, job: Job) -> None:
    job.kind = "recheck"

    assert job.station is not None
    assert forecast(job, job.station) is None


@pytest.mark.parametrize(
    ("procedure", "parameters", "cells", "rested_v", "hours"),
    [
        ("levelling", {"target_v": 3.30}, 2, 3.20, Window(5.0, 40.0)),
        ("individual_top_balance", {}, 2, 3.25, Window(20.0, 26.0)),
        ("step_pause_top_balance", {}, 2, 3.25, Window(22.0, 60.0)),
    ],
)
def test_other_procedures_have_hours_too(
    cast: Cast,
    procedure: str,
    parameters: dict[str, Any],
    cells: int,
    rested_v: float,
    hours: Window,
) -> None:
    factories.make_policy(by=cast.sade)
    job = factories.make_job(
        by=cast.tola,
        cells=factories.make_cells(cells),
        recipe_version=factories.make_recipe_of(procedure, parameters, by=cast.sade),
        claimed_at=factories.make_station(now=clock.now()),
    )

    found = told(job, rested_v)

    assert hours.contains(found.hours.middle), found.hours
    assert len(found.visits) == (3 if procedure == "individual_top_balance" else 2)
    assert (found.alternatives == ()) or procedure != "levelling"


@pytest.fixture
def charging(cast: Cast, job: Job) -> Callable[..., Run]:
    """A run in its balance step with these readings after some of the cells at rest."""

    def made(readings: list[Reading], *, step: str = "balance") -> Run:
        assert job.station is not None
        planned = plan(job, job.station)
        run = factories.make_run(
            by=cast.tola,
            job=job,
            state=RunState.RUNNING,
            program=planned.plain,
            step={"name": step},
        )
        store(run, [*at_rest(3.306), *readings])
        return run

    return made


def at_rest(volts: float) -> list[Reading]:
    return [
        replace(
            reading,
            output_on=False,
            voltage_v=volts,
            supply_current_a=0.0,
            cell_voltages_v=(volts,) * 4,
            regulation="",
        )
        for reading in make_readings(5)
    ]


def flowing(hours: float, *, volts: float, every_s: float = 30.0) -> list[Reading]:
    """14.4 A, a reading every half minute."""
    last = at_rest(3.306)[-1]
    count = int(hours * 3600 / every_s)
    return [
        replace(
            last,
            seq=last.seq + n,
            at=last.at + n * timedelta(seconds=every_s),
            received_at=last.received_at + n * timedelta(seconds=every_s),
            output_on=True,
            voltage_v=volts,
            supply_current_a=14.4,
            regulation="CC",
        )
        for n in range(1, count + 1)
    ]


def test_what_has_flowed_is_no_longer_ahead(job: Job, charging: Callable[..., Run]) -> None:
    before = told(job, 3.306).hours

    left = outlook_of(charging(flowing(10.0, volts=3.338))).left

    assert left is not None
    assert left.hours is not None
    assert left.hours.middle < before.middle - 8
    assert left.hours.high <= before.high - 9


def test_what_is_kept_of_a_run_is_what_was_said_and_not_its_readings(
    charging: Callable[..., Run],
) -> None:
    """A week of readings at a second each would be kept for every minute that a page is open."""
    readings = flowing(1.0, volts=3.338, every_s=17.0)
    run = charging(readings)

    first, again = outlook_of(run).left, outlook_of(run).left

    assert first is again
    gc.collect()
    seen = [one for one in gc.get_objects() if type(one) is Seen]
    assert not [one for one in seen if len(one.at_s) == len(readings) + 5]


@pytest.mark.django_db(transaction=True)
def test_who_waits_for_a_run_to_be_played_holds_no_connection(
    charging: Callable[..., Run],
) -> None:
    """Else some open pages take all that the web server has, and nobody can press STOP."""
    run, held = charging(flowing(1.0, volts=3.338)), []

    def asks() -> None:
        Run.objects.get(pk=run.pk)
        held.append(connections["default"])
        outlook_of(run)

    queries._one_at_a_time.acquire()
    with in_thread(asks) as thread:
        try:
            wait_until(lambda: held and held[0].connection is None, what="the connection is back")
        finally:
            queries._one_at_a_time.release()
            thread.join(timeout=60)


def test_a_tail_is_followed_by_its_own_fall(charging: Callable[..., Run]) -> None:
    """From 8 A, a half every 12 min, done at 1 A: 2.4 A after 21 min, a quarter of an hour more."""
    bulk = flowing(1.0, volts=3.40)
    hold = [
        replace(
            reading,
            seq=bulk[-1].seq + n,
            at=bulk[-1].at + n * timedelta(seconds=30),
            received_at=bulk[-1].received_at + n * timedelta(seconds=30),
            voltage_v=3.648,
            supply_current_a=round(8.0 * 0.5 ** (n / 24), 2),
            regulation="CV",
        )
        for n, reading in enumerate(bulk[:42], start=1)
    ]

    left = outlook_of(charging([*bulk, *hold])).left

    assert left is not None
    assert left.hours is not None
    assert 15 <= left.hours.low * 60 <= left.hours.middle * 60 <= 35


def test_of_cells_one_by_one_those_that_come_after_are_counted(cast: Cast) -> None:
    """B12: the second of four has 5 h behind it; the third and the fourth are whole ahead."""
    factories.make_policy(by=cast.sade)
    station = factories.make_station(now=clock.now())
    recipe = factories.make_recipe_of("individual_top_balance", {}, by=cast.sade)
    job = factories.make_job(by=cast.tola, recipe_version=recipe, claimed_at=station)
    whole = told(job, 3.25).hours
    run = factories.make_run(
        by=cast.tola,
        job=job,
        state=RunState.RUNNING,
        program=plan(job, station).plain,
        step={"name": "balance-2"},
    )
    store(run, [*at_rest(3.25), *flowing(5.0, volts=3.338)])

    left = outlook_of(run).left

    assert left is not None
    assert left.hours is not None
    assert left.hours.middle == pytest.approx(0.75 * whole.middle - 5, rel=0.1)


def test_the_stages_after_the_present_one_are_counted(cast: Cast) -> None:
    """B11: ten hours into the second charge, those to the target are still ahead."""
    factories.make_policy(by=cast.sade)
    station = factories.make_station(now=clock.now())
    recipe = factories.make_recipe_of("step_pause_top_balance", {}, by=cast.sade)
    job = factories.make_job(by=cast.tola, recipe_version=recipe, claimed_at=station)
    run = factories.make_run(
        by=cast.tola,
        job=job,
        state=RunState.RUNNING,
        program=plan(job, station).plain,
        step={"name": "second"},
    )
    store(run, [*at_rest(3.306), *flowing(10.0, volts=3.338)])

    left = outlook_of(run).left

    assert left is not None
    assert left.hours is not None
    assert 4 < left.hours.low < left.hours.middle < left.hours.high < 60


def test_nothing_is_foretold_outside_the_charge(charging: Callable[..., Run]) -> None:
    assert outlook_of(charging(flowing(0.1, volts=3.33), step="connect")).left is None


def test_a_poor_contact_is_read_from_the_stored_readings(charging: Callable[..., Run]) -> None:
    """Cell 3 lies 30 mV low at 3.6 A, and 5 mV once little flows."""
    hours = flowing(0.5, volts=3.40)
    last = len(hours) // 2

    def low(reading: Reading, by_v: float) -> Reading:
        return replace(reading, cell_voltages_v=(3.40, 3.40, 3.40 - by_v, 3.40))

    def held(reading: Reading) -> Reading:
        return replace(low(reading, 0.005), supply_current_a=2.0, regulation="CV")

    bulk = [low(reading, 0.030) for reading in hours[:last]]
    looks = named(outlook_of(charging([*bulk, *map(held, hours[last:])])))

    assert "cell 3 hangs on a poor contact, up to 8 mΩ" in looks["contacts"].named[0]


def named(outlook: Outlook) -> dict[str, Look]:
    return {look.of: look for look in outlook.looks}


def test_before_the_hold_no_contact_is_judged(charging: Callable[..., Run]) -> None:
    looks = named(outlook_of(charging(flowing(0.1, volts=3.40))))

    assert looks["contacts"].unseen == "not observable before the hold"
    assert looks["leak"].unseen == "not observable before the hold"
    assert "they share one voltage" in looks["capacity"].unseen


def test_a_bad_lead_is_named_while_it_charges(charging: Callable[..., Run]) -> None:
    """0.59 V between supply and bank at 14.4 A."""
    far = [replace(r, supply_voltage_v=r.voltage_v + 0.59) for r in flowing(0.1, volts=3.34)]

    (words,) = named(outlook_of(charging(far)))["leads"].named

    assert words.startswith("lead 41 mΩ")


def test_a_tail_on_the_leak_floor_is_named_on_the_run(charging: Callable[..., Run]) -> None:
    """1.30 A for half an hour, done at 1.00 A."""
    bulk = flowing(1.0, volts=3.40)
    last = bulk[-1]
    hold = [
        replace(
            last,
            seq=last.seq + n,
            at=last.at + n * timedelta(seconds=30),
            received_at=last.received_at + n * timedelta(seconds=30),
            voltage_v=3.648,
            supply_current_a=1.30,
            regulation="CV",
        )
        for n in range(1, 61)
    ]

    outlook = outlook_of(charging([*bulk, *hold]))

    assert outlook.left is not None
    assert outlook.left.hours is None
    assert "waiting on the leak floor: the tail stays at 1.30 A" in outlook.left.words
    assert "117 %" in named(outlook)["leak"].named[0]


def test_a_pack_that_is_to_be_held_has_hours_before_its_start(cast: Cast) -> None:
    """B14: 4 x 200 Ah, filled, held for 5 h, emptied, filled and held again."""
    factories.make_policy(by=cast.sade)
    pack, cells = make_pack(cast, "P-1", built_at=factories.NOON), factories.make_cells(4)
    for position, cell in enumerate(cells, start=1):
        pack.placements.create(cell=cell, position=position, placed_at=factories.NOON)
    numbers = recipes.pack_recovery.defaults()
    version = factories.make_recipe_of("pack_recovery", numbers, by=cast.sade)
    job = create_job(
        recipe_version=version, cells=cells, by=cast.tola, now=factories.NOON, pack_id=pack.pk
    )

    found = forecast(job, factories.make_station(bms=True, load=True), 3.38)

    assert found is not None
    assert 10 < found.hours.low <= found.hours.middle <= found.hours.high < 48
    assert found.visits
