"""Other ways to do a job at its station, as programs for the planner of the bench (F5)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from shop.equipment.models import Station
from shop.jobs.figures import Cells
from shop.jobs.models import Job
from shop.jobs.planning import driven_a, program_of
from shop.jobs.procedures import PARALLEL_TOP_BALANCE, SERIES_PRECHARGE, SINGLE_CELLS
from shop.jobs.recipes.top_balance import FULL_RATING
from shop.leads.queries import leads_at
from shop.leads.rules import lead_problems
from shop.refusals import Refusal
from stations.planner.alternatives import AT_ONCE, IN_SERIES, SAME, Make, Variant
from stations.procedures.steps import PlanRefused, Program
from stations.values import Ratings


def own(job: Job, cells: int, ratings: Ratings) -> Variant:
    """The job as it is."""
    full_rating = bool(job.recipe_version.parameters.get(FULL_RATING, False))
    return Variant(SAME, cells, ratings.supply, full_rating)


def maker(job: Job, station: Station, cells: Cells, ratings: Ratings, target_v: float) -> Make:
    """Plans variants of `job` for as many of its `cells`, to its target."""
    leads = leads_at(station)

    def make(variant: Variant) -> Program:
        kind, parameters = _procedure(job, variant, target_v)
        such = replace(ratings, supply=variant.supply)
        try:
            program = program_of(kind, parameters, cells[: variant.cells], such)
        except Refusal as refusal:
            raise PlanRefused([problem.words for problem in refusal.problems]) from refusal
        found = lead_problems(leads, driven_a(program))
        if found and variant.supply == ratings.supply:  # another supply comes with its leads
            raise PlanRefused([problem.words for problem in found])
        return program

    return make


def _procedure(job: Job, variant: Variant, target_v: float) -> tuple[str, Mapping[str, Any]]:
    """Its kind, and the parameters of its recipe."""
    kind, parameters = job.kind, job.recipe_version.parameters
    if variant.method == IN_SERIES:
        return SERIES_PRECHARGE, {"target_v": target_v}
    if variant.method == AT_ONCE and kind not in (PARALLEL_TOP_BALANCE, SINGLE_CELLS):
        return PARALLEL_TOP_BALANCE, {"target_v": target_v}
    if variant.method == AT_ONCE:
        kind = PARALLEL_TOP_BALANCE
    return kind, {**parameters, FULL_RATING: True} if variant.full_rating else parameters
