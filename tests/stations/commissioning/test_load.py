"""The load at a check, by its wires: tried after the supply, never with it (B9, B16, F1)."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from tests.stations.commissioning.bench import asked, linked, stations, written
from tests.stations.sim.harness import SimulatedBench
from tests.wait import wait_until

LOAD = ("itech_it8514c",)
UNTIL_DRAWN = ("yes\n800\n1.80\n", "load's own front")


def are_ever_on_together(bench: SimulatedBench) -> bool:
    """Supply's relay and load, by the truth log."""
    relay = drawing = False
    for record in bench.truth():
        relay, drawing = record.get("on", relay), record.get("drawing", drawing)
        if relay and drawing:
            return True
    return False


def drew(bench: SimulatedBench) -> bool:
    return any(record["drawing"] for record in bench.truth("load"))


def test_a_good_load_passes_and_never_draws_while_the_supply_is_on(tmp_path: Path) -> None:
    with linked(tmp_path, more=LOAD) as bench:
        told = stations("check", bench, "yes\n800\n1.80\n12.00\n")

        assert told.returncode == 0, told.stdout + told.stderr
        drawn = written(bench).figures.drawn
        assert drawn is not None
        assert drawn.large is not None
        assert (drawn.bank_ah, drawn.zero_a) == (800.0, 0.0)
        assert drawn.large.current_a == pytest.approx(120.0, abs=0.05)
        assert drawn.lead_ohm == pytest.approx(0.005, abs=0.0002)
        assert drew(bench)
        assert not are_ever_on_together(bench)
        assert not bench.output_is_on()


def test_who_does_not_want_so_many_amps_in_the_leads_is_told_and_begins_nothing(
    tmp_path: Path,
) -> None:
    with linked(tmp_path, more=LOAD) as bench:
        told = stations("check", bench, "yes\n\n")

        assert told.returncode == 1
        assert "its leads are on the bank as well" in told.stdout
        assert "all leads must bear 120 A; otherwise press Enter now" in told.stdout
        assert not drew(bench)
        assert not bench.output_moves()[-1][1]


def test_the_load_s_own_cut_off_and_timer_are_set_before_it_draws(tmp_path: Path) -> None:
    with linked(tmp_path, more=LOAD) as bench:
        stations("check", bench, "yes\n800\n1.80\n12.00\n")

        kinds = [
            (record["kind"], record.get("command", record.get("drawing")))
            for record in bench.truth()
            if record["kind"] == "load" or record.get("instrument") == "load"
        ]
        first_on = kinds.index(("load", True))
        assert {("set", 0x4E), ("set", 0x50), ("set", 0x52)} <= set(kinds[:first_on])


def test_a_load_that_draws_ten_times_what_it_says_is_found_by_who_reads_its_display(
    tmp_path: Path,
) -> None:
    """Set and read-back agree, and are both wrong by ten."""
    with linked(tmp_path, more=LOAD) as bench:
        bench.hands.fault("load", "tenfold")
        with asked(bench, *UNTIL_DRAWN) as (process, heard):
            shown_a = bench.hands.state()["load_current_a"]
            assert process.stdin is not None
            process.stdin.write(f"{shown_a:.1f}\n")
            process.stdin.close()

            words = heard.read()

            assert process.wait(timeout=60) == 1
        report = written(bench)
        assert shown_a == pytest.approx(120.0, abs=0.5)
        assert "fail    load's display" in words
        assert "Correct it before anything is drawn here" in words
        assert not report.passed
        assert report.figures.drawn is not None
        assert report.figures.drawn.large is None
        assert not bench.output_is_on()


def test_a_meter_that_falls_silent_ends_the_draw(tmp_path: Path) -> None:
    with linked(tmp_path, more=LOAD) as bench, asked(bench, *UNTIL_DRAWN) as (process, _):
        bench.hands.fault("meter", "silence")

        assert process.wait(timeout=60) == 1

        report = written(bench)
        assert "samples in doubt: meter_silent" in report.ended
        assert not report.passed
        assert not bench.output_is_on()


def test_a_check_that_is_killed_while_it_draws_leaves_the_load_off(tmp_path: Path) -> None:
    with linked(tmp_path, more=LOAD) as bench, asked(bench, *UNTIL_DRAWN) as (process, _):
        assert bench.output_is_on()
        process.send_signal(signal.SIGKILL)
        process.wait(timeout=30)

        wait_until(lambda: not bench.output_is_on(), within_s=5)


def test_the_load_is_not_tried_after_a_supply_that_failed(tmp_path: Path) -> None:
    with linked(tmp_path, more=LOAD) as bench:
        told = stations("check", bench, "yes\n800\n18.0\n")

        assert (told.returncode, "not tried before" in told.stdout) == (1, True), told.stdout
        assert written(bench).figures.drawn is None
        assert not drew(bench)


@pytest.mark.parametrize("typed", ["many", "", "-5", "nan", "3"])
def test_what_is_no_bank_for_this_load_begins_nothing(tmp_path: Path, typed: str) -> None:
    with linked(tmp_path, more=LOAD) as bench:
        told = stations("check", bench, f"yes\n{typed}\n")

        assert told.returncode == 1
        assert any(words in told.stderr for words in ("ampere-hours", "no bank", "more cells"))
        assert not bench.output_moves()[-1][1]
        assert not (tmp_path / "token").exists()
