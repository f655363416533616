"""Figures of a good bench, and the virtual bench that gives them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from stations.commissioning.drawing import draw_plan
from stations.commissioning.figures import Drawn, Figures, Judged, Plateau, plan
from stations.commissioning.report import Commissioned, Report, judged
from stations.drivers.registry import DRIVERS
from stations.model.bank import Bank, Wiring
from stations.model.cell import cell_of
from stations.values import LoadRatings, SupplyRatings
from stations.virtual import VirtualBench
from stations.virtual_instruments import Instruments

_SUPPLY = DRIVERS["riden_rd6018"].ratings
assert isinstance(_SUPPLY, SupplyRatings)
SUPPLY: SupplyRatings = _SUPPLY
BY = Judged(SUPPLY, meter_accuracy_v=0.0002)
PLAN = plan(SUPPLY, target_v=3.65)
_LOAD = DRIVERS["itech_it8514c"].ratings
assert isinstance(_LOAD, LoadRatings)
LOAD: LoadRatings = _LOAD
BY_LOAD = replace(BY, load=LOAD)
DRAWS = draw_plan(LOAD, bank_ah=800.0)


def plateau_at(amps: float, *, lead_ohm: float = 0.005, offset_v: float = 0.004) -> Plateau:
    """At 3.30 V and a little more per amp, as through leads of `lead_ohm`."""
    bank_v = 3.30 + 0.0001 * amps
    return Plateau(
        set_voltage_v=3.65 if amps else 3.20,
        set_current_a=amps or PLAN.small_a,
        bank_v=bank_v,
        supply_v=bank_v + offset_v + lead_ohm * amps,
        current_a=amps,
        regulation="CC" if amps else "CV",
        readings=5,
        cells_v=(bank_v,) * 4,
    )


GOOD = Figures(
    target_v=3.65,
    off_a=0.0,
    off_again_a=0.0,
    rest_v=3.30,
    nothing=plateau_at(0.0),
    small=plateau_at(PLAN.small_a),
    panel_a=1.8,
    large=plateau_at(PLAN.large_a),
)


def drawn_at(amps: float, *, lead_ohm: float = 0.004, offset_v: float = 0.001) -> Plateau:
    """At 3.30 V and a little less per amp, as through leads of `lead_ohm`."""
    bank_v = 3.30 - 0.0001 * amps
    return Plateau(
        set_voltage_v=DRAWS.large.cutoff.voltage_v,
        set_current_a=amps or DRAWS.small.current_a,
        bank_v=bank_v,
        supply_v=bank_v + offset_v - lead_ohm * amps,
        current_a=amps,
        regulation="CC" if amps else "",
        readings=4,
        cells_v=(bank_v,) * 4,
    )


DRAWN = Drawn(
    bank_ah=800.0,
    off_a=0.0,
    off_again_a=0.0,
    idle=drawn_at(0.0),
    small=drawn_at(DRAWS.small.current_a),
    panel_a=12.0,
    large=drawn_at(DRAWS.large.current_a),
)


def drew(**changes: Any) -> Figures:
    """Good figures of a bench with a load, and what differs of the load."""
    return good(drawn=replace(DRAWN, **changes))


def good(**changes: Any) -> Figures:
    return replace(GOOD, **changes)


def report(figures: Figures = GOOD, ended: str = "", by: Judged = BY, **changes: Any) -> Report:
    """Of bench-1 with its supply alone, on a morning in March; with what differs."""
    found, passed = judged(figures, by, ended)
    made = Report(
        station="bench-1",
        at=datetime(2026, 3, 1, 9, 30, tzinfo=UTC),
        simulated=False,
        instruments=(Commissioned("supply", "riden_rd6018", "RD6018", "00012345", "1.28"),),
        figures=figures,
        judged_by=by,
        findings=found,
        passed=passed,
        journal={"name": "commissioning-1", "head": "00"},
        software={"version": "1"},
        ended=ended,
    )
    return replace(made, **changes)


@dataclass
class Typist:
    """A person who types what they are told, a reading after each look that finds nothing."""

    typed: Sequence[float | None] = (None, 1.8)
    heard: list[str] = field(default_factory=list)
    asked: int = 0
    role: str = ""

    def ask_panel(self, role: str) -> None:
        self.asked += 1
        self.role = role

    def panel_a(self) -> float | None:
        first, *rest = self.typed or [None]
        self.typed = rest
        return first

    def say(self, words: str) -> None:
        self.heard.append(words)


def linked_bench(
    *,
    soc: float = 0.6,
    lead_ohm: float = 0.005,
    instruments: Instruments | None = None,
    **changes: Any,
) -> VirtualBench:
    """Four 200 Ah cells in parallel with the supply's leads on."""
    bank = Bank(
        [cell_of(200.0)] * 4,
        Wiring(lead_ohm=lead_ohm),
        soc=[soc] * 4,
        linked=True,
        fed=True,
        **changes,
    )
    return VirtualBench(bank, instruments=instruments)
