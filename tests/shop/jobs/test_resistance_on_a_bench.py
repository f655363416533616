"""A DC resistance on a real process tree: simulator, guardian, uplink and worker; then its records.

At 10 x the bench samples once in a second of its process time, as a real one does at 1 x.  The
band is that of the virtual bench: the model's ohms, and up to 8 % that the volts show besides.
"""

from __future__ import annotations

import pytest

from shop import clock
from shop.evidence.models import Balance, ResistanceTest
from shop.jobs.states import JobState, RunState
from shop.quality.models import Nonconformance
from shop.readings.models import Manifest
from stations.model.cell import cell_of
from tests.shop.jobs.shop_bench import shop_bench
from tests.stations.test_virtual_resistance import ADDED_MAX, model_mohm

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis_client")]
SHORT = {"rest_s": 5.0, "after_s": 2.0}


def test_a_resistance_test_from_claim_to_evidence() -> None:
    with shop_bench(soc=0.5, speed=10.0, with_load=True) as bench:
        run = bench.start_resistance(**SHORT)
        with bench.worker(run):
            bench.connect_alone(run)
            bench.unlink(run)

        assert (run.state, run.cause) == (RunState.FINISHED, "done")
        assert run.job.state == JobState.DONE
        assert not bench.guarded.sim.output_is_on()
        moves = [r["kind"] for r in bench.guarded.sim.truth() if r["kind"] in ("relay", "load")]
        assert moves == ["load", "load"]  # the supply was never on

        test = ResistanceTest.objects.get()
        expected = model_mohm(cell_of(200.0), 0.5, test.after_s)
        assert expected - test.u_mohm <= test.r_mohm <= (1 + ADDED_MAX) * expected + test.u_mohm
        assert test.u_mohm < 0.1 * test.r_mohm
        assert test.current_a == pytest.approx(100.0, abs=0.5)
        assert (test.verdict, test.run, test.simulated) == ("PASS", run, True)
        assert test.manifest_sha256 == Manifest.objects.get(run=run).sha256
        assert test.tested_at <= clock.now()
        assert not Balance.objects.exists()
        assert not Nonconformance.objects.exists()
