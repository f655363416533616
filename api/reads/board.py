"""The shop at a glance: every station with what runs on it, every job that is not history."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Prefetch, Q, QuerySet

from api.reads import commissioning
from api.reads.commissioning import CommissioningShown
from api.reads.live import Live, live
from api.reads.program import Progress, progress
from api.words import capitalised
from shop.equipment.models import Station
from shop.equipment.states import OUTPUT_WORDS, OutputState
from shop.jobs.attending import presence_is_close
from shop.jobs.models import Job, JobEvent, Run
from shop.jobs.queries import alive_runs

OFFLINE_AFTER = timedelta(seconds=15)


@dataclass(frozen=True, slots=True)
class StationShown:
    """One station; `run` is the one that is not over, `live` what the bench says now."""

    station: Station
    output: str
    alarm: str
    heartbeat_at: datetime | None
    is_online: bool
    run: Run | None
    progress: Progress
    live: Live | None
    commissioned: CommissioningShown
    presence_is_close: bool = False  # an attended run is about to be held, or is

    @property
    def status(self) -> tuple[str, str]:
        """(kind, words) of the one thing to know first."""
        if not self.is_online:
            return "offline", "Offline"
        if self.alarm:
            return "error", "Alarm"
        if self.run is None:
            said = OUTPUT_WORDS[self.output]
            if self.output == OutputState.SEEN_OFF:
                return "missing", capitalised(said)
            unknown = self.output == OutputState.UNKNOWN
            return ("missing", f"Output {said}") if unknown else ("idle", "Free")
        if self.progress.waits:
            return "waiting", "Waiting for you"
        if self.presence_is_close:
            return "waiting", "Is somebody there?"
        return "", ""  # the run's own status says it


def stations(*, now: datetime, slug: str = "") -> list[StationShown]:
    """Every station that works, by its slug, or the one of `slug`, retired or not; five queries
    and one look at Redis.

    A retired one is among them as long as its bench tells that the output is not off.
    """
    unsafe = Q(
        lease__heartbeat_at__isnull=False,
        lease__output_state__in=[OutputState.ON, OutputState.UNKNOWN],
    )
    shown = Q(slug=slug) if slug else Q(retirement=None) | unsafe
    named = Station.objects.filter(shown)
    rows = list(
        named.select_related("lease", "retirement__by").prefetch_related(
            Prefetch("runs", _runs(), to_attr="alive"), "instruments"
        )
    )
    seen = commissioning.of_stations(rows, now=now)
    told = live((row.slug for row in rows), now=now)
    return [_station(row, told.get(row.slug), seen[row.pk], now) for row in rows]


def jobs() -> QuerySet[Job]:
    """Jobs with everything that a list shows; newest first."""
    return Job.objects.select_related(
        "recipe_version__recipe", "station", "claimed_by"
    ).prefetch_related("job_cells__cell", Prefetch("runs", Run.objects.order_by("-id")))


def jobs_told() -> QuerySet[Job]:
    """`jobs`, with why those that were cancelled were."""
    cancelled = JobEvent.objects.filter(kind="cancelled").select_related("by")
    return jobs().prefetch_related(Prefetch("events", cancelled, to_attr="cancellations"))


def cancellation_of(job: Job) -> JobEvent | None:
    """Who cancelled it, when, and why in `data["words"]`; `job` must come from `jobs_told()`."""
    told: list[JobEvent] = getattr(job, "cancellations")  # noqa: B009  set by the prefetch
    return told[-1] if told else None


def _runs() -> QuerySet[Run]:
    return alive_runs().select_related("job__claimed_by").prefetch_related("acts")


def confirmed_steps(run: Run) -> frozenset[str]:
    """What people confirmed, as far as it holds in the present attempt."""
    acts = (act for act in run.acts.all() if act.kind == "confirm" and act.holds_in(run.attempt))
    return frozenset(act.data.get("step", "") for act in acts)


def run_progress(run: Run, entered: Collection[str] = ()) -> Progress:
    return progress(
        run.program,
        run.step,
        state=run.state,
        confirmed=confirmed_steps(run),
        entered=entered,
    )


def _station(
    row: Station, told: Live | None, seen: CommissioningShown, now: datetime
) -> StationShown:
    lease = getattr(row, "lease", None)
    heartbeat = lease.heartbeat_at if lease else None
    alive: list[Run] = getattr(row, "alive", [])
    run = alive[0] if alive else None
    return StationShown(
        station=row,
        output=lease.output_state if lease else OutputState.UNKNOWN,
        alarm=lease.alarm if lease else "",
        heartbeat_at=heartbeat,
        is_online=heartbeat is not None and now - heartbeat < OFFLINE_AFTER,
        run=run,
        progress=run_progress(run) if run else Progress(),
        live=told,
        commissioned=seen,
        presence_is_close=run is not None and presence_is_close(run, now),
    )
