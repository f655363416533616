"""Pure rules of jobs: what stands in the way of an act, in words; empty means go.

No Django, no clock: values come in, problems come out, so that a refusal is shown in full.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from shop.equipment.states import OUTPUT_WORDS, UNCALIBRATED, OutputState
from shop.jobs.states import JOB_WORDS, RUN_WORDS, JobState, RunState
from shop.jobs.terms import Terms
from shop.refusals import Problem
from stations.procedures.steps import Program, Wait


@dataclass(frozen=True, slots=True)
class CellFact:
    """A cell as far as a job cares: its type, and whether a run holds it now."""

    serial: str
    cell_type: int
    in_active_run: bool = False
    in_pack: bool = False
    out_of_pack: bool = False  # of which the job is
    open_nonconformances: int = 0


@dataclass(frozen=True, slots=True)
class InstrumentFact:
    """An instrument as far as a start cares: valid now until `calibrated_until`, or None."""

    role: str
    serial_number: str
    calibrated_until: datetime | None


@dataclass(frozen=True, slots=True)
class StationFact:
    slug: str
    output_state: str
    has_active_run: bool
    heartbeat_age: timedelta | None
    alarm: str
    instruments: tuple[InstrumentFact, ...] = ()


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
) -> list[Problem]:
    """F2: only an open job can be claimed, at a station that can do it.

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


def _not_claimed(state: str) -> str:
    return f"The job is {JOB_WORDS[state]}, not claimed."


def release_problems(*, state: str, is_holder: bool, is_supervisor: bool) -> list[Problem]:
    """The holder gives a claim back; a supervisor may take it back."""
    found = []
    if state != JobState.CLAIMED:
        found.append(Problem("job_not_claimed", _not_claimed(state), "Nothing to release."))
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


def start_problems(
    *,
    state: str,
    is_holder: bool,
    station: StationFact | None,
    cells: Sequence[CellFact],
    has_policy: bool,
    lasts: timedelta,
    now: datetime,
) -> list[Problem]:
    """Everything that stands in the way of a start, all at once (F1-F3, G7).

    `lasts` is how long the run may take.
    """
    if state != JobState.CLAIMED:
        return [
            Problem(
                "job_not_claimed",
                _not_claimed(state),
                "Claim it at your station first."
                if state == JobState.OPEN
                else "Look at its runs to see how it stands.",
            )
        ]
    found = []
    if not is_holder:
        found.append(
            Problem(
                "not_the_holder",
                "Somebody else has claimed this job.",
                "Only the person who claimed it can start it.",
            )
        )
    if not has_policy:
        found.append(
            Problem("no_policy", "No policy is in force.", "A supervisor must store one first.")
        )
    found += [
        Problem(
            "cell_busy",
            f"Cell {c.serial} is in another run.",
            "Wait for that run, or take the cell out of this job.",
        )
        for c in cells
        if c.in_active_run
    ]
    found += pack_problems(cells)
    if station is not None:
        found += station_problems(station, lasts, now)
    return found


WAIT_MAX = timedelta(days=7)


def waiting_problems(terms: Terms, *, now: datetime) -> list[Problem]:
    """F6: a moment that has passed, or lies so far off that it was mistyped."""
    if terms.not_before is None:
        return []
    if terms.not_before < now - timedelta(minutes=1):
        words = (
            f"{terms.not_before:%Y-%m-%d %H:%M} UTC has passed: it would have had to begin then."
        )
        return [Problem("too_late", words, "Start it now, or name a later time.")]
    if terms.waits(now) > WAIT_MAX:
        words = f"{terms.not_before:%Y-%m-%d %H:%M} UTC is more than {WAIT_MAX.days} days away."
        return [Problem("too_early", words, "Start it later: station and cells would be held.")]
    return []


def nothing_waits_problems(terms: Terms, program: Program) -> list[Problem]:
    """F6: alone it is the first output that waits, and this program has none."""
    if not terms.not_before or any(isinstance(step, Wait) for step in program.steps):
        return []
    words = "No output ever goes on in this job, so nothing of it can wait for a moment alone."
    return [Problem("nothing_waits", words, "Start it when somebody is there for it.")]


def station_problems(station: StationFact, lasts: timedelta, now: datetime) -> list[Problem]:
    """A station that may not be driven now: busy, output not proven off, calibration that lapsed
    or would lapse before the run is over."""
    found = []
    if station.has_active_run:
        found.append(
            Problem(
                "station_busy",
                f"Station {station.slug} is running another job.",
                "Wait until it is over.",
            )
        )
    elif station.output_state != OutputState.OFF:
        found.append(
            Problem(
                "output_not_off",
                f"The output of station {station.slug} is not proven off: "
                f"{OUTPUT_WORDS[station.output_state]}.",
                station.alarm or "Check that the station's guardian and uplink run.",
            )
        )
    found += [
        Problem(code, f"{words}.", "Record a valid certificate or use another station.")
        for instrument in station.instruments
        if instrument.role not in UNCALIBRATED
        for code, words in _calibration_problems(instrument, lasts, now)
    ]
    return found


def _calibration_problems(
    instrument: InstrumentFact, lasts: timedelta, now: datetime
) -> Iterator[tuple[str, str]]:
    """(code, words) of what is wrong with the certificate of one instrument."""
    name, until = f"{instrument.role} {instrument.serial_number}", instrument.calibrated_until
    if until is None:
        yield "calibration_lapsed", f"Calibration of {name}: is not calibrated"
    elif until <= now:
        yield "calibration_lapsed", f"Calibration of {name}: lapsed on {until:%Y-%m-%d}"
    elif until < now + lasts:
        yield (
            "calibration_ends",
            f"The calibration of {name} is valid until {until:%Y-%m-%d %H:%M} UTC, the run may "
            f"last until {now + lasts:%Y-%m-%d %H:%M} UTC",
        )


def takes_acts(state: str) -> bool:
    """Whether a person's act can still reach the bench of a run in this state."""
    return state in (RunState.PREFLIGHT, RunState.RUNNING, RunState.SAFE_HOLD)


def not_running(state: str) -> str:
    """Why no act reaches the bench, in words."""
    return f"The run is not running: {RUN_WORDS[state]}."


def lost_problems(
    *, state: str, is_held: bool, silent_for: timedelta, silent_least: timedelta, goes_on: bool
) -> list[Problem]:
    """Why a run may not be given up: its bench must be lost, and nothing else must end it.

    `goes_on`: its readings are stored and the output is proven off.
    """
    if state != RunState.INTERRUPTED:
        words = f"The run is not interrupted: {RUN_WORDS[state]}."
        return [Problem("run_not_lost", words, "Press STOP, or wait until its lease has lapsed.")]
    found = []
    if goes_on:
        words = "The output is proven off and every reading is stored: the run ends by itself."
        found.append(Problem("run_goes_on", words, "Press STOP if it should not go on."))
    if is_held:
        words = "Somebody still holds the lease on this station."
        found.append(Problem("lease_held", words, "Wait until it has lapsed."))
    if silent_for < silent_least:
        words = f"The bench was heard of {_minutes(silent_for)} min ago."
        fix = (
            f"A bench counts as lost after {_minutes(silent_least)} min; bring it back if you can."
        )
        found.append(Problem("bench_heard", words, fix))
    return found


def _minutes(length: timedelta) -> int:
    return int(length.total_seconds() // 60)


def confirm_problems(
    *,
    state: str,
    step: str,
    steps: Sequence[Mapping[str, Any]],
    index: int,
    answer: float | None = None,
) -> list[Problem]:
    """A confirmation needs a running run, and its present instruction or an announceable one.

    Whoever confirms a wait ends it.  `steps` are the program's as stored, `index` the present one.
    Where it asks for a number the `answer` must lie within what it allows.
    """
    if not takes_acts(state):
        return [Problem("run_not_running", not_running(state), "Nothing to confirm.")]
    may_confirm = [
        s["name"]
        for i, s in enumerate(steps)
        if (i == index and s.get("type") in ("Instruct", "Wait"))
        or (i == index + 1 and s.get("type") == "Instruct" and s.get("announceable"))
    ]
    if step in may_confirm:
        return _answer_problems(next(s for s in steps if s["name"] == step), answer)
    known = any(s["name"] == step for s in steps)
    return [
        Problem(
            "step_not_now" if known else "unknown_step",
            f"Step {step!r} cannot be confirmed now."
            if known
            else f"The program has no step {step!r}.",
            f"What can be confirmed now: {', '.join(may_confirm) or 'nothing'}.",
        )
    ]


def _answer_problems(step: Mapping[str, Any], answer: float | None) -> list[Problem]:
    asked = step.get("asks")
    if asked is None:
        return []
    low, high = asked["allowed"]["low"], asked["allowed"]["high"]
    if answer is not None and low <= answer <= high:
        return []
    said = "nothing was typed" if answer is None else f"{answer:g} was typed"
    return [Problem("wrong_answer", f"{asked['label']}: {said}.", asked["wrong"])]
