"""A whole top balance on the virtual bench, watched: how it ended and what its readings show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import numpy as np

from stations.model.bank import Bank
from stations.planner.looks import charge_looks
from stations.planner.naming import Look, Rested, look_at_rest
from stations.planner.seen import Seen, less_zero, rested
from stations.procedures import recheck
from stations.procedures.actions import Outcome
from stations.procedures.steps import Charge, Program
from stations.runner import begun, run
from stations.values import Event, OffProof, Reading
from stations.virtual import ATTENTIVE, Act, VirtualBench
from stations.virtual_instruments import Instruments

SAMPLE_S = 20.0
NOISY = Instruments(noise_v=100e-6, noise_a=0.003)
STEP = "step"


class Kept(VirtualBench):
    """A bench that keeps every reading that it gave."""

    readings: list[Reading]

    def next(self) -> Reading | Event:
        item = super().next()
        if isinstance(item, Reading):
            self.readings.append(item)
        return item


@dataclass(frozen=True)
class Shown:
    outcome: Outcome
    bench: Kept
    looks: tuple[Look, ...]

    @property
    def named(self) -> list[str]:
        return [words for look in self.looks for words in look.named]

    def look(self, of: str) -> Look:
        return next(look for look in self.looks if look.of == of)


def shown(
    program: Program,
    bank: Bank,
    *,
    rated_ah: float,
    person: Sequence[Act] = ATTENTIVE,
    instruments: Instruments = NOISY,
    seed: int = 0,
) -> Shown:
    bench = Kept(bank, person=person, sample_s=SAMPLE_S, instruments=instruments, seed=seed)
    bench.readings = []
    outcome = run(begun(program, bench.clock.now()), bench)
    charges = [step for step in program.steps if isinstance(step, Charge)]
    entered = [(at, str(data["name"])) for at, kind, data in bench.notes if kind == STEP]
    looks = charge_looks(
        charges,
        seen_from(bench.readings),
        joined=True,
        rated_ah=rated_ah,
        step_at=lambda at: next((name for then, name in reversed(entered) if then <= at), ""),
    )
    return Shown(outcome, bench, looks)


def seen_from(readings: Sequence[Reading]) -> Seen:
    """The columns that the shop would store of these."""
    on = np.array([float(r.output_on) for r in readings])
    cells_v = np.array([r.cell_voltages_v for r in readings])
    return Seen(
        at_s=np.array([r.at.timestamp() for r in readings]),
        on=on,
        cv=np.array([float(r.regulation == "CV") for r in readings]),
        current_a=less_zero(np.array([r.supply_current_a for r in readings]), on),
        voltage_v=np.array([r.voltage_v for r in readings]),
        supply_v=np.array([r.supply_voltage_v for r in readings]),
        cells_v=cells_v,
        rested_v=rested(on, cells_v),
    )


def rested_for(bench: VirtualBench, age: timedelta) -> Look:
    """The re-check of the bench's cells, each alone, so long after their current stopped."""
    bench.bank.linked = bench.bank.fed = False
    stopped = bench.clock.now()
    bench.bank.advance(age.total_seconds(), None)
    bench.clock.push(age.total_seconds())
    program = recheck.program(
        recheck.Spec(
            recipe=recheck.Recipe(),
            banks=(1,) * len(bench.bank.states),
            target_v=3.65,
            current_stopped=OffProof(stopped, stopped, 0.0),
            cell_voltage_max_v=3.65,
            cell_voltage_min_v=2.50,
        )
    )
    again = VirtualBench(
        bench.bank, person=(Act("place", 60.0),), instruments=NOISY, clock=bench.clock
    )
    outcome = run(begun(program, bench.clock.now()), again)
    assert outcome.kind == "FINISHED", outcome.reason
    return look_at_rest(
        [
            Rested(
                cell.position,
                cell.voltage_v,
                cell.window.low,
                cell.verdict == "pass",
                timedelta(seconds=cell.age_s),
            )
            for cell in outcome.run.records[-1].cells
        ]
    )
