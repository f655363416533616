"""B10 at the guardian, as tables: who must show the cells of a string, and what holds where
nobody does."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from stations.guardian.envelope import judge
from stations.guardian.session import limits_problem
from stations.guardian.strings import cells_by, series_problem
from stations.procedures.series_charging import disagreement
from stations.procedures.steps import SeriesCharge
from stations.values import NAN, Limits
from tests.stations.procedures.test_unseen_precharge import STRONG, made
from tests.stations.test_guardian_envelope import FINE, LIMITS, TALLY

UNSEEN = made().limits
STRING = replace(
    FINE, voltage_v=13.40, supply_voltage_v=13.55, supply_current_a=14.0, cell_voltages_v=()
)


@pytest.mark.parametrize(
    ("limits", "cells", "wired", "bms", "presence_s", "words"),
    [
        (LIMITS, 4, 4, False, None, ""),
        (replace(UNSEEN, cells_unseen=False), 4, 4, False, None, ""),
        (replace(UNSEEN, cells_unseen=False), 4, 0, True, None, ""),
        (replace(UNSEEN, cells_unseen=False), 4, 0, False, 900.0, "nothing on this bench shows"),
        (UNSEEN, 4, 0, False, 900.0, ""),
        (UNSEEN, 4, 0, False, 1800, ""),
        (UNSEEN, 4, 0, False, None, "only while somebody says at least every 30 min"),
        (UNSEEN, 4, 0, False, 1801.0, "only while somebody says at least every 30 min"),
        (UNSEEN, 4, 0, False, NAN, "only while somebody says at least every 30 min"),
        (UNSEEN, 4, 4, False, 900.0, "this bench shows each of 4 cells"),
        (UNSEEN, 4, 0, True, 900.0, "this bench shows each of 4 cells"),
        (UNSEEN, 8, 0, False, 900.0, "the limits are of 4 cells in series"),
        (replace(UNSEEN, bank_voltage_max_v=14.8), 4, 0, False, 900.0, "may reach 14.8 V"),
        (replace(UNSEEN, drawn_max_a=10.0), 4, 0, False, 900.0, "nothing is drawn"),
        (replace(LIMITS, cells_unseen=True), 4, 0, False, 900.0, "are of a string, this is none"),
    ],
)
def test_a_string_is_charged_where_its_cells_are_seen_or_somebody_is_there(
    limits: Limits, cells: int, wired: int, bms: bool, presence_s: float | None, words: str
) -> None:
    problem = series_problem(limits, cells, wired, has_bms=bms, presence_s=presence_s)

    assert words in problem
    assert bool(words) == bool(problem)
    assert limits_problem(limits) == ""


def test_nobody_tells_the_cells_of_a_string_that_is_not_seen() -> None:
    assert cells_by(UNSEEN, 0) == cells_by(UNSEEN, 2) == "nobody"
    assert cells_by(replace(UNSEEN, cells_unseen=False), 0) == "bms"
    assert cells_by(LIMITS, 0) == "scanner"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, ""),
        ({"voltage_v": 14.701}, "bank at 14.701 V"),
        ({"voltage_v": 9.9}, "bank at 9.900 V"),
        ({"voltage_v": NAN}, "bank at nan V"),
        ({"supply_current_a": 15.3}, "current 15.30 A"),
    ],
)
def test_the_meter_on_the_string_is_what_trips(changes: dict[str, Any], words: str) -> None:
    _, verdict = judge(UNSEEN, TALLY, replace(STRING, **changes), expected_on=True)

    assert (verdict.kind if verdict else "") == ("trip" if words else "")
    assert words in (verdict.reason if verdict else "")


def test_a_meter_that_leaves_a_cell_out_is_doubted_while_current_flows() -> None:
    three = replace(STRING, voltage_v=10.2)

    tally, first = judge(UNSEEN, TALLY, three, expected_on=True)
    _, second = judge(UNSEEN, tally, three, expected_on=True)

    assert first is None
    assert second is not None
    assert "meter shows 10.200 V, the supply's terminals 13.550 V" in second.reason


def test_a_meter_that_the_program_does_not_doubt_is_not_doubted_here() -> None:
    """As far below the terminals as leads may bring it, at the strongest current that is let."""
    program = made(supply=STRONG, capacity_ah=300.0, lead_max_ohm=0.028)
    (step,) = [step for step in program.steps if isinstance(step, SeriesCharge)]
    amps = program.limits.current_max_a
    below_v = step.agreement.supply_v + step.agreement.lead_max_ohm * amps
    far = replace(
        STRING, voltage_v=14.0, supply_voltage_v=14.0 + below_v - 1e-6, supply_current_a=amps
    )

    tally, verdict = judge(program.limits, TALLY, far, expected_on=True)

    assert disagreement(step, far) == ""
    assert (tally.doubts, verdict) == (0, None)


def test_a_bms_that_opened_parts_meter_and_supply_without_a_doubt() -> None:
    parted = replace(STRING, voltage_v=12.4, supply_voltage_v=14.6, supply_current_a=0.0)

    tally, _ = judge(UNSEEN, TALLY, parted, expected_on=True)

    assert tally.doubts == 0
