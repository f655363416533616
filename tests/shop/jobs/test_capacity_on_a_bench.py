"""B16 on a real process tree: simulator, guardian, uplink and worker; then G2 and the records."""

from __future__ import annotations

import pytest

from shop import clock
from shop.evidence.models import Balance, CapacityTest
from shop.evidence.queries import evidence_of
from shop.jobs.states import JobState, RunState
from shop.readings.models import Manifest
from tests.shop.jobs.shop_bench import shop_bench

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis_client")]


def test_a_capacity_test_from_claim_to_evidence() -> None:
    with shop_bench(with_load=True) as bench:
        run = bench.start_capacity()
        with bench.worker(run):
            bench.connect_alone(run)
            bench.unlink(run)

        assert (run.state, run.cause) == (RunState.FINISHED, "done")
        assert run.job.state == JobState.DONE
        assert not bench.guarded.sim.output_is_on()
        moves = [r["kind"] for r in bench.guarded.sim.truth() if r["kind"] in ("relay", "load")]
        assert moves == ["relay", "relay", "load", "load"]  # charged, then discharged

        socs = [c["soc"] for c in bench.guarded.sim.hands.state()["cells"]]
        assert socs[0] < 0.05  # the others lay beside it, seen by the scanner
        assert socs[1:] == pytest.approx([0.995] * 3, abs=0.001)
        test = CapacityTest.objects.get()
        assert (test.source, test.run, test.simulated) == ("MEASURED", run, True)
        assert test.capacity_ah == pytest.approx(192.0, abs=2.0)
        assert test.energy_wh == pytest.approx(3.18 * test.capacity_ah, rel=0.03)
        assert test.discharge_c_rate == 0.5
        assert test.manifest_sha256 == Manifest.objects.get(run=run).sha256
        assert test.tested_at <= clock.now()
        assert not Balance.objects.exists()  # the charge of one cell is none

        known = evidence_of(test.cell).capacity
        assert known is not None
        assert known.ran_by == frozenset({bench.cast.tola.pk})
        assert {use.role for use in known.instruments or ()} == {"meter", "load"}
        assert all(use.is_calibrated for use in known.instruments or ())
