"""B14, B15, B18: what a spread at the top of charge asks for, and what it does not tell."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shop.care.rules import (
    CareLimits,
    Course,
    SpreadRead,
    advice,
    hold_problems,
    reading_problems,
    skip_problems,
)
from shop.jobs.policies import Policy
from tests.factories import NOON

LIMITS = CareLimits.of(Policy())
LATER = NOON + timedelta(days=1)


def read(spread_mv: float, **changes: object) -> SpreadRead:
    cells = (3.450, 3.450 - spread_mv / 1000, 3.440)
    values = {"cells_v": cells, "taken_at": NOON, "at_top": True} | changes
    return SpreadRead(**values)  # type: ignore[arg-type]  # each test names what it changes


@pytest.mark.parametrize(
    ("spread_mv", "after", "course"),
    [
        (29, None, Course.NOTHING),
        (31, None, Course.WATCH),
        (51, None, Course.HOLD),
        (99, None, Course.HOLD),
        (101, None, Course.EXTENDED),
        (201, None, Course.TAKE_APART),
        (29, Course.HOLD, Course.NOTHING),
        (51, Course.HOLD, Course.HOLD),
        (120, Course.HOLD, Course.EXTENDED),
        (99, Course.EXTENDED, Course.HOLD),
        (101, Course.EXTENDED, Course.TAKE_APART),
    ],
)
def test_the_course_follows_the_spread_and_what_was_tried(
    spread_mv: float, after: Course | None, course: Course
) -> None:
    assert advice(read(spread_mv, after=after), LIMITS).course == course


def test_a_pack_that_is_watched_is_read_again_in_thirty_days() -> None:
    assert advice(read(40), LIMITS).again_at == NOON + timedelta(days=30)


def test_on_the_plateau_a_spread_is_not_observable() -> None:
    found = advice(read(250, at_top=False), LIMITS)

    assert found.course == Course.UNKNOWN
    assert "not at the top of charge" in found.words


def test_a_spread_that_grew_for_a_year_announces_replacements() -> None:
    assert "expect cells to be replaced" in advice(read(250, months=12), LIMITS).fix
    assert "replaced" not in advice(read(250, months=11), LIMITS).fix


def test_beyond_three_hundred_millivolts_no_hold_is_faster() -> None:
    assert "Above 300 mV no hold in series is faster" in advice(read(301), LIMITS).words
    assert "faster" not in advice(read(250), LIMITS).words


def test_holds_and_what_is_severe_go_by_the_policy() -> None:
    stricter = CareLimits.of(
        Policy(
            care_certain_v=0.220,
            care_hold_min_s=5 * 3600.0,
            care_hold_max_s=8 * 3600.0,
            care_long_months=6,
        )
    )

    severe = advice(read(230, months=6), stricter)
    assert "Above 220 mV no hold in series is faster" in severe.words
    assert "expect cells to be replaced" in severe.fix
    assert "hold at full voltage for 5 to 8 h" in advice(read(60), stricter).fix
    wide = advice(read(150), stricter)
    assert "more than one hold of 5 to 8 h" in wide.words
    assert [p.code for p in hold_problems(wide, 8.0, stricter)] == ["hold_too_short"]
    assert hold_problems(wide, 8.5, stricter) == []
    assert hold_problems(advice(read(150), LIMITS), 6.5, LIMITS) == []


def test_a_hold_shorter_than_the_policy_asks_is_none() -> None:
    mild = advice(read(60), LIMITS)

    (short,) = hold_problems(mild, 3.9, LIMITS)

    assert short.code == "hold_too_short"
    assert "asks for a hold of 4 to 6 h" in short.words
    assert hold_problems(mild, 4.0, LIMITS) == []


@pytest.mark.parametrize(
    ("cells_v", "taken_at", "code"),
    [
        ((3.4, 3.4, 3.4), LATER, "cell_count"),
        ((3.4, 3.4, 3.4, 3412.0), LATER, "impossible_voltage"),
        ((3.4, 3.4, 3.4, float("nan")), LATER, "impossible_voltage"),
        ((3.4, 3.4, 3.4, 3.4), NOON - timedelta(days=1), "time"),
        ((3.4, 3.4, 3.4, 3.4), LATER + timedelta(days=9), "time"),
    ],
)
def test_a_reading_that_cannot_be_is_refused(
    cells_v: tuple[float, ...], taken_at: object, code: str
) -> None:
    found = reading_problems(
        cells_v=cells_v,
        cells=4,
        months=None,
        taken_at=taken_at,  # type: ignore[arg-type]
        built_at=NOON,
        now=LATER,
    )

    assert [problem.code for problem in found] == [code]


@pytest.mark.parametrize(
    ("capacity_ah", "codes"),
    [(200.0, []), (199.9, ["below_rating"]), (0.0, ["impossible_capacity"])],
)
def test_a_balance_is_skipped_only_at_the_full_rating(capacity_ah: float, codes: list[str]) -> None:
    found = skip_problems(
        capacity_ah=capacity_ah, rated_ah=200.0, tested_at=LATER, built_at=NOON, now=LATER
    )

    assert [problem.code for problem in found] == codes
