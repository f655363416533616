"""identify, measure and check on a simulated bench, as a person types them (F1, F4, B4)."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.guarded import charging_runner, guarded
from tests.stations.commissioning.bench import asked, linked, stations, written
from tests.stations.sim.harness import SimulatedBench
from tests.wait import wait_until

WITH_LOAD = "yes\n800\n1.80\n12.00\n"  # ampere-hours of four cells, then what displays show


def was_on(bench: SimulatedBench) -> bool:
    return any(on for _, on in bench.output_moves())


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimulatedBench]:
    """A bench of every role that was checked once."""
    more = ("itech_it8514c", "jbd_bms", "eletechsup_r4dcb08")
    with linked(tmp_path_factory.mktemp("whole"), scanner=True, relay=True, more=more) as bench:
        told = stations("check", bench, WITH_LOAD)
        assert (told.returncode, "passed: " in told.stdout) == (0, True), told.stdout + told.stderr
        yield bench


def test_a_check_leaves_a_report_of_who_was_there_and_what_was_seen(whole: SimulatedBench) -> None:
    report = written(whole)

    assert report.passed
    assert [said.role for said in report.instruments] == [i.role for i in whole.config.instruments]
    assert report.lead_milliohm == pytest.approx(5.0, abs=1.6)
    assert report.figures.offset_v == pytest.approx(0.004, abs=0.006)
    assert (report.station, report.simulated) == ("bench-1", True)


def test_a_check_is_in_a_journal_of_its_own_and_spends_a_token(whole: SimulatedBench) -> None:
    journal = whole.config.journal / "commissioning-1.jsonl"

    last = journal.read_text().splitlines()[-1]

    assert last.startswith(written(whole).journal["head"])
    assert (whole.path / "token").read_text() == "1\n"


def test_a_check_never_sets_more_than_the_target(whole: SimulatedBench) -> None:
    supply = [r for r in whole.truth("set") if r["instrument"] == "supply"]
    volts = [record["value"] for record in supply if record["register"] == 8]

    assert max(volts) == 365
    assert not whole.output_is_on()


def test_identify_lists_everybody_with_ratings(whole: SimulatedBench) -> None:
    told = stations("identify", whole)

    assert (told.returncode, told.stderr) == (0, "")
    lines = told.stdout.splitlines()
    assert [line.split()[0] for line in lines] == [i.role for i in whole.config.instruments]
    assert "RD6018    serial number 00012345" in lines[0]
    assert "60 V, 18 A, 1080 W" in lines[0]


def test_identify_names_everybody_as_a_shop_registers_them(whole: SimulatedBench) -> None:
    told = stations("identify", whole, "", "--json")

    assert (told.returncode, told.stderr) == (0, "")
    named = json.loads(told.stdout)["instruments"]
    assert [one["role"] for one in named] == [i.role for i in whole.config.instruments]
    assert named[0] == {
        "role": "supply",
        "driver": "riden_rd6018",
        "model": "RD6018",
        "serial_number": "00012345",
    }


def test_measure_reads_everybody_once(whole: SimulatedBench) -> None:
    told = stations("measure", whole)

    assert (told.returncode, told.stderr) == (0, "")
    assert "output off, 0.000 V, 0.000 A" in told.stdout
    assert "25.0 25.0 25.0 25.0 °C" in told.stdout
    truth = whole.hands.state()["cells"][3]["voltage_v"]
    shown = float(told.stdout.splitlines()[1].split()[-2])
    assert shown == pytest.approx(truth, abs=0.001)


@pytest.mark.parametrize("command", ["identify", "check"])
def test_another_serial_number_is_refused_with_what_to_do(tmp_path: Path, command: str) -> None:
    with linked(tmp_path) as bench:
        toml = bench.bench_toml
        toml.write_text(toml.read_text().replace("MY53200001", "MY53200002"))

        told = stations(command, bench, "yes\n1.80\n")

        assert told.returncode == 1
        assert "MY53200001 answers, bench.toml says MY53200002: check the cables" in told.stderr
        assert not was_on(bench)


def test_measure_switches_off_what_it_finds_on(tmp_path: Path) -> None:
    with guarded(tmp_path) as bench:
        bench.charge(bench.session())
        bench.kill()

        told = stations("measure", bench.sim)

        assert (told.returncode, "output off" in told.stdout) == (0, True), told.stderr
        assert not bench.sim.output_is_on()


@pytest.mark.parametrize("command", ["measure", "check"])
def test_a_bench_that_a_guardian_holds_is_left_alone(tmp_path: Path, command: str) -> None:
    with guarded(tmp_path) as bench, charging_runner(bench):
        told = stations(command, bench.sim, "yes\n1.80\n")

        assert told.returncode == 3
        assert "another process drives the bench" in told.stderr
        assert bench.sim.output_is_on()
        assert not (tmp_path / "commissioning.json").exists()


def test_identify_says_what_a_guardian_has_not_asked_yet(tmp_path: Path) -> None:
    with guarded(tmp_path) as bench:
        told = stations("identify", bench.sim)

        assert (told.returncode, "has not asked it yet" in told.stderr) == (1, True)


def test_nobody_says_yes_and_nothing_begins(tmp_path: Path) -> None:
    with linked(tmp_path) as bench:
        told = stations("check", bench, "no\n")

        assert (told.returncode, "nobody typed yes" in told.stderr) == (1, True)
        assert not was_on(bench)
        assert not (tmp_path / "token").exists()


TENFOLD = """
import sys
from pathlib import Path
from stations.sim.bench import simulate
from stations.sim.fitting import SIMULATED
SIMULATED["riden_rd6018"].supply.PER_AMP = 1000
sys.exit(simulate(Path(sys.argv[1])))
"""


def test_a_supply_that_counts_amps_otherwise_is_found_by_who_reads_its_display(
    tmp_path: Path,
) -> None:
    """It says that it is an RD6018; set and read-back agree, and are both wrong by ten."""
    with linked(tmp_path, program=TENFOLD) as bench, asked(bench) as (process, heard):
        shown_a = bench.hands.state()["supply_current_a"]
        assert process.stdin is not None
        process.stdin.write(f"{shown_a:.2f}\n")
        process.stdin.close()

        words = heard.read()

        report = written(bench)
        assert (process.wait(timeout=60), report.passed) == (1, False)
        assert shown_a == pytest.approx(0.18, abs=0.01)
        assert "wrong by a factor of ten" in words
        assert report.figures.large is None


def test_a_meter_that_falls_silent_ends_the_check_off(tmp_path: Path) -> None:
    with linked(tmp_path) as bench, asked(bench) as (process, _):
        bench.hands.fault("meter", "silence")

        assert process.wait(timeout=60) == 1

        report = written(bench)
        assert "samples in doubt: meter_silent" in report.ended
        assert not report.passed
        assert not bench.output_is_on()


def test_a_check_that_is_killed_leaves_the_output_off_and_the_bench_free(tmp_path: Path) -> None:
    with linked(tmp_path) as bench, asked(bench) as (process, _):
        process.kill()
        process.wait(timeout=30)

        wait_until(lambda: not bench.output_is_on(), within_s=5)
        freed = wait_until(lambda: stations("measure", bench).returncode == 0, within_s=30)
        assert freed


def test_ctrl_c_switches_off(tmp_path: Path) -> None:
    with linked(tmp_path) as bench, asked(bench) as (process, _):
        process.send_signal(signal.SIGINT)

        assert process.wait(timeout=60) == 1

        assert process.stderr is not None
        assert "stopped by hand" in process.stderr.read()
        assert not bench.output_is_on()
        assert not (tmp_path / "commissioning.json").exists()


def test_a_guardian_that_is_killed_under_it_does_not_leave_the_output_on(tmp_path: Path) -> None:
    with linked(tmp_path) as bench, asked(bench) as (process, _):
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text()
        os.kill(int(children.split()[0]), signal.SIGKILL)

        assert process.wait(timeout=60) == 1

        assert not bench.output_is_on()
        assert (
            "guardian is gone" in json.loads((tmp_path / "commissioning.json").read_text())["ended"]
        )


def test_a_stop_from_another_terminal_ends_the_check(tmp_path: Path) -> None:
    with linked(tmp_path) as bench, asked(bench) as (process, _):
        stopped = stations("stop", bench)

        assert (stopped.returncode, stopped.stdout) == (0, "output off\n")
        assert process.wait(timeout=60) == 1
        assert "stopped from the command line" in written(bench).ended
