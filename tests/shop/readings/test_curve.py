"""A curve drawn from chunks keeps the extremes and shows the gaps (F8)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from shop.jobs.models import Run
from shop.readings.queries import EMPTY, curve, latest_reading
from stations.values import NAN
from tests import factories
from tests.cast import Cast
from tests.shop.readings.samples import START, make_readings, store


@pytest.fixture
def run(cast: Cast) -> Run:
    return factories.make_run(by=cast.tola)


def test_a_run_without_readings_has_an_empty_curve(run: Run) -> None:
    assert curve(run, 100) == EMPTY
    assert latest_reading(run) is None


def test_a_short_run_is_drawn_whole(run: Run) -> None:
    readings = make_readings(50)
    store(run, readings)

    drawn = curve(run, 100)

    assert drawn.started_at == readings[0].at
    assert drawn.voltage_v == tuple(r.voltage_v for r in readings)
    assert drawn.cells_v[3] == tuple(r.cell_voltages_v[3] for r in readings)
    assert drawn.gaps == ()


def test_one_spike_in_an_hour_is_drawn(run: Run) -> None:
    readings = make_readings(3600)
    readings[1234] = replace(readings[1234], voltage_v=3.699)
    readings[2345] = replace(readings[2345], supply_current_a=0.0)
    store(run, readings)

    drawn = curve(run, 300)

    assert 100 <= len(drawn.t_s) <= 300
    assert max(v for v in drawn.voltage_v if v is not None) == 3.699
    assert min(a for a in drawn.supply_current_a if a is not None) == 0.0
    assert (drawn.t_s[0], drawn.count) == (0.0, 3600)
    assert list(drawn.t_s) == sorted(drawn.t_s)


def test_a_gap_is_named_and_breaks_the_line(run: Run) -> None:
    before = make_readings(600)
    after = make_readings(600, first_seq=601, start=START + timedelta(seconds=600 + 900))
    store(run, before + after)

    drawn = curve(run, 60)

    ((start, end),) = drawn.gaps
    assert (round(start), round(end)) == (599, 1500)
    middle = drawn.t_s.index((start + end) / 2)
    assert drawn.voltage_v[middle] is None
    assert (drawn.t_s[middle - 1], drawn.t_s[middle + 1]) == (start, end)


def test_a_reading_that_failed_is_none(run: Run) -> None:
    readings = make_readings(10)
    readings[3] = replace(readings[3], voltage_v=NAN, flags=frozenset({"meter_silent"}))
    store(run, readings)

    assert curve(run, 100).voltage_v[3] is None
