"""A cable is pulled, a line is spoiled: no number is made up, and off or an alarm in time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import pytest

from stations.clock import wall_now
from stations.sim.proxy import CORRUPT, DROP, HALF_OPEN, RESET, Line, Proxy, cut, delay, slow
from tests.faults.guarded import Guarded, guarded, next_event, next_reading
from tests.faults.matrix import Trial
from tests.faults.replies import false_values
from tests.wait import wait_until

WITHOUT_A_VALID_ONE_S = 3.5  # 3 s, and the way to off


@pytest.mark.fault("22", "the supply is unplugged in mid-reply", trials=5, limit_s=5.0)
def test_a_supply_that_is_unplugged_alarms_and_is_proven_off_when_it_is_back(
    tmp_path: Path, trial: Trial
) -> None:
    """Its port comes back as another terminal; whose it is, its serial number says."""
    with guarded(tmp_path) as bench:
        runner = bench.session()
        bench.charge(runner)
        next_reading(runner)

        bench.sim.hands.fault("supply", "unplugged")
        wait_until(lambda: bench.link.status()["output"] == "unknown")
        unplugged = wait_until(lambda: bench.sim.truth("unplugged"))[0]
        alarm = wait_until(lambda: bench.events("alarm"))[0]
        trial.happened(len(unplugged["sent"].split()) < 27)
        pulled = datetime.fromisoformat(unplugged["wall"])
        trial.off_after((datetime.fromisoformat(alarm["received_at"]) - pulled).total_seconds())
        assert bench.sim.output_is_on()  # such a supply goes on by itself
        assert bench.link.status()["output"] == "unknown"

        bench.sim.hands.fault("supply", "none")
        wait_until(lambda: bench.link.status()["output"] == "off")
        assert not bench.sim.output_is_on()
        assert bench.link.status()["alarm"] == ""
        assert false_values(bench) == []


@pytest.mark.fault("22", "another unit is at the supply's port", trials=5, limit_s=5.0)
def test_another_unit_at_the_port_is_not_believed(tmp_path: Path, trial: Trial) -> None:
    with guarded(tmp_path) as bench:
        runner = bench.session()
        bench.charge(runner)
        bench.sim.hands.fault("supply", "unplugged")
        wait_until(lambda: bench.sim.truth("unplugged"))
        bench.sim.hands.fault("supply", "stranger")
        plugged = wait_until(lambda: bench.sim.truth("plugged"))[0]

        wait_until(lambda: "found" in bench.link.status()["alarm"])
        trial.happened(plugged)
        since = datetime.fromisoformat(plugged["wall"])
        trial.off_after((wall_now() - since).total_seconds())
        assert bench.link.status()["output"] == "unknown"
        later = [s for s in bench.samples() if datetime.fromisoformat(s["received_at"]) > since]
        assert all({"supply_silent", "supply_invalid"} & set(s["flags"]) for s in later)

        bench.sim.hands.fault("supply", "none")
        wait_until(lambda: bench.link.status()["output"] == "off")


@pytest.mark.fault(
    "22",
    "the meter's line is spoiled for good",
    trials=1,
    limit_s=WITHOUT_A_VALID_ONE_S,
    in_ci=("delay_s", "bytes_per_s"),
)
@pytest.mark.parametrize(
    "line", [DROP, RESET, CORRUPT, slow(1.0), delay(1.0), cut(5)], ids=lambda line: words(line)
)
def test_a_meter_behind_a_spoiled_line_switches_off(
    tmp_path: Path, trial: Trial, line: Line
) -> None:
    with behind_a_proxy(tmp_path) as (bench, proxy):
        runner = bench.session()
        bench.charge(runner)
        next_reading(runner)

        spoiled = wall_now()
        proxy.line = line
        event = next_event(runner)

        bench.wait_off(spoiled)
        trial.happened(
            any(
                "meter_silent" in s["flags"] or "meter_invalid" in s["flags"]
                for s in bench.samples()
            )
        )
        trial.off_after(bench.off_since(spoiled))
        assert event.kind == "safe_hold"
        assert false_values(bench) == []


@pytest.mark.fault("22", "the meter's connection is half open", trials=5)
def test_a_half_open_connection_is_made_anew_and_the_charge_goes_on(
    tmp_path: Path, trial: Trial
) -> None:
    with behind_a_proxy(tmp_path) as (bench, proxy):
        runner = bench.session()
        bench.charge(runner)
        before = next_reading(runner).seq

        proxy.line = HALF_OPEN
        while (last := next_reading(runner)).seq < before + 20:
            pass

        trial.happened(proxy.held)
        assert last.flags == frozenset()
        assert bench.sim.output_is_on()
        assert false_values(bench) == []


@contextmanager
def behind_a_proxy(path: Path) -> Iterator[tuple[Guarded, Proxy]]:
    """A guarded bench whose guardian reaches the meter through a proxy."""
    with guarded(path) as bench:
        port = int(bench.sim.config.meter.resource.split("::")[2])
        with Proxy(("127.0.0.1", port)) as proxy:
            bench.kill()
            text = bench.sim.bench_toml.read_text()
            bench.sim.bench_toml.write_text(text.replace(f"::{port}::", f"::{proxy.port}::"))
            bench.restart()
            yield bench, proxy


def words(line: Line) -> str:
    """The one thing that is wrong with it."""
    return next(name for name in Line.__slots__ if getattr(line, name) != getattr(Line(), name))
