"""Recording that studs were fitted to a cell (F7): once in its life, and what holds them."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from shop.audit import services as audit
from shop.audit.models import AuditEntry
from shop.cells.models import Cell, StudFitting
from shop.cells.services import touch_cells
from shop.people.models import User
from shop.people.roles import Act, require
from shop.refusals import Problem, refuse

LOCKER_MAX, WORDS_MAX = 100, 500


def fit_studs(
    *, cell: Cell, thread_locker: str, words: str, by: User, now: datetime
) -> StudFitting:
    """Append the fitting; a second one says why, and is warned of from then on."""
    require(by.role, Act.FIT_STUDS)
    with transaction.atomic():
        touch_cells([cell])
        again = StudFitting.objects.filter(cell=cell).exists()
        refuse(_problems(thread_locker.strip(), words.strip(), again=again))
        made = StudFitting.objects.create(
            cell=cell, thread_locker=thread_locker.strip(), words=words.strip(), by=by, at=now
        )
        audit.record(kind=AuditEntry.Kind.STUDS_FITTED, by=by, now=now, of=made)
    return made


def _problems(thread_locker: str, words: str, *, again: bool) -> list[Problem]:
    found = []
    if not 0 < len(thread_locker) <= LOCKER_MAX:
        fix = f"Name it in at most {LOCKER_MAX} letters, or say 'none'."
        said = "What holds the studs is not said."
        found.append(Problem("thread_locker", said, fix, about="thread_locker"))
    if (again and not words) or len(words) > WORDS_MAX:
        fix = f"Say in at most {WORDS_MAX} letters why they are fitted again."
        said = "Studs are fitted once: taking them out wears the threads."
        found.append(Problem("studs_again", said, fix, about="words"))
    return found
