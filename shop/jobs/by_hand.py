"""A person reads cells with a hand-held meter and types what it shows (B7, B8, G6).

Each figure is an act of that person: it goes the way of a confirmation to the bench's journal,
where the program takes it in.  A refusal has written nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from shop.equipment.states import InstrumentRole
from shop.jobs.models import JobEvent, PersonAct, Run
from shop.jobs.rules import acting
from shop.people.models import User
from shop.people.roles import Act, require
from shop.refusals import Problem, refuse
from stations.plain import from_plain
from stations.procedures import by_hand
from stations.procedures.steps import ByHand, Measure

KIND = "reading"
FIGURE = re.compile(r"([+-]?[0-9]{1,6}(?:[.,][0-9]{0,6})?)\s*[vV]?")


@dataclass(frozen=True, slots=True)
class Figure:
    """What a cell reads, as it stands now."""

    position: int
    voltage_v: float


@dataclass(frozen=True, slots=True)
class Sheet:
    """What is read by hand in the present step of a run, in order, and what is left to read."""

    step: Measure
    how: ByHand
    serials: Mapping[int, str]  # by position
    read: tuple[Figure, ...]
    left: tuple[int, ...]

    @property
    def is_second(self) -> bool:
        """Only the first cell is left, to be read once more."""
        return len(self.left) == 1 and any(one.position == self.left[0] for one in self.read)

    def others(self, position: int) -> list[float]:
        return [one.voltage_v for one in self.read if one.position != position]


def sheet_of(run: Run) -> Sheet | None:
    """None where the run is in no step that a person reads."""
    steps, index = (run.program or {}).get("steps", []), (run.step or {}).get("index", -1)
    plain = steps[index] if 0 <= index < len(steps) else {}
    if not plain.get("by_hand") or not acting.takes_acts(run.state):
        return None
    step = from_plain(Measure, plain)
    read = _standing(act for act in run.acts.all() if _is_of(act, run, step))
    cells = {row.position: row.cell.serial for row in run.run_cells.all()}
    left = by_hand.left(step, len(cells), [one.position for one in read])
    assert step.by_hand is not None  # noqa: S101  the stored step has one
    return Sheet(step, step.by_hand, cells, tuple(read), left)


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
        Run.objects.select_for_update().get(pk=run.pk)
        run = Run.objects.get(pk=run.pk)
        sheet = sheet_of(run)
        refuse(_step_problems(run, sheet))
        assert sheet is not None  # noqa: S101  refused above
        position, found = _position(run, sheet, cell.strip(), place, corrects=corrects)
        voltage_v, wrong = figure(volts)
        refuse([*found, *wrong])
        refuse(_figure_problems(sheet, position, voltage_v, first))
        meter = run.station.instruments.get(role=InstrumentRole.MANUAL)
        data = {
            "step": sheet.step.name,
            "attempt": run.attempt,
            "cell": position,
            "voltage_v": voltage_v,
            "meter": meter.serial_number,
            "taken_at": now.isoformat(),
        }
        if corrects:
            data["corrects"] = True
        act = PersonAct.objects.create(run=run, kind=KIND, data=data, by=by, at=now)
        told = {"words": f"cell {position} {sheet.serials[position]}, {voltage_v:.3f} V"}
        JobEvent.objects.create(
            job_id=run.job_id, run=run, kind="read_by_hand", by=by, at=now, data=told
        )
    return act


def figure(text: str) -> tuple[float, list[Problem]]:
    """Volts out of what a person typed; NaN with a problem where it is no figure."""
    match = FIGURE.fullmatch(text.strip())
    if match is not None:
        return float(match[1].replace(",", ".")), []
    words = f"“{text.strip()[:20]}” is no figure." if text.strip() else "No figure was typed."
    return float("nan"), [
        Problem("no_figure", words, "Type the volts that the meter shows, like 3.642.", "volts")
    ]


def _is_of(act: PersonAct, run: Run, step: Measure) -> bool:
    mine = act.kind == KIND and act.data.get("step") == step.name
    return mine and act.holds_in(run.attempt)


def _standing(acts: Iterable[PersonAct]) -> list[Figure]:
    """In the order of reading; a correction stands where it was made, in place of the first."""
    read: list[Figure] = []
    for act in sorted(acts, key=lambda act: act.pk):
        position = int(act.data["cell"])
        if act.data.get("corrects"):
            read = [one for one in read if one.position != position]
        read.append(Figure(position, float(act.data["voltage_v"])))
    return read


def _step_problems(run: Run, sheet: Sheet | None) -> list[Problem]:
    if sheet is not None and sheet.left:
        return []
    if sheet is not None:
        return [Problem("all_read", "Every cell of this step was read.", "Nothing is left to do.")]
    if not acting.takes_acts(run.state):
        return [Problem("run_not_running", acting.not_running(run.state), "Start anew.")]
    return [
        Problem(
            "step_not_now",
            "No cell is read by hand now: the bench is in another step.",
            "A figure that comes too late does not count; look at the run's page.",
        )
    ]


def _position(
    run: Run, sheet: Sheet, cell: str, place: str, *, corrects: bool
) -> tuple[int, list[Problem]]:
    found = _found(run, cell) if cell else _at(sheet, place) if place else [sheet.left[0]]
    if len(found) > 1:
        words = f"“{cell[:40]}” names the cells at {' and '.join(map(str, found))}."
        return 0, [Problem("ambiguous_cell", words, "Read them in the order that is shown.")]
    position = found[0] if found else 0
    if position not in sheet.serials:
        words = f"Cell {(cell or place)[:40]} is not in this run."
        return 0, [Problem("other_cell", words, "Scan a cell of this table, or type its place.")]
    named = f"Cell {position} ({sheet.serials[position]})"
    is_read = any(one.position == position for one in sheet.read)
    if corrects and not is_read:
        return position, [Problem("not_read_yet", f"{named} was not read yet.", "Just read it.")]
    if corrects or position in sheet.left:
        return position, []
    standing = next((one.voltage_v for one in sheet.read if one.position == position), None)
    if standing is None:
        words = f"{named} is not measured in this step."
        return position, [Problem("other_cell", words, f"Measure cell {sheet.left[0]}.")]
    return position, [
        Problem(
            "read_already",
            f"{named} was read already: {standing:.3f} V.",
            f"Next is cell {sheet.left[0]}; to put a slip right, say that it is a correction.",
        )
    ]


def _found(run: Run, cell: str) -> list[int]:
    """The positions that a serial, a maker's code or a position itself names: one, or a slip."""
    return [
        row.position
        for row in run.run_cells.select_related("cell").order_by("position")
        if cell in (row.cell.serial, row.cell.maker_code, str(row.position))
    ]


def _at(sheet: Sheet, place: str) -> list[int]:
    return [position for position in sheet.serials if str(position) == place]


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
