"""The pages of every other procedure, and of what a run waits for: claimed, waiting, done."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from shop import clock
from shop.care import services
from shop.equipment.models import Station
from shop.jobs import recipes
from shop.jobs.models import Job, RecipeVersion, Run
from shop.jobs.planning import plan
from shop.jobs.services.starts import start_run
from shop.jobs.states import JobState, RunState
from shop.jobs.terms import Terms
from shop.packs.models import Pack
from tests import factories
from tests.cast import Cast
from tests.played import play_bottom, play_resistance, play_series, play_watch
from tests.shop.care.test_due import make_pack
from tests.shop.jobs.nights import waiting_alone

LOST = (0.02, 0.015, 0.025, 0.10)  # of its charge in a month; the last cell leaks


@dataclass(frozen=True)
class Benches:
    """What stands in the shop: a bench with a load, one for strings, one with both."""

    load: Station
    string: Station
    pack: Station


def pages_of_procedures(cast: Cast) -> dict[str, str]:
    """By name, what the rest of the shop's work looks like today."""
    now = clock.now()
    ago = now - timedelta(days=6)
    benches = Benches(
        load=factories.make_station(load=True, now=ago),
        string=factories.make_station(bms=True, now=ago),
        pack=factories.make_station(bms=True, load=True, now=ago),
    )
    return (
        _emptied(cast, benches.load, now)
        | _measured(cast, benches.load, now)
        | _in_series(cast, benches.string, now)
        | _in_packs(cast, benches.pack, now)
        | _kept_waiting(cast, now)
    )


def claimed(cast: Cast, version: RecipeVersion, station: Station, cells: int = 4) -> str:
    """A job whose start is up to Sade."""
    job = factories.make_job(
        by=cast.sade,
        cells=factories.make_cells(cells),
        recipe_version=version,
        claimed_at=station,
        now=clock.now(),
    )
    return f"/jobs/{job.pk}"


def _emptied(cast: Cast, station: Station, now: datetime) -> dict[str, str]:
    run = play_bottom(
        by=cast.tola,
        cells=factories.make_cells(2),
        station=station,
        began_at=now - timedelta(hours=20),
    )
    return {
        "job-bottom": claimed(cast, run.job.recipe_version, station),
        "run-bottom": f"/runs/{run.pk}",
    }


def _measured(cast: Cast, station: Station, now: datetime) -> dict[str, str]:
    """A cell with much resistance, a group that is checked once and one that is checked twice."""
    (cell,), once, twice = (factories.make_cells(n) for n in (1, 4, 4))
    resistance = play_resistance(
        by=cast.tola,
        cell=cell,
        station=station,
        began_at=now - timedelta(hours=2),
        times_ohm=2.0,
    )
    for cells, ago, passed in ((twice, 4, 0.0), (once, 2, 0.0), (twice, 1, 3.0)):
        run = play_watch(
            by=cast.tola,
            cells=cells,
            station=station,
            began_at=now - timedelta(days=ago),
            days=passed,
            lost_month=LOST,
        )
        if cells is once:
            first = run
    return {
        "job-resistance": claimed(cast, resistance.job.recipe_version, station, 1),
        "run-resistance": f"/runs/{resistance.pk}",
        "cell-resistance": f"/cells/{cell.serial}",
        "job-watch": claimed(cast, run.job.recipe_version, station),
        "job-first": f"/jobs/{first.job_id}",
        "run-first": f"/runs/{first.pk}",
        "run-second": f"/runs/{run.pk}",
        "cell-leaks": f"/cells/{twice[3].serial}",
    }


def _in_series(cast: Cast, station: Station, now: datetime) -> dict[str, str]:
    run = play_series(
        by=cast.tola,
        cells=factories.make_cells(4),
        station=station,
        began_at=now - timedelta(hours=9),
    )
    return {
        "job-series": claimed(cast, run.job.recipe_version, station),
        "run-series": f"/runs/{run.pk}",
    }


def _in_packs(cast: Cast, station: Station, now: datetime) -> dict[str, str]:
    """One whose reading asks for a hold, with its job, and one that was taken apart."""
    pack, apart = (
        _pack(cast, serial, now - timedelta(days=200)) for serial in ("P-HOLD", "P-APART")
    )
    reading = services.read_pack(
        pack=pack,
        cells_v=[3.46, 3.39, 3.46, 3.46],
        at_top=True,
        taken_at=now - timedelta(hours=2),
        months=None,
        measured_by="BMS app",
        by=cast.tola,
        now=now,
    )
    version = factories.make_recipe_of(
        "pack_recovery", recipes.pack_recovery.defaults(), by=cast.sade
    )
    recovery = services.open_recovery(
        reading=reading, recipe_version=version, by=cast.tola, now=now
    )
    assert recovery.job is not None
    job = Job.objects.filter(pk=recovery.job.pk)
    job.update(state=JobState.CLAIMED, station=station, claimed_by=cast.sade, claimed_at=now)
    services.take_apart(pack=apart, words="Its case was dented.", by=cast.sade, now=now)
    return {
        "job-recovery": f"/jobs/{recovery.job.pk}",
        "pack-hold": f"/packs/{pack.serial}",
        "pack-apart": f"/packs/{apart.serial}",
    }


def _pack(cast: Cast, serial: str, built_at: datetime) -> Pack:
    pack = make_pack(cast, serial, built_at=built_at)
    for position, cell in enumerate(factories.make_cells(4), start=1):
        pack.placements.create(cell=cell, position=position, placed_at=built_at)
    return pack


def _kept_waiting(cast: Cast, now: datetime) -> dict[str, str]:
    """A charge whose output goes off without a word, one held for want of it, two for later."""
    late = now - timedelta(hours=1)
    terms = Terms(not_before=now + timedelta(hours=5), ready_by=now + timedelta(hours=17))
    station = factories.make_station(now=now)
    job = factories.make_job(by=cast.tola, claimed_at=station, now=now)
    later = start_run(job=job, by=cast.tola, now=now, terms=terms)
    return {
        "run-presence": f"/runs/{_charging(cast, now - timedelta(minutes=26)).pk}",
        "run-held": f"/runs/{_charging(cast, late, RunState.INTERRUPTED).pk}",
        "run-later": f"/runs/{later.pk}",
        "run-waits": f"/runs/{waiting_alone(cast, now=now).pk}",
        "job-later": f"/jobs/{job.pk}",
    }


def _charging(cast: Cast, queued_at: datetime, state: RunState = RunState.RUNNING) -> Run:
    station = factories.make_station(now=queued_at)
    job = factories.make_job(
        by=cast.tola, claimed_at=station, state=JobState.IN_PROGRESS, now=queued_at
    )
    planned = plan(job, station)
    index, step = next(
        (index, step) for index, step in enumerate(planned.program.steps) if step.name == "balance"
    )
    return factories.make_run(
        by=cast.tola,
        job=job,
        station=station,
        state=state,
        now=queued_at,
        token=1,
        program=planned.plain,
        step={"kind": "charge", "name": step.name, "index": index, "title": step.title},
    )
