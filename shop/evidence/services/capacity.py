"""Capacities: measured by a run, or imported with their file."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime

from django.db import IntegrityError, transaction

from shop.audit import services as audit
from shop.audit.models import AuditEntry
from shop.cells.models import Cell
from shop.cells.services import touch_cells
from shop.evidence import queries
from shop.evidence.models import (
    CapacityTest,
)
from shop.evidence.rules import capacity_file
from shop.evidence.rules.capacity_file import CapacityRow
from shop.evidence.rules.measured import capacity_of
from shop.jobs.models import Run
from shop.people.models import User
from shop.people.roles import Act, require
from shop.refusals import Problem, Refusal, refuse
from stations.procedures.state import Record
from stations.values import OffProof


def record_capacity_test(
    *,
    run: Run,
    records: Sequence[Record],
    current_stopped: OffProof,
    manifest_sha256: str,
    simulated: bool,
    now: datetime,
) -> CapacityTest | None:
    """The capacity that the run of one cell measured (B16); None where it did not.

    It is of the moment at which current stopped.
    """
    figures = capacity_of(records)
    if figures is None:
        return None
    (cell,) = queries.cells_of_run(run).values()
    with transaction.atomic():
        Run.objects.select_for_update().get(pk=run.pk)
        touch_cells([cell])
        known = CapacityTest.objects.filter(run=run).first()
        if known is not None:
            return known
        load = run.station.instruments.get(role="load")
        return CapacityTest.objects.create(
            cell=cell,
            source=CapacityTest.Source.MEASURED,
            capacity_ah=figures.capacity_ah,
            energy_wh=figures.energy_wh,
            tested_at=current_stopped.received_at,
            discharge_c_rate=figures.current_a / cell.batch.cell_type.capacity_ah,
            instrument_text=str(load)[:100],
            run=run,
            manifest_sha256=manifest_sha256,
            simulated=simulated,
            recorded_at=now,
        )


def import_capacity_file(*, name: str, data: bytes, by: User, now: datetime) -> list[CapacityTest]:
    """Every row of a capacity file as a test of its cell, or a list of problems and nothing.

    The file's name, SHA-256 and line stay with each test; the same file is taken once.
    """
    require(by.role, Act.IMPORT_CAPACITY)
    sha256 = hashlib.sha256(data).hexdigest()
    refuse(_known_file(sha256))
    rows, found = capacity_file.read_file(data)
    if not rows:
        refuse(capacity_file.shortened(found))
    cells = {
        cell.serial: cell
        for cell in Cell.objects.filter(serial__in={row.serial for row in rows}).select_related(
            "batch__cell_type"
        )
    }
    rated_ah = {serial: cell.batch.cell_type.capacity_ah for serial, cell in cells.items()}
    _, policy = queries.gate_policy()
    found += capacity_file.row_problems(rows, rated_ah, policy.capacity, now)
    refuse(capacity_file.shortened(found))
    tests = [_capacity_test(cells[row.serial], row, name, sha256, by, now) for row in rows]
    try:
        with transaction.atomic():
            touch_cells(cells.values())
            CapacityTest.objects.bulk_create(tests)
            told = {"records": [test.told for test in tests]}
            audit.record(kind=AuditEntry.Kind.IMPORTED, by=by, now=now, data=told)
    except IntegrityError as error:  # the same file, at the same moment
        raise Refusal(_known_file(sha256)) from error
    return tests


def _capacity_test(
    cell: Cell, row: CapacityRow, name: str, sha256: str, by: User, now: datetime
) -> CapacityTest:
    return CapacityTest(
        cell=cell,
        source=CapacityTest.Source.IMPORTED,
        capacity_ah=row.capacity_ah,
        tested_at=row.tested_at,
        energy_wh=row.energy_wh,
        temperature_c=row.temperature_c,
        discharge_c_rate=row.discharge_c_rate,
        instrument_text=row.instrument,
        file_name=_shown(name),
        file_sha256=sha256,
        row=row.line,
        imported_by=by,
        recorded_at=now,
    )


def _shown(name: str) -> str:
    """A file's name without its folders and unprintable signs."""
    base = name.replace("\\", "/").rsplit("/", 1)[-1]
    return "".join(sign for sign in base if sign.isprintable())[:200] or "capacity.csv"


def _known_file(sha256: str) -> list[Problem]:
    first = CapacityTest.objects.filter(file_sha256=sha256).order_by("pk").first()
    if first is None:
        return []
    return [
        Problem(
            "file_known",
            f"This very file was imported on {first.recorded_at:%Y-%m-%d %H:%M} UTC as "
            f"{first.file_name}.",
            "Nothing to do; import another file.",
        )
    ]
