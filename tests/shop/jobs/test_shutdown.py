"""A station's worker that is told to end stops its bench safely first."""

from __future__ import annotations

import pytest
from celery.signals import worker_shutting_down

from shop.jobs import shutdown
from tests.faults.guarded import next_event
from tests.shop.jobs.shop_bench import shop_bench
from tests.shop.readings.test_uplink import leased_run, session_of


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("redis_client")
def test_sigterm_to_the_worker_switches_its_bench_off() -> None:
    with shop_bench(alive=False) as bench:
        run = leased_run(bench)
        with session_of(bench, run) as session:
            bench.guarded.charge(session)
            worker_shutting_down.send(sender=f"station-{bench.station.slug}@here")

            assert not bench.guarded.sim.output_is_on()
            stop = next_event(session)
            assert (stop.kind, stop.data["reason"]) == (
                "stop",
                "the station's worker is shutting down",
            )


def test_the_office_worker_has_no_bench_to_stop(caplog: pytest.LogCaptureFixture) -> None:
    shutdown.stop_the_bench(sender="office@here")
    shutdown.stop_the_bench(sender="station-nowhere@here")

    assert [record.message.split(":")[0] for record in caplog.records] == ["nowhere"]
