"""A person reads cells with a hand-held meter and types what it shows (B7, B8, G6).

Each figure is an act of that person: it goes the way of a confirmation to the bench's journal,
where the program takes it in.  A refusal has written nothing.
"""

from __future__ import annotations

import re
from datetime import datetime

from django.db import transaction

from shop.equipment.states import InstrumentRole
from shop.jobs.models import PersonAct, Run
from shop.jobs.sheets import TYPED, Sheet, cell_problems, opened, positions_of, record_act
from shop.people.models import User
from shop.people.roles import Act, require
from shop.refusals import Problem, refuse
from stations.procedures import by_hand

FIGURE = re.compile(r"([+-]?[0-9]{1,6}(?:[.,][0-9]{0,6})?)\s*[vV]?")


def read_cell(
    *,
    run: Run,
    volts: str,
    by: User,
    now: datetime,
    cell: str = "",
    place: str = "",
    first: str = "",
    corrects: bool = False,
) -> PersonAct:
    """Record that `by` read `volts` at the posts of `cell` (default: the one whose turn it is).

    `volts` with comma or dot; `cell` by serial, maker's code or position, or else `place`, which
    is the position and never a serial that looks like one; `first` is what the
    same cell read when the shop asked for a second measurement; `corrects` replaces a figure of
    this step, which stays on record.
    """
    require(by.role, Act.CONFIRM)
    with transaction.atomic():
        run, sheet = opened(run)
        refuse(_way_problems(sheet))
        named = cell.strip()
        found = (
            positions_of(run, named, by_place=True)
            if named
            else [position for position in sheet.serials if str(position) == place]
            if place
            else [sheet.left[0]]
        )
        position, amiss = cell_problems(sheet, named or place, found, corrects=corrects)
        voltage_v, wrong = figure(volts)
        refuse([*amiss, *wrong])
        refuse(_figure_problems(sheet, position, voltage_v, first))
        meter = run.station.instruments.get(role=InstrumentRole.MANUAL)
        said = {
            "voltage_v": voltage_v,
            "meter": meter.serial_number,
            "taken_at": now.isoformat(),
        }
        return record_act(
            run,
            sheet,
            position,
            said,
            kind=TYPED,
            by=by,
            now=now,
            corrects=corrects,
            event="read_by_hand",
            words=f", {voltage_v:.3f} V",
        )


def figure(text: str) -> tuple[float, list[Problem]]:
    """Volts out of what a person typed; NaN with a problem where it is no figure."""
    match = FIGURE.fullmatch(text.strip())
    if match is not None:
        return float(match[1].replace(",", ".")), []
    words = f"“{text.strip()[:20]}” is no figure." if text.strip() else "No figure was typed."
    return float("nan"), [
        Problem("no_figure", words, "Type the volts that the meter shows, like 3.642.", "volts")
    ]


def _way_problems(sheet: Sheet) -> list[Problem]:
    if not sheet.is_led:
        return []
    words = "In this step the bench reads its own meter, and nothing is typed."
    return [Problem("meter_is_led", words, "Put its probes on a cell and scan the cell.")]


def _figure_problems(sheet: Sheet, position: int, voltage_v: float, first: str) -> list[Problem]:
    slips = by_hand.slips(sheet.how, voltage_v)
    if slips:
        return [Problem("implausible", words, about="volts") for words in slips]
    before = figure(first)[0] if first.strip() else None
    asked = by_hand.asks_again(sheet.step, voltage_v, others=sheet.others(position), first_v=before)
    if not asked:
        return []
    return [
        Problem(
            "measure_again",
            f"Cell {position} reads {voltage_v:.3f} V: {asked}.",
            "Measure it once more, probes firmly on the posts, and type what you see.",
            "volts",
        )
    ]
