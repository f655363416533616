"""What a lab asks of its bench: a TOML file with procedure, cells and recipe, made a program.

procedure = "parallel top balance"
cells = 4
capacity_ah = 200.0        # rated, of one cell
voltage_min_v = 2.50       # the cell's own limits, from its datasheet
voltage_max_v = 3.65
charge_c_max = 0.5         # 1/h
r_ohm = 0.00025

[recipe]                   # what differs from the defaults
target_v = 3.60
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from stations.config import BenchConfig, ConfigError
from stations.drivers.registry import DRIVERS, bench_ratings
from stations.plain import from_plain
from stations.procedures import (
    bearing,
    bottom_balance,
    capacity_test,
    check,
    levelling,
    single_cells,
    step_pause,
    top_balance,
)
from stations.procedures.bearing import CellRatings
from stations.procedures.steps import PlanRefused, Program
from stations.values import LoadRatings, Ratings, Window


@dataclass(frozen=True, slots=True)
class Order:
    """The file as a value."""

    procedure: str
    cells: int
    capacity_ah: float
    voltage_min_v: float
    voltage_max_v: float
    charge_c_max: float
    r_ohm: float
    recipe: Mapping[str, Any] = field(default_factory=dict)


def _top(recipe: Any, order: Order, ratings: Ratings) -> top_balance.Spec:
    return top_balance.Spec(
        recipe=recipe,
        cells=order.cells,
        capacity_ah=order.capacity_ah,
        cell_voltage_max_v=order.voltage_max_v,
        cell_voltage_min_v=order.voltage_min_v,
        cell_r_ohm=order.r_ohm,
        supply=ratings.supply,
    )


def _load(ratings: Ratings) -> LoadRatings:
    if ratings.load is None:
        raise PlanRefused(["The bench has no load; name one in bench.toml."])
    return ratings.load


def _capacity(recipe: Any, order: Order, ratings: Ratings) -> Program:
    if order.cells != 1:
        raise PlanRefused(["A capacity test is of one cell; ask for one."])
    return capacity_test.program(
        capacity_test.Spec(
            recipe=recipe,
            capacity_ah=order.capacity_ah,
            cell_voltage_max_v=order.voltage_max_v,
            cell_voltage_min_v=order.voltage_min_v,
            supply=ratings.supply,
            load=_load(ratings),
        )
    )


def _bottom(recipe: Any, order: Order, ratings: Ratings) -> Program:
    return bottom_balance.program(
        bottom_balance.Spec(
            recipe=recipe,
            cells=order.cells,
            capacity_ah=order.capacity_ah,
            cell_voltage_max_v=order.voltage_max_v,
            cell_voltage_min_v=order.voltage_min_v,
            load=_load(ratings),
        )
    )


Builder = Callable[[Any, Order, Ratings], Program]
PROCEDURES: Mapping[str, tuple[type[Any], Builder]] = {
    top_balance.NAME: (
        top_balance.Recipe,
        lambda recipe, order, ratings: top_balance.program(_top(recipe, order, ratings)),
    ),
    step_pause.NAME: (
        step_pause.Recipe,
        lambda recipe, order, ratings: step_pause.program(_top(recipe, order, ratings), recipe),
    ),
    single_cells.NAME: (
        top_balance.Recipe,
        lambda recipe, order, ratings: single_cells.program(
            _top(recipe, order, ratings), routed=ratings.routes >= order.cells
        ),
    ),
    levelling.NAME: (
        levelling.Recipe,
        lambda recipe, order, ratings: levelling.program(_top(recipe, order, ratings), recipe),
    ),
    capacity_test.NAME: (capacity_test.Recipe, _capacity),
    bottom_balance.NAME: (bottom_balance.Recipe, _bottom),
}


def read(path: Path) -> Order:
    """The order in the file at `path`; raises ConfigError naming what does not fit."""
    try:
        told = tomllib.loads(path.read_text(encoding="utf-8"))
        order = from_plain(Order, told)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, ValueError) as error:
        raise ConfigError(f"{path}: {error}") from error
    if order.procedure not in PROCEDURES:
        known = ", ".join(sorted(PROCEDURES))
        raise ConfigError(f"{path}: no procedure {order.procedure!r}; known are {known}")
    return order


def program_of(order: Order, config: BenchConfig) -> Program:
    """The program that the order asks for, fit for cells and bench.

    Raises ConfigError naming a wrong key of the recipe, PlanRefused with every reason.
    """
    kind, build = PROCEDURES[order.procedure]
    ratings = ratings_of(config)
    try:
        recipe = from_plain(kind, order.recipe)
    except ValueError as error:
        raise ConfigError(f"recipe: {error}") from error
    program = build(recipe, order, ratings)
    cell = CellRatings(
        capacity_ah=order.capacity_ah,
        charge_c_max=order.charge_c_max,
        voltage=Window(order.voltage_min_v, order.voltage_max_v),
    )
    found = [*check.problems(program, ratings), *bearing.problems(program, cell)]
    if found:
        raise PlanRefused(found)
    return program


def ratings_of(config: BenchConfig) -> Ratings:
    """What the instruments of a bench can do, from their drivers."""
    rated = bench_ratings({one.role: DRIVERS[one.driver].ratings for one in config.instruments})
    assert rated is not None  # noqa: S101 - bench.toml names a supply and a meter by role
    return replace(rated, routes=len(config.router.channels) if config.router else 0)
