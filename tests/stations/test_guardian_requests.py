"""What a guardian grants and refuses, asked over its socket on a simulated bench."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from stations.bench import BenchError, BenchLost
from stations.clock import guard_s
from stations.guardian_client import GuardianBench, GuardianLink, GuardianRefused, GuardianSilent
from stations.values import NAN, Event, Protection, Setpoint
from tests.faults.guarded import (
    LIMITS,
    PROTECTION,
    SETPOINT,
    Guarded,
    guarded,
    next_event,
    next_reading,
)


def test_status_tells_session_output_and_instruments(
    guardian: Guarded, runner: GuardianBench
) -> None:
    status = guardian.link.status()

    assert status["output"] == "off"
    assert status["session"] == {
        "run": "r1",
        "attempt": guardian.token,
        "token": guardian.token,
        "live": True,
    }
    assert status["highest_token"] == guardian.token
    assert [i["serial_number"] for i in status["instruments"]] == [
        "00012345",
        "MY53200001",
        "MY49000001",
    ]
    assert (status["simulated"], status["alarm"]) == (True, "")


def test_readings_come_in_order_and_are_in_the_journal_before(
    guardian: Guarded, runner: GuardianBench
) -> None:
    for seq in (1, 2, 3):
        reading = next_reading(runner)
        kept = [r.body["reading"]["seq"] for r in guardian.journal() if r.kind == "sample"]
        assert reading.seq == seq
        assert seq in kept
        assert (reading.output_on, len(reading.cell_voltages_v)) == (False, 4)
        assert reading.flags == frozenset()


def test_a_journal_begins_with_its_header_and_ends_with_its_outcome(
    guardian: Guarded, runner: GuardianBench
) -> None:
    next_reading(runner)
    closed = runner.close(kind="STOPPED", reason="enough")

    header, *_, last = guardian.journal()
    assert header.body["run"] == "r1"
    assert header.body["token"] == header.body["attempt"] == guardian.token
    assert header.body["limits"]["bank_voltage_max_v"] == LIMITS.bank_voltage_max_v
    assert header.body["off"]["received_at"] == runner.off_at_open.received_at.isoformat()
    assert last.body["outcome"] == {"kind": "STOPPED", "reason": "enough"}
    assert (last.body["last_seq"], last.hash) == (closed["last_seq"], closed["head"])


def test_a_charge_is_set_up_switched_on_adjusted_and_proven_off(
    guardian: Guarded, runner: GuardianBench
) -> None:
    runner.configure(SETPOINT, PROTECTION)
    runner.energise()
    assert next_reading(runner).output_on
    runner.adjust(Setpoint(3.60, 10.0))
    proof = runner.off()

    assert proof.supply_current_a == 0.0
    assert runner.off() == proof  # ages count from the first proof, however often one asks
    kinds = [r.body["event"]["kind"] for r in guardian.journal() if r.kind == "event"]
    assert kinds == ["configured", "on", "set", "off", "off"]
    sent = [(r["register"], r["value"]) for r in guardian.sim.truth("set")]
    protected, set_up = sent.index((82, 375)), sent.index((8, 365))
    assert protected < set_up  # protection first


def test_the_first_reading_after_off_comes_after_the_proof(
    guardian: Guarded, runner: GuardianBench
) -> None:
    runner.configure(SETPOINT, PROTECTION)
    runner.energise()
    next_reading(runner)
    proof = runner.off()

    readings = [next_reading(runner) for _ in range(2)]
    while readings[-1].output_on:
        readings.append(next_reading(runner))

    assert all(reading.output_on == (reading.at < proof.at) for reading in readings)


@pytest.mark.parametrize(
    ("setpoint", "protection", "words"),
    [
        (Setpoint(3.68, 14.4), PROTECTION, "3.68 V is not within"),
        (Setpoint(3.65, 16.0), PROTECTION, "16 A is not within"),
        (Setpoint(NAN, 14.4), PROTECTION, "nan V is not within"),
        (SETPOINT, Protection(4.0, 15.1), "OVP 4 V"),
        (SETPOINT, Protection(3.75, 14.0), "OCP 14 A"),
    ],
)
def test_refuses_a_set_up_outside_the_envelope(
    guardian: Guarded,
    runner: GuardianBench,
    setpoint: Setpoint,
    protection: Protection,
    words: str,
) -> None:
    with pytest.raises(BenchError, match=words):
        runner.configure(setpoint, protection)
    with pytest.raises(BenchError, match="configure first"):
        runner.energise()


def test_refuses_to_go_on_twice_after_one_set_up(guardian: Guarded, runner: GuardianBench) -> None:
    runner.configure(SETPOINT, PROTECTION)
    runner.energise()
    with pytest.raises(BenchError, match="on already"):
        runner.energise()
    with pytest.raises(BenchError, match="proven off before"):
        runner.configure(SETPOINT, PROTECTION)
    runner.off()

    with pytest.raises(BenchError, match="configure first"):
        runner.energise()
    with pytest.raises(BenchError, match="the output is off"):
        runner.adjust(SETPOINT)


@pytest.mark.parametrize(
    "request_fields",
    [
        {"op": "configure"},
        {"op": "energise"},
        {"op": "adjust"},
        {"op": "off"},
        {"op": "note", "kind": "x", "data": {}},
        {"op": "pet"},
        {"op": "close", "outcome": {}},
        {"op": "lease", "valid_s": 60},
    ],
)
def test_an_overtaken_token_is_refused_by_every_op(
    guardian: Guarded, runner: GuardianBench, request_fields: dict[str, Any]
) -> None:
    reply = guardian.ask(token=guardian.token - 1, **request_fields)

    assert (reply["ok"], reply["code"]) == (False, "stale_token")
    assert guardian.link.status()["session"]["live"]


def test_a_lease_that_waited_on_the_way_has_aged_there(
    guardian: Guarded, runner: GuardianBench
) -> None:
    """A guardian that hung reads it late; authority counts from when it was given."""
    sent_s = guard_s() - 31
    guardian.ask(op="lease", token=guardian.token, valid_s=30, sent_s=sent_s)

    event = next_event(runner)

    assert guard_s() - sent_s < 31 + 10
    assert (event.kind, event.data["reason"]) == ("safe_hold", "the lease has passed")
    runner.close(kind="ERROR", reason="lease")


def test_a_token_opens_one_session_only(guardian: Guarded, runner: GuardianBench) -> None:
    guardian.token -= 1

    with pytest.raises(BenchLost, match="lease again"):
        guardian.session()

    assert guardian.link.status()["session"]["live"]


def test_an_act_is_pushed_once_however_often_it_is_handed_over(
    guardian: Guarded, runner: GuardianBench
) -> None:
    for _ in range(3):
        guardian.link.act(run="r1", act="a-1", kind="confirm", data={"step": "connect"})
    guardian.link.act(run="r1", act="a-2", kind="confirm", data={"step": "finish"})

    first, second = next_event(runner), next_event(runner)

    assert first.kind == "act"
    assert first.data == {"id": "a-1", "kind": "confirm", "step": "connect"}
    assert second.data["id"] == "a-2"
    with pytest.raises(GuardianRefused, match="no session here"):
        guardian.link.act(run="another", act="a-3", kind="confirm", data={})


def test_an_act_that_comes_after_the_end_is_left_for_the_next_attempt(
    guardian: Guarded, runner: GuardianBench
) -> None:
    guardian.link.act(run="r1", act="a-1", kind="confirm", data={"step": "connect"})
    guardian.link.stop(reason="the worker ends", resumable=True)

    with pytest.raises(GuardianRefused, match="has ended: the worker ends"):
        guardian.link.act(run="r1", act="a-2", kind="confirm", data={"step": "finish"})
    guardian.link.act(run="r1", act="a-1", kind="confirm", data={"step": "connect"})

    runner.close(kind="INTERRUPTED", reason="the worker ends")
    assert [event["data"]["id"] for event in guardian.events("act")] == ["a-1"]


def test_a_stop_switches_off_and_tells_the_runner(guardian: Guarded, runner: GuardianBench) -> None:
    runner.configure(SETPOINT, PROTECTION)
    runner.energise()

    told = guardian.link.stop(reason="asked for", run="r1")

    assert (told["stopped"], told["output"]) == (True, "off")
    assert not guardian.sim.output_is_on()
    event = next_event(runner)
    assert (event.kind, event.data["reason"]) == ("stop", "asked for")
    with pytest.raises(BenchError, match="the session has ended: asked for"):
        runner.configure(SETPOINT, PROTECTION)
    runner.note("record", {"step": "balance"})
    assert runner.off().at == datetime.fromisoformat(told["off"]["at"])
    runner.close(kind="STOPPED", reason="asked for")


def test_a_stop_of_another_run_leaves_this_one_alone(
    guardian: Guarded, runner: GuardianBench
) -> None:
    runner.configure(SETPOINT, PROTECTION)
    runner.energise()

    told = guardian.link.stop(reason="late", run="r0")

    assert told["stopped"] is False
    assert guardian.sim.output_is_on()
    runner.off()


def test_a_stop_needs_no_session(guardian: Guarded) -> None:
    assert guardian.link.stop(reason="just in case")["output"] == "off"
    assert guardian.bench_events()[-1]["kind"] == "stop"


def test_a_runner_may_not_write_in_the_guardians_name(
    guardian: Guarded, runner: GuardianBench
) -> None:
    with pytest.raises(BenchError, match="guardian's own kind"):
        runner.note("trip", {})
    runner.note("step", {"name": "balance", "limit_v": NAN})

    noted = [r.body["event"] for r in guardian.journal() if r.kind == "event"]
    assert [(n["kind"], n["data"]) for n in noted] == [
        ("step", {"name": "balance", "limit_v": None})
    ]


def test_limits_that_never_trip_are_refused(guardian: Guarded) -> None:
    with pytest.raises(BenchError, match="charge_max_ah"):
        guardian.session(limits=replace(LIMITS, charge_max_ah=NAN))


def test_another_instrument_than_configured_is_refused(tmp_path: Path) -> None:
    with guarded(tmp_path) as bench:
        bench.kill()
        text = bench.sim.bench_toml.read_text()
        bench.sim.bench_toml.write_text(text.replace("MY49000001", "MY49999999"))
        bench.restart()

        with pytest.raises(BenchError, match="scanner: serial number MY49000001 answers"):
            bench.session()

        assert bench.link.status()["session"] is None


def test_a_link_without_a_guardian_says_so(tmp_path: Path) -> None:
    with pytest.raises(GuardianSilent):
        GuardianLink(tmp_path / "guardian.sock").status()


def test_events_and_readings_keep_the_order_of_the_journal(
    guardian: Guarded, runner: GuardianBench
) -> None:
    next_reading(runner)
    guardian.link.act(run="r1", act="a-1", kind="confirm", data={})
    heard: list[Any] = [runner.next() for _ in range(3)]

    kept = [r for r in guardian.journal() if r.kind in ("sample", "event")]
    seen = ["event" if isinstance(item, Event) else "sample" for item in heard]
    assert seen == [r.kind for r in kept][1:4]
