"""Messages come twice, late, to the wrong worker, or from somebody who made them up (F3, F4)."""

from __future__ import annotations

import json
import pickle
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from celery import current_app
from pytest_django import Settings

from shop import clock
from shop.jobs.models import Run
from shop.jobs.reaper import resend_queued
from shop.jobs.services.starts import EXECUTE, send_run
from shop.jobs.states import RunState
from stations.journal import file_name, read_records
from tests.faults.matrix import Trial
from tests.faults.night import Night, a_night, leases
from tests.wait import wait_until

pytestmark = pytest.mark.django_db(transaction=True)
COPIES = 50


@pytest.fixture
def night(process_env: dict[str, str], settings: Settings, tmp_path: Path) -> Iterator[Night]:
    with a_night(process_env, settings, tmp_path) as night:
        yield night


def sessions(night: Night, run: Run) -> int:
    """How often somebody began to drive the bench for it, by the bench's journal."""
    records, _ = read_records(night.bench.guarded.sim.config.journal / file_name(str(run.pk), 1))
    return [record.kind for record in records].count("open")


def times_on(night: Night) -> int:
    return [r["on"] for r in night.bench.guarded.sim.truth("relay")].count(True)


@pytest.mark.fault(
    "12", "one message 50 times, two workers, and again later", trials=5, in_ci=False
)
def test_one_message_many_times_is_one_execution(
    night: Night, redis_client: redis.Redis, trial: Trial
) -> None:
    run, queue = night.bench.start(), f"station.{night.slug}"
    (message,) = redis_client.lrange(queue, 0, -1)
    redis_client.lpush(queue, *[message] * (COPIES - 1))
    trial.happened(redis_client.llen(queue) == COPIES)

    def in_vain() -> int:
        words = "not ours to start", "nothing to do"
        return sum(night.said(name, said) for name in ("one", "two") for said in words)

    with night.program("worker", log="one"), night.program("worker", log="two"):
        night.bench.connect(run)
        night.bench.at_step(run, "balance")
        wait_until(night.bench.guarded.sim.output_is_on, within_s=20)
        wait_until(lambda: not redis_client.llen(queue), within_s=30)
        run = night.stop(run)
        redis_client.lpush(queue, message)

        wait_until(lambda: in_vain() == COPIES, within_s=30, what="word of each one too many")
    assert len(leases(run)) == sessions(night, run) == times_on(night) == run.attempt == 1


@pytest.mark.fault("13", "two workers for one station, one on another host", trials=5)
def test_of_two_workers_the_one_at_the_bench_drives(
    night: Night, trial: Trial, tmp_path: Path
) -> None:
    run = night.bench.start()
    with night.program("worker", log="far", CELLSHOP_DATA=str(tmp_path)):
        wait_until(lambda: night.said("far", f"no guardian of {night.slug} here"), within_s=60)
        trial.happened(Run.objects.get(pk=run.pk).state == RunState.QUEUED)
        with night.program("worker", log="near"):
            wait_until(lambda: night.said("near", "ready."), within_s=60)

            def taken() -> bool:
                resend_queued(now=clock.now())
                return bool(leases(run))

            wait_until(taken, within_s=30, period_s=0.5)
            night.bench.at_step(run, "connect")
            send_run(run.pk, night.slug)
            run = night.stop(run)

    assert night.said("near", f"run {run.pk}: leased") == 1
    assert len(leases(run)) == sessions(night, run) == 1


class Exploit:
    """What runs when somebody unpickles it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.path,)


def forge(queue: str, client: redis.Redis, proof: Path) -> int:
    """Everything that somebody with the broker's password could think of; how many messages."""
    for args in ([], [1, 2], ["1"], [None], [True], [-1], [2**80], [10**6], [{"id": 1}]):
        current_app.send_task(EXECUTE, args=args, queue=queue)
    current_app.send_task("os.system", args=["true"], queue=queue)
    current_app.send_task("shop.reap", queue=queue)
    (true_one,) = client.lrange(queue, 0, 0)
    message = json.loads(true_one)
    message["content-type"] = "application/x-python-serialize"
    message["body"] = b64encode(pickle.dumps(Exploit(proof))).decode()
    client.lpush(queue, json.dumps(message))
    message["content-type"] = "application/data"
    client.lpush(queue, json.dumps(message))
    return int(client.llen(queue))


@pytest.mark.fault("49", "forged and unknown messages, a pickle", trials=5)
def test_a_forged_message_moves_nothing(
    night: Night, redis_client: redis.Redis, trial: Trial, tmp_path: Path
) -> None:
    queue, proof = f"station.{night.slug}", tmp_path / "unpickled"
    with night.program("worker") as worker:
        wait_until(lambda: night.said("worker", "ready."), within_s=60)
        trial.happened(forge(queue, redis_client, proof) >= 0)
        wait_until(lambda: not redis_client.llen(queue), within_s=30)
        run = night.bench.start()
        night.leased_at(run, 60)
        night.bench.at_step(run, "connect")

        assert worker.poll() is None
        assert not proof.exists()
        assert not times_on(night)
        assert night.stop(run).state == RunState.STOPPED


WHOLE = {"body": "e30=", "properties": {"delivery_tag": "1", "body_encoding": "base64"}}
GARBAGE = (
    b"{",
    b"[]",
    b"{}",
    b"\x80\x04N.",
    b'{"body": 1}',
    json.dumps(WHOLE).encode(),
    json.dumps(WHOLE | {"properties": {"delivery_tag": "1", "delivery_info": 7}}).encode(),
    json.dumps(WHOLE | {"body": "e"}).encode(),
)


@pytest.mark.fault("49", "garbage in the queue of a worker that drives", trials=5, in_ci=False)
def test_garbage_in_the_queue_ends_no_run(
    night: Night, redis_client: redis.Redis, trial: Trial
) -> None:
    queue = f"station.{night.slug}"
    with night.program("worker") as worker:
        run = night.charging()
        redis_client.lpush(queue, *GARBAGE)
        wait_until(lambda: not redis_client.llen(queue), within_s=30)
        trial.happened(night.said("worker", "dropped what is no message") == len(GARBAGE))

        assert worker.poll() is None
        assert night.bench.guarded.sim.output_is_on()
        assert night.stop(run).cause == "stopped by Tola"
    assert times_on(night) == 1
