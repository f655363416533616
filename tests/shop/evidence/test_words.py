"""Quantities as people say them."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shop.evidence import words


@pytest.mark.parametrize(
    ("length", "said"),
    [
        (timedelta(0), "0 s"),
        (timedelta(seconds=9.9), "9 s"),
        (timedelta(minutes=4), "4 min"),
        (timedelta(minutes=4, seconds=12), "4 min 12 s"),
        (timedelta(hours=3, minutes=20), "3 h 20 min"),
        (timedelta(hours=4), "4 h 00 min"),
        (timedelta(hours=4, seconds=1), "4 h 00 min 01 s"),
        (timedelta(hours=12, seconds=1), "12 h 00 min"),
        (timedelta(hours=50), "2 d 2 h"),
        (timedelta(seconds=-75), "−1 min 15 s"),
    ],
)
def test_says_a_length_of_time(length: timedelta, said: str) -> None:
    assert words.span(length) == said


def test_says_volts_and_differences_with_signs() -> None:
    assert words.volts(3.6) == "3.600 V"
    assert words.volts(-0.1) == "−0.100 V"
    assert words.volts(None) == "no reading"
    assert words.millivolts(-0.0311) == "−31 mV"
    assert words.percent(0.021) == "2.10 %"
