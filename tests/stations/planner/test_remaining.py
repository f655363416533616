"""Hours left of every procedure while it runs: held, narrower as it goes on, never invented (F5).

A few of what `python -m tests.benchmarks planner` does with more of each.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache
from statistics import median

import numpy as np
import pytest

from stations.planner.hours import Interval
from stations.planner.remaining import NO_REST, NO_VOLTS, Stand, left
from stations.procedures import attendance
from stations.values import NAN
from tests.stations.planner.random_runs import BEGUN, QUARTERS, Played, kinds, played_runs

SEED = 11
# It ends where volts say little, and narrows over many runs only: the benchmark asks for that.
ON_PLATEAU = ("levelling",)
ONE_OF = ("step and pause", "pack recovery")  # they are long; of the others two


@cache
def runs(kind: str) -> tuple[Played, ...]:
    return tuple(played_runs(kind, 1 if kind in ONE_OF else 2, SEED))


def said(stand: Stand) -> Interval:
    found = left(stand)
    assert found is not None
    assert found.hours is not None, found.words
    return found.hours


def within(played: Played, step: str, share: float) -> datetime:
    begins, ends = next((b, e) for name, b, e in played.spans if name == step)
    return begins + share * (ends - begins)


def true_h(played: Played, at: datetime) -> float:
    ahead = [ends - max(at, begins) for _, begins, ends in played.spans if ends > at]
    return sum(span.total_seconds() for span in ahead) / 3600


@pytest.mark.parametrize("kind", list(kinds()))
def test_random_runs_end_where_they_are_seen_to(kind: str) -> None:
    found = [[played.said(share) for share in QUARTERS] for played in runs(kind)]
    begun = sum(played.said(BEGUN).width_h for played in runs(kind))
    halfway = [at_half.error for _, at_half, _ in found]

    assert sum(one.holds for row in found for one in row) >= 2 * len(found)
    assert median(halfway) < 0.15
    if kind not in ON_PLATEAU:
        assert sum(late.width_h for _, _, late in found) < begun


@pytest.mark.parametrize(
    ("kind", "step"),
    [
        ("step and pause", "pause-first"),
        ("step and pause", "second"),
        ("capacity test", "full"),
        ("capacity test", "discharge"),
        ("bottom balance", "empty-2-3"),
        ("bottom balance", "rest-2"),
        ("pack recovery", "string-low"),
        ("individual top balance", "balance-3"),
    ],
)
def test_a_step_that_has_just_begun_is_foretold(kind: str, step: str) -> None:
    """Pauses and rests are exact; charges and discharges within what is not known."""
    played = runs(kind)[0]
    at = within(played, step, 0.01)

    hours = said(played.stand(at))

    assert 0.8 * hours.low - 0.05 <= true_h(played, at) <= 1.2 * hours.high + 0.05


def test_a_rest_has_exactly_the_time_that_it_has() -> None:
    played = runs("bottom balance")[0]
    at = within(played, "rest-3", 0.5)

    hours = said(played.stand(at))

    assert hours.middle == pytest.approx(0.25, abs=0.01)
    assert hours.high - hours.low < 0.1


def test_a_wait_for_the_moment_is_exact_and_all_that_follows_is_played_whole() -> None:
    """F6: joined in the evening, the output off until three hours from now."""
    played = runs("parallel top balance")[0]
    rested, balance = played.stand(within(played, "balance", 0.0)), within(played, "balance", 0.0)
    until = balance + timedelta(hours=3)
    program = attendance.waiting(played.program, attendance.Span(balance, until))
    waits = replace(
        rested, program=program, step="wait", began=(*rested.began[:-1], ("wait", balance))
    )

    later, now = said(replace(waits, at=until)), said(waits)

    assert now.middle - later.middle == pytest.approx(3.0, abs=0.01)
    assert 0.8 * later.low <= played.whole_h <= 1.2 * later.high


def test_a_hold_has_exactly_what_is_left_of_its_hours() -> None:
    played = runs("pack recovery")[0]
    at = within(played, "hold-again", 0.97)

    assert said(played.stand(at)).middle == pytest.approx(true_h(played, at), abs=0.05)


def test_from_full_only_the_capacity_is_not_known() -> None:
    """B16: 98 to 103 % of 200 Ah at 100 A, and a minute's rest."""
    played = runs("capacity test")[0]

    hours = said(played.stand(within(played, "discharge", 0.05)))

    assert hours.high - hours.low < 0.3
    assert 1.7 < hours.low < hours.high < 2.2


@pytest.mark.parametrize(
    ("kind", "step"), [("bottom balance", "connect-2"), ("pack recovery", "rested")]
)
def test_nothing_is_said_while_a_person_acts_or_cells_are_measured(kind: str, step: str) -> None:
    played = runs(kind)[0]
    begins = dict(played.began)[step]

    assert left(played.stand(begins + timedelta(seconds=20))) is None


def test_a_refresh_is_foretold_from_where_it_stands() -> None:
    """B19: to target, the tail again, a quarter of an hour at least."""
    played = runs("parallel top balance")[0]
    at = dict(played.began)["refresh"] + timedelta(seconds=60)

    hours = said(played.stand(at))

    assert 0.2 < hours.low <= hours.middle < 1.0


def test_a_gap_counts_as_rest_and_not_as_current() -> None:
    """The bench was dark for twenty minutes in the bulk, verified its bank, and went on."""
    played = runs("parallel top balance")[0]
    at, gap_s = within(played, "balance", 0.5), 1200.0
    whole = played.stand(at)
    half_s = within(played, "balance", 0.3).timestamp()
    shifted = whole.seen.at_s + np.where(whole.seen.at_s > half_s, gap_s, 0.0)
    again = within(played, "balance", 0.3) + timedelta(seconds=gap_s)
    interrupted = replace(
        whole,
        seen=replace(whole.seen, at_s=shifted),
        began=(*whole.began, ("joined", again - timedelta(seconds=60)), ("balance", again)),
    )

    before, after = said(whole), said(interrupted)

    assert after.middle == pytest.approx(before.middle, rel=0.15)


def test_a_taper_that_goes_on_does_not_begin_again() -> None:
    """B9: interrupted at the last current, the cell is verified, and goes on with that one."""
    played = runs("bottom balance")[0]
    at = within(played, "empty-3-3", 0.5)
    stand = played.stand(at)
    verified = replace(stand, step="connected-3", began=(*stand.began, ("connected-3", at)))

    assert said(verified).middle == pytest.approx(said(stand).middle, abs=0.1)


def test_readings_that_an_instrument_did_not_give_change_nothing() -> None:
    played = runs("capacity test")[0]
    stand = played.stand(within(played, "discharge", 0.5))
    holes = replace(
        stand.seen,
        voltage_v=np.concatenate([stand.seen.voltage_v[:-3], [NAN] * 3]),
        current_a=np.concatenate([stand.seen.current_a[:-3], [NAN] * 3]),
    )

    assert said(replace(stand, seen=holes)).middle == pytest.approx(said(stand).middle, abs=0.05)


def test_without_volts_no_hours_are_invented() -> None:
    played = runs("capacity test")[0]
    stand = played.stand(within(played, "fill", 0.5))
    blind = replace(stand.seen, voltage_v=np.full_like(stand.seen.voltage_v, NAN))

    found = left(replace(stand, seen=blind))

    assert found is not None
    assert (found.hours, found.words) == (None, NO_VOLTS)


def test_cells_that_nobody_measured_are_not_foretold() -> None:
    played = runs("bottom balance")[0]
    stand = played.stand(within(played, "empty-1-1", 0.5))
    last = played.stand(within(played, "empty-3-1", 0.5))

    found = left(replace(stand, rested_v=()))

    assert found is not None
    assert (found.hours, found.words) == (None, NO_REST)
    assert said(replace(last, rested_v=())).low > 0
