"""Plain functions that make rows for tests, each with defaults that fit together.

They write rows directly; a test of a service calls the service.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import count
from typing import Any

from shop.cells.models import Batch, Cell, CellType
from shop.equipment.models import Calibration, Instrument, Station, StationLease
from shop.equipment.states import OutputState
from shop.jobs import recipes
from shop.jobs.models import (
    Job,
    JobCell,
    PolicyVersion,
    Recipe,
    RecipeVersion,
    Run,
    RunCell,
)
from shop.jobs.policies import policy_defaults
from shop.jobs.states import TERMINAL, JobState, RunState
from shop.people.models import User

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
_numbers = count(1)

BENCH = (
    ("supply", "riden_rd6018", "RD6018"),
    ("meter", "keysight_34461a", "34461A"),
    ("scanner", "keysight_34972a", "34972A"),
)
HAND_HELD = ("manual", "", "Fluke 87V")
LOAD = ("load", "itech_it8514c", "IT8514C+")
ROUTER = ("router", "waveshare_relay8", "Relay8")
# For a string: the BMS tells its cells, and the meter stands on all of them.
STRING_BENCH = (
    BENCH[0],
    ("meter", "keysight_34461a_100v", "34461A"),
    ("bms", "jbd_bms", "JBD BMS"),
)
# F4: what a bench needs besides before anybody leaves it alone.
NIGHT = (
    ("thermometer", "eletechsup_r4dcb08", "R4DCB08"),
    ("relay", "waveshare_relay8", "Relay8"),
)


def make_cell_type(*, capacity_ah: float = 200.0) -> CellType:
    return CellType.objects.create(
        maker="Lishen",
        model=f"LP71-{next(_numbers)}",
        datasheet="LP71173207 rev. A",
        capacity_ah=capacity_ah,
    )


def make_batch(*, cell_type: CellType | None = None) -> Batch:
    return Batch.objects.create(
        code=f"B{next(_numbers)}",
        supplier="Voltaic",
        supplier_lot="L-1",
        cell_type=cell_type or make_cell_type(),
        received_on=date(2026, 11, 1),
    )


def make_cells(number: int = 4, *, batch: Batch | None = None) -> list[Cell]:
    batch = batch or make_batch()
    return [
        Cell.objects.create(serial=f"C{next(_numbers):05d}", batch=batch) for _ in range(number)
    ]


def make_station(
    *,
    slug: str = "",
    output: OutputState = OutputState.OFF,
    calibrated: bool = True,
    load: bool = False,
    bms: bool = False,
    night: bool = False,
    by_hand: bool = False,
    led: bool = False,
    router: bool = False,
    unseen: bool = False,
    now: datetime = NOON,
) -> Station:
    """A station with supply, meter and scanner, its output proven off.

    With a `load`, or with thermometer and contactor relay for a `night` alone, if asked;
    `by_hand`: with a hand-held meter in the scanner's place; `led`: with nothing there;
    `bms`: for strings, with a BMS in it;
    `router`: with a board that puts the leads on one cell after the other; `unseen`: for strings
    whose cells nothing shows.
    """
    number = next(_numbers)
    station = Station.objects.create(slug=slug or f"bench-{number}", name="Bench", host="localhost")
    StationLease.objects.create(station=station, output_state=output, heartbeat_at=now)
    blind = STRING_BENCH[:2] if unseen else BENCH[:2] if by_hand or led else ()
    bench = blind or (STRING_BENCH if bms else BENCH)
    more = ((HAND_HELD,) if by_hand else ()) + ((LOAD,) if load else ())
    more += (NIGHT if night else ()) + ((ROUTER,) if router else ())
    for role, driver, model in (*bench, *more):
        instrument = Instrument.objects.create(
            station=station,
            role=role,
            driver=driver,
            model=model,
            serial_number=f"{model}-{number}",
        )
        if calibrated:
            calibrate(instrument, now=now)
    return station


def calibrate(
    instrument: Instrument, *, now: datetime = NOON, days: float = 365.0, since_days: float = 30.0
) -> Calibration:
    return Calibration.objects.create(
        instrument=instrument,
        valid_from=now - timedelta(days=since_days),
        valid_until=now + timedelta(days=days),
        certificate=f"K-{next(_numbers)}",
        recorded_at=now,
    )


def make_recipe_version(*, by: User, **parameters: Any) -> RecipeVersion:
    recipe = Recipe.objects.create(name=f"Top balance {next(_numbers)}")
    return RecipeVersion.objects.create(
        recipe=recipe,
        version=1,
        parameters=recipes.top_balance.defaults() | parameters,
        created_by=by,
    )


def make_recheck_recipe(*, by: User, **parameters: Any) -> RecipeVersion:
    return make_recipe_of("recheck", recipes.recheck.defaults() | parameters, by=by)


def make_recipe_of(procedure: str, parameters: Mapping[str, Any], *, by: User) -> RecipeVersion:
    """Version 1 of a new recipe of that procedure."""
    return RecipeVersion.objects.create(
        recipe=Recipe.objects.create(name=f"Recipe {next(_numbers)}"),
        version=1,
        procedure=procedure,
        parameters=dict(parameters),
        created_by=by,
    )


def make_capacity_recipe(*, by: User, **parameters: Any) -> RecipeVersion:
    return make_recipe_of("capacity_test", recipes.capacity_test.defaults() | parameters, by=by)


def make_bottom_recipe(*, by: User, **parameters: Any) -> RecipeVersion:
    return make_recipe_of("bottom_balance", recipes.bottom_balance.defaults() | parameters, by=by)


def make_policy(*, by: User, **parameters: Any) -> PolicyVersion:
    return PolicyVersion.objects.create(
        version=PolicyVersion.objects.count() + 1,
        parameters=policy_defaults() | parameters,
        created_by=by,
    )


def make_job(
    *,
    by: User,
    cells: Sequence[Cell] | None = None,
    recipe_version: RecipeVersion | None = None,
    claimed_at: Station | None = None,
    state: JobState | None = None,
    now: datetime = NOON,
) -> Job:
    """An OPEN job, or one claimed by `by` at the station `claimed_at`."""
    recipe_version = recipe_version or make_recipe_version(by=by)
    job = Job.objects.create(
        kind=recipe_version.procedure,
        recipe_version=recipe_version,
        state=state or (JobState.CLAIMED if claimed_at else JobState.OPEN),
        station=claimed_at,
        claimed_by=by if claimed_at else None,
        claimed_at=now if claimed_at else None,
        created_by=by,
        created_at=now,
    )
    for position, cell in enumerate(cells or make_cells(), start=1):
        JobCell.objects.create(job=job, cell=cell, position=position)
    return job


def make_run(
    *,
    by: User,
    job: Job | None = None,
    station: Station | None = None,
    state: RunState = RunState.QUEUED,
    policy: PolicyVersion | None = None,
    now: datetime = NOON,
    **values: Any,
) -> Run:
    """A run of a job in the state that fits it, with the job's cells."""
    station = station or (job.station if job and job.station else make_station(now=now))
    over = state in TERMINAL
    job_state = JobState.DONE if state == RunState.FINISHED else JobState.IN_PROGRESS
    job = job or make_job(by=by, claimed_at=station, state=job_state, now=now)
    run = Run.objects.create(
        job=job,
        station=station,
        state=state,
        started_by=by,
        queued_at=now,
        policy_version=policy or PolicyVersion.objects.first() or make_policy(by=by),
        ended_at=now if over else None,
        **values,
    )
    for job_cell in job.job_cells.all():
        RunCell.objects.create(
            run=run, cell=job_cell.cell, position=job_cell.position, active=not over
        )
    return run
