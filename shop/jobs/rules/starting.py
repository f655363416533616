"""Why a run may not be started now (F1, F2, F3, F6)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from shop.equipment.states import OUTPUT_WORDS, UNCALIBRATED, OutputState
from shop.jobs.rules.ordering import CellFact, not_claimed, pack_problems
from shop.jobs.states import JobState
from shop.jobs.terms import Terms
from shop.refusals import Problem
from stations.procedures.steps import Program, Wait

WAIT_MAX = timedelta(days=7)


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
                not_claimed(state),
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
