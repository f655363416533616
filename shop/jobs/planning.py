"""From a job to its program: recipe version, cells with their history, the station's supply.

The same function plans before a claim, checks at start and builds what the worker runs.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import rfc8785

from shop.equipment.models import Station
from shop.equipment.queries import measured_of
from shop.equipment.states import InstrumentRole
from shop.evidence.parted import parted_cells
from shop.evidence.watched import watched_cells
from shop.jobs.figures import CellFigures, Cells, PackFigures, first_check_of, place_ah
from shop.jobs.models import Job, RecipeVersion, Run
from shop.jobs.parameters import Parameters
from shop.jobs.policies import Policy
from shop.jobs.procedures import procedure_of
from shop.leads.queries import leads_at
from shop.leads.rules import lead_problems
from shop.refusals import Problem, Refusal, refuse
from stations.config import BOARDS
from stations.drivers.registry import DRIVERS, bench_ratings
from stations.plain import to_plain
from stations.procedures import attendance, bearing, check, handling, unseen_precharge
from stations.procedures.by_hand import typed_steps
from stations.procedures.leading import led_steps
from stations.procedures.steps import (
    SUPPLIED,
    Charge,
    Discharge,
    Measure,
    PlanRefused,
    Presence,
    Program,
    Rest,
    SeriesCharge,
)
from stations.values import (
    Ratings,
    Window,
)


@dataclass(frozen=True, slots=True)
class Plan:
    """A program that passed its dry run, and how long it may take at most."""

    program: Program
    sha256: str
    lasts: timedelta  # upper bound without the waits, for a person or a moment

    @property
    def plain(self) -> dict[str, Any]:
        plain: dict[str, Any] = to_plain(self.program)
        return plain

    @property
    def handlings(self) -> int:
        """How often this run turns the nuts of a cell (F7)."""
        return handling.per_cell(self.program)

    @property
    def facts(self) -> dict[str, float]:
        """Planned amps and ampere-hours, both bases of the tail among them (B2)."""
        return dict(self.program.facts)

    @property
    def unseen(self) -> str:
        """B10: what must be said of a string whose cells nobody sees; "" of all else."""
        presence = self.program.presence
        if presence is None or not self.program.limits.cells_unseen:
            return ""
        minutes = presence.every.total_seconds() / 60
        return f"{unseen_precharge.UNSEEN}, every {minutes:.0f} min, or the output goes off."


def plan(
    job: Job,
    station: Station,
    *,
    attended: bool = True,
    policy: Policy | None = None,
    span: attendance.Span | None = None,
) -> Plan:
    """The plan of `job` at `station`; raises Refusal naming everything that is wrong with it.

    `policy` (default: as delivered) says how often somebody must be there, or for how long a
    charge that is done is held while nobody is.  `span`: the first output waits so long, alone.
    """
    cells = cells_of(job)
    program = program_of(job.kind, job.recipe_version.parameters, cells, ratings_of(station))
    if dict(program.facts).get("first_check"):
        refuse(_other_scanner(cells, station))
    refuse(lead_problems(leads_at(station), driven_a(program)))
    program = _with_people(program, attended=attended, policy=policy or Policy())
    if span is not None:
        program = attendance.waiting(program, span)
    return Plan(program, program_sha256(program), _lasts(program))


def program_of(kind: str, parameters: Parameters, cells: Cells, ratings: Ratings) -> Program:
    """What a procedure does to these cells on such instruments, dry-run; nobody is asked yet.

    Raises Refusal naming everything that is wrong with it.
    """
    procedure = procedure_of(kind)
    try:
        program = procedure.recipe.program(parameters, cells, ratings)
    except PlanRefused as refused:
        raise Refusal(
            Problem("plan", words, "Change the recipe or the station.")
            for words in refused.problems
        ) from refused
    if procedure.by_hand and ratings.scanner is None:
        program = typed_steps(program) if ratings.by_hand else led_steps(program)
    refuse(
        Problem("dry_run", words, "Nothing was energised.")
        for words in check.problems(program, ratings) + bearing.problems(program, _bears(cells))
    )
    return program


def _other_scanner(cells: Cells, station: Station) -> list[Problem]:
    """The second of two checks that are compared is by the scanner of the first."""
    (serial, *_) = [watched.meter for watched in first_check_of(cells)]
    if station.instruments.filter(role=InstrumentRole.SCANNER, serial_number=serial).exists():
        return []
    return [
        Problem(
            "other_scanner",
            f"The first check of these cells was by scanner {serial}, which {station.slug} lacks.",
            "Claim the job at that scanner's station; where it is gone, supersede the first check "
            "and begin the watch anew.",
        )
    ]


def driven_a(program: Program) -> float:
    """The highest current that the program asks of the leads."""
    charged = [s.setpoint.current_a for s in program.steps if isinstance(s, SUPPLIED)]
    drawn = [step.draw.current_a for step in program.steps if isinstance(step, Discharge)]
    return max(charged + drawn, default=0.0)


def _with_people(program: Program, *, attended: bool, policy: Policy) -> Program:
    if not attended:
        return attendance.unattended(program, timedelta(seconds=policy.hold_max_s))
    warn = timedelta(seconds=policy.presence_warn_s)
    return attendance.attended(program, Presence(timedelta(seconds=policy.presence_s), warn))


def _bears(cells: Cells) -> bearing.CellRatings:
    """What the datasheet of these cells allows, those in parallel at one place of a pack as one."""
    first = cells[0]
    return bearing.CellRatings(
        capacity_ah=place_ah(cells),
        charge_c_max=first.charge_c_max,
        discharge_c_max=math.inf if first.discharge_c_max is None else first.discharge_c_max,
        voltage=Window(first.voltage_min_v, first.voltage_max_v),
    )


def planned_again(program: Program, run: Run) -> Plan:
    """The plan that an interrupted run goes on with: its own program, dry-run again."""
    refuse(
        Problem("dry_run", words, "Nothing was energised.")
        for words in check.problems(program, ratings_of(run.station))
    )
    return Plan(program, run.program_hash, _lasts(program))


def lasts_at_most(job: Job, station: Station | None) -> tuple[timedelta, list[Problem]]:
    """How long a run of the job may take there; nothing, and why, where it cannot be planned."""
    try:
        return (plan(job, station).lasts if station is not None else timedelta()), []
    except Refusal as refusal:
        return timedelta(), refusal.problems


def target_of(version: RecipeVersion) -> float | None:
    """The voltage that a stored recipe charges to; None where it charges to none."""
    recipe = procedure_of(version.procedure).recipe.recipe_of(version.parameters)
    return getattr(recipe, "target_v", None)


def cells_of(job: Job) -> Cells:
    """The cells of a job in bank order, each with what an earlier one left where that counts."""
    cells = [
        row.cell
        for row in job.job_cells.select_related("cell__batch__cell_type").order_by("position")
    ]
    looks_back, pack = procedure_of(job.kind).looks_back, pack_of(job)
    parted = parted_cells(cells) if looks_back else {}
    watched = watched_cells(cells) if looks_back else {}
    return tuple(
        CellFigures(
            serial=cell.serial,
            capacity_ah=cell.batch.cell_type.capacity_ah,
            voltage_max_v=cell.batch.cell_type.charge_voltage_max_v,
            voltage_min_v=cell.batch.cell_type.discharge_voltage_min_v,
            r_ohm=cell.batch.cell_type.r_typical_ohm,
            charge_c_max=cell.batch.cell_type.charge_c_max,
            discharge_c_max=cell.batch.cell_type.discharge_c_max,
            torque_nm=cell.batch.cell_type.torque_nm,
            parted=parted.get(cell.pk),
            pack=pack,
            watched=watched.get(cell.pk),
        )
        for cell in cells
    )


def pack_of(job: Job) -> PackFigures | None:
    """The pack that the job is done to; None for one on loose cells."""
    if job.pack is None:
        return None
    design = job.pack.design
    return PackFigures(job.pack.serial, design.bms_over_voltage_v, design.parallel)


def ratings_of(station: Station) -> Ratings:
    """What the station's registered instruments can do, from their drivers.

    Raises Refusal where an instrument is missing or its driver is not known.
    """
    found: dict[str, Any] = {}
    for instrument in station.wired:
        spec = DRIVERS.get(instrument.driver)
        if spec is None or spec.role != BOARDS.get(instrument.role, instrument.role):
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
    ratings = bench_ratings(found)
    if ratings is None:
        lacks = [
            role for role in (InstrumentRole.SUPPLY, InstrumentRole.METER) if role not in found
        ]
        words = f"Station {station.slug} has no {' and no '.join(lacks)}."
        fix = f"Register {'one' if len(lacks) == 1 else 'both'} on the station's page."
        raise Refusal([Problem("station_cannot", words, fix)])
    return replace(
        ratings,
        measured=measured_of(station),
        by_hand=any(i.role == InstrumentRole.MANUAL for i in station.instruments.all()),
    )


def program_sha256(program: Program) -> str:
    """SHA-256 of the program's canonical JSON (RFC 8785)."""
    return hashlib.sha256(rfc8785.dumps(to_plain(program))).hexdigest()


def _lasts(program: Program) -> timedelta:
    """Of each cell, or the bank, the longest charge whole and the rest by their CV hold;
    everything else whole."""
    charges = [step for step in program.steps if isinstance(step, Charge)]
    total = sum((step.tail.cv_max for step in charges), timedelta())
    for cell in {step.cell for step in charges}:
        longest = max((s for s in charges if s.cell == cell), key=lambda step: step.timeout)
        total += longest.timeout - longest.tail.cv_max
    total += sum((step.lasts for step in program.steps if isinstance(step, Rest)), timedelta())
    return total + sum(
        (s.timeout for s in program.steps if isinstance(s, Measure | Discharge | SeriesCharge)),
        timedelta(),
    )
