"""A station's worker that is told to end stops its bench safely first.

The real worker under SIGTERM is in `test_worker`; here is what its main process does.
"""

from __future__ import annotations

import pytest
from celery.signals import worker_shutting_down
from celery.worker import state as worker

from shop.jobs import shutdown
from tests.faults.guarded import next_event
from tests.shop.jobs.shop_bench import shop_bench
from tests.shop.readings.sessions import leased_run, session_of
from tests.wait import wait_until


@pytest.fixture(autouse=True)
def _own_word(monkeypatch: pytest.MonkeyPatch) -> None:
    """This process is no worker: its word must not outlive the test."""
    monkeypatch.setattr(shutdown, "told_to_end", shutdown.Word())


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("redis_client")
def test_sigterm_to_the_worker_switches_its_bench_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "reserved_requests", {"a run"})
    with shop_bench(alive=False) as bench:
        run = leased_run(bench)
        with session_of(bench, run) as session:
            bench.guarded.charge(session)
            worker_shutting_down.send(sender=f"station-{bench.station.slug}@here")

            stop = next_event(session)
            assert (stop.kind, stop.data["reason"]) == ("safe_hold", shutdown.WORDS)
            assert stop.data["resumable"]
            wait_until(lambda: not bench.guarded.sim.output_is_on(), within_s=5, what="output off")


def test_a_worker_without_a_run_begins_none_and_leaves_the_bench_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[str] = []
    monkeypatch.setattr(shutdown, "_ask_for_a_stop", asked.append)

    shutdown.stop_the_bench(sender="office@here")
    shutdown.stop_the_bench(sender="station-nowhere@here")

    assert asked == []
    assert shutdown.told_to_end.is_left
