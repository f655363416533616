"""What a lab asks of its bench: a TOML file with procedure, cells and recipe, made a program.

procedure = "parallel top balance"
cells = 4
capacity_ah = 200.0        # rated, of one cell
voltage_min_v = 2.50       # the cell's own limits, from its datasheet
voltage_max_v = 3.65
charge_c_max = 0.5         # 1/h
discharge_c_max = 1.0      # 1/h, continuous; may be left out
torque_nm = 6.0            # of the nuts on its posts; may be left out
r_ohm = 0.00025

[recipe]                   # what differs from the defaults
target_v = 3.60

A pack recovery also asks for `bms_over_v`, at which the pack's own BMS opens, a cell.  Every
number is held to the bounds that a shop's recipes and cell types have.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from stations.config import BenchConfig, ConfigError
from stations.drivers.registry import DRIVERS, bench_ratings
from stations.lab.programs import PROCEDURES, SHOP_ONLY, Order
from stations.plain import from_plain
from stations.procedures import bearing, bounds, check
from stations.procedures.bearing import CellRatings
from stations.procedures.bounds.keeping import Bounded, wrong
from stations.procedures.steps import PlanRefused, Program
from stations.values import Measured, Ratings, Window


def read(path: Path) -> Order:
    """The order in the file at `path`; raises ConfigError naming what does not fit."""
    try:
        told = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path}: {error}") from error
    procedure = told.get("procedure")
    if procedure in SHOP_ONLY:
        raise ConfigError(
            f"{path}: a {procedure} rests on what an earlier run left of the cells, which only a "
            "shop keeps"
        )
    if not isinstance(procedure, str) or procedure not in PROCEDURES:
        known = ", ".join(sorted(PROCEDURES))
        raise ConfigError(f"{path}: no procedure {procedure!r}; known are {known}")
    if not isinstance(told.get("recipe", {}), Mapping):
        raise ConfigError(f"{path}: recipe must be a table [recipe]")
    _within(str(path), Order, told, bounds.cell)
    return from_plain(Order, told)


def program_of(order: Order, config: BenchConfig, measured: Measured | None = None) -> Program:
    """The program that the order asks for, fit for cells and bench; `measured` is of that bench.

    Raises ConfigError naming every wrong key of the recipe, PlanRefused with every reason.
    """
    asked = PROCEDURES[order.procedure]
    _within("recipe", asked.recipe, order.recipe, asked.bounds)
    ratings = replace(ratings_of(config), measured=measured or Measured())
    program = asked.build(from_plain(asked.recipe, order.recipe), order, ratings)
    cell = CellRatings(
        capacity_ah=order.capacity_ah,
        charge_c_max=order.charge_c_max,
        discharge_c_max=order.discharge_c_max,
        voltage=Window(order.voltage_min_v, order.voltage_max_v),
    )
    found = [*check.problems(program, ratings), *bearing.problems(program, cell)]
    if found:
        raise PlanRefused(found)
    return program


def _within(where: str, kind: type[Any], named: Mapping[str, Any], bounded: Bounded) -> None:
    found = wrong(kind, named, bounded.BOUNDS, bounded.ORDERED)
    if found:
        raise ConfigError(f"{where}: " + "; ".join(f"{key!r} {words}" for key, words in found))


def ratings_of(config: BenchConfig) -> Ratings:
    """What the instruments of a bench can do, from their drivers."""
    rated = bench_ratings({one.role: DRIVERS[one.driver].ratings for one in config.instruments})
    assert rated is not None  # noqa: S101 - bench.toml names a supply and a meter by role
    return replace(rated, routes=len(config.router.channels) if config.router else 0)
