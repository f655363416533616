"""Opening a nonconformance, and deciding on it."""

from __future__ import annotations

from datetime import datetime

from django.db import IntegrityError, transaction

from shop.audit import services as audit
from shop.audit.models import AuditEntry
from shop.cells.models import Cell
from shop.cells.services import touch_cells
from shop.jobs.models import Run
from shop.people.models import User
from shop.people.roles import Act, require
from shop.quality.models import Disposition, Nonconformance
from shop.refusals import Problem, Refusal, StaleTransition


def open_nonconformance(
    *, cell: Cell, kind: str, words: str, now: datetime, run: Run | None = None
) -> Nonconformance:
    """Record that something is, or may be, wrong with a cell; the gate refuses it from now on."""
    with transaction.atomic():
        touch_cells([cell])
        return Nonconformance.objects.create(
            cell=cell, run=run, kind=Nonconformance.Kind(kind), words=words, opened_at=now
        )


def dispose(
    *, nonconformance: Nonconformance, decision: str, words: str, by: User, now: datetime
) -> Disposition:
    """A supervisor's decision, once and for all: use as is, rework or scrap, with the reason."""
    require(by.role, Act.DISPOSE)
    if decision not in Disposition.Decision.values or not words.strip():
        known = ", ".join(Disposition.Decision.values)
        raise Refusal(
            [
                Problem(
                    "disposition",
                    "A disposition is a decision with its reason.",
                    f"Choose one of {known} and say why.",
                )
            ]
        )
    try:
        with transaction.atomic():
            touch_cells([nonconformance.cell])
            decided = Disposition.objects.create(
                nonconformance=nonconformance, decision=decision, by=by, at=now, words=words
            )
            audit.record(kind=AuditEntry.Kind.DISPOSED, by=by, now=now, of=decided)
    except IntegrityError as error:
        raise StaleTransition(f"Nonconformance {nonconformance.pk}", "open") from error
    return decided
