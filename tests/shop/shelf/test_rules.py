"""The shelf, pure: how a cell stands, what expires next, what is due when (B8, G5)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shop.evidence.policy import GatePolicy
from shop.evidence.values import NonconformanceEvidence
from shop.jobs.policies import Policy
from shop.shelf.rules import Reminder, Shelved, State, due, groups, in_order, schedule, shelved
from tests.shop.evidence.builders import NOW, STOPPED, balance, cell, disconnect, recheck

POLICY = GatePolicy.of(Policy())
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
VOLTS: dict[str, float | None] = {"C-1": 3.402, "C-2": 3.400, "C-3": 3.398}


def at(hours: float, **changes: Any) -> Shelved:
    found = shelved(cell("C-1", **changes), POLICY, STOPPED + timedelta(hours=hours))
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("hours", "state", "left_min"),
    [
        (0.0, State.FRESH, 240),
        (3.2, State.FRESH, 48),
        (3.5, State.DUE, 30),
        (4.0, State.DUE, 0),
        (4.01, State.OVERDUE, 0),
    ],
)
def test_is_fresh_then_due_then_overdue(hours: float, state: State, left_min: int) -> None:
    found = at(hours)

    assert found.state is state
    assert found.left_s(STOPPED + timedelta(hours=hours)) == pytest.approx(60 * left_min)
    assert found.do


@pytest.mark.parametrize(
    ("hours", "volts", "state"),
    [
        (9.0, VOLTS, State.FRESH),
        (12.0, VOLTS, State.DUE),
        (12.6, VOLTS, State.OVERDUE),
        (9.0, VOLTS | {"C-1": 3.35, "C-2": 3.45}, State.FRESH),  # a warning passes
        (9.0, VOLTS | {"C-1": 3.30}, State.OVERDUE),
        (9.0, {"C-1": 3.402}, State.OVERDUE),  # alone: not whole
    ],
)
def test_a_passed_recheck_starts_the_clock_again(
    hours: float, volts: dict[str, float | None], state: State
) -> None:
    checked = recheck(volts, "C-1", at=STOPPED + 8.5 * HOUR, run_id=12)

    found = at(hours, recheck=checked)

    assert found.state is state
    assert found.rechecked is (found.since is not None)
    assert found.bank == (12 if found.rechecked else 11)


def test_what_stands_against_a_cell_or_no_clock_puts_it_last() -> None:
    note = NonconformanceEvidence(1, "RECHECK_LOW", "It was low.", STOPPED)

    assert at(1.0, nonconformances=(note,)).state is State.ASIDE
    assert at(1.0, disconnect=None).state is State.UNKNOWN
    assert at(1.0, disconnect=disconnect(run_id=10)).state is State.UNKNOWN
    assert at(1.0, run_since=12).state is State.UNKNOWN
    assert at(-1.0).state is State.UNKNOWN


def test_a_placed_or_partly_balanced_cell_is_not_on_the_shelf() -> None:
    partial = balance(completeness="PARTIAL")

    for away in (cell(packed_in="P-1"), cell(balance=partial), cell(balance=None)):
        assert shelved(away, POLICY, NOW) is None


def test_a_week_at_full_is_advised_against() -> None:
    assert "take it down to 50 %" in at(7 * 24 + 1).do
    assert "50 %" not in at(6 * 24).do


def test_what_expires_next_comes_first_and_what_is_over_after_it() -> None:
    def one(serial: str, state: State, hours: float | None) -> Shelved:
        until = None if hours is None else NOW + hours * HOUR
        return Shelved(serial, 1, state, "", until and until - 4 * HOUR, until)

    cells = [
        one("aside", State.ASIDE, None),
        one("long over", State.OVERDUE, -9.0),
        one("fresh", State.FRESH, 3.0),
        one("just over", State.OVERDUE, -1.0),
        one("due", State.DUE, 0.2),
    ]

    assert [found.serial for found in in_order(cells)] == [
        "due",
        "fresh",
        "just over",
        "long over",
        "aside",
    ]


def bank_at(hours: float, **changes: Any) -> list[Shelved]:
    now = STOPPED + timedelta(hours=hours)
    cells = [cell(f"C-{n}", **changes) for n in (1, 2, 3)]
    return [found for c in cells if (found := shelved(c, POLICY, now)) is not None]


@pytest.mark.parametrize(
    ("hours", "kinds"),
    [
        (0.0, [Reminder.STOPPED]),
        (1.99, [Reminder.STOPPED]),
        (2.0, [Reminder.STOPPED, Reminder.WAITING]),
        (3.49, [Reminder.STOPPED, Reminder.WAITING]),
        (3.5, [Reminder.STOPPED, Reminder.WAITING, Reminder.RECHECK_DUE]),
        (30.0, [Reminder.STOPPED, Reminder.WAITING, Reminder.RECHECK_DUE]),
        (7 * 24 + 0.1, []),
    ],
)
def test_supervisors_are_reminded_at_the_stop_and_after_2_and_3_and_a_half_hours(
    hours: float, kinds: list[Reminder]
) -> None:
    found = due(groups(bank_at(hours)), POLICY, STOPPED + timedelta(hours=hours))

    assert [one.kind for one in found] == kinds
    assert {one.run_id for one in found} <= {11}
    assert all("3 cells of run 11" in one.words for one in found)


def test_after_a_recheck_nothing_has_stopped() -> None:
    first = STOPPED + 8 * HOUR
    cells = [cell(name, recheck=recheck(VOLTS, name, at=first, run_id=12)) for name in VOLTS]
    waiting = groups(found for c in cells if (found := shelved(c, POLICY, first + MINUTE)))

    assert schedule(waiting[0], POLICY) == [
        (Reminder.WAITING, first + 2 * HOUR),
        (Reminder.RECHECK_DUE, first + 3.5 * HOUR),
    ]


def test_a_short_window_leaves_out_what_has_no_room() -> None:
    short = GatePolicy.of(Policy(fresh_s=3600.0))
    group = groups([Shelved("C-1", 11, State.FRESH, "", STOPPED, STOPPED + HOUR)])[0]

    assert schedule(group, short) == [
        (Reminder.STOPPED, STOPPED),
        (Reminder.RECHECK_DUE, STOPPED + HOUR / 2),
    ]


@given(st.timedeltas(timedelta(0), timedelta(days=6)), st.timedeltas(timedelta(0), timedelta(1)))
def test_what_is_due_stays_due_and_is_never_early(age: timedelta, more: timedelta) -> None:
    waiting = groups(bank_at(0.0))

    now, later = STOPPED + age, STOPPED + min(age + more, timedelta(days=7))
    first, second = due(waiting, POLICY, now), due(waiting, POLICY, later)

    assert all(one.due_at <= now for one in first)
    assert set(first) <= set(second)
