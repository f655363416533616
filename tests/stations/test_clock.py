"""Process time of a simulated bench, shared through a file: never back, at the writer's speed."""

from __future__ import annotations

from pathlib import Path

import pytest

from stations.clock import ClockWriter, RealClock, SharedClock


def test_reader_and_writer_agree_on_process_time_and_speed(tmp_path: Path) -> None:
    writer = ClockWriter(tmp_path / "clock")
    reader = SharedClock(tmp_path / "clock")

    writer.set_speed(240.0)

    assert reader.speed == 240.0
    assert reader.now().timestamp() == pytest.approx(writer.now_s(), abs=5.0)


def test_time_never_runs_back_when_the_speed_changes_or_the_writer_restarts(
    tmp_path: Path,
) -> None:
    writer = ClockWriter(tmp_path / "clock")
    reader = SharedClock(tmp_path / "clock")
    seen = [reader.now()]
    for speed in (10_000.0, 1.0, 240.0):
        writer.set_speed(speed)
        seen.append(reader.now())

    ClockWriter(tmp_path / "clock")
    seen.append(reader.now())

    assert seen == sorted(seen)
    assert reader.speed == 1.0


def test_a_real_clock_runs_at_speed_one() -> None:
    clock = RealClock()

    first, second = clock.now(), clock.now()

    assert first <= second
    assert (clock.speed, clock.simulated) == (1.0, False)
