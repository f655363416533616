"""From a job to its program: recipe version, cell type and the station's supply.

The same function plans before a claim, checks at start and builds what the worker runs.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import rfc8785

from shop.cells.models import CellType
from shop.equipment.models import Station
from shop.jobs import queries
from shop.jobs.defaults import full_rating_allowed, recipe_of
from shop.jobs.models import Job
from shop.refusals import Problem, Refusal, refuse
from stations.drivers.registry import DRIVERS
from stations.plain import to_plain
from stations.procedures import check, top_balance
from stations.procedures.steps import Charge, Measure, Program
from stations.values import MeterRatings, Ratings, SupplyRatings


@dataclass(frozen=True, slots=True)
class Plan:
    """A program that passed its dry run, and how long it may take at most."""

    program: Program
    sha256: str
    lasts: timedelta  # upper bound without the waits for a person

    @property
    def plain(self) -> dict[str, Any]:
        plain: dict[str, Any] = to_plain(self.program)
        return plain

    @property
    def facts(self) -> dict[str, float]:
        """Planned amps and ampere-hours, both bases of the tail among them (B2)."""
        return dict(self.program.facts)


def plan(job: Job, station: Station) -> Plan:
    """The plan of `job` at `station`; raises Refusal naming everything that is wrong with it."""
    ratings = ratings_of(station)
    spec = spec_of(job, ratings.supply)
    try:
        program = top_balance.program(spec)
    except top_balance.PlanRefused as refused:
        raise Refusal(
            Problem("plan", words, "Change the recipe or the station.")
            for words in refused.problems
        ) from refused
    refuse(
        Problem("dry_run", words, "Nothing was energised.")
        for words in check.problems(program, ratings)
    )
    return Plan(program, program_sha256(program), _lasts(program))


def spec_of(job: Job, supply: SupplyRatings) -> top_balance.Spec:
    cells = queries.job_cells(job)
    cell_type = CellType.objects.get(batches__cells=cells[0])
    parameters = job.recipe_version.parameters
    return top_balance.Spec(
        recipe=recipe_of(parameters),
        cells=len(cells),
        capacity_ah=cell_type.capacity_ah,
        cell_voltage_max_v=cell_type.charge_voltage_max_v,
        cell_voltage_min_v=cell_type.discharge_voltage_min_v,
        cell_r_ohm=cell_type.r_typical_ohm,
        supply=supply,
        full_rating_allowed=full_rating_allowed(parameters),
    )


def ratings_of(station: Station) -> Ratings:
    """What the station's registered instruments can do, from their drivers.

    Raises Refusal where an instrument is missing or its driver is not known.
    """
    found: dict[str, Any] = {}
    for instrument in station.instruments.all():
        spec = DRIVERS.get(instrument.driver)
        if spec is None or spec.role != instrument.role:
            raise Refusal(
                [
                    Problem(
                        "unknown_driver",
                        f"There is no {instrument.role} driver {instrument.driver!r}.",
                        f"Known drivers: {', '.join(sorted(DRIVERS))}.",
                    )
                ]
            )
        found[instrument.role] = spec.ratings
    supply, meter, scanner = (found.get(role) for role in ("supply", "meter", "scanner"))
    if not isinstance(supply, SupplyRatings) or not isinstance(meter, MeterRatings):
        raise Refusal(
            [
                Problem(
                    "station_cannot",
                    f"Station {station.slug} lacks a supply or a meter.",
                    "Register its instruments.",
                )
            ]
        )
    return Ratings(supply, meter, scanner)


def program_sha256(program: Program) -> str:
    """SHA-256 of the program's canonical JSON (RFC 8785)."""
    return hashlib.sha256(rfc8785.dumps(to_plain(program))).hexdigest()


def _lasts(program: Program) -> timedelta:
    """The longest charge whole, every other charge by its CV hold, measurements whole."""
    charges = sorted(
        (step for step in program.steps if isinstance(step, Charge)), key=lambda s: s.timeout
    )
    total = sum((step.timeout for step in charges[-1:]), timedelta())
    total += sum((step.tail.cv_max for step in charges[:-1]), timedelta())
    return total + sum(
        (step.timeout for step in program.steps if isinstance(step, Measure)), timedelta()
    )
