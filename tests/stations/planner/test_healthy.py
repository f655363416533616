"""No name for a bank that has nothing wrong with it: fifty of them, scattered as batches are."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import numpy as np

from stations.model.bank import Bank, Wiring
from stations.model.cell import cell_of, scattered
from stations.procedures.steps import Program
from stations.virtual_instruments import Instruments
from tests.stations.planner.shown import Shown, rested_for, shown
from tests.stations.procedures.scripted import SUPPLY, program

BANKS = 50
RATED_AH = 100.0


def balanced(seed: int) -> Shown:
    """A whole top balance of a healthy bank with leads, links and a supply as shops have them."""
    rng = np.random.default_rng(seed)
    cells = int(rng.choice([4, 8]))
    bank = Bank(
        scattered(cell_of(RATED_AH * rng.uniform(0.98, 1.03)), cells, rng),
        Wiring(link_ohm=rng.uniform(0.1e-3, 0.6e-3), lead_ohm=rng.uniform(2e-3, 12e-3)),
        soc=[float(soc) for soc in rng.uniform(0.93, 0.97, cells)],
        linked=False,
        fed=False,
    )
    accuracy_v = SUPPLY.voltage_accuracy_v
    instruments = Instruments(
        supply_offset_v=float(rng.uniform(-accuracy_v, accuracy_v)),
        supply_offset_a=float(rng.uniform(-0.02, 0.02)),
        noise_v=100e-6,
        noise_a=0.003,
    )
    return shown(planned(cells), bank, rated_ah=RATED_AH, instruments=instruments, seed=seed)


def planned(cells: int) -> Program:
    return program(
        cells=cells, capacity_ah=RATED_AH, cell_r_ohm=0.5e-3, full_rating_allowed=cells == 8
    )


def test_of_fifty_healthy_banks_nothing_is_named() -> None:
    """Neither by the charge, nor by an alarm, nor at the disconnect check and four hours after."""
    kinds: Counter[str] = Counter()
    for seed in range(BANKS):
        one = balanced(seed)
        kinds[one.outcome.kind] += 1
        assert one.named == [], (seed, one.named)
        assert one.outcome.run.alarms == (), seed
        verdicts = {cell.verdict for cell in one.outcome.run.records[-1].cells}
        assert verdicts == {"pass"}, (seed, verdicts)
        assert rested_for(one.bench, timedelta(hours=4)).named == (), seed
    assert kinds == {"FINISHED": BANKS}
