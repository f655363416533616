"""Every procedure on the virtual bench: seconds of process time per second of one core.

CPU time, so that a busy machine does not count.  The runner, `decide` and the model play each
program whole, with a reading in every second, on 16 cells or on the one that it is for.  A new
procedure is one more row.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from stations.model.bank import STEP_NEAR_END_S, STEP_PLATEAU_S, Bank, Wiring
from stations.model.bms import Bms
from stations.model.cell import cell_of, scattered
from stations.procedures.steps import Program
from stations.runner import begun, run
from stations.virtual import ATTENTIVE, Act, VirtualBench, each_alone
from stations.virtual_instruments import Instruments
from tests.benchmarks.report import report
from tests.stations.procedures import (
    scripted,
    test_emptying_plans,
    test_levelling,
    test_pack_recovery,
    test_recheck,
    test_resistance,
    test_self_discharge,
    test_series_precharge,
    test_single_cells,
    test_step_pause,
    test_unseen_precharge,
)

CELLS = 16
BAR = 10_000.0
SAMPLE_S = 1.0
PLACE = Act("place", 120.0)
JOIN, PART = Act("connect", 300.0, hands="join"), Act("unlink", 60.0, hands="part")


@dataclass(frozen=True)
class Row:
    """A program, the state of charge that its cells begin with, and who is there."""

    name: str
    program: Program
    soc: float
    person: Sequence[Act]
    capacity_ah: float = 200.0
    bms: Bms = field(default_factory=Bms)
    instruments: Instruments | None = None


def rows() -> list[Row]:
    return [
        Row("parallel top balance", scripted.program(cells=CELLS), 0.90, ATTENTIVE),
        Row("step and pause", test_step_pause.made(cells=CELLS), 0.90, ATTENTIVE),
        Row(
            "individual top balance",
            test_single_cells.made(CELLS),
            0.95,
            test_single_cells.by_turns(CELLS),
        ),
        Row("levelling", test_levelling.made(CELLS), 0.05, (JOIN, PART)),
        Row("recharge", test_single_cells.made(1), 0.98, test_single_cells.by_turns(1)),
        Row("capacity test", test_emptying_plans.capacity(), 0.90, (JOIN, PART)),
        Row("DC resistance", test_resistance.made(), 0.50, (JOIN, PART)),
        Row("bottom balance", test_emptying_plans.bottom(CELLS), 0.30, each_alone(CELLS)),
        Row("re-check", test_recheck.made(banks=(1,) * CELLS), 0.9995, (PLACE,)),
        Row(
            "series pre-charge",
            test_series_precharge.made(CELLS),
            0.80,
            test_series_precharge.ASSEMBLED,
            capacity_ah=100.0,
        ),
        Row(
            "series pre-charge, cells not seen",
            test_unseen_precharge.made(CELLS),
            0.80,
            (test_unseen_precharge.BUILT,),
            capacity_ah=100.0,
            instruments=test_unseen_precharge.BLIND,
        ),
        Row(
            "pack recovery",
            test_pack_recovery.made(CELLS),
            0.80,
            test_pack_recovery.CONNECTED,
            capacity_ah=100.0,
            bms=Bms(over_v=3.70, release_v=3.60, balance_a=2.0),
            instruments=Instruments(has_scanner=False),
        ),
        Row("self-discharge, first look", test_self_discharge.made(CELLS), 0.9995, (PLACE,)),
    ]


def main() -> bool:
    sys.stdout.write(
        f"readings every {SAMPLE_S:g} s; the model's steps: {min(SAMPLE_S, STEP_PLATEAU_S):g} s on "
        f"the plateau, {min(SAMPLE_S, STEP_NEAR_END_S):g} s near the ends\n"
    )
    figures = [times_real_time(row) for row in rows()]
    return all(figures)


def times_real_time(row: Row) -> bool:
    cells = scattered(cell_of(row.capacity_ah), row.program.cells, np.random.default_rng(CELLS))
    bank = Bank(cells, Wiring(), soc=[row.soc] * len(cells), linked=False, fed=False)
    bank.bms = row.bms
    bench = VirtualBench(bank, person=row.person, sample_s=SAMPLE_S, instruments=row.instruments)
    began, began_s = bench.clock.now(), time.process_time()
    outcome = run(begun(row.program, began), bench)
    spent_s = time.process_time() - began_s
    played = bench.clock.now() - began
    if outcome.kind != "FINISHED":
        raise ValueError(f"{row.name}: {outcome.kind}, {outcome.reason}")
    hours = played.total_seconds() / 3600
    name = f"{row.name}, {len(cells)} x {row.capacity_ah:g} Ah, {hours:.1f} h"
    return report(name, played.total_seconds() / spent_s, unit="x real", at_least=BAR)
