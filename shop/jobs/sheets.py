"""What a person reads cell by cell in the present step of a run, and how far they are (B7, B8).

They type what a hand-held meter shows, or lead the bench's own from cell to cell and scan each:
then the bench tells what it read.  Either way each is an act of that person.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shop.jobs.models import JobEvent, PersonAct, Run
from shop.jobs.rules import acting
from shop.people.models import User
from shop.refusals import Problem, refuse
from stations.plain import from_plain
from stations.procedures import by_hand
from stations.procedures.steps import ByHand, Measure

TYPED, SCANNED = "reading", "scan"  # kinds of acts
READ, UNREAD = "bench_read", "bench_unread"  # what the bench tells of a scan


@dataclass(frozen=True, slots=True)
class Figure:
    """What a cell reads, as it stands now; `at` is wall time."""

    position: int
    voltage_v: float
    at: datetime


@dataclass(frozen=True, slots=True)
class Sheet:
    """What is read one by one in the present step of a run, in order, and what is left to read.

    Of a meter that is led: the position whose reading is waited for, and why the last scan came
    to none.
    """

    step: Measure
    how: ByHand
    serials: Mapping[int, str]  # by position
    read: tuple[Figure, ...]
    left: tuple[int, ...]
    settling: int = 0
    unread: str = ""

    @property
    def is_led(self) -> bool:
        """The bench reads its own meter, and nobody types."""
        return self.how.led is not None

    @property
    def is_second(self) -> bool:
        """Only the first cell is left, to be read once more."""
        return len(self.left) == 1 and any(one.position == self.left[0] for one in self.read)

    @property
    def last(self) -> Figure | None:
        return max(self.read, key=lambda one: one.at, default=None)

    def others(self, position: int) -> list[float]:
        return [one.voltage_v for one in self.read if one.position != position]


def sheet_of(run: Run) -> Sheet | None:
    """None where the run is in no step that a person reads."""
    steps, index = (run.program or {}).get("steps", []), (run.step or {}).get("index", -1)
    plain = steps[index] if 0 <= index < len(steps) else {}
    if not plain.get("by_hand") or not acting.takes_acts(run.state):
        return None
    step = from_plain(Measure, plain)
    assert step.by_hand is not None  # noqa: S101  the stored step has one
    kind = TYPED if step.by_hand.led is None else SCANNED
    acts = [act for act in run.acts.all() if act.kind == kind and _is_of(act, run, step)]
    acts.sort(key=lambda act: act.pk)
    told = _told(run, acts) if kind == SCANNED else []
    read = _standing(_figures(told) if kind == SCANNED else map(_typed, acts))
    cells = {row.position: row.cell.serial for row in run.run_cells.all()}
    settling, unread = _newest(acts, told)
    return Sheet(
        step,
        step.by_hand,
        cells,
        tuple(read),
        by_hand.left(step, len(cells), [one.position for one in read]),
        settling,
        unread,
    )


def opened(run: Run) -> tuple[Run, Sheet]:
    """The run, locked until the transaction's end, with its sheet.

    Raises Refusal where nothing can be read now, typed or scanned.
    """
    Run.objects.select_for_update().get(pk=run.pk)
    run = Run.objects.get(pk=run.pk)
    sheet = sheet_of(run)
    refuse(_step_problems(run, sheet))
    assert sheet is not None  # noqa: S101  refused above
    return run, sheet


def record_act(
    run: Run,
    sheet: Sheet,
    position: int,
    said: Mapping[str, Any],
    *,
    kind: str,
    by: User,
    now: datetime,
    corrects: bool,
    event: str,
    words: str = "",
) -> PersonAct:
    """What `by` did at the cell, on its way to the bench, and told among the job's events."""
    data = {"step": sheet.step.name, "attempt": run.attempt, "cell": position, **said}
    if corrects:
        data["corrects"] = True
    act = PersonAct.objects.create(run=run, kind=kind, data=data, by=by, at=now)
    told = {"words": f"cell {position} {sheet.serials[position]}{words}"}
    JobEvent.objects.create(job_id=run.job_id, run=run, kind=event, by=by, at=now, data=told)
    return act


def _step_problems(run: Run, sheet: Sheet | None) -> list[Problem]:
    """Why nothing can be read now, typed or scanned."""
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


def cell_problems(
    sheet: Sheet, named: str, found: list[int], *, corrects: bool
) -> tuple[int, list[Problem]]:
    """The one position that was `found` for what a person `named`; else why it is not read now."""
    if len(found) > 1:
        words = f"“{named[:40]}” names the cells at {' and '.join(map(str, found))}."
        return 0, [Problem("ambiguous_cell", words, "Read them in the order that is shown.")]
    position = found[0] if found else 0
    if position not in sheet.serials:
        words = f"Cell {named[:40]} is not in this run."
        fix = (
            "Scan a cell of this table."
            if sheet.is_led
            else ("Scan a cell of this table, or type its place.")
        )
        return 0, [Problem("other_cell", words, fix)]
    words = f"Cell {position} ({sheet.serials[position]})"
    standing = next((one.voltage_v for one in sheet.read if one.position == position), None)
    if corrects and standing is None:
        return position, [Problem("not_read_yet", f"{words} was not read yet.", "Just read it.")]
    if corrects or position in sheet.left:
        return position, []
    if standing is None:
        words = f"{words} is not measured in this step."
        return position, [Problem("other_cell", words, f"Measure cell {sheet.left[0]}.")]
    return position, [
        Problem(
            "read_already",
            f"{words} was read already: {standing:.3f} V.",
            f"Next is cell {sheet.left[0]}; to put a slip right, say that it is a correction.",
        )
    ]


def positions_of(run: Run, cell: str, *, by_place: bool) -> list[int]:
    """The positions that a serial, a maker's code or, `by_place`, a position names: one, or a
    slip."""
    return [
        row.position
        for row in run.run_cells.select_related("cell").order_by("position")
        if cell in (row.cell.serial, row.cell.maker_code)
        or (by_place and cell == str(row.position))
    ]


def _is_of(act: PersonAct, run: Run, step: Measure) -> bool:
    return act.data.get("step") == step.name and act.holds_in(run.attempt)


def _typed(act: PersonAct) -> tuple[Figure, bool]:
    figure = Figure(int(act.data["cell"]), float(act.data["voltage_v"]), act.at)
    return figure, bool(act.data.get("corrects"))


def _told(run: Run, acts: list[PersonAct]) -> list[tuple[PersonAct, JobEvent]]:
    """What the bench told of these scans, in its order."""
    known = {str(act.pk): act for act in acts}
    events = JobEvent.objects.filter(run=run, kind__in=(READ, UNREAD)).order_by("pk")
    return [
        (known[act], event)
        for event in (events if known else ())
        if (act := str(event.data.get("act"))) in known
    ]


def _figures(told: list[tuple[PersonAct, JobEvent]]) -> Iterable[tuple[Figure, bool]]:
    for act, event in told:
        if event.kind == READ:
            at = datetime.fromisoformat(event.data["received_at"])
            figure = Figure(int(event.data["cell"]), float(event.data["voltage_v"]), at)
            yield figure, bool(act.data.get("corrects"))


def _standing(figures: Iterable[tuple[Figure, bool]]) -> list[Figure]:
    """In the order of reading; a correction stands where it was made, in place of the first."""
    read: list[Figure] = []
    for figure, corrects in figures:
        if corrects:
            read = [one for one in read if one.position != figure.position]
        read.append(figure)
    return read


def _newest(acts: list[PersonAct], told: list[tuple[PersonAct, JobEvent]]) -> tuple[int, str]:
    """The position of the last scan while the bench has told nothing of it, or why it came to no
    reading."""
    if not acts or acts[-1].kind != SCANNED:
        return 0, ""
    answers = [event for act, event in told if act.pk == acts[-1].pk]
    if not answers:
        return int(acts[-1].data["cell"]), ""
    words = str(answers[-1].data.get("words", "")) if answers[-1].kind == UNREAD else ""
    return 0, words
