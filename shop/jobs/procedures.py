"""Every procedure that a job may ask for: its recipe, what it needs, how its program is built.

The one place that knows them by name.  A procedure is added here and in `stations.procedures`;
recipe versions, claims, planning and evidence ask this table.  Pure: what a program is built
from comes in as values.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from shop.equipment.states import InstrumentRole
from shop.jobs import balances, defaults
from shop.refusals import Problem, Refusal, refuse
from stations.procedures import (
    capacity_test,
    levelling,
    recheck,
    single_cells,
    step_pause,
    top_balance,
)
from stations.procedures.steps import Program
from stations.values import OffProof, Ratings

PARALLEL_TOP_BALANCE, RECHECK = "parallel_top_balance", "recheck"
STEP_PAUSE = "step_pause_top_balance"
LEVELLING = "levelling"
SINGLE_CELLS, CELL_RECHARGE = "individual_top_balance", "cell_recharge"
CAPACITY_TEST = "capacity_test"


@dataclass(frozen=True, slots=True)
class Parted:
    """What a cell's last balance left: with whom, how full, and when current stopped."""

    run_id: int
    target_v: float
    stopped: OffProof


@dataclass(frozen=True, slots=True)
class CellFigures:
    """One cell of a job: its type's datasheet, and its last balance if there was one."""

    serial: str
    capacity_ah: float
    voltage_max_v: float
    voltage_min_v: float
    r_ohm: float
    parted: Parted | None = None


Cells = tuple[CellFigures, ...]  # in bank order, never empty, all of one type


@dataclass(frozen=True, slots=True)
class Procedure:
    """`recipe_of` reads stored parameters and raises Refusal naming every wrong key.

    `moves_charge`: after a run of it a balance is history.  `method` is how it balances, as the
    Balance says; "" where it leaves none.
    """

    recipe_of: Callable[[Mapping[str, Any]], object]
    program: Callable[[Mapping[str, Any], Cells, Ratings], Program]
    needs: frozenset[str]
    moves_charge: bool
    method: str = ""
    joins: bool = False  # links go on: the cells become one bank
    cells_min: int = 2
    cells_max: int = 64
    tests_capacity: bool = False


def _top_balance(parameters: Mapping[str, Any], cells: Cells, ratings: Ratings) -> Program:
    spec = _spec(defaults.recipe_of(parameters), cells, ratings)
    allowed = defaults.full_rating_allowed(parameters)
    return top_balance.program(replace(spec, full_rating_allowed=allowed))


def _step_pause(parameters: Mapping[str, Any], cells: Cells, ratings: Ratings) -> Program:
    recipe = balances.step_pause_recipe_of(parameters)
    return step_pause.program(_spec(recipe, cells, ratings), recipe)


def _levelling(parameters: Mapping[str, Any], cells: Cells, ratings: Ratings) -> Program:
    recipe = balances.levelling_recipe_of(parameters)
    return levelling.program(_spec(recipe, cells, ratings), recipe)


def _single_cells(parameters: Mapping[str, Any], cells: Cells, ratings: Ratings) -> Program:
    spec = _spec(defaults.recipe_of(parameters), cells, ratings)
    allowed = defaults.full_rating_allowed(parameters)
    return single_cells.program(replace(spec, full_rating_allowed=allowed))


def _cell_recharge(parameters: Mapping[str, Any], cells: Cells, ratings: Ratings) -> Program:
    """B17: one cell, to the target that it was balanced to with its neighbours."""
    recipe, cell = defaults.recipe_of(parameters), cells[0]
    if cell.parted is None:
        refuse([_never_parted(cell, "Balance it with the others; a recharge follows its check.")])
    elif cell.parted.target_v != recipe.target_v:
        refuse([_other_target(cell, cell.parted.target_v, recipe.target_v)])
    return _single_cells(parameters, cells, ratings)


def _never_parted(cell: CellFigures, what_to_do: str) -> Problem:
    return Problem(
        "never_parted",
        f"Nobody knows when current stopped in cell {cell.serial}: it has no balance with a "
        "disconnect check.",
        what_to_do,
    )


def _other_target(cell: CellFigures, balanced_v: float, asked_v: float) -> Problem:
    return Problem(
        "other_target",
        f"Cell {cell.serial} was balanced to {balanced_v:.2f} V and would be recharged to "
        f"{asked_v:.2f} V: it would not meet its neighbours any more.",
        f"Choose a recipe with the target {balanced_v:.2f} V.",
    )


def _spec(recipe: top_balance.Recipe, cells: Cells, ratings: Ratings) -> top_balance.Spec:
    first = cells[0]
    return top_balance.Spec(
        recipe=recipe,
        cells=len(cells),
        capacity_ah=first.capacity_ah,
        cell_voltage_max_v=first.voltage_max_v,
        cell_voltage_min_v=first.voltage_min_v,
        cell_r_ohm=first.r_ohm,
        supply=ratings.supply,
    )


def _capacity_test(parameters: Mapping[str, Any], cells: Cells, ratings: Ratings) -> Program:
    if ratings.load is None:
        raise Refusal(
            [Problem("no_load", "This station has no load.", "Choose a station with a load.")]
        )
    (cell,) = cells
    return capacity_test.program(
        capacity_test.Spec(
            recipe=defaults.capacity_recipe_of(parameters),
            capacity_ah=cell.capacity_ah,
            cell_voltage_max_v=cell.voltage_max_v,
            cell_voltage_min_v=cell.voltage_min_v,
            supply=ratings.supply,
            load=ratings.load,
        )
    )


def _recheck(parameters: Mapping[str, Any], cells: Cells, ratings: Ratings) -> Program:
    """Of cells that each had a balance to one target; the one that parted first gives the age."""
    known = [cell.parted for cell in cells if cell.parted is not None]
    refuse(_recheck_problems(cells))
    return recheck.program(
        recheck.Spec(
            recipe=defaults.recheck_recipe_of(parameters),
            banks=tuple(parted.run_id for parted in known),
            target_v=known[0].target_v,
            current_stopped=min(
                (parted.stopped for parted in known), key=lambda stopped: stopped.received_at
            ),
            cell_voltage_max_v=cells[0].voltage_max_v,
            cell_voltage_min_v=cells[0].voltage_min_v,
        )
    )


def _recheck_problems(cells: Cells) -> list[Problem]:
    found = [
        _never_parted(cell, "Balance it; a re-check compares what a balance left.")
        for cell in cells
        if cell.parted is None
    ]
    targets = sorted({cell.parted.target_v for cell in cells if cell.parted is not None})
    if len(targets) > 1:
        named = ", ".join(f"{target:.2f} V" for target in targets)
        found.append(
            Problem(
                "mixed_targets",
                f"These cells were balanced to different targets: {named}.",
                "Check the cells of each target in a job of their own.",
            )
        )
    return found


METER, LOAD = InstrumentRole.METER.value, InstrumentRole.LOAD.value
MEASURED_BY = frozenset({METER, InstrumentRole.SCANNER.value})
CHARGED_BY = MEASURED_BY | {InstrumentRole.SUPPLY.value}

PROCEDURES: Mapping[str, Procedure] = {
    PARALLEL_TOP_BALANCE: Procedure(
        recipe_of=defaults.recipe_of,
        program=_top_balance,
        needs=CHARGED_BY,
        moves_charge=True,
        method="TOP",
        joins=True,
    ),
    STEP_PAUSE: Procedure(
        recipe_of=balances.step_pause_recipe_of,
        program=_step_pause,
        needs=CHARGED_BY,
        moves_charge=True,
        method="TOP_STEP",
        joins=True,
    ),
    SINGLE_CELLS: Procedure(
        recipe_of=defaults.recipe_of,
        program=_single_cells,
        needs=CHARGED_BY,
        moves_charge=True,
        method="TOP_CELL",
    ),
    CELL_RECHARGE: Procedure(
        recipe_of=defaults.recipe_of,
        program=_cell_recharge,
        needs=CHARGED_BY,
        moves_charge=True,
        method="TOP_CELL",
        cells_min=1,
        cells_max=1,
    ),
    LEVELLING: Procedure(
        recipe_of=balances.levelling_recipe_of,
        program=_levelling,
        needs=CHARGED_BY,
        moves_charge=True,
        joins=True,
        cells_min=1,
    ),
    CAPACITY_TEST: Procedure(
        recipe_of=defaults.capacity_recipe_of,
        program=_capacity_test,
        needs=frozenset({METER, InstrumentRole.SUPPLY.value, LOAD}),
        moves_charge=True,
        cells_min=1,
        cells_max=1,
        tests_capacity=True,
    ),
    RECHECK: Procedure(
        recipe_of=defaults.recheck_recipe_of,
        program=_recheck,
        needs=MEASURED_BY,
        moves_charge=False,
    ),
}
# Runs of these leave a balance as it was.
RESTING = frozenset(name for name, known in PROCEDURES.items() if not known.moves_charge)


def procedure_of(name: str) -> Procedure:
    """The procedure called `name`; raises Refusal naming those that are known."""
    known = PROCEDURES.get(name)
    if known is None:
        raise Refusal(
            [
                Problem(
                    "unknown_procedure",
                    f"There is no procedure {name!r}.",
                    f"Known procedures: {', '.join(sorted(PROCEDURES))}.",
                )
            ]
        )
    return known
