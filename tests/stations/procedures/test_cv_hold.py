"""What counts as the CV hold: the bank at target, not a supply that its leads put into CV (B2)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from stations.drivers.registry import DRIVERS
from stations.model.bank import Bank, Wiring
from stations.model.cell import cell_of
from stations.procedures import top_balance
from stations.procedures.actions import Action, Trip
from stations.procedures.charging import decide_charge
from stations.procedures.progress import cv_s
from stations.procedures.state import Run
from stations.procedures.steps import Charge
from stations.runner import begun, run
from stations.values import Reading, SupplyRatings
from stations.virtual import ATTENTIVE, VirtualBench
from stations.virtual_instruments import Instruments
from tests.stations.procedures.scripted import holding, reading, run_at, spec

SIX_H = 6 * 3600.0


def played(readings: Sequence[Reading]) -> tuple[Run, list[Action]]:
    """A charge of four cells, past its first minutes, at these readings."""
    now, actions = run_at("balance"), []
    step = now.step
    assert isinstance(step, Charge)
    for one in readings:
        now = replace(now, last_current_a=one.supply_current_a)
        now, action = decide_charge(now, step, one, one.at)
        actions.append(action)
    return now, actions


def trips(actions: Sequence[Action]) -> list[str]:
    return [action.reason for action in actions if isinstance(action, Trip)]


def test_a_supply_in_cv_before_its_bank_is_at_target_holds_nothing() -> None:
    """0.27 V over the leads, for ten hours on the plateau."""
    now, actions = played([holding(60.0 * n, 14.0, 3.38) for n in range(600)])

    assert not trips(actions)
    assert cv_s(now, now.entered_at) == 0.0
    assert not now.alarms


def test_the_hold_is_counted_from_where_the_bank_comes_to_target() -> None:
    rising = [holding(60.0 * n, 12.0, 3.60) for n in range(40)]
    held = [holding(60.0 * n, 0.9, 3.648) for n in range(40, 69)]
    now, _ = played(rising + held)
    at = held[-1].at

    assert cv_s(now, at) == 28 * 60
    assert now.tail_since == held[0].at
    assert now.step_index == run_at("balance").step_index  # B2: not yet half an hour of it

    _, actions = played([*rising, *held, *(holding(60.0 * n, 0.9) for n in range(69, 72))])
    assert "Next" in [type(action).__name__ for action in actions]


def test_time_at_target_counts_together_although_the_bank_left_it_between() -> None:
    times = [0, 60, 120, 180, 240, 300]
    volts = [3.648, 3.648, 3.60, 3.648, 3.648, 3.648]
    readings = [holding(s, 4.0, v) for s, v in zip(times, volts, strict=True)]
    now, _ = played(readings)

    assert now.cv_since == readings[3].at  # the least time is of one hold
    assert cv_s(now, readings[-1].at) == 120 + 120  # the most is of all


def test_a_bank_that_its_leads_keep_below_target_by_a_leak_is_named_and_ended() -> None:
    """4 A that never fall and a bank that rises no more: named in half an hour, over in six."""
    stuck = [holding(60.0 * n, 4.0, 3.60) for n in range(32)]
    now, actions = played(stuck)
    assert not trips(actions)
    assert ["flat tail" in words for words in now.alarms] == [True]

    _, actions = played([holding(600.0 * n, 4.0, 3.60) for n in range(41)])
    assert len(trips(actions)) == 1
    assert "look for a leaking cell or a bad link" in trips(actions)[0]


def test_a_bank_that_still_rises_behind_its_leads_is_not_flat() -> None:
    """2 mV in ten minutes, and the current falls by less than a twentieth in half an hour."""
    rising = [holding(600.0 * n, 8.0 - 0.05 * n, 3.50 + 0.002 * n) for n in range(50)]
    now, actions = played(rising)

    assert not trips(actions)
    assert not now.alarms


def test_a_charge_that_its_leads_made_too_slow_says_so() -> None:
    step = run_at("balance").step
    assert isinstance(step, Charge)
    late_s = step.timeout.total_seconds() + 1
    _, actions = played([holding(0.0, 14.0, 3.38), holding(late_s, 9.0, 3.45)])

    assert "took longer than" in trips(actions)[0]
    assert "leads of" in trips(actions)[0]


def test_a_charge_too_long_in_cc_blames_no_leads() -> None:
    step = run_at("balance").step
    assert isinstance(step, Charge)
    late_s = step.timeout.total_seconds() + 1
    _, actions = played(
        [reading(s, output_on=True, supply_current_a=14.4, regulation="CC") for s in (0.0, late_s)]
    )

    assert "leads" not in trips(actions)[0]


@pytest.mark.parametrize(
    ("driver", "lead_ohm"),
    [("ea_ps_9080_60_t", 0.008), ("riden_rd6030", 0.013), ("riden_rd6018", 0.010)],
)
def test_a_healthy_bank_behind_usual_leads_is_held_at_target_for_half_an_hour(
    driver: str, lead_ohm: float
) -> None:
    """They put the supply into CV on the plateau, for longer than a hold may ever take."""
    supply = DRIVERS[driver].ratings
    assert isinstance(supply, SupplyRatings)
    made = top_balance.program(spec(cells=8, supply=supply))
    bank = Bank(
        [cell_of(200.0)] * 8, Wiring(lead_ohm=lead_ohm), soc=(0.3,) * 8, linked=False, fed=False
    )
    bench = VirtualBench(
        bank,
        person=ATTENTIVE,
        sample_s=20.0,
        instruments=Instruments(supply_resolution_a=supply.current_resolution_a),
    )

    outcome = run(begun(made, bench.clock.now()), bench)

    assert outcome.kind == "FINISHED", outcome.reason
    (balance,) = (record for record in outcome.run.records if record.step == "balance")
    assert balance.remarks[:1] == ("done",)
    assert dict(balance.facts)["cv_s"] >= 1800.0
    assert not outcome.run.alarms
