"""A whole top balance as the shop stores it, played on the virtual bench in a second or two.

Readings, chunks, manifest, checks and balance come from the real runner, model and services;
only guardian and worker are left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from shop.cells.models import Cell
from shop.equipment.models import Station
from shop.jobs import recipes
from shop.jobs.ending import ending_of
from shop.jobs.leasing import take
from shop.jobs.models import Job, RecipeVersion, Run
from shop.jobs.planning import plan, program_sha256
from shop.jobs.preflight import Registered
from shop.jobs.results import conclude
from shop.jobs.states import JobState, RunState
from shop.people.models import User
from shop.readings.chunks import GENESIS, encode
from shop.readings.services import store_chunk
from stations.model.bank import Bank, Wiring
from stations.model.cell import CellParameters, cell_of
from stations.plain import to_plain
from stations.runner import begun
from stations.runner import run as play
from stations.values import Event, Reading
from stations.virtual import ATTENTIVE, TAKES_OFF, Act, VirtualBench, VirtualClock, each_alone
from tests.factories import (
    make_bottom_recipe,
    make_capacity_recipe,
    make_job,
    make_recheck_recipe,
    make_recipe_of,
    make_run,
)

LASTS = timedelta(hours=3, minutes=30)  # 4 x 200 Ah from 95 %, with the person's minutes
CHUNK = 300
SAMPLE_S = 12.0


class _Recording(VirtualBench):
    """Keeps every reading that it gave."""

    readings: list[Reading]

    def next(self) -> Reading | Event:
        item = super().next()
        if isinstance(item, Reading):
            self.readings.append(item)
        return item


def play_run(
    *, by: User, cells: Sequence[Cell], station: Station, ended_at: datetime, soc: float = 0.95
) -> Run:
    """A FINISHED run of `cells` that ended at about `ended_at`, with all its evidence."""
    began_at = ended_at - LASTS
    job = make_job(by=by, cells=cells, claimed_at=station, state=JobState.IN_PROGRESS, now=began_at)
    return _play(job, station, by, _bench([soc] * len(cells), began_at), began_at)


def play_recheck(
    *,
    by: User,
    cells: Sequence[Cell],
    station: Station,
    began_at: datetime,
    soc: float = 0.9995,
    low: float | None = None,
) -> Run:
    """A FINISHED re-check of `cells`, the last one at SOC `low` where that is given."""
    recipe = make_recheck_recipe(by=by)
    job = make_job(
        by=by,
        cells=cells,
        recipe_version=recipe,
        claimed_at=station,
        state=JobState.IN_PROGRESS,
        now=began_at,
    )
    socs = [soc] * (len(cells) - 1) + [soc if low is None else low]
    bench = _bench(socs, began_at, person=(Act("place", 60.0),))
    return _play(job, station, by, bench, began_at)


def play_watch(
    *,
    by: User,
    cells: Sequence[Cell],
    station: Station,
    began_at: datetime,
    lost_month: Sequence[float],
    days: float = 0.0,
    recipe_version: RecipeVersion | None = None,
) -> Run:
    """A FINISHED self-discharge check of `cells`, `days` after they were all at 99.8 %.

    `lost_month` is what each loses, as a share of its capacity in 30 days.
    """
    job = make_job(
        by=by,
        cells=cells,
        recipe_version=recipe_version or make_recipe_of("self_discharge", {}, by=by),
        claimed_at=station,
        state=JobState.IN_PROGRESS,
        now=began_at,
    )
    socs = [0.998 - share * days / 30 for share in lost_month]
    return _play(job, station, by, _bench(socs, began_at, (Act("place", 60.0),)), began_at)


def play_capacity(*, by: User, cell: Cell, station: Station, began_at: datetime) -> Run:
    """A FINISHED capacity test of `cell`, from 99 %, at a station with a load."""
    job = make_job(
        by=by,
        cells=[cell],
        recipe_version=make_capacity_recipe(by=by),
        claimed_at=station,
        state=JobState.IN_PROGRESS,
        now=began_at,
    )
    person = (Act("connect", 60.0, hands="join"), TAKES_OFF)
    return _play(job, station, by, _bench([0.99], began_at, person, sample_s=4.0), began_at)


def play_resistance(
    *, by: User, cell: Cell, station: Station, began_at: datetime, times_ohm: float = 1.0
) -> Run:
    """A FINISHED resistance test of `cell`, half full, with so many times the usual ohms."""
    job = make_job(
        by=by,
        cells=[cell],
        recipe_version=make_recipe_of(
            "resistance_test", recipes.resistance_test.defaults() | {"rest_s": 60.0}, by=by
        ),
        claimed_at=station,
        state=JobState.IN_PROGRESS,
        now=began_at,
    )
    nominal = cell_of(200.0)
    worn = replace(nominal, r0_ohm=times_ohm * nominal.r0_ohm, r1_ohm=times_ohm * nominal.r1_ohm)
    person = (Act("connect", 60.0, hands="join"), TAKES_OFF)
    return _play(
        job, station, by, _bench([0.5], began_at, person, sample_s=1.0, cell=worn), began_at
    )


def play_bottom(
    *,
    by: User,
    cells: Sequence[Cell],
    station: Station,
    began_at: datetime,
    soc: float = 0.12,
    leak_month: float = 0.02,
    **recipe: Any,
) -> Run:
    """A FINISHED bottom balance of `cells`; the last one loses that share of its charge a month."""
    job = make_job(
        by=by,
        cells=cells,
        recipe_version=make_bottom_recipe(by=by, **recipe),
        claimed_at=station,
        state=JobState.IN_PROGRESS,
        now=began_at,
    )
    bench = _bench([soc] * len(cells), began_at, each_alone(len(cells)), sample_s=4.0)
    leaky = replace(cell_of(200.0), self_discharge_month=leak_month)
    healthy = [cell_of(200.0)] * (len(cells) - 1)
    bench.bank = Bank([*healthy, leaky], Wiring(), soc=[soc] * len(cells), linked=False, fed=False)
    return _play(job, station, by, bench, began_at)


def play_series(*, by: User, cells: Sequence[Cell], station: Station, began_at: datetime) -> Run:
    """A FINISHED series pre-charge of `cells`, the first one ahead, at a station with a BMS."""
    job = make_job(
        by=by,
        cells=cells,
        recipe_version=make_recipe_of(
            "series_precharge", recipes.series_precharge.defaults(), by=by
        ),
        claimed_at=station,
        state=JobState.IN_PROGRESS,
        now=began_at,
    )
    socs = [0.97] + [0.95] * (len(cells) - 1)
    bench = _bench(socs, began_at, (Act("assemble", 60.0, hands="string"), TAKES_OFF), sample_s=4.0)
    return _play(job, station, by, bench, began_at)


def _play(job: Job, station: Station, by: User, bench: _Recording, began_at: datetime) -> Run:
    program = plan(job, station).program
    run = make_run(by=by, job=job, station=station, now=began_at)
    held = take(run.pk)
    assert held is not None
    outcome = play(begun(program, bench.clock.now()), bench)
    assert outcome.kind == "FINISHED", outcome.reason
    now = bench.clock.now()
    Run.objects.filter(pk=run.pk).update(
        state=RunState.STOPPING,
        program=to_plain(program),
        program_hash=program_sha256(program),
        simulated=True,
        stored_seq=len(bench.readings),
        journal_closed_at=now,
    )
    _store_readings(run, bench.readings)
    ending = ending_of(outcome, instruments=_registered(station), journal={})
    conclude(held, ending, now=now)
    run.refresh_from_db()
    return run


def _bench(
    socs: Sequence[float],
    began_at: datetime,
    person: Sequence[Act] = ATTENTIVE,
    sample_s: float = SAMPLE_S,
    cell: CellParameters | None = None,
) -> _Recording:
    cells = [cell or cell_of(200.0)] * len(socs)
    bank = Bank(cells, Wiring(), soc=socs, linked=False, fed=False)
    bench = _Recording(bank, person=person, sample_s=sample_s, clock=VirtualClock(began_at))
    bench.readings = []
    return bench


def _registered(station: Station) -> list[Registered]:
    return [
        Registered(
            role=i.role,
            model=i.model,
            serial_number=i.serial_number,
            certificate="",
            valid_until=None,
        )
        for i in station.instruments.all()
    ]


def _store_readings(run: Run, readings: Sequence[Reading]) -> None:
    last_seq, head = None, GENESIS
    for start in range(0, len(readings), CHUNK):
        chunk = encode(
            readings[start : start + CHUNK],
            run_id=run.pk,
            attempt=run.attempt,
            prev_last_seq=last_seq,
            prev_hash=head,
        )
        store_chunk(run_id=run.pk, attempt=run.attempt, chunk=chunk, now=chunk.last_at)
        last_seq, head = chunk.last_seq, chunk.hash
