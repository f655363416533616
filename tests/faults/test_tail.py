"""What looks like the end of a balance and is none (row 36, B2): no verdict comes of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from stations.procedures.actions import Outcome
from tests.faults.balancing import QUICK, balancing
from tests.faults.guarded import Guarded, guarded
from tests.faults.matrix import Trial
from tests.stations.procedures.scripted import program
from tests.stations.sim.harness import cell
from tests.wait import wait_until

NEARLY_FULL = [cell(soc=0.999)] * 4  # in the CV hold within seconds
HASTY = program(cv_min_s=60.0, no_current_s=300.0)  # s of process time; a tail is held for 300 s
SLOWLY = 30.0  # so that what truly flows stays above the tail for a while
BLINKS = 4


def in_cv(bench: Guarded) -> bool:
    return bool(bench.samples()[-1]["regulation"] == "CV")


def amps(bench: Guarded) -> float:
    return float(bench.samples()[-1]["supply_current_a"])


def is_done(outcome: Outcome) -> bool:
    return any(
        "done" in r.remarks or "essentially balanced" in r.remarks for r in outcome.run.records
    )


@pytest.mark.fault("36", "now and then the ammeter shows a tail", trials=5, in_ci=False)
def test_a_tail_that_is_seen_now_and_then_ends_nothing(tmp_path: Path, trial: Trial) -> None:
    with (
        guarded(tmp_path, timing=QUICK, cells=NEARLY_FULL, speed=SLOWLY) as bench,
        balancing(bench, HASTY) as outcome,
    ):
        # With more flowing, the drop along the leads would give the ammeter away (row 26).
        wait_until(lambda: in_cv(bench) and amps(bench) < 4.0, within_s=30)
        for _ in range(BLINKS):
            blink(bench)

        shown = [s["supply_current_a"] for s in bench.samples() if s["regulation"] == "CV"]
        trial.happened(shown.count(0.30) >= BLINKS)
        assert max(shown[-20:]) > 1.0
        assert not outcome.done(), outcome.result()
        assert bench.sim.output_is_on()


def blink(bench: Guarded) -> None:
    """A tail for a while that is shorter than it must be held, then what truly flows."""
    bench.sim.hands.fault("supply", "tail_amps")
    seen = len(bench.samples())
    wait_until(lambda: [s["supply_current_a"] for s in bench.samples()[seen:]].count(0.30) >= 2)
    bench.sim.hands.fault("supply", "none")
    wait_until(lambda: amps(bench) > 1.0)


@pytest.mark.fault("36", "no current, for a lead has come off", trials=5)
def test_a_lead_that_comes_off_in_the_hold_is_no_end(tmp_path: Path, trial: Trial) -> None:
    with (
        guarded(tmp_path, timing=QUICK, cells=NEARLY_FULL) as bench,
        balancing(bench, HASTY) as outcome,
    ):
        wait_until(lambda: in_cv(bench), within_s=20)
        bench.sim.hands.post("/leads/off")
        ended = outcome.result(timeout=30)

        trial.happened(bench.sim.truth("hands")[-1]["leads"] is False)
        assert (ended.kind, is_done(ended)) == ("ERROR", False)
        assert not bench.sim.output_is_on()


@pytest.mark.fault("36", "no current, for the output is off", trials=5)
def test_an_output_that_goes_off_in_the_hold_is_no_end(tmp_path: Path, trial: Trial) -> None:
    with (
        guarded(tmp_path, timing=QUICK, cells=NEARLY_FULL) as bench,
        balancing(bench, HASTY) as outcome,
    ):
        wait_until(lambda: in_cv(bench), within_s=20)
        bench.sim.hands.fault("supply", "restart")
        ended = outcome.result(timeout=30)

        trial.happened(bench.sim.truth("relay")[-1]["on"] is False)
        assert (ended.kind, is_done(ended)) == ("ERROR", False)
