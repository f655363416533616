"""What is known of packs in use."""

from __future__ import annotations

from dataclasses import dataclass

from shop.care.models import BalanceSkip, Disassembly, PackReading
from shop.care.rules import Advice, CareLimits, Course, SpreadRead, advice
from shop.jobs.policies import Policy, policy_of
from shop.jobs.queries import policy_in_force
from shop.packs.models import Pack


@dataclass(frozen=True, slots=True)
class Judged:
    """A reading, and what it asked for in the light of what had been done before it."""

    reading: PackReading
    spread_v: float
    advice: Advice
    taken: str  # the course that was taken on it; "" for none

    @property
    def spread_mv(self) -> float:
        return self.spread_v * 1000


@dataclass(frozen=True, slots=True)
class Care:
    """A pack since it was assembled, newest first."""

    readings: tuple[Judged, ...]
    skips: tuple[BalanceSkip, ...]
    apart: Disassembly | None

    @property
    def asks(self) -> Advice | None:
        """What the newest reading still asks for."""
        newest = self.readings[0] if self.readings else None
        return newest.advice if newest and not newest.taken and not self.apart else None


def care_of(pack: Pack) -> Care:
    """Judged by the policy in force, or by the defaults where there is none yet."""
    version = policy_in_force()
    limits = CareLimits.of(policy_of(version.parameters) if version else Policy())
    judged, after = [], None
    for reading in pack.readings.select_related("recovery__job", "by").order_by("taken_at", "id"):
        read = SpreadRead(
            tuple(reading.cells_v), reading.taken_at, reading.at_top, reading.months, after
        )
        taken = getattr(reading, "recovery", None)
        judged.append(
            Judged(reading, read.spread_v, advice(read, limits), taken.course if taken else "")
        )
        after = Course(taken.course) if taken else after if not reading.at_top else None
    return Care(
        readings=tuple(reversed(judged)),
        skips=tuple(pack.skips.select_related("by").order_by("-id")),
        apart=Disassembly.objects.filter(pack=pack).select_related("by").first(),
    )


def rated_ah(pack: Pack) -> float:
    """What the pack should hold: its parallel cells at the rating of their type."""
    cell = pack.placements.select_related("cell__batch__cell_type").first()
    rated: float = cell.cell.batch.cell_type.capacity_ah if cell else 0.0
    return rated * pack.design.parallel
