"""The load's stretch on the cell model: what is drawn, in which order, and that it ends off."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import pytest

from stations.commissioning.figures import CannotCommission, Figures
from stations.commissioning.judge import findings, passed
from stations.commissioning.trying_load import try_load
from stations.values import Draw, Event, Reading
from stations.virtual import VirtualBench
from tests.stations.commissioning.made import (
    BY_LOAD,
    DRAWS,
    GOOD,
    Typist,
    good,
    linked_bench,
)


class Spied(VirtualBench):
    """Keeps what was on, and for what draw."""

    drew: tuple[Draw, ...] = ()
    asked: Draw | None = None

    def configure_load(self, draw: Draw) -> None:
        super().configure_load(draw)
        self.asked = draw

    def energise(self) -> datetime:
        assert self.asked is not None
        self.drew += (self.asked,)
        return super().energise()


def spied(lead_ohm: float = 0.005) -> Spied:
    return Spied(linked_bench(lead_ohm=lead_ohm).bank)


def test_a_good_load_is_measured_as_it_is() -> None:
    bench, person = spied(lead_ohm=0.006), Typist([None, 12.0])

    figures = try_load(bench, DRAWS, BY_LOAD, person, GOOD)

    assert passed(findings(figures, BY_LOAD)), findings(figures, BY_LOAD)
    assert figures.drawn is not None
    assert figures.drawn.lead_ohm == pytest.approx(0.006, abs=0.0002)
    assert person.role == "load"
    assert bench.drew == (DRAWS.small, DRAWS.large)
    assert not bench.output_on


def test_no_larger_current_is_drawn_where_the_display_says_ten_times_as_much() -> None:
    bench = spied()

    figures = try_load(bench, DRAWS, BY_LOAD, Typist([120.0]), GOOD)

    assert figures.drawn is not None
    assert figures.drawn.large is None
    assert figures.drawn.off_again_a == 0.0
    assert bench.drew == (DRAWS.small,)


def test_a_person_who_left_ends_it_with_the_load_off_and_what_was_seen() -> None:
    bench, kept = spied(), list[Figures]()

    with pytest.raises(CannotCommission, match="nobody read the load's display"):
        try_load(bench, DRAWS, BY_LOAD, Typist([]), GOOD, kept.append)

    assert not bench.output_on
    assert kept[-1].drawn is not None
    assert kept[-1].drawn.small is not None


def test_nothing_is_drawn_where_the_supply_did_not_pass() -> None:
    bench, person = spied(), Typist([12.0])

    figures = try_load(bench, DRAWS, BY_LOAD, person, good(panel_a=18.0))

    assert (figures.drawn, bench.drew) == (None, ())
    assert "not tried" in person.heard[0]


class GivesUp(Spied):
    """Off by itself so many readings after it drew the larger current."""

    left = 3

    def next(self) -> Reading | Event:
        item = super().next()
        if self.output_on and self.drew[-1:] == (DRAWS.large,):
            self.left -= 1
            if self.left == 0:
                now = self.clock.now()
                return Event("trip", now, now, {"reason": "bank at 2.390 V"})
        return item


def test_a_bench_that_trips_on_the_larger_current_ends_it_off() -> None:
    bench, kept = GivesUp(linked_bench().bank), list[Figures]()

    with pytest.raises(CannotCommission, match=r"bank at 2\.390 V"):
        try_load(bench, DRAWS, BY_LOAD, Typist([12.0]), GOOD, kept.append)

    assert not bench.output_on
    assert kept[-1] == replace(kept[-1], drawn=replace(kept[-1].drawn, large=None))  # type: ignore[type-var]
    assert not passed(findings(kept[-1], BY_LOAD))
