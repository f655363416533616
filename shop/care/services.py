"""Reading an assembled pack, taking a course on it, taking it apart: each one transaction."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from django.db import IntegrityError, transaction

from shop.audit import services as audit
from shop.audit.models import AuditEntry
from shop.care import queries, rules
from shop.care.models import BalanceSkip, Disassembly, PackReading, Recovery
from shop.care.rules import CareLimits, Course, spread_of
from shop.cells.models import Cell
from shop.cells.services import lock_cells, touch_cells
from shop.jobs.models import Job, RecipeVersion, Run
from shop.jobs.procedures import procedure_of
from shop.jobs.queries import cell_facts, policy_numbers
from shop.jobs.services.orders import create_job
from shop.packs.models import Pack
from shop.people.models import User
from shop.people.roles import Act, require
from shop.refusals import Problem, StaleTransition, reason_problems, refuse
from stations.procedures.state import Record
from stations.values import OffProof


def read_pack(
    *,
    pack: Pack,
    cells_v: Sequence[float],
    at_top: bool,
    taken_at: datetime,
    months: int | None,
    measured_by: str,
    by: User,
    now: datetime,
) -> PackReading:
    """Record what each cell in series showed, volts from the most negative.

    `at_top`: at full voltage with little current; elsewhere millivolts say nothing of balance.
    """
    require(by.role, Act.READ_PACK)
    refuse(
        [
            *_apart_problems(pack),
            *_source_problems(measured_by),
            *rules.reading_problems(
                cells_v=cells_v,
                cells=pack.design.series,
                months=months,
                taken_at=taken_at,
                built_at=pack.assembled_at,
                now=now,
            ),
        ]
    )
    with transaction.atomic():
        reading = PackReading.objects.create(
            pack=pack,
            cells_v=list(cells_v),
            at_top=at_top,
            taken_at=taken_at,
            months=months,
            measured_by=measured_by.strip(),
            by=by,
            recorded_at=now,
        )
        audit.record(kind=AuditEntry.Kind.PACK_READ, by=by, now=now, of=reading)
    return reading


def open_recovery(
    *, reading: PackReading, recipe_version: RecipeVersion, by: User, now: datetime
) -> Recovery:
    """Open the job that holds the pack full, once for a reading that asks for it (B14)."""
    require(by.role, Act.CREATE_JOB)
    pack = reading.pack
    asks = queries.care_of(pack).asks_about(reading)
    limits = CareLimits.of(policy_numbers())
    refuse([*_apart_problems(pack), *rules.hold_problems(asks, _held_h(recipe_version), limits)])
    cells = [place.cell for place in pack.placements.select_related("cell").order_by("position")]
    try:
        with transaction.atomic():
            job = create_job(
                recipe_version=recipe_version,
                cells=cells,
                by=by,
                now=now,
                pack_id=pack.pk,
                parallel=pack.design.parallel,
            )
            return _take(reading, Course(asks.course if asks else ""), by, now, job)
    except IntegrityError as error:
        raise StaleTransition(f"Reading {reading.pk}", "without a course") from error


def _take(
    reading: PackReading, course: Course, by: User, now: datetime, job: Job | None = None
) -> Recovery:
    taken = Recovery.objects.create(reading=reading, course=course, job=job, by=by, at=now)
    audit.record(kind=AuditEntry.Kind.COURSE_TAKEN, by=by, now=now, of=taken)
    return taken


def _held_h(version: RecipeVersion) -> float | None:
    known = procedure_of(version.procedure)
    if not known.on_pack:
        return None
    hours: float = getattr(known.recipe.recipe_of(version.parameters), "hold_h", 0.0)
    return hours


def record_spread(
    *,
    run: Run,
    records: Sequence[Record],
    current_stopped: OffProof,
    manifest_sha256: str,
    simulated: bool,
    now: datetime,
) -> PackReading | None:
    """What the cells of a pack showed at the end of a recovery's last hold; None without one.

    It is sealed in the run's manifest, as the facts of that step.
    """
    pack = run.job.pack
    cells_v = spread_of(records)
    if pack is None or not cells_v:
        return None
    with transaction.atomic():
        Run.objects.select_for_update().get(pk=run.pk)
        reading, _ = PackReading.objects.get_or_create(
            run=run,
            defaults={
                "pack": pack,
                "cells_v": cells_v,
                "at_top": True,
                "taken_at": current_stopped.received_at,
                "measured_by": rules.measured_in(run.station.slug, run.pk),
                "by_id": run.started_by_id,
                "recorded_at": now,
            },
        )
    return reading


def take_apart(
    *,
    pack: Pack,
    words: str,
    by: User,
    now: datetime,
    capacity_recipe: RecipeVersion | None = None,
    balance_recipe: RecipeVersion | None = None,
) -> list[Job]:
    """Free the cells of a pack; what was measured before no longer counts for any of them (B15).

    Opens a capacity test for each cell and a balance of all where recipes for these are given.
    The pack keeps its cells, its decision and its trace as history.
    """
    require(by.role, Act.TAKE_APART)
    refuse(reason_problems(words, "A pack is taken apart with a reason."))
    refuse(_recipe_problems(capacity_recipe, balance_recipe))
    try:
        with transaction.atomic():
            cells = [
                place.cell
                for place in pack.placements.filter(removed_at=None)
                .select_related("cell")
                .order_by("position")
            ]
            lock_cells(cells)
            refuse(_apart_problems(pack))
            refuse(_busy_problems(cells))
            touch_cells(cells)
            apart = Disassembly.objects.create(pack=pack, words=words.strip(), by=by, at=now)
            pack.placements.filter(removed_at=None).update(removed_at=now)
            _conclude(pack, by, now)
            jobs = _jobs(cells, capacity_recipe, balance_recipe, by, now)
            audit.record(kind=AuditEntry.Kind.TAKEN_APART, by=by, now=now, of=apart)
    except IntegrityError as error:
        raise StaleTransition(f"Pack {pack.serial}", "assembled") from error
    return jobs


def skip_balance(
    *,
    pack: Pack,
    capacity_ah: float,
    tested_at: datetime,
    measured_by: str,
    by: User,
    now: datetime,
) -> BalanceSkip:
    """B18: leave out a further balance of a pack whose capacity test met its rating."""
    require(by.role, Act.SKIP_BALANCE)
    rated_ah = queries.rated_ah(pack)
    refuse(
        [
            *_apart_problems(pack),
            *_source_problems(measured_by),
            *rules.skip_problems(
                capacity_ah=capacity_ah,
                rated_ah=rated_ah,
                tested_at=tested_at,
                built_at=pack.assembled_at,
                now=now,
            ),
        ]
    )
    with transaction.atomic():
        skip = BalanceSkip.objects.create(
            pack=pack,
            capacity_ah=capacity_ah,
            rated_ah=rated_ah,
            tested_at=tested_at,
            measured_by=measured_by.strip(),
            by=by,
            at=now,
        )
        audit.record(kind=AuditEntry.Kind.BALANCE_SKIPPED, by=by, now=now, of=skip)
    return skip


def _conclude(pack: Pack, by: User, now: datetime) -> None:
    """The newest reading, if no course was taken on it, is what the pack was taken apart for."""
    reading = pack.readings.order_by("-taken_at", "-id").first()
    if reading is not None and not hasattr(reading, "recovery"):
        _take(reading, Course.TAKE_APART, by, now)


def _jobs(
    cells: Sequence[Cell],
    capacity_recipe: RecipeVersion | None,
    balance_recipe: RecipeVersion | None,
    by: User,
    now: datetime,
) -> list[Job]:
    opened = []
    if capacity_recipe is not None:
        opened += [
            create_job(recipe_version=capacity_recipe, cells=[cell], by=by, now=now)
            for cell in cells
        ]
    if balance_recipe is not None:
        opened.append(create_job(recipe_version=balance_recipe, cells=cells, by=by, now=now))
    return opened


def _recipe_problems(
    capacity_recipe: RecipeVersion | None, balance_recipe: RecipeVersion | None
) -> Iterator[Problem]:
    if capacity_recipe and procedure_of(capacity_recipe.procedure).measures != "capacity":
        yield Problem(
            "not_a_capacity_test",
            f"{capacity_recipe} tests no capacity.",
            "Choose the recipe of a capacity test.",
        )
    if balance_recipe and not procedure_of(balance_recipe.procedure).method:
        yield Problem("not_a_balance", f"{balance_recipe} balances nothing.", "Choose a balance.")


def _busy_problems(cells: Sequence[Cell]) -> list[Problem]:
    return [
        Problem(
            "cell_in_run",
            f"A run has cell {fact.serial} at a station now.",
            "Stop the run, or wait for its end.",
        )
        for fact in cell_facts(cells)
        if fact.in_active_run
    ]


def _apart_problems(pack: Pack) -> list[Problem]:
    if not Disassembly.objects.filter(pack=pack).exists():
        return []
    return [
        Problem(
            "taken_apart",
            f"Pack {pack.serial} was taken apart.",
            "Its cells go through the gate again, into a pack of its own serial.",
        )
    ]


def _source_problems(measured_by: str) -> list[Problem]:
    if 0 < len(measured_by.strip()) <= 100:
        return []
    return [
        Problem(
            "measured_by",
            "Nothing says what measured it.",
            "Name the meter or the BMS app, in at most 100 letters.",
        )
    ]
