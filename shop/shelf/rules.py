"""Balanced cells that are in no pack yet: how long each is fresh, and when somebody is reminded.

The clock is the gate's own (G5): current stopped, or a passed re-check.  Between the two a cell
waits unlinked, covered and cool (B8).  Pure; times are wall time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from shop.evidence import words
from shop.evidence.policy import GatePolicy
from shop.evidence.rules import voltages
from shop.evidence.rules.approval import open_nonconformances
from shop.evidence.rules.balance import COMPLETE
from shop.evidence.rules.bottom import is_emptied
from shop.evidence.rules.doubts import doubts
from shop.evidence.rules.freshness import Freshness, SinceRecheck, freshness_of
from shop.evidence.values import CellEvidence
from shop.jobs.rules.ordering import CellFact
from shop.refusals import Problem
from stations.values import Window

# B9, [A]: in a pack every cell gets the same ampere-hours, and they stay level at the bottom.
EMPTY = "Empty: charge the pack to 20–50 % within a day of its assembly."


class State(StrEnum):
    FRESH = "fresh"
    DUE = "due"  # soon too old for the gate: place it, or prepare its re-check
    OVERDUE = "overdue"
    ASIDE = "aside"  # something stands against it
    UNKNOWN = "unknown"  # nobody knows since when


@dataclass(frozen=True, slots=True)
class Shelved:
    """One cell on the shelf.  `bank` is the run that its clock counts from, or that balanced it."""

    serial: str
    bank: int
    state: State
    do: str  # what comes next, in words
    since: datetime | None = None
    until: datetime | None = None
    rechecked: bool = False  # the clock counts from a passed re-check

    def left_s(self, now: datetime) -> float:
        """Seconds for which it is still fresh; 0 when it is not."""
        if self.until is None or self.state not in (State.FRESH, State.DUE):
            return 0.0
        return (self.until - now).total_seconds()


def shelved(cell: CellEvidence, policy: GatePolicy, now: datetime) -> Shelved | None:
    """How a cell stands on the shelf; None where it has no complete balance, or has a pack."""
    balance = cell.balance
    if balance is None or balance.completeness != COMPLETE or cell.packed_in:
        return None
    if standing := open_nonconformances(cell):
        return Shelved(
            cell.serial, balance.run_id, State.ASIDE, f"{standing[0]} A supervisor decides."
        )
    if found := doubts(cell, policy.roles_of(balance.method)):
        do = f"{found[0].words} {found[0].fix}"
        return Shelved(cell.serial, balance.run_id, State.ASIDE, do)
    clock = freshness_of(cell, {cell.serial}, policy)
    if cell.run_since is not None:
        do = f"It is or was on a bench again, in run {cell.run_since}: then balance it."
        return Shelved(cell.serial, balance.run_id, State.UNKNOWN, do)
    if clock is None or clock.since > now:
        return Shelved(cell.serial, balance.run_id, State.UNKNOWN, "Balance it again.")
    if isinstance(clock, SinceRecheck) and not _passed(clock):
        do = "Its re-check was not passed. Check every cell of its bank again."
        return Shelved(cell.serial, balance.run_id, State.OVERDUE, do)
    return _timed(cell, clock, balance.run_id, policy, now)


def _charge(cell: CellEvidence, policy: GatePolicy, now: datetime) -> str:
    """What a cell that waits full, or empty, needs; "" for nothing."""
    stopped_at = cell.disconnect.current_stopped_received_at if cell.disconnect else None
    if stopped_at is None:
        return ""
    if is_emptied(cell.balance):
        if now - stopped_at <= policy.bottom.empty_for:
            return f" {EMPTY}"
        return (
            f" Empty for more than {words.span(policy.bottom.empty_for)}: charge it to 20–50 % "
            "now; that ends its balance, so empty it again before a pack."
        )
    if now - stopped_at <= policy.reminders.full_for:
        return ""
    return f" Full for more than {words.span(policy.reminders.full_for)}: take it down to 50 %."


def in_order(cells: Iterable[Shelved]) -> list[Shelved]:
    """By what expires next; then what is over, the latest first; then what has no time."""

    def key(cell: Shelved) -> tuple[bool, bool, float, str]:
        running = cell.state in (State.FRESH, State.DUE)
        stamp = cell.until.timestamp() if cell.until else 0.0
        return not running, cell.until is None, stamp if running else -stamp, cell.serial

    return sorted(cells, key=key)


def _passed(clock: SinceRecheck) -> bool:
    return clock.judged.verdict in (voltages.PASS, voltages.MARGINAL)


def _timed(
    cell: CellEvidence, clock: Freshness, run_id: int, policy: GatePolicy, now: datetime
) -> Shelved:
    rechecked = isinstance(clock, SinceRecheck)
    bank = (clock.reading.run_id or run_id) if rechecked else run_id
    if now > clock.until:
        state, do = State.OVERDUE, "Check every cell of its bank again."
    elif now >= clock.until - policy.reminders.before_end:
        state, do = State.DUE, "Place it now, or check every cell of its bank again."
    else:
        state, do = State.FRESH, "It may go into a pack."
    do += _charge(cell, policy, now)
    return Shelved(cell.serial, bank, state, do, clock.since, clock.until, rechecked)


class Reminder(StrEnum):
    """What a supervisor is told of a bank that nobody has placed."""

    STOPPED = "STOPPED"
    WAITING = "WAITING"
    RECHECK_DUE = "RECHECK_DUE"
    WATCH_DUE = "WATCH_DUE"


@dataclass(frozen=True, slots=True)
class Group:
    """Cells that share a clock and wait on the shelf."""

    run_id: int
    since: datetime
    until: datetime
    cells: int
    rechecked: bool = False


@dataclass(frozen=True, slots=True)
class Due:
    """One reminder of one group that is due."""

    run_id: int
    kind: Reminder
    due_at: datetime
    words: str


def groups(cells: Iterable[Shelved]) -> list[Group]:
    """The cells that have a clock, by the run that it counts from; the oldest cell decides."""
    found: dict[int, Group] = {}
    for cell in cells:
        if cell.since is None or cell.until is None:
            continue
        group = found.get(cell.bank, Group(cell.bank, cell.since, cell.until, 0, cell.rechecked))
        found[cell.bank] = replace(
            group,
            since=min(group.since, cell.since),
            until=min(group.until, cell.until),
            cells=group.cells + 1,
        )
    return [found[run_id] for run_id in sorted(found)]


def schedule(group: Group, policy: GatePolicy) -> list[tuple[Reminder, datetime]]:
    """When a group is spoken of: at current stopped, some hours later, before it is too old.

    After a re-check nothing has stopped; a time that the policy's window leaves no room for is
    left out.
    """
    last = group.until - policy.reminders.before_end
    early = group.since + policy.reminders.early
    times = [] if group.rechecked else [(Reminder.STOPPED, group.since)]
    if group.since < early < last:
        times.append((Reminder.WAITING, early))
    if group.since < last:
        times.append((Reminder.RECHECK_DUE, last))
    return times


def due(waiting: Sequence[Group], policy: GatePolicy, now: datetime) -> list[Due]:
    """Every reminder whose time has come, in the order of their times.

    A group that has been full for longer than cells should be is history here: whoever starts
    the service on old data is not flooded.
    """
    found = [
        Due(group.run_id, kind, at, _words(group, kind))
        for group in waiting
        if now - group.since <= policy.reminders.full_for
        for kind, at in schedule(group, policy)
        if at <= now
    ]
    return sorted(found, key=lambda one: (one.due_at, one.run_id))


WORDS: Mapping[Reminder, str] = {
    Reminder.STOPPED: "Current stopped in {cells}: place them before {until}, or check them again.",
    Reminder.WAITING: "{cells} still wait for a pack; fresh until {until}.",
    Reminder.RECHECK_DUE: (
        "{cells} are due for a re-check: place them before {until}, or check them."
    ),
    Reminder.WATCH_DUE: (
        "{cells} are due for their second self-discharge check, before {until}: see job {job}."
    ),
}


def cells_of(run_id: int, cells: int) -> str:
    return f"{cells} cell{'s' if cells > 1 else ''} of run {run_id}"


def _words(group: Group, kind: Reminder) -> str:
    until = f"{group.until:%H:%M} UTC"
    return WORDS[kind].format(cells=cells_of(group.run_id, group.cells), until=until)


SHELF_MAX = 40  # letters of its name
PLACED_MAX = 500  # cells at once
SHELF_C = Window(-20.0, 60.0)  # what a thermometer in a room shows; else it was mistyped
NOT_PLACED = "No shelf on record: say where it lies, unlinked and covered."


@dataclass(frozen=True, slots=True)
class Place:
    """Where a cell lies; `temperature_c` None where nobody read it."""

    shelf: str
    at: datetime
    temperature_c: float | None = None


def too_warm(temperature_c: float | None, most_c: float) -> str:
    """Advice where a shelf is warmer than `most_c`; "" where it is not, or nobody knows."""
    if temperature_c is None or temperature_c <= most_c:
        return ""
    return (
        f"{temperature_c:g} °C is warmer than {most_c:g} °C, where full cells age faster: find a "
        "cooler shelf."
    )


def place_problems(
    shelf: str,
    *,
    cells: Sequence[str],
    unlinked: bool,
    covered: bool,
    temperature_c: float | None,
) -> list[Problem]:
    """Why cells of these serials are not recorded as lying there; NaN is no temperature."""
    found = []
    if not 0 < len(cells) <= PLACED_MAX:
        words = "No cell was scanned." if not cells else f"{len(cells)} cells are too many at once."
        fix = f"Scan the cells that lie on the shelf, at most {PLACED_MAX}."
        found.append(Problem("cells", words, fix, about="cells"))
    twice = [serial for serial, times in Counter(cells).items() if times > 1]
    found += [
        Problem("serial_twice", f"Cell {serial} is given twice.", "Scan each once.", about="cells")
        for serial in twice[:PLACED_MAX]
    ]
    if not 0 < len(shelf) <= SHELF_MAX or not shelf.isprintable():
        fix = f"Write a name on the shelf and type it, in at most {SHELF_MAX} letters."
        found.append(Problem("shelf", "The shelf is not named.", fix, about="shelf"))
    if not unlinked:
        fix = "Take every link off, so that each cell stands alone, then tick it."
        words = "Nobody said that the cells are unlinked."
        found.append(Problem("not_unlinked", words, fix, about="unlinked"))
    if not covered:
        fix = "Put a cover on the posts of each cell, then tick it."
        words = "Nobody said that the cells are covered."
        found.append(Problem("not_covered", words, fix, about="covered"))
    if temperature_c is not None and not SHELF_C.contains(temperature_c):
        words = "That is no temperature of a shelf."
        fix = f"Type degrees Celsius, {SHELF_C.low:g} … {SHELF_C.high:g}, or leave it empty."
        found.append(Problem("shelf_temperature", words, fix, about="temperature_c"))
    return found


def elsewhere_problems(cells: Iterable[CellFact]) -> list[Problem]:
    """Cells that lie on no shelf, for a run or a pack has them."""
    found = []
    for cell in cells:
        if cell.in_active_run:
            words = f"Cell {cell.serial} is in a run."
            fix = "Say where it lies once the run is over."
            found.append(Problem("in_a_run", words, fix, about="cells"))
        elif cell.in_pack:
            words = f"Cell {cell.serial} is in a pack."
            fix = "Scan loose cells; a pack stands where it is built."
            found.append(Problem("in_a_pack", words, fix, about="cells"))
    return found
