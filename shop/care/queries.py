"""What is known of packs in use."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Prefetch

from shop.care.due import ServiceDue, ServiceLimits, service_due
from shop.care.models import BalanceSkip, Disassembly, PackReading, Recovery
from shop.care.rules import Advice, CareLimits, Course, SpreadRead, advice
from shop.jobs.queries import policy_numbers
from shop.jobs.states import JobState
from shop.packs.models import Pack

AHEAD = timedelta(days=30)  # how far the list of packs to be read looks


@dataclass(frozen=True, slots=True)
class Judged:
    """A reading, and what it asked for in the light of what had been done before it."""

    reading: PackReading
    advice: Advice
    taken: str  # the course that was taken on it; "" for none


@dataclass(frozen=True, slots=True)
class Care:
    """A pack since it was assembled, newest first."""

    readings: tuple[Judged, ...]
    skips: tuple[BalanceSkip, ...]
    apart: Disassembly | None
    service: ServiceDue | None  # M4; None once it is taken apart

    @property
    def asks(self) -> Advice | None:
        """What the newest reading still asks for."""
        newest = self.readings[0] if self.readings else None
        return newest.advice if newest and not newest.taken and not self.apart else None

    def asks_about(self, reading: PackReading) -> Advice | None:
        """What this reading asks for, if it is the newest and nothing was done about it."""
        newest = self.readings[0].reading if self.readings else None
        return self.asks if newest == reading else None


def care_of(pack: Pack) -> Care:
    """Judged by the policy in force, or by the defaults where there is none yet."""
    policy = policy_numbers()
    readings = pack.readings.select_related("recovery__job", "by").order_by("taken_at", "id")
    judged = _judged(readings, CareLimits.of(policy))
    apart = Disassembly.objects.filter(pack=pack).select_related("by").first()
    return Care(
        readings=tuple(reversed(judged)),
        skips=tuple(pack.skips.select_related("by").order_by("-id")),
        apart=apart,
        service=None if apart else _service(pack, judged, ServiceLimits.of(policy)),
    )


def packs_due(*, until: datetime) -> list[tuple[Pack, ServiceDue]]:
    """M4: packs in use that are to be read by `until`, the longest overdue first.

    The same few queries whatever the number of packs.
    """
    policy = policy_numbers()
    limits, service = CareLimits.of(policy), ServiceLimits.of(policy)
    readings = PackReading.objects.select_related("recovery__job").order_by("taken_at", "id")
    packs = (
        Pack.objects.filter(disassembly=None)
        .select_related("design", "customer")
        .prefetch_related(Prefetch("readings", readings))
    )
    found = [(p, _service(p, _judged(p.readings.all(), limits), service)) for p in packs]
    return sorted((row for row in found if row[1].at <= until), key=lambda row: row[1].at)


def _service(pack: Pack, judged: Sequence[Judged], limits: ServiceLimits) -> ServiceDue:
    at_top = [one for one in judged if one.reading.at_top]
    newest = at_top[-1] if at_top else None
    return service_due(
        built_at=pack.assembled_at,
        read_at=newest.reading.taken_at if newest else None,
        again_at=newest.advice.again_at if newest else None,
        balancer_a=pack.design.bms_active_balance_a,
        application=pack.design.application,
        limits=limits,
    )


def _judged(readings: Iterable[PackReading], limits: CareLimits) -> list[Judged]:
    """In order of time, each in the light of what had been done before it."""
    judged: list[Judged] = []
    after: Course | None = None
    for reading in readings:
        read = SpreadRead(
            tuple(reading.cells_v), reading.taken_at, reading.at_top, reading.months, after
        )
        taken, asks = getattr(reading, "recovery", None), advice(read, limits)
        judged.append(Judged(reading, asks, taken.course if taken else ""))
        if taken and _was_done(taken):
            after = Course(taken.course)
        elif reading.at_top:
            after = None
    return judged


def _was_done(taken: Recovery) -> bool:
    """A pack that was to be held says nothing of a hold until its job is done."""
    return taken.job is None or taken.job.state == JobState.DONE


def rated_ah(pack: Pack) -> float:
    """What the pack should hold: its parallel cells at the rating of their type."""
    cell = pack.placements.select_related("cell__batch__cell_type").first()
    rated: float = cell.cell.batch.cell_type.capacity_ah if cell else 0.0
    return rated * pack.design.parallel
