"""Random runs of every procedure with a true end, and what is said of each while it runs.

The truth is the whole program on the model, a person at every step, with cells of a batch, a
state of charge and a history, leads, links and a supply that the planner is not told of.  It is
told what a run has on record: its readings, and when the bench entered which step.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np

from stations.model.bank import Bank
from stations.model.bms import Bms
from stations.planner.hours import Interval
from stations.planner.knowledge import LEADS_OHM
from stations.planner.remaining import Stand, left
from stations.planner.seen import Seen, less_zero, rested
from stations.planner.stretches import stretches
from stations.procedures import (
    bottom_balance,
    capacity_test,
    levelling,
    series_precharge,
    single_cells,
    step_pause,
)
from stations.procedures.steps import Charge, Instruct, Program
from stations.runner import begun, run
from stations.values import NAN, Event, Reading
from stations.virtual import Act, VirtualBench
from stations.virtual_instruments import Instruments
from tests.stations.planner.random_jobs import random_bank
from tests.stations.procedures import test_pack_recovery
from tests.stations.procedures.scripted import LOAD, SUPPLY, program, spec
from tests.stations.procedures.test_series_precharge import RD6018

ON_S, OFF_S, STEEP_S = 30.0, 10.0, 5.0
JOINED, STRUNG = Act("", 60.0, hands="join"), Act("", 60.0, hands="string")
BEGUN, QUARTERS = 0.02, (0.25, 0.5, 0.75)


@dataclass(frozen=True)
class Kind:
    """A program for cells of `capacity_ah`, and the states of charge that it begins from."""

    program: Program
    soc: tuple[float, float]
    capacity_ah: float = 200.0
    strung: bool = False
    bms_over_v: float = 3.65


def kinds() -> Mapping[str, Callable[[], Kind]]:
    return {
        "parallel top balance": lambda: Kind(program(), (0.3, 0.9)),
        "step and pause": lambda: Kind(_stepped(), (0.3, 0.9)),
        "individual top balance": lambda: Kind(single_cells.program(spec(cells=3)), (0.3, 0.9)),
        "recharge": lambda: Kind(single_cells.program(spec(cells=1)), (0.97, 0.985)),
        "levelling": lambda: Kind(_levelled(), (0.03, 0.2)),
        "capacity test": lambda: Kind(_capacity(), (0.2, 0.9)),
        "bottom balance": lambda: Kind(_bottom(), (0.2, 0.9)),
        "series pre-charge": lambda: Kind(_series(), (0.2, 0.8), 100.0, strung=True),
        "pack recovery": lambda: Kind(
            test_pack_recovery.made(), (0.5, 0.9), 100.0, strung=True, bms_over_v=3.70
        ),
    }


@dataclass(frozen=True)
class Said:
    """Hours: the true ones left, all that the bench takes, and what was said."""

    true_h: float
    whole_h: float
    said: Interval

    @property
    def holds(self) -> bool:
        return self.said.low <= self.true_h <= self.said.high

    @property
    def error(self) -> float:
        """Of the whole time."""
        return abs(self.said.middle - self.true_h) / self.whole_h

    @property
    def width_h(self) -> float:
        return self.said.high - self.said.low


@dataclass(frozen=True)
class Played:
    """A run that came to its end, as it is on record."""

    program: Program
    seen: Seen
    began: tuple[tuple[str, datetime], ...]
    spans: tuple[tuple[str, datetime, datetime], ...]  # of the steps in stretches
    capacity_ah: float

    @property
    def whole_h(self) -> float:
        return sum((ends - begins).total_seconds() for _, begins, ends in self.spans) / 3600

    def at(self, share: float) -> datetime:
        """The moment by which the bench has done that share of its hours."""
        ahead = share * self.whole_h * 3600
        for _, begins, ends in self.spans:
            seconds = (ends - begins).total_seconds()
            if ahead < seconds:
                return begins + (ends - begins) * (ahead / seconds)
            ahead -= seconds
        raise ValueError(share)

    def stand(self, at: datetime) -> Stand:
        began = tuple((name, begins) for name, begins in self.began if begins <= at)
        return Stand(
            program=self.program,
            step=began[-1][0],
            at=at,
            capacity_ah=self.capacity_ah,
            leads_ohm=LEADS_OHM,
            rested_v=self.seen.rested_v,
            seen=self.seen.only(np.asarray(self.seen.at_s <= at.timestamp())),
            began=began,
        )

    def said(self, share: float) -> Said:
        at = self.at(share)
        found = left(self.stand(at))
        assert found is not None
        assert found.hours is not None, found.words
        ahead = [ends - max(at, begins) for _, begins, ends in self.spans if ends > at]
        true_h = sum(span.total_seconds() for span in ahead) / 3600
        return Said(true_h, self.whole_h, found.hours)


def played_runs(name: str, number: int, seed: int) -> Iterator[Played]:
    """Of that kind, those that came to their ends."""
    rng = np.random.default_rng(seed)
    while number:
        found = play(kinds()[name](), rng)
        if found is not None:
            number -= 1
            yield found


def play(kind: Kind, rng: np.random.Generator) -> Played | None:
    made = kind.program
    bench = _Watched(
        _bank(kind, rng),
        person=person(made, strung=kind.strung),
        instruments=_instruments(made, rng, strung=kind.strung),
        seed=int(rng.integers(1 << 30)),
    )
    bench.trace = []
    outcome = run(begun(made, bench.clock.now()), bench)
    partial = any("partial" in record.remarks for record in outcome.run.records)
    if outcome.kind != "FINISHED" or partial:
        return None
    driven = {step.name for stretch in stretches(made) for step in stretch.steps}
    began = tuple((str(data["name"]), at) for at, kind_of, data in bench.notes if kind_of == "step")
    spans = tuple(
        (done.step, done.entered_at, done.ended_at)
        for done in outcome.run.records
        if done.step in driven
    )
    return Played(made, seen_by(bench.trace), began, spans, kind.capacity_ah)


def person(made: Program, *, strung: bool) -> tuple[Act, ...]:
    """Somebody who does what each step asks, a minute after it asks."""
    acts = []
    for step in made.steps:
        if not isinstance(step, Instruct):
            continue
        kind, _, cell = step.name.partition("-")
        answer = None
        if step.asks is not None:
            answer = (step.asks.allowed.low + step.asks.allowed.high) / 2
        if kind == "unlink":
            acts.append(Act(step.name, 60.0, hands="part"))
        elif kind == "finish":
            acts.append(Act(step.name, 60.0))
        elif cell:
            acts.append(Act(step.name, 60.0, hands="single", cell=int(cell)))
        else:
            acts.append(replace(STRUNG if strung else JOINED, on_step=step.name, answer=answer))
    return tuple(acts)


def seen_by(trace: Sequence[Reading]) -> Seen:
    on = np.array([float(one.output_on) for one in trace])
    most = max(len(one.cell_voltages_v) for one in trace)
    none = (NAN,) * most
    cells_v = np.array([one.cell_voltages_v or none for one in trace])
    return Seen(
        at_s=np.array([one.at.timestamp() for one in trace]),
        on=on,
        cv=np.array([float(one.regulation == "CV") for one in trace]),
        current_a=less_zero(np.array([one.supply_current_a for one in trace]), on),
        voltage_v=np.array([one.voltage_v for one in trace]),
        supply_v=np.array([one.supply_voltage_v for one in trace]),
        cells_v=cells_v,
        rested_v=rested(on, cells_v),
    )


class _Watched(VirtualBench):
    """A bench that keeps the readings it gave, and reads seldom where little changes."""

    trace: list[Reading]

    def next(self) -> Reading | Event:
        item = super().next()
        if isinstance(item, Reading):
            self.trace.append(item)
        return item

    def sample_length_s(self) -> float:
        if not self.output_on:
            return OFF_S
        surface = self.bank.states.surface_soc
        steep = self.bank.series or self._draw is not None
        return STEEP_S if steep and not (0.1 < surface.min() < surface.max() < 0.95) else ON_S


def _bank(kind: Kind, rng: np.random.Generator) -> Bank:
    made, over_v = kind.program, kind.bms_over_v
    bank = random_bank(rng, kind.capacity_ah, made.cells, rng.uniform(*kind.soc))
    bank.bms = Bms(over_v=over_v, release_v=over_v - 0.1, balance_a=2.0)
    return bank


def _instruments(made: Program, rng: np.random.Generator, *, strung: bool) -> Instruments:
    charge = next((step for step in made.steps if isinstance(step, Charge)), None)
    unsure_v = charge.trim.accuracy_v if charge else 0.0
    return Instruments(
        supply_offset_v=float(rng.uniform(-unsure_v, unsure_v)),
        noise_v=50e-6,
        noise_a=0.003,
        has_scanner=not strung,
    )


def _stepped() -> Program:
    recipe = step_pause.Recipe()
    return step_pause.program(replace(spec(), recipe=recipe), recipe)


def _levelled() -> Program:
    recipe = levelling.Recipe()
    return levelling.program(replace(spec(cells=2), recipe=recipe), recipe)


def _capacity() -> Program:
    recipe = capacity_test.Recipe()
    return capacity_test.program(capacity_test.Spec(recipe, 200.0, 3.65, 2.50, SUPPLY, LOAD))


def _bottom() -> Program:
    recipe = bottom_balance.Recipe()
    return bottom_balance.program(bottom_balance.Spec(recipe, 3, 200.0, 3.65, 2.50, LOAD))


def _series() -> Program:
    return series_precharge.program(
        series_precharge.Spec(
            recipe=series_precharge.Recipe(),
            cells=4,
            capacity_ah=100.0,
            cell_voltage_max_v=3.65,
            cell_voltage_min_v=2.5,
            cell_r_ohm=0.0005,
            supply=RD6018,
        )
    )
