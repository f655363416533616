"""B5: what the supply truly gives at its target, its leads and the meter's laid together."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.stations.commissioning.bench import QUICK, asked, linked, stations, written
from tests.stations.sim.harness import SimulatedBench

LAID = ("yes\n1.80\n", "the ends must not touch")


def answered(bench: SimulatedBench, *, hands: tuple[str, ...], fault: str = "none") -> int:
    """The exit code where hands did that before they typed yes; they are told to undo it."""
    with asked(bench, *LAID) as (process, heard):
        assert process.stdin is not None
        for path in hands:
            bench.hands.post(path)
        bench.hands.fault("supply", fault)
        process.stdin.write("yes\n")
        process.stdin.close()
        assert "leads and meter go back" in heard.read()
        return process.wait(timeout=60)


def test_the_offset_at_the_target_is_measured_with_no_cell_on_and_planned_with(
    tmp_path: Path,
) -> None:
    """The simulated supply gives 4 mV less than it says."""
    with linked(tmp_path) as bench:
        assert answered(bench, hands=("/leads/off", "/meter/leads")) == 0

        report = written(bench)
        assert report.passed
        assert report.figures.offset_target_v == pytest.approx(0.004, abs=0.0005)
        assert report.measured.supply_offset_v == -report.figures.offset_target_v
        assert report.figures.offset_v == pytest.approx(0.004, abs=0.006)
        assert report.journal["name"] == "commissioning-1"
        assert report.target_journal is not None
        assert report.target_journal["name"] == "commissioning-2"
        last = (bench.config.journal / "commissioning-2.jsonl").read_text().splitlines()[-1]
        assert last.startswith(report.target_journal["head"])
        assert not bench.output_is_on()


def test_leads_that_are_still_on_the_bank_are_no_offset(tmp_path: Path) -> None:
    with linked(tmp_path) as bench:
        assert answered(bench, hands=()) == 1

        report = written(bench)
        (finding,) = [f for f in report.findings if f.check == "offset at target"]
        assert finding.verdict == "fail"
        assert "a cell or a load is on the leads" in finding.words
        assert report.measured.supply_offset_v == 0.0
        assert not bench.output_is_on()


def test_a_supply_that_gives_too_much_at_the_target_does_not_pass(tmp_path: Path) -> None:
    with linked(tmp_path) as bench:
        assert answered(bench, hands=("/leads/off", "/meter/leads"), fault="overshoot") == 1

        report = written(bench)
        assert "at the target, leads laid together: " in report.ended
        assert not report.passed
        assert not bench.output_is_on()


def test_a_report_that_had_passed_does_not_where_the_output_stays_on_at_the_end(
    tmp_path: Path,
) -> None:
    hasty = QUICK | {"shut_down_s": 1.0}
    with linked(tmp_path, timing=hasty) as bench:
        code = answered(bench, hands=("/leads/off", "/meter/leads"), fault="refuse_off")

        report = written(bench)
        assert code == 1
        assert not report.passed
        assert "pull the supply's leads" in report.ended


def test_a_meter_that_was_left_on_the_cells_ends_it_in_words(tmp_path: Path) -> None:
    with linked(tmp_path) as bench:
        assert answered(bench, hands=("/leads/off",)) == 1

        (finding,) = [f for f in written(bench).findings if f.check == "offset at target"]
        assert "See that the meter's leads are on the supply's" in finding.fix


@pytest.mark.parametrize("typed", ["\n", "no\n", ""])
def test_it_is_left_out_where_nobody_lays_them_together(tmp_path: Path, typed: str) -> None:
    with linked(tmp_path) as bench:
        told = stations("check", bench, "yes\n1.80\n" + typed)

        assert told.returncode == 0, told.stdout + told.stderr
        report = written(bench)
        assert report.figures.at_target is None
        assert report.measured.supply_offset_v == -report.figures.offset_v
        assert (bench.path / "token").read_text() == "1\n"


def test_what_was_seen_before_is_kept_where_the_check_dies_at_the_question(tmp_path: Path) -> None:
    with linked(tmp_path) as bench, asked(bench, *LAID) as (process, _):
        process.kill()
        process.wait(timeout=30)

        assert written(bench).passed
        assert written(bench).figures.at_target is None


def test_a_bench_with_a_contactor_says_why_it_is_left_out(tmp_path: Path) -> None:
    with linked(tmp_path, relay=True) as bench:
        told = stations("check", bench, "yes\n1.80\nyes\n")

        assert told.returncode == 0, told.stdout + told.stderr
        assert "the offset at target is left out: a contactor's contacts" in told.stdout
