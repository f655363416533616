"""Random charges with a true end, and what the planner says of each before its start.

The truth is the program on the model with cells of a batch, a state of charge and a history,
leads, links and a supply that the planner is not told of; it is told what a technician has: the
rated capacity and the voltages at rest.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from stations.drivers.ea_ps9000 import PS_9080_60_T
from stations.model.bank import Bank, Wiring
from stations.model.cell import HYSTERESIS_SOC, HYSTERESIS_V, cell_of, scattered
from stations.planner.hours import PERSON, Interval, courses, interval, played
from stations.planner.knowledge import known_by_volts
from stations.planner.stretches import stretches
from stations.procedures import top_balance
from stations.procedures.steps import Charge, Program
from stations.runner import begun, run
from stations.values import Event, Reading
from stations.virtual import VirtualBench
from stations.virtual_instruments import Instruments
from tests.stations.procedures.scripted import SUPPLY, spec

SAMPLE_S = 60.0
SUPPLIES = (SUPPLY, PS_9080_60_T)


class Watched(VirtualBench):
    """A bench that keeps the readings it gave while its output was on."""

    trace: list[Reading]

    def next(self) -> Reading | Event:
        item = super().next()
        if isinstance(item, Reading) and item.output_on:
            self.trace.append(item)
        return item


@dataclass(frozen=True)
class Score:
    """Hours: the true ones, and what was said at the start."""

    true_h: float
    start: Interval

    @property
    def holds(self) -> bool:
        return self.start.low <= self.true_h <= self.start.high


def scores(number: int, seed: int) -> Iterator[Score]:
    """Of `number` charges that end with their tail."""
    rng = np.random.default_rng(seed)
    while number:
        score = score_of(rng)
        if score is not None:
            number -= 1
            yield score


def score_of(rng: np.random.Generator) -> Score | None:
    """None where the charge did not end by its tail: then there is no hour to foretell."""
    program, charge, capacity_ah = _program(rng)
    bench, rested_v = _bench(rng, program, charge, capacity_ah)
    outcome = run(begun(end_of(program), bench.clock.now()), bench)
    record = next(done for done in outcome.run.records if done.step == charge.name)
    if "partial" in record.remarks:
        return None
    true = record.ended_at - record.entered_at
    planned = courses(program, charge, known_by_volts(rested_v, capacity_ah), settings=6)
    hours = [course.hours for course in planned]
    return Score(true.total_seconds() / 3600, interval(hours))


def _program(rng: np.random.Generator) -> tuple[Program, Charge, float]:
    capacity_ah = float(rng.choice([100.0, 200.0, 280.0]))
    program = top_balance.program(
        spec(
            cells=int(rng.choice([2, 4, 8, 16])),
            capacity_ah=capacity_ah,
            cell_r_ohm=0.25e-3 * 200.0 / capacity_ah,
            supply=SUPPLIES[int(rng.integers(len(SUPPLIES)))],
        )
    )
    charge = next(step for step in program.steps if isinstance(step, Charge))
    return program, charge, capacity_ah


def random_bank(rng: np.random.Generator, capacity_ah: float, count: int, soc: float) -> Bank:
    """Cells of one batch and one history, on their own on the table."""
    nominal = cell_of(capacity_ah * rng.uniform(0.98, 1.03))
    surface, leak = np.exp(rng.normal(0.0, 0.4)), float(rng.uniform(0.005, 0.05))
    nominal = replace(nominal, g1=nominal.g1 * surface, g2=nominal.g2 * surface)
    cells = [replace(cell, self_discharge_month=leak) for cell in scattered(nominal, count, rng)]
    each = np.clip(soc + rng.uniform(-0.02, 0.02, count), 0.02, 0.985)
    bank = Bank(
        cells,
        Wiring(link_ohm=rng.uniform(0.1e-3, 0.6e-3), lead_ohm=rng.uniform(2e-3, 12e-3)),
        soc=each.tolist(),
        linked=False,
        fed=False,
    )
    branch = rng.uniform(-1.0, 1.0)  # last charged, last discharged, or something between
    bank.states.hysteresis_v[:] = branch * np.interp(each, HYSTERESIS_SOC, HYSTERESIS_V)
    bank.states.refresh()
    return bank


def _bench(
    rng: np.random.Generator, program: Program, charge: Charge, capacity_ah: float
) -> tuple[Watched, list[float]]:
    mean = rng.uniform(0.3, 0.95)
    bank = random_bank(rng, capacity_ah, program.cells, mean)
    accuracy_v = charge.trim.accuracy_v
    bench = Watched(
        bank,
        person=PERSON,
        sample_s=SAMPLE_S,
        instruments=Instruments(
            supply_resolution_v=charge.trim.step_v,
            supply_offset_v=float(rng.uniform(-accuracy_v, accuracy_v)),
            noise_v=50e-6,
            noise_a=0.003,
        ),
        seed=int(rng.integers(1 << 30)),
    )
    bench.trace = []
    return bench, [float(volts) for volts in bank.solve(None).cell_v]


def end_of(program: Program) -> Program:
    """The program with nothing but its first stretch."""
    return played(program, stretches(program)[0])
