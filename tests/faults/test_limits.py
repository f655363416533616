"""A value crosses the guardian's own envelope while the runner sees nothing wrong."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from stations.values import Protection, Setpoint
from tests.faults.guarded import LIMITS, guarded, next_event

GENTLE = Setpoint(3.40, 14.4), Protection(3.44, 15.1)


@pytest.mark.parametrize(
    ("limit", "value", "words"),
    [
        ("charge_max_ah", 0.5, "Ah delivered"),
        ("cell_voltage_max_v", 3.3415, "cell "),
        ("bank_voltage_max_v", 3.3415, "bank at"),
        ("duration_max_s", 600.0, "session took longer"),
    ],
)
def test_a_crossed_limit_trips_with_the_output_off(
    tmp_path: Path, limit: str, value: float, words: str
) -> None:
    with guarded(tmp_path) as bench:
        crossed: dict[str, Any] = {limit: value}
        runner = bench.session(limits=replace(LIMITS, **crossed))
        bench.charge(runner, *GENTLE)

        event = next_event(runner)

        assert (event.kind, words in event.data["reason"]) == ("trip", True)
        assert not bench.sim.output_is_on()
        runner.off()
        runner.close(kind="TRIPPED", reason=str(event.data["reason"]))
        assert bench.journal()[-1].body["outcome"]["kind"] == "TRIPPED"
