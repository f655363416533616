"""A person leads the bench's own meter from cell to cell and scans each; nobody types (B7, G6).

A scan goes the way of a confirmation to the bench's journal; the bench then takes what its meter
shows once that stands still, and tells.  A refusal has written nothing.
"""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from shop.equipment.states import InstrumentRole
from shop.jobs.models import PersonAct, Run
from shop.jobs.sheets import SCANNED, Sheet, cell_problems, opened, positions_of, record_act
from shop.people.models import User
from shop.people.roles import Act, require
from shop.refusals import Problem, refuse


def scan_cell(*, run: Run, cell: str, by: User, now: datetime, corrects: bool = False) -> PersonAct:
    """Record that `by` has the bench meter's probes on `cell`, by its serial or maker's code.

    `corrects`: what was read of that cell in this step counts no more, and stays on record.
    """
    require(by.role, Act.CONFIRM)
    with transaction.atomic():
        run, sheet = opened(run)
        refuse(_way_problems(sheet, cell))
        found = positions_of(run, cell.strip(), by_place=False)
        position, wrong = cell_problems(sheet, cell.strip(), found, corrects=corrects)
        refuse(wrong)
        meter = run.station.instruments.get(role=InstrumentRole.METER)
        return record_act(
            run,
            sheet,
            position,
            {"meter": meter.serial_number, "scanned_at": now.isoformat()},
            kind=SCANNED,
            by=by,
            now=now,
            corrects=corrects,
            event="scanned",
        )


def _way_problems(sheet: Sheet, cell: str) -> list[Problem]:
    if not sheet.is_led:
        words = "In this step a hand-held meter is read and its figure typed."
        return [Problem("figure_is_typed", words, "Type the volts that it shows.")]
    if cell.strip():
        return []
    words = "No cell was scanned."
    return [Problem("no_cell", words, "Put the probes on a cell and scan its barcode.", "cell")]
