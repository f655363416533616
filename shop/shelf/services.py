"""Telling supervisors what waits on the shelf, each thing once."""

from __future__ import annotations

from datetime import datetime

from shop.evidence.queries import gate_policy
from shop.jobs.queries import policy_in_force
from shop.shelf import queries, second_checks
from shop.shelf.models import Alert
from shop.shelf.rules import due, groups


def remind(*, now: datetime) -> list[Alert]:
    """Write an alert for everything that is due and was not yet said; returns the new ones.

    Two that remind at once write one row: the second finds it there.
    """
    if policy_in_force() is None:
        return []
    second_checks.open_due(now=now)
    _, policy = gate_policy()
    wanted = due(groups(queries.shelf(now=now)), policy, now)
    known = set(
        Alert.objects.filter(run__in={one.run_id for one in wanted}).values_list("run_id", "kind")
    )
    alerts = [
        Alert(
            kind=one.kind.value,
            run_id=one.run_id,
            due_at=one.due_at,
            raised_at=now,
            words=one.words,
        )
        for one in wanted
        if (one.run_id, one.kind.value) not in known
    ]
    return Alert.objects.bulk_create(alerts, ignore_conflicts=True)
