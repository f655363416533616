"""A guardian on benches with other supplies, and with every kind of instrument (F1)."""

from __future__ import annotations

from pathlib import Path

import pytest

from stations.bench import BenchError
from stations.guardian_client import GuardianSilent
from stations.sim.folder import Folder
from stations.values import Protection, Setpoint
from tests.faults.guarded import guarded, next_reading
from tests.stations.sim.harness import cell

EA = Folder(cells=[cell(soc=0.95)] * 4, supply_driver="ea_ps_9080_60_t")


def test_an_ea_charges_and_is_proven_off(tmp_path: Path) -> None:
    with guarded(tmp_path, folder=EA) as bench:
        runner = bench.session()
        bench.charge(runner)
        reading = next_reading(runner)
        while not reading.output_on:
            reading = next_reading(runner)

        proof = runner.off()

        assert reading.supply_current_a == pytest.approx(14.4, abs=0.1)
        assert reading.regulation == "CC"
        assert proof.supply_current_a == 0.0
        assert not bench.sim.output_is_on()
        runner.close(kind="STOPPED", reason="done")


def test_an_ea_that_ignores_off_is_never_said_to_be_off(tmp_path: Path) -> None:
    with guarded(tmp_path, folder=EA) as bench:
        runner = bench.session()
        bench.charge(runner)
        bench.sim.hands.fault("supply", "refuse_off")

        with pytest.raises((BenchError, GuardianSilent)):
            runner.off()

        assert bench.link.status()["output"] != "off"
        bench.sim.hands.fault("supply", "none")


def test_a_supply_without_protection_levels_charges_nothing(tmp_path: Path) -> None:
    """B4: OVP and OCP must be set and read back before the output may go on."""
    folder = Folder(cells=[cell(soc=0.95)], supply_driver="korad_ka3005p")
    with guarded(tmp_path, folder=folder) as bench:
        runner = bench.session()
        bench.sim.hands.post("/links/on")

        with pytest.raises(BenchError, match="no OVP and OCP levels"):
            runner.configure(Setpoint(3.65, 4.0), Protection(3.75, 4.5))

        assert [r["on"] for r in bench.sim.truth("relay")] == []
        runner.close(kind="ERROR", reason="no protection")


def test_every_instrument_of_the_bench_is_met_before_a_run(tmp_path: Path) -> None:
    more = ("itech_it8514c", "jbd_bms", "eletechsup_r4dcb08")
    with guarded(tmp_path, folder=Folder(cells=[cell()] * 4, more=more)) as bench:
        runner = bench.session()

        assert [(seen["role"], seen["serial_number"]) for seen in runner.instruments] == [
            ("supply", "00012345"),
            ("meter", "MY53200001"),
            ("scanner", "MY49000001"),
            ("load", "8000123456"),
            ("bms", "JBD-SP04S020-0042"),
            ("thermometer", "001"),
        ]
        runner.close(kind="STOPPED", reason="met")
