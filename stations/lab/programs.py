"""What a lab may ask of its bench by name: the recipe, its bounds, and how its program is built."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypedDict

from stations.procedures import (
    bottom_balance,
    bounds,
    capacity_test,
    levelling,
    pack_recovery,
    recheck,
    resistance,
    self_discharge,
    series_precharge,
    single_cells,
    step_pause,
    top_balance,
    unseen_precharge,
)
from stations.procedures.bounds.keeping import Bounded
from stations.procedures.steps import PlanRefused, Program
from stations.values import LoadRatings, Ratings


@dataclass(frozen=True, slots=True)
class Order:
    """An order as a value.  `cells` of a pack are its places in series, `capacity_ah` is of one."""

    procedure: str
    cells: int
    capacity_ah: float
    voltage_min_v: float
    voltage_max_v: float
    charge_c_max: float
    r_ohm: float
    discharge_c_max: float = math.inf  # 1/h; infinite where nobody said it
    torque_nm: float = math.nan  # of a nut; NaN where nobody said it
    bms_over_v: float = 0.0  # a cell, of the pack's own BMS; only a recovery asks
    recipe: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Playable:
    recipe: type[Any]
    bounds: Bounded
    build: Callable[[Any, Order, Ratings], Program]


class _Cell(TypedDict):
    capacity_ah: float
    cell_voltage_max_v: float
    cell_voltage_min_v: float
    torque_nm: float | None


def _cell(order: Order) -> _Cell:
    """As every plan names it."""
    return {
        "capacity_ah": order.capacity_ah,
        "cell_voltage_max_v": order.voltage_max_v,
        "cell_voltage_min_v": order.voltage_min_v,
        "torque_nm": None if math.isnan(order.torque_nm) else order.torque_nm,
    }


def _top(recipe: Any, order: Order, ratings: Ratings) -> top_balance.Spec:
    return top_balance.Spec(
        recipe=recipe,
        cells=order.cells,
        **_cell(order),
        cell_r_ohm=order.r_ohm,
        supply=ratings.supply,
        supply_offset_v=ratings.measured.supply_offset_v,
        shown_offset_v=ratings.measured.shown_offset_v,
    )


def _load(ratings: Ratings) -> LoadRatings:
    if ratings.load is None:
        raise PlanRefused(["The bench has no load; name one in bench.toml."])
    return ratings.load


def _only_one(order: Order) -> None:
    if order.cells != 1:
        raise PlanRefused([f"A {order.procedure} is of one cell; ask for one."])


def _capacity(recipe: Any, order: Order, ratings: Ratings) -> Program:
    _only_one(order)
    return capacity_test.program(
        capacity_test.Spec(
            recipe=recipe,
            **_cell(order),
            supply=ratings.supply,
            load=_load(ratings),
            supply_offset_v=ratings.measured.supply_offset_v,
            shown_offset_v=ratings.measured.shown_offset_v,
        )
    )


def _resistance(recipe: Any, order: Order, ratings: Ratings) -> Program:
    _only_one(order)
    return resistance.program(
        resistance.Spec(
            recipe=recipe,
            **_cell(order),
            typical_ohm=order.r_ohm,
            load=_load(ratings),
            meter=ratings.meter,
        )
    )


def _bottom(recipe: Any, order: Order, ratings: Ratings) -> Program:
    return bottom_balance.program(
        bottom_balance.Spec(
            recipe=recipe,
            cells=order.cells,
            **_cell(order),
            load=_load(ratings),
        )
    )


def _series(recipe: Any, order: Order, ratings: Ratings) -> Program:
    return series_precharge.program(
        series_precharge.Spec(
            recipe=recipe,
            cells=order.cells,
            **_cell(order),
            cell_r_ohm=order.r_ohm,
            supply=ratings.supply,
            bms=ratings.bms,
            has_scanner=ratings.scanner is not None and ratings.scanner.channels >= order.cells,
        )
    )


def _unseen(recipe: Any, order: Order, ratings: Ratings) -> Program:
    return unseen_precharge.program(
        unseen_precharge.Spec(
            recipe=recipe,
            cells=order.cells,
            **_cell(order),
            supply=ratings.supply,
        )
    )


def _recovery(recipe: Any, order: Order, ratings: Ratings) -> Program:
    if not order.bms_over_v:
        raise PlanRefused(["Say in the order at what a cell the pack's BMS opens: bms_over_v."])
    return pack_recovery.program(
        pack_recovery.Spec(
            recipe=recipe,
            cells=order.cells,
            **_cell(order),
            bms_over_v=order.bms_over_v,
            supply=ratings.supply,
            load=_load(ratings),
            bms=ratings.bms,
        )
    )


PROCEDURES: Mapping[str, Playable] = {
    top_balance.NAME: Playable(
        top_balance.Recipe,
        bounds.top_balance,
        lambda recipe, order, ratings: top_balance.program(_top(recipe, order, ratings)),
    ),
    step_pause.NAME: Playable(
        step_pause.Recipe,
        bounds.step_pause,
        lambda recipe, order, ratings: step_pause.program(_top(recipe, order, ratings), recipe),
    ),
    single_cells.NAME: Playable(
        top_balance.Recipe,
        bounds.top_balance,
        lambda recipe, order, ratings: single_cells.program(
            _top(recipe, order, ratings), routed=ratings.routes >= order.cells
        ),
    ),
    levelling.NAME: Playable(
        levelling.Recipe,
        bounds.levelling,
        lambda recipe, order, ratings: levelling.program(_top(recipe, order, ratings), recipe),
    ),
    capacity_test.NAME: Playable(capacity_test.Recipe, bounds.capacity_test, _capacity),
    resistance.NAME: Playable(resistance.Recipe, bounds.resistance_test, _resistance),
    bottom_balance.NAME: Playable(bottom_balance.Recipe, bounds.bottom_balance, _bottom),
    series_precharge.NAME: Playable(series_precharge.Recipe, bounds.series_precharge, _series),
    unseen_precharge.NAME: Playable(unseen_precharge.Recipe, bounds.unseen_precharge, _unseen),
    pack_recovery.NAME: Playable(pack_recovery.Recipe, bounds.pack_recovery, _recovery),
}
# They compare cells with what an earlier run left of them, which only a shop keeps.
SHOP_ONLY = (recheck.NAME, self_discharge.NAME)
