"""Changing a frozen value."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, replace

import pytest

from stations.frozen import changed
from stations.values import NAN
from tests.stations.procedures.scripted import START, run_at

RUN = run_at("balance")


def test_it_gives_what_replace_gives_and_leaves_the_value_alone() -> None:
    later = changed(RUN, charge_ah=1.5, last_at=START)

    assert later == replace(RUN, charge_ah=1.5, last_at=START)
    assert (RUN.charge_ah, RUN.last_at) == (0.0, None)
    with pytest.raises(FrozenInstanceError):
        later.charge_ah = 2.0  # type: ignore[misc]


def test_it_is_the_very_value_where_nothing_is_new() -> None:
    assert changed(RUN, doubtful=0, cv_since=None, lead_ohm=NAN) is RUN


def test_a_field_that_is_not_there_is_named() -> None:
    with pytest.raises((KeyError, AttributeError), match="charge_wh"):
        changed(RUN, charge_wh=1.0)
