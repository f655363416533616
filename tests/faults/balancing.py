"""A top balance by the real runner on a guarded bench, for faults that `decide` must see.

with guarded(tmp_path, timing=QUICK) as bench, balancing(bench) as outcome:
    bench.sim.hands.fault("meter", "wrong_cell")
    assert outcome.result(timeout=20).kind == "ERROR"
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import datetime

from stations.bench import BenchError
from stations.guardian_client import GuardianBench, GuardianSilent
from stations.procedures.actions import Outcome
from stations.procedures.steps import Program
from stations.runner import begun, run
from tests.faults.guarded import Guarded
from tests.stations.procedures.scripted import program
from tests.wait import wait_until

QUICK = {"sample_s": 0.25}  # so that cells have settled in a second
STEP_S = 20.0


@contextmanager
def balancing(bench: Guarded, made: Program | None = None) -> Iterator[Future[Outcome]]:
    """The program's charge under way: the cells were measured and joined, the output is on."""
    with running(bench, made) as outcome:
        join(bench)
        wait_until(bench.sim.output_is_on, within_s=STEP_S)
        wait_until(lambda: bench.events("on"), within_s=STEP_S)  # and seen on, as it was asked
        yield outcome


@contextmanager
def running(bench: Guarded, made: Program | None = None) -> Iterator[Future[Outcome]]:
    """The program's runner in a thread, at its very beginning."""
    made = made or program()
    presence_s = made.presence.every.total_seconds() if made.presence else None
    session = bench.session(limits=made.limits, presence_s=presence_s)
    with ThreadPoolExecutor(1, thread_name_prefix="runner") as pool:
        outcome = pool.submit(_play, made, session)
        try:
            yield outcome
        finally:
            bench.heal()
            with suppress(GuardianSilent):  # killed by the test: the runner has lost it too
                bench.link.stop(reason="the test is over")


def join(bench: Guarded) -> None:
    """What a person does when the program asks for links and leads."""
    wait_until(lambda: "connect" in steps(bench), within_s=STEP_S)
    bench.sim.hands.post("/links/on")
    bench.link.act(run="r1", act="joined", kind="confirm", data={"step": "connect"})


def steps(bench: Guarded) -> list[str]:
    return [event["data"]["name"] for event in bench.events("step")]


def taken_apart(bench: Guarded, outcome: Future[Outcome]) -> Outcome:
    """Somebody takes the string off the bench, its BMS with it, and says so."""
    wait_until(lambda: "unlink" in steps(bench), within_s=60.0)
    bench.sim.hands.post("/string/off")
    if bench.sim.config.bms is not None:  # it lived on its string
        bench.sim.hands.fault("bms", "silence")
    bench.link.act(run="r1", act="taken apart", kind="confirm", data={"step": "unlink"})
    return outcome.result(timeout=STEP_S)


def reply_above(bench: Guarded, volts: float) -> datetime:
    """Wall time of the meter's first reply above `volts`, by the truth log."""
    replies = [r for r in bench.sim.truth("reply") if r["instrument"] == "meter"]
    return next(datetime.fromisoformat(r["wall"]) for r in replies if float(r["raw"]) > volts)


def _play(made: Program, session: GuardianBench) -> Outcome:
    outcome = run(begun(made, session.opened_at), session)
    with suppress(BenchError):
        session.close(kind=outcome.kind, reason=outcome.reason)
    return outcome
