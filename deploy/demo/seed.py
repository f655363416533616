"""A small shop to play in: made through the same services as any other, and only what lacks.

Run again on the same data it leaves evidence alone, and brings a new batch when no job is open.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from deploy.demo.benches import BENCHES, DemoBench
from deploy.demo.people import ensure_customer, ensure_people
from shop.cells.cell_types import define_cell_type
from shop.cells.models import Batch, Cell, CellType
from shop.cells.services import receive_batch
from shop.equipment.instruments import register_instruments
from shop.equipment.models import Instrument, Station
from shop.equipment.rules.registering import Named
from shop.equipment.services import record_calibration, register_station
from shop.equipment.states import UNCALIBRATED
from shop.jobs import recipes
from shop.jobs.models import Job, PolicyVersion, RecipeVersion
from shop.jobs.policies import policy_defaults
from shop.jobs.procedures import (
    BOTTOM_BALANCE,
    CAPACITY_TEST,
    CELL_RECHARGE,
    LEVELLING,
    PACK_RECOVERY,
    PARALLEL_TOP_BALANCE,
    RECHECK,
    RESISTANCE_TEST,
    SELF_DISCHARGE,
    SERIES_PRECHARGE,
    SINGLE_CELLS,
    STEP_PAUSE,
    UNSEEN_PRECHARGE,
)
from shop.jobs.services.orders import create_job
from shop.jobs.states import JobState
from shop.jobs.versions import store_policy, store_recipe
from shop.leads.models import LeadSet
from shop.leads.rules import mm2_of_awg
from shop.leads.services import fit_leads, register_lead_set
from shop.packs.models import PackDesign
from shop.people.models import User

RECIPE = "Parallel top balance 3.65 V"
# A simulated bench rests at 1 x, and at 240 x its samples are 12 s apart: short rests, one sample
# at the cut-off, and room below it.  A busy host reads scanner and meter 0.1 s or 24 s apart there:
# right after the load is on 27 mV lay between them.  Its leads have 5 mohm.
SIMULATED_CAPACITY = {
    "rest_s": 5.0,
    "empty_rest_s": 5.0,
    "cutoff_samples": 1,
    "stop_below_v": 0.5,
    "meter_agree_v": 0.050,
    "load_lead_max_ohm": 0.006,
}
# A taper so slow that what a busy host is late by, a second or 240 s there, moves a cell by 6 mV,
# and room for it above the window's low end.
SIMULATED_BOTTOM = {
    "target_v": 2.55,
    "second_c": 0.02,
    "third_c": 0.003,
    "rest_s": 5.0,
    "start_low_v": 2.50,
    "cutoff_samples": 1,
    "stop_below_v": 0.5,
    "meter_agree_v": 0.050,
    "load_lead_max_ohm": 0.006,
}
# So an emptied cell is compared after seconds here, and the gate must take that.
SIMULATED_POLICY = {"bottom_rest_min_s": 3.0}
# The same for a current step: longer than its samples are apart.
SIMULATED_RESISTANCE = {
    "rest_s": 5.0,
    "step_s": 60.0,
    "early_s": 30.0,
    "after_s": 5.0,
    "stop_below_v": 0.5,
    "load_lead_max_ohm": 0.006,
}
# What else can be chosen for a job: name, procedure, parameters.
OTHER_RECIPES: Sequence[tuple[str, str, Mapping[str, Any]]] = (
    ("Re-check of resting cells", RECHECK, recipes.recheck.defaults()),
    # B13: a lower full voltage, for cells that run lower too.
    (
        "Parallel top balance 3.64 V",
        PARALLEL_TOP_BALANCE,
        recipes.top_balance.defaults() | {"target_v": 3.64},
    ),
    (
        "Parallel top balance 3.60 V",
        PARALLEL_TOP_BALANCE,
        recipes.top_balance.defaults() | {"target_v": 3.60},
    ),
    ("Step-and-pause top balance 3.60 V", STEP_PAUSE, recipes.step_pause.defaults()),
    ("Individual top balance 3.65 V", SINGLE_CELLS, recipes.top_balance.defaults()),
    ("Recharge of one cell 3.65 V", CELL_RECHARGE, recipes.top_balance.defaults()),
    ("Self-discharge watch, three days", SELF_DISCHARGE, recipes.self_discharge.defaults()),
    ("Recovery of a pack, 5 h hold", PACK_RECOVERY, recipes.pack_recovery.defaults()),
    (
        "Recovery of a pack, extended hold of 12 h",
        PACK_RECOVERY,
        recipes.pack_recovery.defaults() | {"hold_h": 12.0},
    ),
    ("Series pre-charge 3.65 V", SERIES_PRECHARGE, recipes.series_precharge.defaults()),
    (
        "Series pre-charge 3.65 V, cells not seen",
        UNSEEN_PRECHARGE,
        recipes.unseen_precharge.defaults(),
    ),
    ("Levelling of low cells to 3.30 V", LEVELLING, recipes.levelling.defaults()),
    (
        "Capacity test at 0.5C, simulated bench",
        CAPACITY_TEST,
        recipes.capacity_test.defaults() | SIMULATED_CAPACITY,
    ),
    (
        "Bottom balance 2.50 V, simulated bench",
        BOTTOM_BALANCE,
        recipes.bottom_balance.defaults() | SIMULATED_BOTTOM,
    ),
    (
        "DC resistance at 0.5C, simulated bench",
        RESISTANCE_TEST,
        recipes.resistance_test.defaults() | SIMULATED_RESISTANCE,
    ),
)
DESIGN = "12 V solar, 4S1P"
BATCH_CELLS = 8
JOB_CELLS = 4
CALIBRATED_FOR = timedelta(days=365)


def seed(data: Path, *, now: datetime) -> dict[str, str]:
    """Make what is missing; returns username to password."""
    passwords = ensure_people(data)
    supervisor = User.objects.get(username="supervisor")
    ensure_customer()
    for bench in BENCHES:
        _ensure_station(bench, by=supervisor, now=now)
    _ensure_leads(by=supervisor, now=now)
    recipe = _ensure_recipe(by=supervisor, now=now)
    _ensure_other_recipes(by=supervisor, now=now)
    _ensure_policy(by=supervisor, now=now)
    _ensure_design()
    if not Job.objects.filter(state=JobState.OPEN).exists():
        _open_jobs(recipe, by=supervisor, now=now)
    return passwords


def _ensure_leads(*, by: User, now: datetime) -> None:
    """Cables for every station: 1/0 AWG, for the load's 100 A that pass through them too."""
    for number, bench in enumerate(BENCHES, start=1):
        label = f"L-{number}"
        if not LeadSet.objects.filter(label=label).exists():
            lead_set = register_lead_set(
                label=label, gauge_mm2=mm2_of_awg(0), length_m=1.0, end="ring_6", by=by, now=now
            )
            station = Station.objects.get(slug=bench.slug)
            fit_leads(station=station, lead_set=lead_set, by=by, now=now)


def _ensure_station(bench: DemoBench, *, by: User, now: datetime) -> None:
    station = Station.objects.filter(slug=bench.slug).first()
    if station is None:
        station = register_station(
            slug=bench.slug, name=bench.name, host="localhost", by=by, now=now
        )
    for known in bench.instruments:
        instrument = station.instruments.filter(role=known.role).first()
        if instrument is None:
            named = Named(known.role, known.driver, known.serial_number, known.model)
            (instrument,) = register_instruments(station=station, named=[named], by=by, now=now)
        if instrument.role not in UNCALIBRATED:
            _ensure_calibration(instrument, by=by, now=now)


def _ensure_calibration(instrument: Instrument, *, by: User, now: datetime) -> None:
    tomorrow = now + timedelta(days=1)
    if instrument.calibrations.filter(valid_from__lte=now, valid_until__gt=tomorrow).exists():
        return
    record_calibration(
        instrument=instrument,
        valid_from=now - timedelta(days=1),
        valid_until=now + CALIBRATED_FOR,
        certificate=f"SIM-{instrument.serial_number}-{now:%Y%m%d}",
        by=by,
        now=now,
    )


def _ensure_recipe(*, by: User, now: datetime) -> RecipeVersion:
    known = RecipeVersion.objects.filter(recipe__name=RECIPE).order_by("-version").first()
    return known or store_recipe(
        name=RECIPE, parameters=recipes.top_balance.defaults(), by=by, now=now
    )


def _ensure_other_recipes(*, by: User, now: datetime) -> None:
    for name, procedure, parameters in OTHER_RECIPES:
        if not RecipeVersion.objects.filter(recipe__name=name).exists():
            store_recipe(name=name, procedure=procedure, parameters=parameters, by=by, now=now)


def _ensure_policy(*, by: User, now: datetime) -> None:
    if not PolicyVersion.objects.exists():
        store_policy(parameters=policy_defaults() | SIMULATED_POLICY, by=by, now=now)


def _ensure_design() -> None:
    PackDesign.objects.get_or_create(
        name=DESIGN,
        defaults={
            "series": 4,
            "parallel": 1,
            "application": PackDesign.Application.SOLAR,
            "bms_model": "4S 100 A, passive balance",
            "bms_over_voltage_v": 3.65,
        },
    )


def _cell_type(*, by: User, now: datetime) -> CellType:
    """The limits are its maker's: Lishen LP54173207-202Ah specification, Rev 0 (2020-03-09)."""
    known = CellType.objects.filter(maker="Lishen", model="LP54173207").first()
    return known or define_cell_type(
        maker="Lishen",
        model="LP54173207",
        datasheet="LP54173207-202Ah specification, Rev 0 (2020-03-09)",
        figures={"capacity_ah": 200.0},  # sold as 200 Ah
        by=by,
        now=now,
    )


def _open_jobs(recipe: RecipeVersion, *, by: User, now: datetime) -> None:
    """A delivery of 8 cells, in two jobs of 4: one for the story, one to try by hand."""
    number = Batch.objects.count() + 1
    serials = [f"LF-{number:02d}-{cell:03d}" for cell in range(1, BATCH_CELLS + 1)]
    batch = receive_batch(
        code=f"B-{now:%y}-{number:03d}",
        supplier="Sample supplier",
        supplier_lot=f"L{now:%y%m}-{number}",
        cell_type=_cell_type(by=by, now=now),
        received_on=now.date(),
        serials=serials,
        by=by,
    )
    cells = list(Cell.objects.filter(batch=batch).order_by("serial"))
    for first in range(0, BATCH_CELLS, JOB_CELLS):
        create_job(recipe_version=recipe, cells=cells[first : first + JOB_CELLS], by=by, now=now)
