"""An instrument falls silent or disobeys while the output is on."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime
from pathlib import Path

import pytest

from stations.bench import BenchError
from stations.clock import wall_now
from stations.guardian_client import GuardianSilent
from tests.faults.guarded import Guarded, guarded, next_event, next_reading
from tests.faults.matrix import Trial
from tests.wait import wait_until

SILENT_WITHIN_S = 3.5  # 3 s without a valid sample, and the way to off


@pytest.mark.fault("23", "no reply at all", trials=3, limit_s=SILENT_WITHIN_S)
@pytest.mark.parametrize("role", ["meter", "scanner"])
def test_a_silent_instrument_switches_off(tmp_path: Path, trial: Trial, role: str) -> None:
    with guarded(tmp_path) as bench:
        runner = bench.session()
        bench.charge(runner)
        next_reading(runner)

        broken = wall_now()
        bench.sim.hands.fault(role, "silence")
        event = next_event(runner)

        bench.wait_off(broken)
        trial.off_after(bench.off_since(broken))
        assert event.kind == "safe_hold"
        runner.close(kind="ERROR", reason=str(event.data["reason"]))
        trial.happened([f"{role}_silent"] in [sample["flags"] for sample in bench.samples()])


def test_a_supply_that_refuses_off_is_never_said_to_be_off(tmp_path: Path) -> None:
    with guarded(tmp_path) as bench:
        runner = bench.session()
        bench.charge(runner)
        bench.sim.hands.fault("supply", "refuse_off")

        with pytest.raises(BenchError, match="not proven off"):
            runner.off()

        assert bench.sim.output_is_on()
        status = bench.link.status()
        assert status["output"] == "on"
        assert "not proven off" in status["alarm"]

        def offs() -> int:
            sent = bench.sim.truth("set")
            return len([r for r in sent if (r["register"], r["value"]) == (18, 0)])

        tried = offs()
        wait_until(lambda: offs() >= tried + 5)  # it keeps trying
        zeroed = [r for r in bench.sim.truth("set") if r["register"] == 8]
        assert zeroed[-1]["value"] == 0  # and has taken the voltage away meanwhile

        obeys = wall_now()
        bench.sim.hands.fault("supply", "none")
        bench.wait_off(obeys, within_s=3.0)
        wait_until(lambda: bench.link.status()["output"] == "off")
        assert bench.link.status()["alarm"] == ""


def test_a_silent_supply_is_unknown_until_it_is_proven_off(tmp_path: Path) -> None:
    with guarded(tmp_path) as bench:
        runner = bench.session()
        bench.charge(runner)
        bench.sim.hands.fault("supply", "silence")

        wait_until(lambda: bench.link.status()["output"] == "unknown")
        wait_until(lambda: "not proven off" in bench.link.status()["alarm"])
        assert bench.sim.output_is_on()

        answers = wall_now()
        bench.sim.hands.fault("supply", "none")
        bench.wait_off(answers, within_s=5.0)
        wait_until(lambda: bench.link.status()["output"] == "off")


def test_a_stop_waits_for_no_other_instrument(tmp_path: Path) -> None:
    with guarded(tmp_path) as bench:
        runner = bench.session()
        bench.charge(runner)
        next_reading(runner)
        bench.sim.hands.fault("scanner", "silence")
        next_reading(runner)

        stopped = wall_now()
        told = bench.link.stop(reason="test")

        assert told["output"] == "off"
        bench.wait_off(stopped, within_s=0.25)


def test_off_waits_for_one_time_out_of_a_hanging_read_and_no_more(tmp_path: Path) -> None:
    """The supply obeys and no longer answers: the read at hand is not repeated before OFF."""
    with guarded(tmp_path) as bench:
        runner = bench.session()
        bench.charge(runner)
        next_reading(runner)
        bench.sim.hands.fault("supply", "mute")
        wait_until(lambda: quiet_s(bench) > 0.15, period_s=0.01)  # three samples: a read hangs

        stopped = wall_now()
        with suppress(GuardianSilent):
            bench.link.stop(reason="test")

        bench.wait_off(stopped, within_s=bench.sim.config.timing.io_timeout_s + 0.3)
        bench.sim.hands.fault("supply", "none")


def quiet_s(bench: Guarded) -> float:
    """Wall time since the supply last answered a read."""
    last = [r for r in bench.sim.truth("reply") if r["instrument"] == "supply"][-1]
    return (wall_now() - datetime.fromisoformat(last["wall"])).total_seconds()
