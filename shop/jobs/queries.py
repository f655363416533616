"""Reads of jobs: the facts that rules judge, and who is where."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db import DatabaseError, connection
from django.db.models import Exists, Max, OuterRef, Q, QuerySet

from shop.cells.models import Cell
from shop.equipment.models import Station, StationLease
from shop.equipment.queries import calibrations_in_force
from shop.equipment.states import OutputState
from shop.jobs.models import Job, JobEvent, PolicyVersion, RecipeVersion, Run, RunCell
from shop.jobs.policies import Policy, policy_of
from shop.jobs.rules.ordering import CellFact
from shop.jobs.rules.starting import InstrumentFact, StationFact
from shop.jobs.states import TERMINAL
from shop.people.models import User

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class StepBegun:
    """When the bench entered a step of its program, by the bench's own clock."""

    name: str
    title: str
    at: datetime


def alive_runs() -> QuerySet[Run]:
    """Runs that are not over."""
    return Run.objects.exclude(state__in=sorted(TERMINAL))


def before_its_moment(now: datetime) -> Q:
    """F6: a run that somebody comes for later; one that is left alone waits at its bench."""
    return Q(attended=True, not_before__gt=now)


def policy_in_force() -> PolicyVersion | None:
    """The highest stored version; None before the first."""
    return PolicyVersion.objects.order_by("-version").first()


def newest_of(procedures: Iterable[str]) -> QuerySet[RecipeVersion]:
    """The newest version of each recipe of these procedures."""
    later = RecipeVersion.objects.filter(recipe=OuterRef("recipe"), version__gt=OuterRef("version"))
    rows = RecipeVersion.objects.filter(~Exists(later), procedure__in=list(procedures))
    return rows.select_related("recipe").order_by("recipe__name")


def policy_numbers() -> Policy:
    """What the policy in force asks for; the defaults before the first is stored."""
    version = policy_in_force()
    return policy_of(version.parameters) if version else Policy()


def cell_facts(cells: Iterable[Cell], pack_id: int | None = None) -> list[CellFact]:
    """One fact per cell in the order given, a cell that was given twice included.

    With a `pack_id` they should all be in that pack, and else in none.
    """
    asked = list(cells)
    # By relation, not by import: packs know jobs, never the reverse.
    known = {
        row.pk: row
        for row in Cell.objects.filter(pk__in=[c.pk for c in asked])
        .select_related("batch")
        .annotate(
            busy=Exists(RunCell.objects.filter(cell=OuterRef("pk"), active=True)),
            packed_in=Max("placements__pack", filter=Q(placements__removed_at=None)),
        )
    }
    return [
        CellFact(
            serial=row.serial,
            cell_type=row.batch.cell_type_id,
            in_active_run=row.busy,
            in_pack=row.packed_in not in (None, pack_id),
            out_of_pack=pack_id is not None and row.packed_in is None,
        )
        for row in (known[c.pk] for c in asked)
    ]


def steps_begun(run_id: int) -> list[StepBegun]:
    """The steps that a run entered, in order; a step that was skipped is not among them."""
    rows = JobEvent.objects.filter(run=run_id, kind="bench_step").order_by("id")
    return [
        StepBegun(data["name"], data["title"], datetime.fromisoformat(data["bench_at"]))
        for data in rows.values_list("data", flat=True)
    ]


def job_cells(job: Job) -> list[Cell]:
    """The cells of a job in their order in the bank."""
    return [jc.cell for jc in job.job_cells.select_related("cell").order_by("position")]


def station_fact(station: Station, now: datetime) -> StationFact:
    until = {key: c.valid_until for key, c in calibrations_in_force(station, now).items()}
    lease = StationLease.objects.filter(station=station).first()
    heartbeat = lease.heartbeat_at if lease else None
    return StationFact(
        slug=station.slug,
        output_state=lease.output_state if lease else OutputState.UNKNOWN,
        has_active_run=alive_runs().filter(station=station).exists(),
        heartbeat_age=now - heartbeat if heartbeat else None,
        alarm=lease.alarm if lease else "",
        instruments=tuple(
            InstrumentFact(i.role, i.serial_number, until.get(i.pk))
            for i in station.instruments.order_by("role")
        ),
    )


ASKED = """
SELECT stop_requested_at IS NOT NULL,
       (SELECT count(*) FROM shop_personact WHERE run_id = shop_run.id)
  FROM shop_run WHERE id = %s AND token = %s
"""


def asked_of(run_id: int, token: int) -> tuple[bool, int] | None:
    """Whether a stop is asked of the run with that token, and how many acts there are of people.

    One plain statement, for an uplink asks it twice a second; None where there is no such run.
    """
    with connection.cursor() as cursor:
        cursor.execute(ASKED, [run_id, token])
        row: tuple[bool, int] | None = cursor.fetchone()
    return row


def stopped_by(run: Run) -> str:
    """Like "stopped by …", of the columns that a bench may read; a stop never waits for a name."""
    try:
        people = User.objects.filter(pk=run.stop_requested_by_id or 0)
        person = people.only("username", "first_name", "last_name").first()
    except DatabaseError:
        log.exception("run %s: nobody's name could be read for its stop", run.pk)
        person = None
    return f"stopped by {person.words if person else 'the shop'}"
