"""What holds for every plan: a reading outside its window never passes, missing always blocks."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from shop.evidence.values import TakenBack
from shop.packs.findings import Verdict
from shop.packs.rules import findings, is_allowed
from tests.shop.evidence.builders import (
    STOPPED,
    approved,
    balance,
    capacity,
    cell,
    disconnect,
)
from tests.shop.packs.gate import POLICY, ask, bank, blocking, plan

NEEDED = ("capacity", "balance", "disconnect", "approvals")

any_volts = st.one_of(st.none(), st.floats(allow_nan=True, allow_infinity=True))
near_volts = st.floats(3.5, 3.7)
ages = st.timedeltas(timedelta(minutes=-30), timedelta(hours=6))


def passes(voltage_v: float | None, age: timedelta) -> bool:
    """B7 in one line each, written apart from the rule: the reading's own window."""
    if voltage_v is None or not timedelta(0) <= age <= timedelta(minutes=15):
        return False
    low_v = 3.62 if age <= timedelta(minutes=5) else 3.60
    return low_v <= voltage_v <= 3.655


@given(st.one_of(any_volts, near_volts), ages)
def test_a_reading_outside_its_window_never_passes_the_gate(
    voltage_v: float | None, age: timedelta
) -> None:
    spoiled = cell("C-1", approve=False, disconnect=disconnect(voltage_v, age))

    found = findings(plan(("C-1",)), {"C-1": spoiled}, POLICY, STOPPED + timedelta(hours=1))

    judged = next(f for f in found if f.rule == "G4")
    assert (judged.verdict is Verdict.PASS) is passes(voltage_v, age)
    assert judged.blocks is not passes(voltage_v, age)


@given(st.sets(st.sampled_from(NEEDED), min_size=1), st.integers(0, 3))
def test_missing_evidence_always_blocks(missing: set[str], place: int) -> None:
    cells = bank()
    empty: dict[str, Any] = {name: () if name == "approvals" else None for name in missing}
    cells[place] = replace(cells[place], **empty)

    found = ask(cells)

    assert not is_allowed(found)
    assert any(f.cell == cells[place].serial for f in blocking(found))


@given(st.timedeltas(timedelta(hours=-1), timedelta(days=3)))
def test_no_age_beyond_four_hours_passes_without_recheck(age: timedelta) -> None:
    found = ask(bank(), now=STOPPED + age)

    fresh = timedelta(0) <= age <= timedelta(hours=4)
    assert (not blocking(found, "G5")) is fresh


@given(st.lists(st.floats(190.0, 210.0), min_size=2, max_size=16))
def test_the_capacity_spread_decides_whatever_the_order(capacities: list[float]) -> None:
    cells = [cell(f"C-{n}", capacity=capacity(ah)) for n, ah in enumerate(capacities)]

    forward, backward = ask(cells), ask(cells[::-1])

    assert is_allowed(forward) is is_allowed(backward)


@given(st.integers(0, 10), st.integers(0, 4))
def test_a_plan_of_the_wrong_size_never_passes(series: int, parallel: int) -> None:
    found = ask(bank(), series=series, parallel=parallel)

    assert is_allowed(found) is (series * parallel == 4)


@given(st.data())
def test_no_change_of_what_was_approved_keeps_its_approval(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from([f.name for f in fields(balance())]))
    known = cell("C-1")
    value = getattr(balance(), name)

    altered = replace(known, balance=balance(**{name: _other(value)}))

    assert altered.sha256 != known.sha256
    assert altered.approval is None
    assert approved(altered).approval is not None


def _other(value: Any) -> Any:
    """A value of the same kind that is not `value`."""
    match value:
        case bool():
            return not value
        case int():
            return value + 1
        case float():
            return value + 0.001
        case str():
            return f"{value}x"
        case frozenset():
            return value | {9}
        case tuple():
            return value[1:]
        case datetime():
            return value + timedelta(seconds=1)
        case None:  # nobody has taken it back yet
            return TakenBack(STOPPED, 2, "The meter slipped.")
    raise AssertionError(f"no other value than {value!r}")
