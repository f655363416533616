"""Mains fail at the supply, the host or both (F8): nothing powers up on, dark proves nothing."""

from __future__ import annotations

import signal
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from stations.clock import wall_now
from tests.faults.guarded import guarded, next_event, next_reading
from tests.faults.matrix import Trial
from tests.wait import wait_until

ON_RETURN_S = 5.0
BOOT_POWER = {"boot_power": True}  # as it may come from a shop: on again when mains return


@pytest.mark.fault("53", "mains off at the supply alone", trials=5, limit_s=ON_RETURN_S)
def test_a_dark_supply_is_no_evidence_and_stays_off_when_mains_return(
    tmp_path: Path, trial: Trial
) -> None:
    with guarded(tmp_path, supply=BOOT_POWER) as bench:
        runner = bench.session()
        bench.charge(runner)
        next_reading(runner)

        dark = wall_now()
        bench.sim.hands.fault("supply", "dark")
        event = next_event(runner)
        assert event.kind == "safe_hold"
        assert bench.link.status()["output"] == "unknown"

        returned = wall_now()
        bench.sim.hands.fault("supply", "none")
        wait_until(lambda: bench.link.status()["output"] == "off")

        trial.off_after((wall_now() - returned).total_seconds())
        trial.happened([r["on"] for r in bench.sim.truth("relay")] == [True, False])
        unsure = [s for s in bench.samples() if dark < moment(s) < returned][1:]
        assert unsure
        assert all("supply_silent" in sample["flags"] for sample in unsure)
        assert all(sample["supply_current_a"] is None for sample in unsure)


@pytest.mark.fault("53", "mains off at the host alone", trials=5, limit_s=ON_RETURN_S)
def test_a_host_that_is_back_switches_off_first(tmp_path: Path, trial: Trial) -> None:
    with guarded(tmp_path, supply=BOOT_POWER) as bench:
        runner = bench.session()
        bench.charge(runner)
        next_reading(runner)
        trial.happened(bench.kill(signal.SIGKILL) == -signal.SIGKILL)
        assert bench.sim.output_is_on()  # such a supply goes on by itself
        last = moment(bench.samples()[-1])

        returned = wall_now()
        bench.restart()

        bench.wait_off(returned)
        trial.off_after(bench.off_since(returned))
        wait_until(lambda: bench.journal()[-1].kind == "close")
        assert bench.journal()[-1].body["outcome"]["reason"] == "guardian restarted"
        assert moment(bench.samples()[-1]) == last  # the gap stays a gap


@pytest.mark.fault("53", "mains off at both", trials=3, limit_s=ON_RETURN_S)
@pytest.mark.parametrize("first", ["supply", "host"])
def test_nothing_is_on_when_mains_return_to_both(tmp_path: Path, trial: Trial, first: str) -> None:
    with guarded(tmp_path, supply=BOOT_POWER) as bench:
        runner = bench.session()
        bench.charge(runner)
        next_reading(runner)
        bench.kill()
        bench.sim.hands.fault("supply", "dark")

        returned = wall_now()
        if first == "supply":
            bench.sim.hands.fault("supply", "none")
            bench.restart()
        else:
            bench.launch()
            wait_until(lambda: bench.output() == "unknown", within_s=20)
            returned = wall_now()
            bench.sim.hands.fault("supply", "none")
        wait_until(lambda: bench.output() == "off", within_s=20)

        trial.off_after((wall_now() - returned).total_seconds())
        trial.happened([r["on"] for r in bench.sim.truth("relay")] == [True, False])


@pytest.mark.fault("53", "a supply powers up on", trials=5, limit_s=ON_RETURN_S)
def test_a_supply_that_powers_up_on_is_switched_off(tmp_path: Path, trial: Trial) -> None:
    """A unit that no run has set up yet: its 'Boot Power' is as it came."""
    with guarded(tmp_path, supply=BOOT_POWER) as bench:
        bench.sim.hands.fault("supply", "dark")
        returned = wall_now()
        bench.sim.hands.fault("supply", "none")

        wait_until(lambda: len(bench.sim.truth("relay")) >= 2)

        trial.happened([r["on"] for r in bench.sim.truth("relay")] == [True, False])
        trial.off_after(bench.off_since(returned))


def moment(sample: Mapping[str, Any]) -> datetime:
    return datetime.fromisoformat(sample["received_at"])
