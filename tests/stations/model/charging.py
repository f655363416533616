"""Shared arrangements: the loss-free reference cell, and charging to a tail."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from stations.model.bank import Bank, Wiring
from stations.model.cell import CellParameters, cell_of
from stations.values import Setpoint

CELL_SENSED = Wiring("star", link_ohm=0.0, lead_ohm=0.0)
TOP_V = 3.65


def lossless(capacity_ah: float = 200.0) -> CellParameters:
    """The nominal cell with a coulombic efficiency of 1, as the reference tables have it."""
    return replace(cell_of(capacity_ah), coulombic_efficiency=1.0)


def one_cell(soc: float, cell: CellParameters | None = None) -> Bank:
    return Bank([cell or lossless()], CELL_SENSED, soc=[soc])


def charge_until(bank: Bank, current_a: float, tail_a: float) -> tuple[float, float]:
    """CC/CV to 3.65 V until the CV current is below `tail_a`: seconds in CC, seconds in CV."""
    supply = Setpoint(TOP_V, current_a)
    cc_s = cv_s = 0.0
    for _ in range(200_000):
        dt = 5.0 if bank.states.is_near_an_end() else 10.0
        seen = bank.advance(dt, supply)
        if seen.regulation == "CC":
            cc_s += dt
            continue
        if seen.supply_current_a < tail_a:
            return cc_s, cv_s
        cv_s += dt
    raise AssertionError(f"no tail of {tail_a} A after {timedelta(seconds=cc_s + cv_s)}")


def rest_v(bank: Bank, *minutes: float) -> list[float]:
    """Volts of the last cell at these ages after links and leads come off."""
    bank.linked = False
    before, seen = 0.0, []
    for age in minutes:
        seen.append(bank.advance((age - before) * 60, None).far_end_v)
        before = age
    return seen
