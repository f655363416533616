"""What a job would do at its station, before anyone starts it: the program and its figures.

The worker builds the program again in preflight, from the same recipe version and with the
identities that the instruments gave; this is the look ahead that a person confirms.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from shop.cells.models import Cell
from shop.equipment.models import Station
from shop.equipment.states import InstrumentRole
from shop.jobs.defaults import full_rating_allowed, recipe_of
from shop.jobs.models import Job
from shop.refusals import Problem, Refusal
from stations.drivers.registry import UnknownDriver, driver
from stations.plain import to_plain
from stations.procedures import top_balance
from stations.procedures.steps import Program
from stations.values import SupplyRatings


@dataclass(frozen=True, slots=True)
class Plan:
    """Figures in amps and ampere-hours for one supply; `basis` is the tail's that counts."""

    program: Program
    facts: dict[str, float]
    basis: str
    supply_model: str

    @property
    def plain(self) -> dict[str, Any]:
        plain: dict[str, Any] = to_plain(self.program)
        return plain


def plan(job: Job, station: Station, cells: Sequence[Cell]) -> Plan:
    """The program that `job` would run at `station`.

    Raises Refusal with every reason why it cannot be planned.
    """
    recipe = recipe_of(job.recipe_version.parameters)
    ratings = _supply(station)
    cell_type = cells[0].batch.cell_type
    spec = top_balance.Spec(
        recipe=recipe,
        cells=len(cells),
        capacity_ah=cell_type.capacity_ah,
        cell_voltage_max_v=cell_type.charge_voltage_max_v,
        cell_voltage_min_v=cell_type.discharge_voltage_min_v,
        cell_r_ohm=cell_type.r_typical_ohm,
        supply=ratings,
        full_rating_allowed=full_rating_allowed(job.recipe_version.parameters),
    )
    try:
        program = top_balance.program(spec)
    except top_balance.PlanRefused as error:
        raise Refusal(Problem("plan", words) for words in error.problems) from error
    return Plan(program, dict(program.facts), recipe.tail_basis, ratings.model)


def _supply(station: Station) -> SupplyRatings:
    supply = next((i for i in station.instruments.all() if i.role == InstrumentRole.SUPPLY), None)
    if supply is None:
        raise Refusal(
            [
                Problem(
                    "no_supply",
                    f"{station.name} has no supply.",
                    "Claim the job at a station that has one.",
                )
            ]
        )
    try:
        ratings = driver(supply.driver, InstrumentRole.SUPPLY).ratings
    except UnknownDriver as error:
        raise Refusal(
            [Problem("no_driver", str(error), "A supervisor corrects the station's instrument.")]
        ) from error
    assert isinstance(ratings, SupplyRatings)  # noqa: S101  the registry's own roles
    return ratings
