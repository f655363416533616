"""DC resistance on the cell model: the measured value is the model's own, within what is said.

Expected at t: m (R0 + R1 (1 - e^(-t/T1)) + R2 (1 - e^(-t/T2))).  What the volts show besides is
the charge that left, its surface and the hysteresis: they add up to 8 % in ten seconds at 0.5C.
"""

from __future__ import annotations

import math
from dataclasses import replace
from math import exp
from typing import Any

import pytest

from stations.model.bank import Bank, Wiring
from stations.model.cell import CellParameters, cell_of, resistance_factor
from stations.procedures.actions import Outcome
from stations.procedures.state import Record
from stations.runner import begun, run
from stations.virtual import TAKES_OFF, Act, VirtualBench
from stations.virtual_instruments import Instruments
from tests.stations.procedures.test_resistance import made

CONNECT = Act("connect", 60.0, hands="join")
ADDED_MAX = 0.08  # of the model's ohms
METER = Instruments(meter_resolution_v=1e-5, noise_v=5e-6)


def bench(
    cell: CellParameters, *person: Act, soc: float = 0.5, sample_s: float = 1.0
) -> VirtualBench:
    bank = Bank([cell], Wiring(), soc=[soc], linked=False, fed=False)
    return VirtualBench(
        bank, person=(CONNECT, *person, TAKES_OFF), sample_s=sample_s, instruments=METER
    )


def play(on: VirtualBench, **recipe: Any) -> Outcome:
    outcome = run(begun(made(**recipe), on.clock.now()), on)
    assert not on.output_on
    return outcome


def pulse_of(outcome: Outcome) -> Record:
    assert outcome.kind == "FINISHED", outcome.reason
    (record,) = [record for record in outcome.run.records if record.kind == "pulse"]
    return record


def model_mohm(cell: CellParameters, soc: float, after_s: float) -> float:
    grown = cell.r1_ohm * (1 - exp(-after_s / cell.t1_s))
    grown += cell.r2_ohm * (1 - exp(-after_s / cell.t2_s))
    return 1000 * float(resistance_factor(soc)) * (cell.r0_ohm + grown)


@pytest.mark.parametrize("soc", [0.3, 0.5, 0.8])
@pytest.mark.parametrize("capacity_ah", [100.0, 200.0])
def test_what_is_measured_is_the_models_resistance(soc: float, capacity_ah: float) -> None:
    cell = cell_of(capacity_ah)

    facts = dict(
        pulse_of(
            play(bench(cell, soc=soc), capacity_ah=capacity_ah, typical_ohm=0.04 / capacity_ah)
        ).facts
    )

    for name, after_s in (("r", 10.0), ("early", 2.0)):
        expected = model_mohm(cell, soc, after_s)
        measured, unsure = facts[f"{name}_mohm"], facts[f"{name}_u_mohm"]
        assert expected - unsure <= measured <= (1 + ADDED_MAX) * expected + unsure
        assert unsure <= 0.04 * measured


def test_a_cell_with_twice_the_resistance_shows_it() -> None:
    nominal = cell_of(200.0)
    aged = replace(
        nominal, r0_ohm=2 * nominal.r0_ohm, r1_ohm=2 * nominal.r1_ohm, r2_ohm=2 * nominal.r2_ohm
    )
    one, other = (dict(pulse_of(play(bench(cell))).facts)["r_mohm"] for cell in (nominal, aged))

    assert other / one == pytest.approx(2.0, rel=0.05)


def test_a_healthy_cell_passes_and_a_worn_one_is_named() -> None:
    worn = replace(cell_of(200.0), r0_ohm=1.2e-3)

    assert "pass" in pulse_of(play(bench(cell_of(200.0)))).remarks
    record = pulse_of(play(bench(worn)))
    assert "fail" in record.remarks
    assert any("too much for a cell of its type" in words for words in record.remarks)


def test_slow_samples_widen_what_is_said_of_it() -> None:
    """The two samples around the moment lie further apart, and differ by more."""
    quick = dict(pulse_of(play(bench(cell_of(200.0)))).facts)
    slow = dict(pulse_of(play(bench(cell_of(200.0), sample_s=4.5))).facts)

    assert (quick["sample_s"], slow["sample_s"]) == (1.0, 4.5)
    assert slow["r_u_mohm"] > 2 * quick["r_u_mohm"]
    assert slow["r_mohm"] == pytest.approx(quick["r_mohm"], abs=slow["r_u_mohm"])
    assert math.isnan(slow["early_mohm"])  # nothing was seen before 4.5 s


def test_a_bench_that_samples_once_in_the_step_gives_no_result() -> None:
    outcome = play(bench(cell_of(200.0), sample_s=12.5))

    assert outcome.kind == "ERROR"
    assert "samples too slowly" in outcome.reason


@pytest.mark.parametrize("soc", [0.05, 0.995])
def test_a_cell_that_is_not_about_half_full_is_not_tested(soc: float) -> None:
    outcome = play(bench(cell_of(200.0), soc=soc))

    assert outcome.kind == "ERROR"
    assert "was expected" in outcome.reason
    assert outcome.run.drawn_ah == 0.0


def test_leads_that_come_off_leave_no_resistance() -> None:
    outcome = play(
        bench(cell_of(200.0), Act("pulse", 3.0, hands="leads off", says="")), step_s=30.0
    )

    assert outcome.kind == "ERROR"
    assert not [record for record in outcome.run.records if record.kind == "pulse"]


def test_a_nearly_empty_cell_trips_before_the_loads_own_end() -> None:
    cell = replace(cell_of(200.0), r0_ohm=5.2e-3)

    outcome = play(bench(cell))

    assert outcome.kind == "TRIPPED"
    assert "far too high" in outcome.reason
