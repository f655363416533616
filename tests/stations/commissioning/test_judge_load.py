"""What each figure of the load must show, and what is said where it does not (B9, B16)."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest

from stations.commissioning.figures import Figures, Plateau
from stations.commissioning.judge import FAIL, MISSING, PASS, findings, load_agrees, passed
from tests.stations.commissioning.made import (
    BY,
    BY_LOAD,
    DRAWN,
    DRAWS,
    GOOD,
    drawn_at,
    drew,
    good,
    plateau_at,
)

PARTED = replace(drawn_at(0.0), supply_v=0.0)  # behind an open contactor


def at_small(**changes: Any) -> Plateau:
    return replace(drawn_at(DRAWS.small.current_a), **changes)


def at_large(**changes: Any) -> Plateau:
    return replace(drawn_at(DRAWS.large.current_a), **changes)


def test_a_good_load_passes_every_question() -> None:
    found = findings(drew(), BY_LOAD)

    assert {finding.verdict for finding in found} == {PASS}
    assert len(found) == len(findings(GOOD, BY)) + 7


def test_a_bench_without_a_load_is_asked_what_it_was_asked_before() -> None:
    assert not any("load's" in finding.check for finding in findings(GOOD, BY))


def test_a_load_that_was_not_come_to_is_missing_and_does_not_pass() -> None:
    found = findings(GOOD, BY_LOAD)

    assert [f.verdict for f in found if f.check.startswith("load's")] == [MISSING] * 7
    assert not passed(found)


@pytest.mark.parametrize(
    ("figures", "check", "fix"),
    [
        (drew(off_a=1.5), "load's ammeter zero", "adjusted"),
        (drew(off_again_a=math.nan), "load's ammeter zero", "adjusted"),
        (drew(idle=replace(drawn_at(0.0), supply_v=3.40)), "load's voltmeter", "calibrated"),
        (drew(idle=replace(drawn_at(0.0), supply_v=33.0)), "load's voltmeter", "factor of ten"),
        (drew(small=at_small(current_a=11.0)), "load's small current", "bear the current"),
        (drew(small=at_small(current_a=1.2)), "load's small current", "another model"),
        (drew(small=at_small(regulation="CV")), "load's small current", "constant current"),
        (drew(large=at_large(current_a=100.0)), "load's large current", "bear the current"),
        (drew(panel_a=120.0), "load's display", "factor of ten"),
        (drew(panel_a=1.2), "load's display", "factor of ten"),
        (drew(panel_a=10.0), "load's display", "do not use this load"),
        (drew(large=drawn_at(120.0, lead_ohm=0.022)), "load's leads", "thicker"),
        (drew(large=drawn_at(120.0, lead_ohm=-0.01)), "load's leads", "meter is not where"),
        (drew(large=drawn_at(120.0, lead_ohm=0.0045)), "load's drop follows current", "clean"),
        (
            drew(
                idle=PARTED,
                small=drawn_at(12.0, offset_v=0.1),
                large=drawn_at(120.0, offset_v=0.1),
            ),
            "load's voltmeter",
            "calibrated",
        ),
    ],
)
def test_a_figure_that_is_off_is_named_with_what_to_do(
    figures: Figures, check: str, fix: str
) -> None:
    found = {finding.check: finding for finding in findings(figures, BY_LOAD)}

    assert found[check].verdict == FAIL
    assert fix in found[check].fix
    assert not passed(tuple(found.values()))


def test_behind_an_open_contactor_two_currents_tell_the_offset() -> None:
    found = {f.check: f for f in findings(drew(idle=PARTED), BY_LOAD)}

    assert passed(tuple(found.values()))
    assert "as two currents tell" in found["load's voltmeter"].words
    assert "+1.0 mV" in found["load's voltmeter"].words


def test_sense_leads_hide_what_the_power_leads_take_and_that_is_said() -> None:
    sensed = drew(small=drawn_at(12.0, lead_ohm=0.0), large=drawn_at(120.0, lead_ohm=0.0))
    found = {f.check: f for f in findings(sensed, BY_LOAD)}

    assert found["load's leads"].verdict == PASS
    assert "what its power leads take is not seen" in found["load's leads"].words
    assert "not seen" not in {f.check: f for f in findings(drew(), BY_LOAD)}["load's leads"].words


def test_lead_resistance_of_the_load_has_no_offset_in_it() -> None:
    assert DRAWN.lead_ohm == pytest.approx(0.004)


@pytest.mark.parametrize(
    ("changes", "agrees"),
    [
        ({}, True),
        ({"panel_a": 120.0}, False),
        ({"panel_a": math.nan}, False),
        ({"small": at_small(current_a=1.2), "panel_a": 1.2}, False),
    ],
)
def test_a_larger_draw_wants_set_read_and_display_to_agree(
    changes: dict[str, Any], agrees: bool
) -> None:
    assert load_agrees(drew(**changes), BY_LOAD) is agrees


def at_target(**changes: Any) -> Figures:
    laid = replace(plateau_at(0.0), set_voltage_v=3.65, bank_v=3.646, supply_v=3.65)
    return good(at_target=replace(laid, **changes))


def test_the_offset_at_target_is_set_point_minus_meter() -> None:
    assert at_target().offset_target_v == pytest.approx(0.004)
    assert math.isnan(GOOD.offset_target_v)
    assert passed(findings(at_target(), BY))


@pytest.mark.parametrize(
    ("figures", "words"),
    [
        (at_target(bank_v=3.71), "adjusted"),
        (at_target(bank_v=3.30), "meter's leads are on"),
        (at_target(current_a=0.5), "Take everything"),
        (at_target(regulation="CC"), "Take everything"),
        (at_target(bank_v=math.nan), "meter's leads are on"),
    ],
)
def test_an_offset_at_target_that_is_none_fails_with_what_to_do(
    figures: Figures, words: str
) -> None:
    (found,) = [f for f in findings(figures, BY) if f.check == "offset at target"]

    assert found.verdict == FAIL
    assert words in found.fix
