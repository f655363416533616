"""B5: the option that makes up for leads, off by default: what it saves, and what holds."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from itertools import pairwise

import pytest

from stations.guardian.session import setpoint_problem
from stations.model.bank import Bank, Solution, Wiring
from stations.model.cell import cell_of
from stations.plain import to_plain
from stations.procedures import check
from stations.procedures.actions import Action, Hold, Set
from stations.procedures.charging import decide_charge
from stations.procedures.steps import Charge, Program
from stations.runner import begun, run
from stations.values import Protection, Reading, Setpoint
from stations.virtual import VirtualBench
from stations.virtual_instruments import Instruments
from tests.stations.procedures.scripted import RATINGS, holding, program, run_at

TARGET_V, STEP_V = 3.65, 0.01


class Watched(VirtualBench):
    """Keeps every set-point that was asked for, and the highest that the bank ever came to."""

    def __init__(self, lead_ohm: float) -> None:
        cells = Bank(
            [cell_of(200.0)] * 4,
            Wiring(lead_ohm=lead_ohm),
            soc=[0.95] * 4,
            linked=False,
            fed=False,
        )
        super().__init__(cells, sample_s=6.0, instruments=Instruments(noise_v=50e-6))
        self.asked_v: list[float] = []
        self.peak_v = 0.0

    def configure(self, setpoint: Setpoint, protection: Protection) -> None:
        self.asked_v.append(setpoint.voltage_v)
        super().configure(setpoint, protection)

    def adjust(self, setpoint: Setpoint) -> None:
        self.asked_v.append(setpoint.voltage_v)
        super().adjust(setpoint)

    def _reading(self, seen: Solution) -> Reading:
        reading = super()._reading(seen)
        if reading.output_on:
            self.peak_v = max(self.peak_v, reading.voltage_v)
        return reading


@cache
def night(lead_ohm: float, compensate_v: float) -> tuple[float, Watched]:
    """Hours of the charge to its tail, and the bench that was watched."""
    bench = Watched(lead_ohm)
    made = program(compensate_leads_v=compensate_v, lead_max_ohm=0.05)
    outcome = run(begun(made, bench.clock.now()), bench)
    assert outcome.kind == "FINISHED", outcome.reason
    record = next(record for record in outcome.run.records if record.step == "balance")
    assert "done" in record.remarks
    return (record.ended_at - record.entered_at).total_seconds() / 3600, bench


@pytest.mark.parametrize(("lead_ohm", "share"), [(0.020, 0.95), (0.030, 0.95)])
def test_bad_leads_cost_less_time_and_the_bank_never_pays_for_it(
    lead_ohm: float, share: float
) -> None:
    plain_h, _ = night(lead_ohm, 0.0)
    quick_h, bench = night(lead_ohm, 0.050)

    assert quick_h < share * plain_h
    assert bench.peak_v <= TARGET_V + 0.003
    assert max(bench.asked_v) <= TARGET_V + 0.050 + 1e-9


def test_the_set_point_comes_down_again_as_the_current_falls() -> None:
    _, bench = night(0.030, 0.050)

    assert max(bench.asked_v) > TARGET_V + 0.030
    assert bench.asked_v[-1] <= TARGET_V + 0.040 + 1e-9  # what a late rise by accuracy allows
    assert all(abs(b - a) <= 3 * STEP_V + 1e-9 for a, b in pairwise(bench.asked_v[1:-1]))


def compensating(**changes: float) -> Program:
    return program(compensate_leads_v=0.050, **changes)


def balance(made: Program) -> Charge:
    (step,) = (s for s in made.steps if isinstance(s, Charge) and s.name == "balance")
    return step


def asked(made: Program, setpoint_v: float, reading: Reading) -> Action:
    state = replace(
        run_at("balance", made),
        cv_since=reading.at,
        last_current_a=reading.supply_current_a,
        setpoint=Setpoint(setpoint_v, 14.4),
    )
    return decide_charge(state, balance(made), reading, reading.at)[1]


@pytest.mark.parametrize(
    ("setpoint_v", "terminals_v", "bank_v", "wanted_v"),
    [
        (3.65, 3.65, 3.45, 3.66),  # the leads drop 200 mV
        (3.69, 3.69, 3.45, 3.70),
        (3.70, 3.70, 3.45, None),  # 50 mV is all
        (3.65, 3.65, 3.64, None),  # the bank is nearly there
        (3.66, 3.66, 3.63, 3.67),
        (3.67, 3.67, 3.62, 3.68),
        (3.68, 3.68, 3.62, 3.69),
        (3.69, 3.65, 3.62, None),  # what the leads drop now, 30 mV, and no more
        (3.70, 3.70, 3.652, 3.69),  # down at once
    ],
)
def test_rises_by_what_the_leads_drop_and_at_most_fifty_millivolts(
    setpoint_v: float, terminals_v: float, bank_v: float, wanted_v: float | None
) -> None:
    seen = holding(60.0, 8.0, bank_v, supply_voltage_v=terminals_v)

    action = asked(compensating(), setpoint_v, seen)

    if wanted_v is None:
        assert not isinstance(action, Set) or action.setpoint.voltage_v == setpoint_v
    else:
        assert isinstance(action, Set)
        assert action.setpoint.voltage_v == pytest.approx(wanted_v)


def test_never_above_ovp_less_fifty_millivolts() -> None:
    made = compensating(ovp_above_v=0.070, stop_above_v=0.050)
    seen = holding(60.0, 8.0, 3.45, supply_voltage_v=3.67)

    assert isinstance(asked(made, 3.66, seen), Set)
    assert isinstance(asked(made, 3.67, seen), Hold)


def test_a_recipe_may_keep_further_below_ovp() -> None:
    made = compensating(ovp_above_v=0.070, stop_above_v=0.050, ovp_room_v=0.060)
    seen = holding(60.0, 8.0, 3.45, supply_voltage_v=3.65)

    assert isinstance(asked(made, 3.65, seen), Set)
    assert isinstance(asked(made, 3.66, seen), Hold)


def test_never_in_constant_current() -> None:
    made = compensating()
    seen = holding(60.0, 14.4, 3.44, supply_voltage_v=3.60, regulation="CC")
    state = replace(run_at("balance", made), setpoint=Setpoint(3.65, 14.4), last_current_a=14.4)

    assert decide_charge(state, balance(made), seen, seen.at)[1] == Hold()


def test_it_is_off_unless_a_recipe_says_so() -> None:
    assert "compensate_v" not in str(to_plain(program()))
    assert "ovp_room_v" not in str(to_plain(program()))  # stored programs hash as before
    seen = holding(60.0, 8.0, 3.45, supply_voltage_v=3.65)
    assert isinstance(asked(program(finish_c=0.2), 3.65, seen), Hold)


def test_the_guardians_envelope_allows_no_more() -> None:
    limits = compensating().limits
    assert check.problems(compensating(), RATINGS) == []
    assert setpoint_problem(limits, Setpoint(3.70, 1.0)) == ""
    assert "not within" in setpoint_problem(limits, Setpoint(3.701, 1.0))
    assert "not within" in setpoint_problem(program().limits, Setpoint(3.70, 1.0))
