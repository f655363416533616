"""B2, M5: complete at the tail or essentially, partial above the limit, short of CV, or cut."""

from __future__ import annotations

from math import nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shop.evidence.rules.balance import COMPLETE, ESSENTIALLY, PARTIAL, balance_of, completeness
from tests.shop.packs.factories import charge


@pytest.mark.parametrize(
    ("held", "tail_a", "cv_s", "expected"),
    [
        (True, 1.0, 1800.0, (COMPLETE, "")),
        (True, 1.01, 1800.0, (COMPLETE, ESSENTIALLY)),
        (True, 2.0, 1800.0, (COMPLETE, ESSENTIALLY)),
        (True, 2.01, 1800.0, (PARTIAL, "stopped at 2.01 A, above 2.00 A")),
        (True, 0.5, 1799.0, (PARTIAL, "short of its CV time: 30 of 30 min")),
        (True, 0.5, 600.0, (PARTIAL, "short of its CV time: 10 of 30 min")),
        (False, 0.0, 9000.0, (PARTIAL, "cut short")),
        (False, 3.1, 9000.0, (PARTIAL, "cut short")),
    ],
)
def test_says_what_a_hold_is_worth(
    held: bool, tail_a: float, cv_s: float, expected: tuple[str, str]
) -> None:
    got = completeness(
        held=held, tail_a=tail_a, done_a=1.0, partial_a=2.0, cv_s=cv_s, cv_min_s=1800.0
    )

    assert got == expected


@given(st.floats(), st.floats(), st.booleans())
def test_nothing_above_the_limit_or_short_of_time_is_complete(
    tail_a: float, cv_s: float, held: bool
) -> None:
    verdict, _ = completeness(
        held=held, tail_a=tail_a, done_a=1.0, partial_a=2.0, cv_s=cv_s, cv_min_s=1800.0
    )

    assert (verdict == COMPLETE) is (held and tail_a <= 2.0 and cv_s >= 1800.0)


def test_nan_is_partial() -> None:
    assert (
        completeness(held=True, tail_a=nan, done_a=1.0, partial_a=2.0, cv_s=9e3, cv_min_s=1.0)[0]
        == PARTIAL
    )


def test_a_run_that_never_reached_cv_left_no_balance() -> None:
    assert balance_of([charge("partial", "stopped by Tola", cv_s=0.0)]) is None
    assert balance_of([]) is None


def test_the_last_charge_decides_and_the_charge_adds_up() -> None:
    first = charge("done", charge_ah=41.5)

    done = balance_of([first, charge("done", tail_a=0.4, charge_ah=0.5)])
    cut = balance_of([first, charge("partial", "stopped by Tola", tail_a=0.0, cv_s=0.0)])

    assert done is not None
    assert (done.completeness, done.tail_a, done.charge_ah) == (COMPLETE, 0.4, 42.0)
    assert cut is not None
    assert (cut.completeness, cut.remark) == (PARTIAL, "cut short; stopped by Tola")


def test_keeps_what_the_bench_remarked() -> None:
    figures = balance_of([charge("essentially balanced", "flat tail", tail_a=1.5)])

    assert figures is not None
    assert figures.remark == "essentially balanced; flat tail"
