"""A curve as the browser draws it: each step from where it began to where the next one did."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from api.reads.curves import curve_shape
from shop.jobs.queries import StepBegun
from shop.readings.queries import EMPTY, Curve

NIGHT = datetime(2026, 3, 1, 22, tzinfo=UTC)
DRAWN = Curve(NIGHT, 3, (0.0, 60.0, 120.0), (3.3, 3.4, 3.5), (3.3,) * 3, (14.4,) * 3, (), ())


def spans(drawn: Curve, *minutes: float) -> list[tuple[float, float]]:
    """Where the steps that began at `minutes` are shaded, in seconds since the first reading."""
    steps = [
        StepBegun(f"s{n}", f"Step {n}", NIGHT + timedelta(minutes=at))
        for n, at in enumerate(minutes)
    ]
    shape = curve_shape(drawn, run=1, target_v=3.65, simulated=True, steps=steps)
    start = NIGHT.timestamp()
    return [(step["from"] - start, step["to"] - start) for step in shape["steps"]]


def test_a_step_lasts_until_the_next_and_the_last_until_the_last_reading() -> None:
    assert spans(DRAWN, 0, 1) == [(0, 60), (60, 120)]


def test_a_step_that_began_after_the_last_reading_has_no_length() -> None:
    assert spans(DRAWN, 0, 3) == [(0, 180), (180, 180)]


def test_no_step_and_no_reading_are_no_error() -> None:
    assert spans(DRAWN) == []
    assert spans(EMPTY, 0) == [(0, 0)]
