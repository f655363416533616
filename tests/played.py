"""A whole top balance as the shop stores it, played on the virtual bench in a second or two.

Readings, chunks, manifest, checks and balance come from the real runner, model and services;
only guardian and worker are left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from api.reads.plan import plan
from shop.cells.models import Cell
from shop.equipment.models import Station
from shop.evidence.services import record_balance, record_voltage_check
from shop.jobs.models import Run
from shop.jobs.states import RunState
from shop.people.models import User
from shop.readings.chunks import encode
from shop.readings.models import Manifest
from shop.readings.services import store_chunk
from stations.model.bank import Bank, Wiring
from stations.model.cell import cell_of
from stations.plain import to_plain
from stations.procedures.steps import Outcome
from stations.runner import run as play
from stations.values import Event, OffProof, Reading
from stations.virtual import VirtualBench, VirtualClock
from tests.factories import make_job, make_run

LASTS = timedelta(hours=3, minutes=30)  # 4 x 200 Ah from 95 %, with the person's minutes
CHUNK = 300
SAMPLE_S = 12.0


class _Recording(VirtualBench):
    """Keeps every reading that it gave."""

    readings: list[Reading]

    def next(self) -> Reading | Event:
        item = super().next()
        if isinstance(item, Reading):
            self.readings.append(item)
        return item


def play_run(
    *, by: User, cells: Sequence[Cell], station: Station, ended_at: datetime, soc: float = 0.95
) -> Run:
    """A FINISHED run of `cells` that ended at about `ended_at`, with all its evidence."""
    job = make_job(by=by, cells=cells, claimed_at=station, now=ended_at - LASTS)
    program = plan(job, station, cells).program
    bench = _Recording(
        Bank(
            [cell_of(200.0)] * len(cells), Wiring(), soc=[soc] * len(cells), linked=False, fed=False
        ),
        sample_s=SAMPLE_S,
        clock=VirtualClock(ended_at - LASTS),
    )
    bench.readings = []
    outcome = play(program, bench, started_at=bench.clock.now())
    assert outcome.kind == "FINISHED", outcome.reason
    run = make_run(
        by=by,
        job=job,
        state=RunState.FINISHED,
        now=ended_at - LASTS,
        program=to_plain(program),
        simulated=True,
        stored_seq=len(bench.readings),
    )
    type(job).objects.filter(pk=job.pk).update(state="DONE")
    type(run).objects.filter(pk=run.pk).update(
        ended_at=bench.clock.now(), journal_closed_at=bench.clock.now()
    )
    _store_readings(run, bench.readings)
    _store_evidence(run, outcome, station, bench.clock.now())
    run.refresh_from_db()
    return run


def _store_readings(run: Run, readings: Sequence[Reading]) -> None:
    previous = None
    for start in range(0, len(readings), CHUNK):
        part = readings[start : start + CHUNK]
        after = {"prev_last_seq": previous.last_seq, "prev_hash": previous.hash} if previous else {}
        previous = encode(part, run_id=run.pk, attempt=run.attempt, **after)
        store_chunk(run_id=run.pk, attempt=run.attempt, chunk=previous, now=part[-1].received_at)


def _store_evidence(run: Run, outcome: Outcome, station: Station, now: datetime) -> None:
    records = outcome.run.records
    scanner = station.instruments.get(role="scanner")
    uses = [
        {"role": i.role, "model": i.model, "serial_number": i.serial_number}
        for i in station.instruments.all()
    ]
    manifest = Manifest.objects.create(
        run=run, attempt=run.attempt, body={"instruments": uses}, sha256=f"{run.pk:064x}"
    )
    for record in records:
        if record.cells:
            is_last = record.step == "disconnect"
            record_voltage_check(
                run=run,
                kind="DISCONNECT" if is_last else "PRE_PARALLEL",
                meter=scanner,
                target_v=outcome.run.program.target_v,
                results=record.cells,
                current_stopped=_stopped(outcome) if is_last else None,
                simulated=True,
                now=now,
            )
    record_balance(
        run=run,
        method="TOP",
        target_v=outcome.run.program.target_v,
        records=records,
        manifest_sha256=manifest.sha256,
        simulated=True,
        now=now,
    )


def _stopped(outcome: Outcome) -> OffProof:
    stopped = outcome.run.current_stopped
    assert stopped is not None
    return stopped
