"""Naming a cell type: what its datasheet says, once, and later what was left unsaid."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from django.db import IntegrityError, transaction

from shop.audit import services as audit
from shop.audit.models import AuditEntry
from shop.cells import rules
from shop.cells.models import CellType
from shop.people.models import User
from shop.people.roles import Act, require
from shop.refusals import Problem, Refusal, refuse


def define_cell_type(
    *,
    maker: str,
    model: str,
    datasheet: str,
    figures: Mapping[str, float | None],
    by: User,
    now: datetime,
) -> CellType:
    """A maker's model with the figures of the datasheet revision that is named.

    Each of `rules.FIGURES` by its name; one that has a default, or may be said later, may lack.
    """
    require(by.role, Act.DEFINE)
    named = {"maker": maker.strip(), "model": model.strip(), "datasheet": datasheet.strip()}
    said = {figure.name: figures.get(figure.name, figure.default) for figure in rules.FIGURES}
    said = {name: None if value is None else float(value) for name, value in said.items()}
    refuse(rules.type_problems(named, said))
    try:
        with transaction.atomic():
            made = CellType.objects.create(**named, **said)
            audit.record(kind=AuditEntry.Kind.CELL_TYPE_DEFINED, by=by, now=now, of=made)
    except IntegrityError as error:
        words = f"{maker} {model} of that datasheet is known already."
        fix = "Name the datasheet's revision: another one is another type."
        raise Refusal([Problem("cell_type_known", words, fix, about="datasheet")]) from error
    return made


def say_more(
    *, cell_type: CellType, figures: Mapping[str, float | None], by: User, now: datetime
) -> CellType:
    """Add what the type left unsaid (`rules.LATER_SAID`); what it says is never changed."""
    require(by.role, Act.DEFINE)
    with transaction.atomic():
        row = CellType.objects.select_for_update().get(pk=cell_type.pk)
        known = {figure.name: getattr(row, figure.name) for figure in rules.LATER_SAID}
        refuse(rules.said_problems(known, figures))
        added = {name: value for name in known if (value := figures.get(name)) is not None}
        for name, value in added.items():
            setattr(row, name, float(value))
        row.save(update_fields=list(added))
        audit.record(kind=AuditEntry.Kind.CELL_TYPE_COMPLETED, by=by, now=now, of=row)
    return row
