"""Small fixed values and a scripted bench for the pure tests of procedures and runner."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import chain
from typing import Any

from stations.bench import BenchError
from stations.procedures import top_balance
from stations.procedures.progress import confirm, enter_next
from stations.procedures.state import Run
from stations.procedures.steps import Program
from stations.values import (
    Draw,
    Event,
    LoadRatings,
    MeterRatings,
    OffProof,
    Protection,
    Ratings,
    Reading,
    Setpoint,
    SupplyRatings,
)

START = datetime(2026, 1, 5, 22, 0, tzinfo=UTC)

SUPPLY = SupplyRatings(
    model="RD6018",
    voltage_max_v=60.0,
    current_max_a=18.0,
    power_max_w=1080.0,
    voltage_resolution_v=0.01,
    current_resolution_a=0.01,
    voltage_accuracy_v=0.04,
    has_watchdog=False,
)
METER = MeterRatings("34461A", 1000.0, 1e-5, 2e-4, 1)
SCANNER = MeterRatings("34972A", 300.0, 1e-5, 2e-4, 20)
LOAD = LoadRatings("IT8514C+", 120.0, 240.0, 1500.0, 0.001, 0.01, 0.026, 65535.0, has_cv=True)
RATINGS = Ratings(SUPPLY, METER, SCANNER)


def spec(**changes: Any) -> top_balance.Spec:
    """Four 200 Ah cells on an RD6018; recipe fields may be given beside the spec's own."""
    own = {k: v for k, v in changes.items() if k in top_balance.Spec.__dataclass_fields__}
    recipe = {k: v for k, v in changes.items() if k not in own}
    base = top_balance.Spec(
        recipe=top_balance.Recipe(**recipe),
        cells=4,
        capacity_ah=200.0,
        cell_voltage_max_v=3.65,
        cell_voltage_min_v=2.50,
        cell_r_ohm=0.00025,
        supply=SUPPLY,
    )
    return replace(base, **own)


def program(**changes: Any) -> Program:
    return top_balance.program(spec(**changes))


def run_at(step: str, made: Program | None = None) -> Run:
    """A run that has just entered the named step, the way a person and bench would get there."""
    run = Run(program=made or program(), started_at=START, step_entered_at=START)
    while run.step.name != step:
        run = enter_next(run, START)
    if step in ("finish", "refresh", "unlink", "disconnect"):
        run = replace(run, current_stopped=OffProof(START, START, 0.0))
    return run


def confirmed(run: Run, step: str) -> Run:
    return confirm(run, step)


def reading(seconds: float, **changes: Any) -> Reading:
    """A valid reading of a resting bank of four, `seconds` after START."""
    at = START + timedelta(seconds=seconds)
    base = Reading(
        seq=1 + int(seconds),
        at=at,
        received_at=at,
        age_s=0.05,
        output_on=False,
        voltage_v=3.34,
        supply_voltage_v=3.34,
        supply_current_a=0.0,
        cell_voltages_v=(3.34, 3.34, 3.34, 3.34),
    )
    return replace(base, **changes)


def holding(seconds: float, current_a: float, voltage_v: float = 3.648, **more: Any) -> Reading:
    """A reading in the CV hold: output on, every cell at `voltage_v`."""
    fields: dict[str, Any] = {
        "output_on": True,
        "voltage_v": voltage_v,
        "supply_voltage_v": voltage_v + 0.005 * current_a,
        "supply_current_a": current_a,
        "cell_voltages_v": (voltage_v,) * 4,
        "regulation": "CV",
    }
    return reading(seconds, **(fields | more))


class ScriptedBench:
    """A bench that plays given items and remembers what its output did; no physics."""

    def __init__(self, items: Iterable[Reading | Event | BenchError], *, fails: str = "") -> None:
        self._items: Iterator[Reading | Event | BenchError] = iter(items)
        self._fails = fails
        self.output_on = False
        self.asked: list[str] = []
        self.notes: list[tuple[str, Mapping[str, Any]]] = []
        self.at = START
        self.pushed: list[Reading | Event] = []  # what comes before the answer to `off`
        self.energised_at: datetime | None = None  # else as soon as it is asked
        self.proven_off_at = START  # or later, when it was asked

    def next(self) -> Reading | Event:
        item = next(self._items, BenchError("the script is over"))
        if isinstance(item, BenchError):
            raise item
        self.at = max(self.at, item.at)
        return item

    def _ask(self, what: str) -> None:
        self.asked.append(what)
        if what == self._fails:
            raise BenchError(f"{what} failed")

    def configure(self, setpoint: Setpoint, protection: Protection) -> None:
        self._ask("configure")

    def configure_load(self, draw: Draw) -> None:
        self._ask("configure_load")

    def route(self, cell: int) -> datetime:
        self._ask(f"route {cell}")
        return self.at

    def arrived(self) -> Sequence[Reading | Event]:
        return self.pushed

    def see_parted(self) -> None:
        """There is no contactor here that could weld."""

    def energise(self) -> datetime:
        self._ask("energise")
        self.output_on = True
        return self.energised_at or self.at

    def follow_with(self, items: Iterable[Reading | Event | BenchError]) -> None:
        self._items = chain(self._items, items)

    def adjust(self, setpoint: Setpoint) -> None:
        self._ask("adjust")

    def off(self) -> OffProof:
        self.output_on = False  # the guardian switches off even when the answer is lost
        self._ask("off")
        at = max(self.at, self.proven_off_at)
        return OffProof(at, at, 0.0)

    def note(self, kind: str, data: Mapping[str, Any]) -> None:
        self.notes.append((kind, data))
