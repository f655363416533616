"""A bank that is ready for the next step of its way into a pack, as of now."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from shop import clock
from shop.packs.models import Pack
from shop.packs.services import assemble_pack
from tests.cast import Cast
from tests.factories import make_cells
from tests.shop.packs.factories import Bank, approve, make_bank, make_capacity, make_design

STOPPED_AGO = timedelta(minutes=20)


def balanced(cast: Cast, **changes: Any) -> Bank:
    """Four cells balanced by Tola whose capacity is known; current stopped 20 minutes ago."""
    bank = make_bank(by=cast.tola, stopped=clock.now() - STOPPED_AGO, **changes)
    for cell in bank.cells:
        make_capacity(cell)
    return bank


def approved(cast: Cast, **changes: Any) -> Bank:
    bank = balanced(cast, **changes)
    approve(bank.cells, by=cast.sade, now=clock.now())
    return bank


def assembled(cast: Cast, *, parallel: int = 1) -> Pack:
    """4S with so many cells in parallel; needs a test with transactions of its own."""
    return assemble_pack(
        serial="P-1",
        design=make_design(parallel=parallel),
        cells=approved(cast, cells=make_cells(4 * parallel)).cells,
        customer=cast.ife,
        by=cast.bayo,
        simulated=False,
        sample=False,
        now=clock.now(),
    )
