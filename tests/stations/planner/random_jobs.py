"""Random charges with a true end, and what the planner says of each at its start and half way.

The truth is the program on the model with cells of a batch, a state of charge and a history,
leads, links and a supply that the planner is not told of; it is told what a technician has: the
rated capacity and the voltages at rest.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np

from stations.drivers.ea_ps9000 import PS_9080_60_T
from stations.model.bank import Bank, Wiring
from stations.model.cell import HYSTERESIS_SOC, HYSTERESIS_V, cell_of, scattered
from stations.planner.hours import PERSON, Interval, courses, interval, played
from stations.planner.knowledge import Known, known_by_volts
from stations.planner.remaining import Progress, left
from stations.planner.stretches import stretches
from stations.procedures import top_balance
from stations.procedures.steps import Charge, Program
from stations.runner import begun, run
from stations.values import Event, Reading
from stations.virtual import Instruments, VirtualBench
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
    """Hours: the true ones, what was said at the start, and the end as it was seen half way."""

    true_h: float
    start: Interval
    halfway_end_h: float

    @property
    def holds(self) -> bool:
        return self.start.low <= self.true_h <= self.start.high

    @property
    def halfway_error(self) -> float:
        """Of the whole time."""
        return abs(self.halfway_end_h - self.true_h) / self.true_h


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
    known = known_by_volts(rested_v, capacity_ah)
    planned = courses(program, charge, known, settings=6)
    half = record.entered_at + true / 2
    seen = left(charge, planned, _progress(bench.trace, half, known))
    assert seen.hours is not None, seen.words
    return Score(
        true_h=_hours(true),
        start=interval([course.hours for course in planned]),
        halfway_end_h=_hours(true / 2) + seen.hours.middle,
    )


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


def _bench(
    rng: np.random.Generator, program: Program, charge: Charge, capacity_ah: float
) -> tuple[Watched, list[float]]:
    nominal = cell_of(capacity_ah * rng.uniform(0.98, 1.03))
    surface = np.exp(rng.normal(0.0, 0.4))
    nominal = replace(nominal, g1=nominal.g1 * surface, g2=nominal.g2 * surface)
    leak = float(rng.uniform(0.005, 0.05))
    cells = [
        replace(cell, self_discharge_month=leak) for cell in scattered(nominal, program.cells, rng)
    ]
    mean = rng.uniform(0.3, 0.95)
    soc = np.clip(mean + rng.uniform(-0.02, 0.02, program.cells), 0.02, 0.985)
    bank = Bank(
        cells,
        Wiring(link_ohm=rng.uniform(0.1e-3, 0.6e-3), lead_ohm=rng.uniform(2e-3, 12e-3)),
        soc=[float(one) for one in soc],
        linked=False,
        fed=False,
    )
    branch = rng.uniform(-1.0, 1.0)  # last charged, last discharged, or something between
    bank.states.hysteresis_v[:] = branch * np.interp(soc, HYSTERESIS_SOC, HYSTERESIS_V)
    bank.states.refresh()
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


def _progress(trace: list[Reading], at: datetime, known: Known) -> Progress:
    """As the run's own record of that moment."""
    past = [reading for reading in trace if reading.at <= at]
    charge_ah = sum(r.supply_current_a for r in past) * SAMPLE_S / 3600
    in_cv = []
    for reading in reversed(past):
        if reading.regulation != "CV":
            break
        in_cv.append((reading.at, reading.supply_current_a))
    last = past[-1]
    return Progress(
        at=at,
        charge_ah=charge_ah,
        current_a=last.supply_current_a,
        voltage_v=last.voltage_v,
        known=known,
        cv_since=in_cv[-1][0] if in_cv else None,
        tail=in_cv[::-1],
    )


def _hours(span: timedelta) -> float:
    return span.total_seconds() / 3600


def end_of(program: Program) -> Program:
    """The program with nothing but its first stretch."""
    return played(program, stretches(program)[0])
