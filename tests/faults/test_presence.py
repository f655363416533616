"""Somebody must say in time that they are at the bench, else the output goes off (F4)."""

from __future__ import annotations

from pathlib import Path

import pytest

from stations.bench import BenchError
from stations.clock import guard_s, wall_now
from stations.guardian_client import GuardianBench
from tests.faults.guarded import LIMITS, Guarded, guarded, next_event, next_reading
from tests.wait import wait_until

PRESENCE_S = 2.5  # of guard time; the bench's own clock runs 240 times as fast


def attended(bench: Guarded, *, absent_s: float = 0.0) -> GuardianBench:
    bench.token += 1
    runner = GuardianBench(
        bench.sim.config.socket,
        run="r1",
        attempt=bench.token,
        token=bench.token,
        limits=LIMITS,
        program={"name": "test", "version": "1"},
        valid_s=600.0,
        presence_s=PRESENCE_S,
        absent_s=absent_s,
    )
    bench.sessions.append(runner)
    return runner


def test_without_a_word_the_output_goes_off_by_guard_time_and_may_go_on(tmp_path: Path) -> None:
    with guarded(tmp_path) as bench:
        runner = attended(bench)
        began_s = guard_s()
        bench.charge(runner)

        event = next_event(runner)

        assert guard_s() - began_s >= PRESENCE_S - 0.5
        assert (event.kind, event.data["resumable"]) == ("safe_hold", True)
        assert "nobody confirmed to be at the bench" in str(event.data["reason"])
        wait_until(lambda: not bench.sim.output_is_on())


def test_who_says_so_in_time_keeps_the_output_on(tmp_path: Path) -> None:
    with guarded(tmp_path) as bench:
        runner = attended(bench)
        bench.charge(runner)
        began_s = guard_s()

        for number in range(4):
            said_s = guard_s()
            bench.link.act(run="r1", act=f"p{number}", kind="presence", data={})
            while guard_s() - said_s < PRESENCE_S / 2:
                next_reading(runner)

        assert guard_s() - began_s > 1.5 * PRESENCE_S
        assert bench.sim.output_is_on()
        assert len(bench.events("act")) == 4


def test_a_word_that_waited_for_the_line_is_no_sign_of_now(tmp_path: Path) -> None:
    with guarded(tmp_path) as bench:
        runner = attended(bench)
        bench.charge(runner)
        began_s = guard_s()

        bench.link.act(run="r1", act="late", kind="presence", data={}, ago_s=3600.0)
        event = next_event(runner)
        while event.kind == "act":
            event = next_event(runner)

        assert event.kind == "safe_hold"
        assert guard_s() - began_s < 2 * PRESENCE_S


def test_nothing_is_switched_on_where_nobody_was_seen_in_time(tmp_path: Path) -> None:
    with guarded(tmp_path) as bench:
        asked = wall_now()
        runner = attended(bench, absent_s=60.0)

        with pytest.raises(BenchError, match="nobody confirmed to be at the bench"):
            bench.charge(runner)

        assert not [wall for wall, on in bench.sim.output_moves() if on and wall >= asked]
        assert next_event(runner).kind == "safe_hold"
