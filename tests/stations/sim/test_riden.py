"""The RD6018 on a raw serial line: registers, scales, protections, habits."""

from __future__ import annotations

from pathlib import Path

import pytest

from stations.sim.folder import Folder
from stations.sim.rtu import sealed
from tests.stations.sim.harness import cell
from tests.stations.sim.inside import SILENCE_S, Inside, Rtu, inside

OVP, OCP, OUTPUT = 82, 83, 18


def energise(supply: Rtu, *, volts: int = 365, amps: int = 1440) -> None:
    for register, value in ((OVP, 375), (OCP, 1500), (8, volts), (9, amps), (OUTPUT, 1)):
        supply.write(register, value)


def test_identifies_itself_by_registers(bench: Inside) -> None:
    assert bench.supply.ask("01 03 00 00 00 04") == "01 03 08 eb 15 00 00 30 39 00 80"


def test_wakes_with_factory_levels_and_the_output_off(bench: Inside) -> None:
    assert bench.supply.read(8, 2) == (500, 100)
    assert bench.supply.read(80, 4) == (500, 100, 6200, 1836)
    assert bench.supply.read(10, 2) == (0, 0)
    assert bench.supply.read(OUTPUT) == (0,)


def test_takes_single_and_multiple_writes(bench: Inside) -> None:
    bench.supply.write(8, 365)

    answer = bench.supply.ask("01 10 00 52 00 02 04 01 77 07 1C")

    assert answer == "01 10 00 52 00 02"
    assert bench.supply.read(80, 4) == (365, 100, 375, 1820)


def test_answers_no_read_of_more_than_twenty_registers(bench: Inside) -> None:
    assert len(bench.supply.read(0, 20)) == 20
    assert bench.supply.is_silent_to("01 03 00 00 00 15")


def test_other_firmware_reads_everything_at_once(tmp_path: Path) -> None:
    with inside(tmp_path, Folder(cells=[cell()], supply={"read_max": 120})) as bench:
        assert len(bench.supply.read(0, 84)) == 84


@pytest.mark.parametrize(
    "frame",
    ["01 03 00 08 00 0B 85 CE", sealed(bytes.fromhex("02 03 00 08 00 0B")).hex()],
    ids=["bad check sum", "another slave"],
)
def test_ignores_a_bad_or_foreign_frame_and_goes_on(bench: Inside, frame: str) -> None:
    bench.supply.send(bytes.fromhex(frame))

    assert bench.supply.hear(1, SILENCE_S) == b""
    assert bench.supply.read(8) == (500,)


def test_names_an_illegal_function_and_address(bench: Inside) -> None:
    assert bench.supply.ask("01 01 00 00 00 01") == "01 81 01"
    assert bench.supply.ask("01 03 00 70 00 10") == "01 83 02"


def test_acknowledges_but_ignores_a_level_beyond_its_rating(bench: Inside) -> None:
    bench.supply.write(9, 1801)

    assert bench.supply.read(9) == (100,)


def test_charges_the_bank_in_constant_current(bench: Inside) -> None:
    bench.hands.post("/links/on")
    energise(bench.supply)

    volts, amps, high, low = bench.supply.read(10, 4)

    assert amps == 1440
    assert volts == pytest.approx(344, abs=10)
    assert (high << 16 | low) == pytest.approx(volts * amps / 100, abs=1)
    assert bench.supply.read(16, 3) == (0, 1, 1)
    assert bench.supply.read(32, 2)[0] == 1


def test_holds_the_set_voltage_with_nothing_on_its_leads(bench: Inside) -> None:
    energise(bench.supply)

    assert bench.supply.read(10, 2) == (365, 0)
    assert bench.supply.read(17, 2) == (0, 1)


def test_sources_nothing_into_a_bank_above_its_level(bench: Inside) -> None:
    bench.hands.post("/links/on")
    energise(bench.supply, volts=300)

    assert bench.supply.read(11) == (0,)


@pytest.mark.parametrize(
    ("register", "value", "code"), [(OVP, 360, 1), (OCP, 1000, 2), (8, 380, 1), (9, 1600, 2)]
)
def test_trips_at_once_where_a_protection_is_below_its_level(
    bench: Inside, register: int, value: int, code: int
) -> None:
    energise(bench.supply)

    bench.supply.write(register, value)

    assert bench.supply.read(16, 3) == (code, 0, 0)
    assert bench.truth("relay")[-1]["tripped"] == {1: "OVP", 2: "OCP"}[code]


def test_keeps_a_trip_until_switched_on_again(bench: Inside) -> None:
    energise(bench.supply)
    bench.supply.write(OVP, 360)
    bench.supply.write(OUTPUT, 0)
    assert bench.supply.read(16) == (1,)

    bench.supply.write(OVP, 375)
    bench.supply.write(OUTPUT, 1)

    assert bench.supply.read(16, 3) == (0, 0, 1)


def test_does_not_trip_at_a_level_equal_to_its_protection(bench: Inside) -> None:
    bench.supply.write(OVP, 365)
    bench.supply.write(8, 365)
    bench.supply.write(OUTPUT, 1)

    assert bench.supply.read(OUTPUT) == (1,)


def test_shows_its_errors_and_regulates_by_what_it_shows(tmp_path: Path) -> None:
    flaws = {"voltage_offset_v": 0.03, "ammeter_zero_a": 0.02, "boot_power": True}
    with inside(tmp_path, Folder(cells=[cell()], supply=flaws)) as bench:
        energise(bench.supply)

        assert bench.supply.read(10, 2) == (365, 2)
        assert bench.hands.state()["supply_voltage_v"] == pytest.approx(3.62)
        assert bench.supply.read(68) == (1,)


def test_recalls_a_preset(bench: Inside) -> None:
    bench.supply.ask("01 10 00 54 00 04 08 01 4A 00 C8 01 77 05 DC")  # M1: 3.30 V, 2.00 A

    bench.supply.write(19, 1)

    assert bench.supply.read(8, 2) == (330, 200)
    assert bench.supply.read(82, 2) == (375, 1500)
    assert bench.supply.read(19) == (0,)


def test_logs_what_was_set_and_what_was_measured(bench: Inside) -> None:
    bench.supply.write(8, 365)
    answer = bench.supply.ask("01 03 00 08 00 0B")

    assert bench.truth("set")[-1].items() >= {"register": 8, "value": 365}.items()
    reply = bench.truth("reply")[-1]
    assert (reply["instrument"], reply["n"]) == ("supply", 1)
    assert reply["raw"].startswith(answer)
