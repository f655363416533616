"""A supply whose panel and output do what they were not told, or not what they were."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from stations.sim.folder import Folder
from tests.stations.sim.harness import cell
from tests.stations.sim.inside import Inside, inside
from tests.wait import wait_until

ON = bytes.fromhex("01 06 00 12 00 01 e8 0f")
FAST_METER = "CONF:VOLT:DC 10;:VOLT:DC:NPLC 0.02"


def energise(bench: Inside) -> None:
    bench.hands.post("/links/on")
    for register, value in ((82, 375), (83, 1500), (8, 365), (9, 1440), (18, 1)):
        bench.supply.write(register, value)


def output_is_on(bench: Inside) -> bool:
    return bool(bench.hands.state()["output"])


def test_a_lying_supply_shows_off_and_stays_on(bench: Inside) -> None:
    energise(bench)
    bench.hands.fault("supply", "feigns_off")
    assert bench.supply.read(18) == (1,)

    bench.supply.write(18, 0)

    assert bench.supply.read(18) == (0,)
    assert bench.supply.read(10, 2) == (0, 0)
    assert output_is_on(bench)
    bench.hands.fault("supply", "none")
    assert bench.supply.read(18) == (1,)


@pytest.mark.parametrize(
    ("fault", "registers"), [("ignores_set", (8, 9)), ("ignores_protection", (82, 83))]
)
def test_ignored_registers_are_acknowledged_and_keep_their_values(
    bench: Inside, fault: str, registers: tuple[int, int]
) -> None:
    kept = bench.supply.read(registers[0], 2)
    bench.hands.fault("supply", fault)

    for register in registers:
        bench.supply.write(register, 123)

    assert bench.supply.read(registers[0], 2) == kept
    assert [r["value"] for r in bench.truth("set")] == [123, 123]


def test_a_late_on_is_not_answered_and_obeyed_after_a_later_off(bench: Inside) -> None:
    bench.hands.fault("supply", "late_on")
    bench.supply.send(ON)
    assert bench.supply.hear(1, within_s=0.2) == b""
    bench.hands.fault("supply", "none")

    bench.supply.write(18, 0)

    assert not output_is_on(bench)
    wait_until(lambda: output_is_on(bench))


@pytest.mark.parametrize(
    ("fault", "register", "before", "after"),
    [("panel", 8, 365, 367), ("panel_down", 8, 365, 315), ("panel_ovp", 82, 375, 1375)],
)
def test_a_turned_knob_changes_a_setting_once(
    bench: Inside, fault: str, register: int, before: int, after: int
) -> None:
    energise(bench)

    bench.hands.fault("supply", fault)

    assert bench.supply.read(register) == (after,)
    bench.supply.write(register, before)
    assert bench.supply.read(register) == (before,)


def test_a_restart_leaves_the_output_off_with_factory_settings(bench: Inside) -> None:
    energise(bench)

    bench.hands.fault("supply", "restart")

    assert not output_is_on(bench)
    assert bench.supply.read(8, 2) == (500, 100)
    assert bench.supply.read(82, 2) == (6200, 1836)


def test_mains_off_opens_the_output_and_keeps_the_settings(bench: Inside) -> None:
    energise(bench)
    bench.hands.fault("supply", "dark")
    assert not output_is_on(bench)
    assert bench.supply.is_silent_to("01 03 00 12 00 01")

    bench.hands.fault("supply", "none")

    assert bench.supply.read(18) == (0,)
    assert bench.supply.read(8, 2) == (365, 1440)


def test_returning_mains_switch_on_where_boot_power_says_so(tmp_path: Path) -> None:
    folder = Folder(cells=[cell()] * 4, supply={"boot_power": True})
    with inside(tmp_path, folder) as bench:
        energise(bench)
        bench.hands.fault("supply", "dark")
        bench.hands.fault("supply", "none")

        assert output_is_on(bench)


def test_an_overshooting_output_shows_its_set_point_and_gives_more(bench: Inside) -> None:
    bench.supply.write(18, 1)
    bench.hands.fault("supply", "overshoot")

    assert bench.supply.read(8) == (500,)
    assert bench.supply.read(10) == (508,)

    bench.hands.fault("supply", "none")
    assert bench.supply.read(10) == (500,)


def test_an_output_that_runs_away_is_tripped_by_its_own_protection(bench: Inside) -> None:
    bench.supply.write(82, 550)
    bench.supply.write(18, 1)

    bench.hands.fault("supply", "runaway")

    assert bench.supply.read(16, 3) == (1, 0, 0)
    assert bench.truth("relay")[-1]["tripped"] == "OVP"


def test_an_output_that_creeps_does_not_see_it_itself(bench: Inside) -> None:
    bench.supply.write(18, 1)
    bench.hands.fault("supply", "creeps")

    wait_until(lambda: bench.hands.state()["supply_voltage_v"] > 5.05)  # 100 s at 240 times
    assert bench.supply.read(8) == bench.supply.read(10) == (500,)


def test_a_stranger_has_another_serial_number(bench: Inside) -> None:
    model, _, low, _ = bench.supply.read(0, 4)
    bench.hands.fault("supply", "stranger")

    assert bench.supply.read(0, 3) == (model, 0, low + 1)


@pytest.mark.parametrize(
    ("fault", "shown_v"), [("offset", 3.29), ("wrong_cell", 3.300), ("no_contact", 0.0)]
)
def test_a_meter_that_is_wrong_by_a_fixed_amount(bench: Inside, fault: str, shown_v: float) -> None:
    bench.meter.tell(FAST_METER)
    true_v = float(bench.meter.ask("READ?"))
    bench.hands.fault("meter", fault)

    expected_v = true_v - 0.05 if fault == "offset" else shown_v
    assert math.isclose(float(bench.meter.ask("READ?")), expected_v, abs_tol=2e-4)


def test_a_drifting_meter_drifts_with_process_time(bench: Inside) -> None:
    bench.meter.tell(FAST_METER)
    energise(bench)
    true_v = float(bench.meter.ask("READ?"))
    bench.hands.fault("meter", "drift")

    wait_until(lambda: float(bench.meter.ask("READ?")) < true_v - 0.02)
    bench.hands.fault("meter", "none")
    assert float(bench.meter.ask("READ?")) > true_v - 0.005
