"""How fast the cell model runs: 16 cells, 8 h that never leave the 1 s steps near full.

Seconds of bench time per second of one core (CPU time, so that a busy machine does not count).
"""

from __future__ import annotations

import time
from typing import Literal

import numpy as np

from stations.model.bank import Bank, Wiring
from stations.model.cell import cell_of, scattered
from stations.values import Setpoint
from tests.benchmarks.report import report

HOURS = 8
BAR = 10_000.0


def times_real_time(layout: Literal["star", "ladder"]) -> float:
    cells = scattered(cell_of(200.0), 16, np.random.default_rng(16))
    soc = [0.975 + 0.001 * position for position in range(16)]
    bank = Bank(cells, Wiring(layout, link_ohm=0.2e-3), soc=soc)
    started = time.process_time()
    for _ in range(HOURS * 3600):
        bank.advance(1.0, Setpoint(3.65, 100.0))
    return HOURS * 3600 / (time.process_time() - started)


def main() -> bool:
    figures = [
        report(
            f"model, 16 cells in a {layout}, 8 h in 1 s steps",
            times_real_time(layout),
            unit="x real",
            at_least=BAR,
        )
        for layout in ("star", "ladder")
    ]
    return all(figures)
