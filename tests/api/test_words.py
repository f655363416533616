"""How numbers, times and serials are said."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from api import words
from shop.jobs.states import JobState, RunState
from shop.packs.findings import Verdict

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
NBSP = "\u202f"


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (3.6418, "3.642_V"),
        (-0.01, "−0.010_V"),
        (None, "–"),
        (float("nan"), "–"),
        (-0.0001, "0.000_V"),
    ],
)
def test_volts_to_the_millivolt(value: float | None, said: str) -> None:
    assert words.volts(value) == said.replace("_", NBSP)


@pytest.mark.parametrize(
    ("value_v", "said"), [(0.0031, "+3_mV"), (-0.0312, "−31_mV"), (0.0, "0_mV"), (None, "–")]
)
def test_differences_in_signed_millivolts(value_v: float | None, said: str) -> None:
    assert words.millivolts(value_v) == said.replace("_", NBSP)


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (14, "14_s"),
        (48 * 60 + 5, "48_min"),
        (3 * 3600 + 20 * 60, "3_h 20_min"),
        (4 * 3600, "4_h"),
        (3 * 86_400, "3 days"),
        (-5, "0_s"),
        (float("inf"), "–"),
    ],
)
def test_lengths_of_time_as_people_say_them(seconds: float, said: str) -> None:
    assert words.duration(seconds) == said.replace("_", NBSP)


@pytest.mark.parametrize(
    ("hours", "said"),
    [
        (0.0, "0_min"),
        (0.68, "40_min"),
        (1.0, "1_h"),
        (2.84, "2_h 50_min"),
        (9.95, "9_h 55_min"),
        (10.0, "10_h"),
        (162.4, "162_h"),
    ],
)
def test_hours_are_said_to_five_minutes_and_beyond_ten_in_whole_ones(
    hours: float, said: str
) -> None:
    assert words.hours(hours) == said.replace("_", NBSP)


@pytest.mark.parametrize(
    ("ago", "said"),
    [
        (timedelta(minutes=12), "11:48 today, 12_min ago"),
        (timedelta(hours=13), "23:00 yesterday, 13_h ago"),
        (timedelta(hours=-2), "14:00 today, in 2_h"),
        (timedelta(days=40), "12:00 21 Jan 2026, 40 days ago"),
    ],
)
def test_moments_with_their_age(ago: timedelta, said: str) -> None:
    assert words.moment(NOW - ago, NOW) == said.replace("_", NBSP)


@pytest.mark.parametrize(
    ("serial", "parts"),
    [
        ("LF280K0012345", ["LF28", "0K00", "1234", "5"]),
        ("EVE-2611-0007", ["EVE-2611-0007"]),
        ("C0004", ["C0004"]),
    ],
)
def test_serials_in_fours_unless_they_bring_their_own_marks(serial: str, parts: list[str]) -> None:
    shown = words.grouped(serial)

    assert "".join(shown) == serial
    assert len(shown) == len(parts)


def test_every_state_and_verdict_has_its_words() -> None:
    assert set(words.RUN_STATUS) == {state.value for state in RunState}
    assert set(words.JOB_STATUS) == {state.value for state in JobState}
    assert words.JOB_STATUS["IN_PROGRESS"] == ("running", "In progress")
    assert {verdict.value for verdict in Verdict} <= set(words.VERDICTS)


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(299, "4 min 59 s"), (240, "4 min 00 s"), (59.9, "59 s"), (700, "11 min"), (-1, "0 s")],
)
def test_a_countdown_counts_seconds_while_somebody_hurries(seconds: float, shown: str) -> None:
    assert words.countdown(seconds).replace("\u202f", " ") == shown


def test_an_event_is_told_in_the_words_of_the_trade() -> None:
    assert words.event("bench_step", {"title": "Refresh hold"}) == "Step: Refresh hold"
    assert words.event("run_tripped", {"cause": "over 3.70 V"}) == "Tripped: Over 3.70 V"
    assert words.event("run_finished", {"cause": "done"}) == "Done"
    assert words.event("something_new", {}) == "Something new"


def test_a_cause_is_a_sentence_with_true_minus_signs() -> None:
    assert words.cause("cell 2 reads -3.339 V on LF-01-002") == "Cell 2 reads −3.339 V on LF-01-002"
    assert "guardian" not in words.cause("the guardian is gone: the guardian hung up")
    assert words.cause("") == ""


def test_a_doubt_about_an_instrument_is_told_without_its_flag() -> None:
    told = words.cause("readings in doubt: meter_stuck, supply_silent")

    assert "the bank meter repeats itself" in told
    assert "the supply does not answer" in told
    assert "_" not in told
