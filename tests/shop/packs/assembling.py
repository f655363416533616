"""Cells that the gate has nothing against, and a pack of them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from shop.cells.models import Cell
from shop.packs.models import Pack, PackDesign
from shop.packs.services import GateRefusal, assemble_pack
from shop.people.models import User
from tests import factories
from tests.cast import Cast
from tests.shop.packs.factories import approve, make_bank, make_capacity, make_design

STOPPED = factories.NOON
NOW = STOPPED + timedelta(hours=1)


def good_cells(cast: Cast, count: int = 4, **bank: Any) -> list[Cell]:
    """Cells that the gate has nothing against, run by Tola and approved by Sade."""
    made = make_bank(by=cast.tola, stopped=STOPPED, cells=factories.make_cells(count), **bank)
    for cell in made.cells:
        make_capacity(cell)
    approve(made.cells, by=cast.sade, now=STOPPED + timedelta(minutes=20))
    return made.cells


def assemble(
    cells: list[Cell],
    by: User,
    *,
    serial: str = "P-1",
    design: PackDesign | None = None,
    now: datetime = NOW,
    simulated: bool = False,
) -> Pack:
    return assemble_pack(
        serial=serial,
        design=design or make_design(),
        cells=cells,
        customer=None,
        by=by,
        simulated=simulated,
        sample=False,
        now=now,
    )


def refused(cells: list[Cell], by: User, **how: Any) -> set[str]:
    """The rules that refuse; nothing but the decision is written."""
    packs = Pack.objects.count()
    with pytest.raises(GateRefusal) as caught:
        assemble(cells, by, **how)
    assert Pack.objects.count() == packs
    assert all(p.words and p.fix for p in caught.value.problems)
    assert caught.value.decision.allowed is False
    return {problem.code for problem in caught.value.problems}
