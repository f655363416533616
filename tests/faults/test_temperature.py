"""Cells that grow hot or are cold, and a logger that says nothing or what cannot be (F4)."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from stations.clock import wall_now
from stations.sim.folder import Folder
from tests.faults.guarded import LIMITS, guarded, next_event, next_reading
from tests.stations.sim.harness import cell

WARM = Folder(cells=[cell()] * 4, speed=240.0, more=("eletechsup_r4dcb08",))


def test_each_sample_has_a_temperature_for_every_probe(tmp_path: Path) -> None:
    with guarded(tmp_path, folder=WARM) as bench:
        runner = bench.session()
        bench.charge(runner)

        reading = next_reading(runner)

        assert reading.temperatures_c == (25.0,) * 4
        assert (reading.temperature_c, reading.flags) == (25.0, frozenset())
        assert bench.samples()[-1]["temperatures_c"] == [25.0] * 4


@pytest.mark.parametrize(("celsius", "words"), [(47.5, "outside 0 … 45 °C"), (-2.0, "outside 0")])
def test_a_cell_that_grows_hot_or_is_frozen_trips_the_guardian(
    tmp_path: Path, celsius: float, words: str
) -> None:
    with guarded(tmp_path, folder=WARM) as bench:
        runner = bench.session()
        bench.charge(runner)
        next_reading(runner)

        warmed = wall_now()
        bench.sim.hands.post(f"/cells/3/celsius/{celsius}")
        event = next_event(runner)

        bench.wait_off(warmed)
        assert event.kind == "trip"
        assert str(event.data["reason"]).startswith("probe 3 at ")
        assert words in str(event.data["reason"])


def test_cold_cells_take_no_more_than_a_tenth_of_their_capacity_an_hour(tmp_path: Path) -> None:
    cold = replace(WARM, temperature_c=5.0)
    with guarded(tmp_path, folder=cold) as bench:
        runner = bench.session(limits=replace(LIMITS, cold_current_max_a=10.0))
        bench.charge(runner)

        event = next_event(runner)

        assert event.kind == "trip"
        assert "into cells at 5.0 °C, above the 10.00 A that cold cells take" in str(event.data)


@pytest.mark.parametrize(
    ("fault", "flag"),
    [
        ("silence", "thermometer_silent"),
        ("lost_probe", "thermometer_invalid"),
        ("hot_probe", "thermometer_invalid"),
        ("garbage", "thermometer_"),
    ],
)
def test_a_logger_that_is_silent_or_says_what_cannot_be_is_a_doubt(
    tmp_path: Path, fault: str, flag: str
) -> None:
    with guarded(tmp_path, folder=WARM) as bench:
        runner = bench.session()
        bench.charge(runner)
        next_reading(runner)

        broken = wall_now()
        bench.sim.hands.fault("thermometer", fault)
        event = next_event(runner)

        bench.wait_off(broken)
        assert event.kind == "safe_hold"
        assert flag in str(event.data["reason"])
        doubtful = [s for s in bench.samples() if any(flag in f for f in s["flags"])]
        assert len(doubtful) >= 2
        assert all(s["temperatures_c"][0] is None for s in doubtful)
