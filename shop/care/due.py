"""M4: no balance lasts for ever; when the cells of a pack in use are to be read next.  Pure.

How fast cells drift apart depends on the balancer.  Source: [A] "Top Balancing vs Bottom
Balancing", what is seen in the field: 80 to 150 mV after 6 months with a passive one, 20 to 40 mV
after 18 months with an active one.  A pack of high C-rate, or emptied often, drifts sooner.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from shop.jobs.policies import Policy

OFTEN_EMPTIED = "EV"  # the application that stands for a high C-rate and frequent full discharge


@dataclass(frozen=True, slots=True)
class ServiceLimits:
    """How long after it was built, or last read at the top of charge, a pack is read again."""

    active: timedelta
    passive: timedelta
    often_share: float  # of these, for packs of high C-rate
    active_least_a: float  # a balancer below it counts as passive

    @classmethod
    def of(cls, policy: Policy) -> ServiceLimits:
        return cls(
            active=timedelta(seconds=policy.service_active_s),
            passive=timedelta(seconds=policy.service_passive_s),
            often_share=policy.service_often_share,
            active_least_a=policy.balancer_min_a,
        )


@dataclass(frozen=True, slots=True)
class ServiceDue:
    """When, and why then."""

    at: datetime
    why: str


def service_due(
    *,
    built_at: datetime,
    read_at: datetime | None,
    again_at: datetime | None,
    balancer_a: float,
    application: str,
    limits: ServiceLimits,
) -> ServiceDue:
    """`read_at` is the newest reading at the top of charge, `again_at` what it asked for."""
    active = balancer_a >= limits.active_least_a
    after = limits.active if active else limits.passive
    words = "an active" if active else "a passive"
    why = f"its cells drift apart with {words} balancer"
    if application == OFTEN_EMPTIED:
        after *= limits.often_share
        why += ", sooner in a pack that is emptied often"
    at = (read_at or built_at) + after
    if again_at is not None and again_at < at:
        return ServiceDue(again_at, "its last reading asked for another")
    return ServiceDue(at, why)
