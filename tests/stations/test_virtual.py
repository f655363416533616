"""The virtual bench: whole runs in seconds, a scripted person, instruments that err."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from stations.bench import Bench, BenchError
from stations.model.bank import Bank, Wiring
from stations.model.cell import cell_of
from stations.procedures.actions import Outcome
from stations.procedures.attendance import unattended
from stations.procedures.state import Record
from stations.runner import begun, run
from stations.values import Event, Protection, Reading, Setpoint
from stations.virtual import ATTENTIVE, Act, VirtualBench, VirtualClock
from stations.virtual_instruments import Instruments
from tests.stations.procedures.scripted import program

SET = Setpoint(3.65, 14.4)
PROTECTION = Protection(ovp_v=3.75, ocp_a=15.12)


def bank(soc: Sequence[float] = (0.95,) * 4, **changes: Any) -> Bank:
    """Four 200 Ah cells, each alone, for 5 mohm leads and 0.3 mohm links."""
    return Bank([cell_of(200.0)] * 4, Wiring(), soc=soc, linked=False, fed=False, **changes)


def play(bench: VirtualBench) -> Outcome:
    outcome = run(begun(program(), bench.clock.now()), bench)
    assert not bench.output_on
    return outcome


def record(outcome: Outcome, step: str) -> Record:
    return next(found for found in outcome.run.records if found.step == step)


def energised(bench: VirtualBench) -> VirtualBench:
    bench.bank.linked = bench.bank.fed = True
    bench.configure(SET, PROTECTION)
    bench.energise()
    return bench


def reading(bench: Bench) -> Reading:
    item = bench.next()
    assert isinstance(item, Reading)
    return item


@pytest.mark.parametrize("sample_s", [3.0, 12.0])
def test_a_parallel_top_balance_of_four_cells_from_95_percent(sample_s: float) -> None:
    """B1, B2, B7: 4 x 200 Ah at 14.4 A through 5 mohm leads to its tail and disconnect check."""
    bench = VirtualBench(bank(), sample_s=sample_s)

    outcome = play(bench)

    assert outcome.kind == "FINISHED", outcome.reason
    balance, check = record(outcome, "balance"), record(outcome, "disconnect")
    facts = dict(balance.facts)
    assert balance.ended_at - balance.entered_at == pytest.approx(
        timedelta(hours=3.25),
        abs=timedelta(minutes=3),  # half an hour of it held at target
    )
    assert facts["charge_ah"] == pytest.approx(39.6, abs=0.2)
    assert facts["lead_ohm"] == pytest.approx(5e-3, rel=0.05)
    assert facts["tail_a"] <= facts["done_a"]
    assert [cell.verdict for cell in check.cells] == ["pass"] * 4
    assert all(3.62 <= cell.voltage_v <= 3.655 for cell in check.cells)


def test_equal_seeds_give_the_same_run_and_others_do_not() -> None:
    def volts(seed: int) -> list[float]:
        noisy = Instruments(noise_v=100e-6, noise_a=0.005)
        bench = energised(VirtualBench(bank(), instruments=noisy, seed=seed))
        return [reading(bench).voltage_v for _ in range(20)]

    assert volts(1) == volts(1)
    assert volts(1) != volts(2)


def test_a_stop_leaves_a_partial_charge() -> None:
    person = (*ATTENTIVE, Act("balance", 2 * 3600.0, says="stop"))

    outcome = play(VirtualBench(bank(), person=person, sample_s=12.0))

    assert outcome.kind == "STOPPED"
    assert "partial" in record(outcome, "balance").remarks


def test_an_early_announcement_saves_the_refresh() -> None:
    person = (ATTENTIVE[0], Act("balance", 600.0, step="finish"), ATTENTIVE[2])

    outcome = play(VirtualBench(bank(), person=person, sample_s=12.0))

    assert outcome.kind == "FINISHED", outcome.reason
    assert record(outcome, "refresh").kind == "skipped"


def test_a_person_who_comes_late_misses_the_window() -> None:
    person = (*ATTENTIVE[:2], Act("unlink", 16 * 60.0, hands="part"))

    outcome = play(VirtualBench(bank(), person=person, sample_s=12.0))

    assert {cell.verdict for cell in record(outcome, "disconnect").cells} == {"missing"}


def test_a_reversed_cell_is_refused_before_any_current() -> None:
    """B3"""
    bench = VirtualBench(bank(reversed_positions=frozenset({3})))

    outcome = play(bench)

    assert outcome.kind == "REFUSED"
    assert "Cell 3" in outcome.reason
    assert not bench.bank.linked


def test_a_lead_that_falls_off_is_not_a_finished_tail() -> None:
    person = (*ATTENTIVE, Act("balance", 3 * 3600.0, hands="leads off", says=""))

    bench = VirtualBench(bank(), person=person, sample_s=12.0)
    outcome = run(begun(program(cv_max_s=3600.0), bench.clock.now()), bench)

    assert not bench.output_on
    assert outcome.kind != "FINISHED"
    assert "done" not in record(outcome, "balance").remarks


def test_a_supply_that_reads_low_still_reaches_the_tail() -> None:
    """B5: the meter at the bank is trusted, the supply's own voltmeter is not."""
    low = Instruments(supply_offset_v=-0.02)

    outcome = play(VirtualBench(bank(), instruments=low, sample_s=12.0))

    assert outcome.kind == "FINISHED", outcome.reason


def test_a_supply_that_reads_high_is_trimmed_down_to_the_target() -> None:
    """B5"""
    high = Instruments(supply_offset_v=0.03)

    outcome = play(VirtualBench(bank(), instruments=high, sample_s=4.0))

    assert outcome.kind == "FINISHED", outcome.reason
    assert dict(record(outcome, "balance").facts)["peak_voltage_v"] < 3.67


def test_the_ammeters_zero_is_seen_with_the_output_off() -> None:
    bench = VirtualBench(bank(), instruments=Instruments(supply_offset_a=-0.05))

    seen = reading(bench)

    assert (seen.output_on, seen.supply_current_a, seen.regulation) == (False, 0.05, "")


def test_instruments_round_and_err() -> None:
    off_by = Instruments(meter_resolution_v=1e-4, meter_offset_v=0.004)
    bench = energised(VirtualBench(bank(), instruments=off_by))

    seen = reading(bench)

    true_v = bench.bank.solve(SET).far_end_v
    assert seen.voltage_v == pytest.approx(true_v + 0.004, abs=0.5e-4)
    assert seen.supply_current_a == 14.4
    assert seen.supply_voltage_v == round(seen.supply_voltage_v, 2)
    assert (seen.output_on, seen.regulation) == (True, "CC")


def test_a_lost_channel_is_nan_and_a_bench_without_scanner_sees_no_cells() -> None:
    lost = VirtualBench(bank(), instruments=Instruments(lost_channels=frozenset({2})))
    none = VirtualBench(bank(), instruments=Instruments(has_scanner=False))

    seen = reading(lost).cell_voltages_v

    assert [math.isnan(volts) for volts in seen] == [False, True, False, False]
    assert reading(none).cell_voltages_v == ()


def test_readings_count_from_one_and_follow_the_pushed_clock() -> None:
    bench = VirtualBench(bank(), sample_s=5.0)
    started = bench.clock.now()

    off = [reading(bench) for _ in range(2)]
    on = [reading(energised(bench)) for _ in range(1)]

    assert [seen.seq for seen in off + on] == [1, 2, 3]
    assert [(seen.at - started).total_seconds() for seen in off + on] == [1.0, 2.0, 7.0]


def test_process_time_cannot_be_pushed_back() -> None:
    with pytest.raises(ValueError, match="back"):
        VirtualClock().push(-1.0)


def test_a_person_acts_so_long_after_the_step_was_entered() -> None:
    bench = VirtualBench(bank(), person=(Act("connect", 3.0, hands="join"),))
    bench.note("step", {"name": "connect"})

    items = [bench.next() for _ in range(5)]

    assert [type(item).__name__ for item in items] == ["Reading"] * 3 + ["Event", "Reading"]
    event = items[3]
    assert isinstance(event, Event)
    assert event.data == {"id": 1, "kind": "confirm", "step": "connect"}
    assert bench.bank.linked
    assert bench.notes[0][1:] == ("step", {"name": "connect"})


def test_off_proves_no_current_now() -> None:
    bench = energised(VirtualBench(bank()))
    reading(bench)

    proof = bench.off()

    assert (proof.at, proof.supply_current_a) == (bench.clock.now(), 0.0)
    assert not reading(bench).output_on


def test_refuses_what_a_guardian_would_refuse() -> None:
    bench = VirtualBench(bank())

    with pytest.raises(BenchError, match="not configured"):
        bench.energise()
    with pytest.raises(BenchError, match="output is off"):
        bench.adjust(SET)
    with pytest.raises(BenchError, match="not below"):
        bench.configure(Setpoint(3.80, 14.4), PROTECTION)
    with pytest.raises(BenchError, match="not configured"):
        bench.energise()
    energised(bench)
    with pytest.raises(BenchError, match="output is on"):
        bench.configure(SET, PROTECTION)
    with pytest.raises(BenchError, match="not below"):
        bench.adjust(Setpoint(3.65, 20.0))
    bench.off()
    with pytest.raises(BenchError, match="not configured"):
        bench.energise()


def held_until(announced_after_s: float) -> tuple[VirtualBench, Record]:
    """A bank with a supervised hold of up to 4 h, and somebody who comes `…_s` into the charge."""
    person = (ATTENTIVE[0], Act("balance", announced_after_s, step="finish"), *ATTENTIVE[1:])
    bench = VirtualBench(bank(), person=person, sample_s=12.0)
    alone = unattended(program(), timedelta(hours=4))
    outcome = run(begun(alone, bench.clock.now()), bench)
    assert outcome.kind == "FINISHED", outcome.reason
    return bench, record(outcome, "balance")


def test_a_bank_that_is_done_is_held_until_somebody_comes() -> None:
    """B19: done after about 3 h, somebody comes after 5; the check follows without a refresh."""
    bench, balance = held_until(5 * 3600.0)

    assert "done" in balance.remarks
    assert any("until somebody came" in words for words in balance.remarks)
    assert (balance.ended_at - balance.entered_at).total_seconds() == pytest.approx(
        5 * 3600, abs=30
    )
    assert not [
        data for _, kind, data in bench.notes if kind == "step" and data["name"] == "refresh"
    ]


def test_a_supervised_hold_ends_after_its_longest_and_is_refreshed() -> None:
    bench, balance = held_until(40 * 3600.0)

    assert (balance.ended_at - balance.entered_at).total_seconds() < 8 * 3600
    assert [data for _, kind, data in bench.notes if kind == "step" and data["name"] == "refresh"]
