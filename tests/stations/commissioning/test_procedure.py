"""The check on the cell model: what is set, in which order, and that it always ends off."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from stations.bench import BenchError
from stations.commissioning.figures import CannotCommission, Figures
from stations.commissioning.judge import findings, passed
from stations.commissioning.procedure import PATIENCE, commission, limits
from stations.values import Event, Protection, Reading, Setpoint
from stations.virtual import VirtualBench
from stations.virtual_instruments import Instruments
from tests.stations.commissioning.made import BY, PLAN, Typist, linked_bench


class Spied(VirtualBench):
    """Keeps what was set while it was on."""

    @classmethod
    def on(cls, bench: VirtualBench) -> Spied:
        spied = cls.__new__(cls)
        spied.__dict__ = bench.__dict__
        spied.asked = []
        return spied

    asked: list[Setpoint]

    def configure(self, setpoint: Setpoint, protection: Protection) -> None:
        super().configure(setpoint, protection)
        self.asked.append(setpoint)

    def adjust(self, setpoint: Setpoint) -> None:
        super().adjust(setpoint)
        self.asked.append(setpoint)


def test_a_good_bench_is_measured_as_it_is() -> None:
    bench = Spied.on(linked_bench(lead_ohm=0.006))

    figures = commission(bench, PLAN, BY, Typist())

    assert passed(findings(figures, BY)), findings(figures, BY)
    assert figures.lead_ohm == pytest.approx(0.006, abs=0.0015)
    assert not bench.output_on
    assert max(setpoint.voltage_v for setpoint in bench.asked) == PLAN.target_v
    assert [setpoint.current_a for setpoint in bench.asked] == [1.8, 1.8, 9.0]


@pytest.mark.parametrize("lead_ohm", [0.002, 0.010, 0.041])
def test_leads_are_measured_to_within_a_count_of_the_supply(lead_ohm: float) -> None:
    figures = commission(linked_bench(lead_ohm=lead_ohm), PLAN, BY, Typist())

    assert figures.lead_ohm == pytest.approx(lead_ohm, abs=0.010 / 7.2 + 0.0004)


def test_offsets_of_supply_and_ammeter_are_found() -> None:
    flawed = Instruments(supply_offset_v=-0.02, supply_offset_a=-0.05)

    figures = commission(linked_bench(instruments=flawed), PLAN, BY, Typist([1.85]))

    assert figures.offset_v == pytest.approx(0.02, abs=0.006)
    assert figures.zero_a == pytest.approx(0.05)


def test_no_larger_current_is_tried_where_the_display_says_ten_times_as_much() -> None:
    bench = Spied.on(linked_bench())

    figures = commission(bench, PLAN, BY, Typist([18.0]))

    assert figures.large is None
    assert [setpoint.current_a for setpoint in bench.asked] == [1.8, 1.8]
    assert not bench.output_on


def test_a_person_who_left_ends_it_with_the_output_off() -> None:
    bench, person = linked_bench(), Typist([])

    with pytest.raises(CannotCommission, match="needs a person"):
        commission(bench, PLAN, BY, person)

    assert not bench.output_on
    assert person.asked == 1
    assert PATIENCE > 60


@pytest.mark.parametrize("changes", [{"soc": 0.0}, {"reversed_positions": frozenset({1, 2, 3, 4})}])
def test_nothing_is_energised_on_what_is_no_bank(changes: Mapping[str, Any]) -> None:
    bench = Spied.on(linked_bench(**changes))

    with pytest.raises(CannotCommission, match="check polarity"):
        commission(bench, PLAN, BY, Typist())

    assert bench.asked == []


class Doubting(VirtualBench):
    """Gives up by itself so many readings after it went on."""

    left = 3

    def next(self) -> Reading | Event:
        item = super().next()
        if self.output_on:
            self.left -= 1
        if self.left == 0:
            moment: datetime = self.clock.now()
            return Event("safe_hold", moment, moment, {"reason": "2 samples in doubt"})
        return item


def test_a_bench_that_gives_up_ends_the_check_with_what_was_seen_until_then() -> None:
    bench = Doubting(linked_bench().bank)
    kept: list[Figures] = []

    with pytest.raises(CannotCommission, match="2 samples in doubt"):
        commission(bench, PLAN, BY, Typist(), kept.append)

    assert not bench.output_on
    assert (kept[-1].off_a, kept[-1].nothing) == (0.0, None)


class Late(VirtualBench):
    """Shows the current of before for two readings after each change."""

    late = 0
    shown_a = 0.0

    def adjust(self, setpoint: Setpoint) -> None:
        super().adjust(setpoint)
        self.late = 2

    def next(self) -> Reading | Event:
        item = super().next()
        assert isinstance(item, Reading)
        if self.late:
            self.late -= 1
            return replace(item, supply_current_a=self.shown_a)
        self.shown_a = item.supply_current_a
        return item


def test_readings_that_have_not_settled_do_not_count() -> None:
    figures = commission(Late(linked_bench().bank), PLAN, BY, Typist([1.8]))

    assert figures.small is not None
    assert figures.large is not None
    assert (figures.small.current_a, figures.large.current_a) == (1.8, 9.0)


class Doubted(VirtualBench):
    """Every so many readings the meter says something that is no voltage."""

    every = 2
    count = 0

    def next(self) -> Reading | Event:
        item = super().next()
        assert isinstance(item, Reading)
        self.count += 1
        if self.count % self.every:
            return item
        return replace(item, voltage_v=math.nan, flags=frozenset({"meter_invalid"}))


def test_readings_in_doubt_do_not_count() -> None:
    figures = commission(Doubted(linked_bench().bank), PLAN, BY, Typist([1.8]))

    assert passed(findings(figures, BY))


def test_an_instrument_that_says_nothing_else_is_named_before_anything_is_on() -> None:
    bench = Doubted(linked_bench().bank)
    bench.every = 1

    with pytest.raises(CannotCommission, match="readings in doubt: meter_invalid"):
        commission(bench, PLAN, BY, Typist())

    assert not bench.output_on


class Refusing(VirtualBench):
    def adjust(self, setpoint: Setpoint) -> None:
        raise BenchError("set-point 3.65 V was sent, 36.5 V reads back")


def test_a_set_point_that_reads_back_otherwise_ends_it_off() -> None:
    bench = Refusing(linked_bench().bank)

    with pytest.raises(BenchError, match="reads back"):
        commission(bench, PLAN, BY, Typist())

    assert not bench.output_on


def test_the_envelope_forbids_more_than_the_target() -> None:
    envelope = limits(PLAN)

    assert envelope.setpoint_voltage_max_v == envelope.bank_voltage_max_v == PLAN.target_v
    assert envelope.current_max_a == PLAN.protection.ocp_a
