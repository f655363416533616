"""Cells of the model as a balance leaves them: full, apart, at rest."""

from __future__ import annotations

from collections.abc import Sequence

from stations.model.bank import Bank, Wiring
from stations.model.cell import cell_of


def relaxed_bank(soc: Sequence[float] = (0.9995, 0.9994, 0.9995, 0.9996)) -> Bank:
    """200 Ah cells, each alone, without polarisation: as hours of rest leave them."""
    return Bank([cell_of(200.0)] * len(soc), Wiring(), soc=soc, linked=False, fed=False)
