"""What a job may be made of, and who may claim, release or cancel it (F2)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from shop.jobs.states import JOB_WORDS, JobState
from shop.refusals import Problem


@dataclass(frozen=True, slots=True)
class CellFact:
    """A cell as far as a job cares: its type, and whether a run holds it now."""

    serial: str
    cell_type: int
    in_active_run: bool = False
    in_pack: bool = False
    out_of_pack: bool = False  # of which the job is
    open_nonconformances: int = 0


def recipe_problems(version: str, retired: str) -> list[Problem]:
    """`retired` is why the version was retired, "" while it may be chosen."""
    if not retired:
        return []
    words = f"{version} is retired: {retired}"
    return [Problem("recipe_retired", words, "Choose a newer version or another recipe.")]


def new_job_problems(cells: Sequence[CellFact], *, least: int = 2, most: int = 64) -> list[Problem]:
    """Cells of one type, each once, enough of them, none in a pack."""
    found = []
    twice = [serial for serial, n in Counter(c.serial for c in cells).items() if n > 1]
    for serial in twice:
        found.append(
            Problem(
                "cell_twice", f"Cell {serial} was scanned more than once.", "Scan each cell once."
            )
        )
    if not least <= len(cells) <= most:
        one = most == 1
        takes = "This is done to one cell" if one else f"A bank takes {least} to {most} cells"
        fix = "Give each cell a job of its own." if one else "Scan the cells of one bank."
        found.append(Problem("cell_count", f"{takes}, not {len(cells)}.", fix))
    if len({c.cell_type for c in cells}) > 1:
        found.append(
            Problem(
                "mixed_types",
                "The cells are not all of one type.",
                "Give the cells of each type a job of their own.",
            )
        )
    found += pack_problems(cells)
    return found


def whole_pack_problems(on_pack: bool, has_pack: bool) -> list[Problem]:
    """What is done to a pack needs one, and what is done to cells has none."""
    if on_pack == has_pack:
        return []
    if on_pack:
        words, fix = "This is done to an assembled pack.", "Open it on the page of the pack."
    else:
        words, fix = "This is done to loose cells.", "Take the pack apart first."
    return [Problem("whole_pack", words, fix)]


def pack_problems(cells: Sequence[CellFact]) -> list[Problem]:
    """Cells in a pack, or out of the one that the job is done to."""
    found = [
        Problem("cell_in_pack", f"Cell {c.serial} is in a pack.", "Take that pack apart first.")
        for c in cells
        if c.in_pack
    ]
    return found + [
        Problem(
            "out_of_pack",
            f"Cell {c.serial} is no more in the pack of this job.",
            "The pack was taken apart: cancel the job, its cells have jobs of their own.",
        )
        for c in cells
        if c.out_of_pack
    ]


def claim_problems(
    *,
    state: str,
    station: str,
    roles: Collection[str],
    instruments_needed: frozenset[str],
    one_of: frozenset[str] = frozenset(),
    retired: bool = False,
) -> list[Problem]:
    """F2: only an open job can be claimed, at a station that can do it and is not `retired`.

    `one_of`: roles of which one is enough; empty where there is no such choice.
    """
    found = []
    if state != JobState.OPEN:
        found.append(
            Problem(
                "job_not_open",
                f"The job is {JOB_WORDS[state]}, not open.",
                "Choose an open job, or ask its holder to release it.",
            )
        )
    if retired:
        words = f"Station {station} is retired: it takes no jobs."
        found.append(Problem("station_retired", words, "Claim the job at another station."))
    missing = sorted(instruments_needed - set(roles))
    if missing:
        found.append(
            Problem(
                "station_cannot",
                f"Station {station} has no {' and no '.join(missing)}.",
                "Claim the job at a station that has one.",
            )
        )
    if one_of and not one_of & set(roles):
        either = " and no ".join(sorted(one_of))
        found.append(
            Problem(
                "station_cannot",
                f"Station {station} has no {either}, and each cell must be seen.",
                f"Claim the job at a station with a {' or a '.join(sorted(one_of))}.",
            )
        )
    return found


def not_claimed(state: str) -> str:
    return f"The job is {JOB_WORDS[state]}, not claimed."


def release_problems(*, state: str, is_holder: bool, is_supervisor: bool) -> list[Problem]:
    """The holder gives a claim back; a supervisor may take it back."""
    found = []
    if state != JobState.CLAIMED:
        found.append(Problem("job_not_claimed", not_claimed(state), "Nothing to release."))
    elif not (is_holder or is_supervisor):
        found.append(
            Problem(
                "not_the_holder",
                "Somebody else has claimed this job.",
                "Ask them, or a supervisor, to release it.",
            )
        )
    return found


def cancel_problems(*, state: str, is_own: bool, is_supervisor: bool) -> list[Problem]:
    """Its holder, or who opened it, cancels a job, or a supervisor; never one with a run."""
    if state not in (JobState.OPEN, JobState.CLAIMED):
        fix = "Stop its run first." if state == JobState.IN_PROGRESS else "Nothing to cancel."
        return [Problem("job_not_waiting", f"The job is {JOB_WORDS[state]}.", fix)]
    if not (is_own or is_supervisor):
        words = "Somebody else opened this job, or holds it."
        return [Problem("not_the_holder", words, "Ask them, or a supervisor, to cancel it.")]
    return []
