"""Every procedure that a job may ask for: its recipe, what it needs, how its program is built.

The one place that knows them by name.  A procedure is added here, in `shop.jobs.recipes` and in
`stations.procedures`; recipe versions, claims, planning and evidence ask this table.  Pure: what
a program is built from comes in as values.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from shop.equipment.states import InstrumentRole
from shop.jobs import recipes
from shop.jobs.figures import Cells
from shop.jobs.parameters import Described, Parameters
from shop.refusals import Problem, Refusal
from stations.procedures import self_discharge
from stations.procedures.bounds.keeping import Bounds
from stations.procedures.steps import Program
from stations.values import Ratings

PARALLEL_TOP_BALANCE, RECHECK = "parallel_top_balance", "recheck"
STEP_PAUSE = "step_pause_top_balance"
LEVELLING = "levelling"
SINGLE_CELLS, CELL_RECHARGE = "individual_top_balance", "cell_recharge"
CAPACITY_TEST, BOTTOM_BALANCE = "capacity_test", "bottom_balance"
RESISTANCE_TEST = "resistance_test"
SERIES_PRECHARGE, UNSEEN_PRECHARGE = "series_precharge", "series_precharge_unseen"
PACK_RECOVERY = "pack_recovery"
SELF_DISCHARGE = "self_discharge"


class Recipe(Protocol):
    """A module of `shop.jobs.recipes`."""

    @property
    def BOUNDS(self) -> Bounds: ...  # noqa: N802  constants of a module
    @property
    def SAID(self) -> Described: ...  # noqa: N802
    def recipe_of(self, parameters: Parameters, /) -> object: ...
    def defaults(self) -> dict[str, Any]: ...
    def program(self, parameters: Parameters, cells: Cells, ratings: Ratings, /) -> Program: ...


@dataclass(frozen=True, slots=True)
class Procedure:
    """`recipe` reads stored parameters and builds the program that they make.

    `moves_charge`: after a run of it a balance is history.  `method` is how it balances, as the
    Balance says; "" where it leaves none.
    """

    recipe: Recipe
    needs: frozenset[str]
    moves_charge: bool
    method: str = ""
    joins: bool = False  # links go on: the cells become one bank
    in_series: bool = False  # links go on: the cells become one string, behind its BMS
    cells_min: int = 2
    cells_max: int = 64
    needs_one_of: frozenset[str] = frozenset()  # any of these will do
    measures: str = ""  # what it is a test of: "capacity", "resistance", "spread"
    on_pack: bool = False  # it is done to an assembled pack, whole
    looks_back: bool = False  # its plan rests on what an earlier balance or check left
    # B7, B8: where no scanner is, cells may be read one by one: with the hand-held meter that is
    # registered there, or else with the bench's own, which is led from cell to cell.
    by_hand: bool = False

    def needs_at(self, roles: Collection[str]) -> frozenset[str]:
        """What it needs at a station that has instruments of `roles`.

        A router has the bank meter behind it, so that nobody can lead it.
        """
        led = InstrumentRole.ROUTER not in roles
        one_by_one = self.by_hand and (led or InstrumentRole.MANUAL in roles)
        return self.needs - {InstrumentRole.SCANNER.value} if one_by_one else self.needs


METER, LOAD = InstrumentRole.METER.value, InstrumentRole.LOAD.value
MEASURED_BY = frozenset({METER, InstrumentRole.SCANNER.value})
CHARGED_BY = MEASURED_BY | {InstrumentRole.SUPPLY.value}
SEEN_BY = frozenset({InstrumentRole.BMS.value, InstrumentRole.SCANNER.value})  # a string's cells

PROCEDURES: Mapping[str, Procedure] = {
    PARALLEL_TOP_BALANCE: Procedure(
        recipe=recipes.top_balance,
        needs=CHARGED_BY,
        moves_charge=True,
        by_hand=True,
        method="TOP",
        joins=True,
    ),
    STEP_PAUSE: Procedure(
        recipe=recipes.step_pause,
        needs=CHARGED_BY,
        moves_charge=True,
        by_hand=True,
        method="TOP_STEP",
        joins=True,
    ),
    SINGLE_CELLS: Procedure(
        recipe=recipes.single_cells,
        needs=CHARGED_BY,
        moves_charge=True,
        by_hand=True,
        method="TOP_CELL",
    ),
    CELL_RECHARGE: Procedure(
        recipe=recipes.recharge,
        needs=CHARGED_BY,
        moves_charge=True,
        by_hand=True,
        method="TOP_CELL",
        cells_min=1,
        cells_max=1,
        looks_back=True,
    ),
    LEVELLING: Procedure(
        recipe=recipes.levelling,
        needs=CHARGED_BY,
        moves_charge=True,
        by_hand=True,
        joins=True,
        cells_min=1,
    ),
    # M2, G9: what a string was charged to is never a balance.
    SERIES_PRECHARGE: Procedure(
        recipe=recipes.series_precharge,
        needs=frozenset({METER, InstrumentRole.SUPPLY.value}),
        needs_one_of=SEEN_BY,
        moves_charge=True,
        in_series=True,
        cells_min=4,
        cells_max=16,
    ),
    # B10: nobody sees the cells, their BMS protects them, and somebody is there.
    UNSEEN_PRECHARGE: Procedure(
        recipe=recipes.unseen_precharge,
        needs=frozenset({METER, InstrumentRole.SUPPLY.value}),
        moves_charge=True,
        in_series=True,
        by_hand=True,
        cells_min=4,
        cells_max=16,
    ),
    # M2, G9: nor is what a pack was held at.
    PACK_RECOVERY: Procedure(
        recipe=recipes.pack_recovery,
        needs=frozenset({METER, InstrumentRole.SUPPLY.value, LOAD}),
        needs_one_of=SEEN_BY,
        moves_charge=True,
        in_series=True,
        cells_min=4,
        cells_max=16,
        measures="spread",
        on_pack=True,
    ),
    BOTTOM_BALANCE: Procedure(
        recipe=recipes.bottom_balance,
        needs=MEASURED_BY | {LOAD},
        moves_charge=True,
        method="BOTTOM",
        cells_min=1,
    ),
    CAPACITY_TEST: Procedure(
        recipe=recipes.capacity_test,
        needs=frozenset({METER, InstrumentRole.SUPPLY.value, LOAD}),
        moves_charge=True,
        cells_min=1,
        cells_max=1,
        measures="capacity",
    ),
    RESISTANCE_TEST: Procedure(
        recipe=recipes.resistance_test,
        needs=frozenset({METER, LOAD}),
        moves_charge=True,
        cells_min=1,
        cells_max=1,
        measures="resistance",
    ),
    RECHECK: Procedure(
        recipe=recipes.recheck,
        needs=MEASURED_BY,
        moves_charge=False,
        looks_back=True,
        by_hand=True,
    ),
    SELF_DISCHARGE: Procedure(
        recipe=recipes.self_discharge,
        needs=MEASURED_BY,
        moves_charge=False,
        looks_back=True,
        cells_min=self_discharge.CELLS_MIN,
    ),
}
# Runs of these leave a balance as it was.
RESTING = frozenset(name for name, known in PROCEDURES.items() if not known.moves_charge)

# What these charge is never balanced (G9).
IN_SERIES = frozenset(name for name, known in PROCEDURES.items() if known.in_series)


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
