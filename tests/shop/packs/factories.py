"""Rows of evidence for tests: a bank that ran, was checked, tested and approved, or short of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from shop.cells.models import Cell
from shop.evidence.canonical import sha256_of
from shop.evidence.models import Approval, Balance, CapacityTest, VoltageCheck
from shop.evidence.queries import evidence_of_cells
from shop.evidence.services.approvals import approve_cells
from shop.evidence.services.balances import record_balance
from shop.evidence.services.checks import record_voltage_check
from shop.jobs.models import PolicyVersion, Run
from shop.jobs.states import JobState, RunState
from shop.packs.models import PackDesign
from shop.people.models import User
from shop.readings.models import Manifest
from shop.signing.models import SigningKey
from shop.signing.services import signer
from stations.procedures.state import CellResult, Record
from stations.values import OffProof, Window
from tests import factories

FACTS: dict[str, float] = {
    "tail_a": 0.98,
    "done_a": 1.0,
    "partial_a": 2.0,
    "cv_s": 4200.0,
    "cv_min_s": 1800.0,
    "charge_ah": 41.5,
}


@dataclass(frozen=True)
class Bank:
    """Cells that went through one run, in bank order; current stopped at `stopped`."""

    cells: list[Cell]
    run: Run
    balance: Balance | None
    check: VoltageCheck | None
    stopped: datetime


def charge(*remarks: str, at: datetime = factories.NOON, **facts: float) -> Record:
    """The record of a charge; "done" unless told otherwise."""
    return Record(
        step="balance",
        kind="charge",
        entered_at=at - timedelta(hours=3),
        ended_at=at,
        remarks=remarks or ("done",),
        facts=tuple((FACTS | facts).items()),
    )


def results(
    volts: Sequence[float], *, stopped: datetime, age: timedelta, verdict: str = "pass"
) -> list[CellResult]:
    return [
        CellResult(
            position=position,
            voltage_v=volt,
            verdict=verdict,
            window=Window(3.62, 3.655),
            at=stopped + age,
            received_at=stopped + age,
            age_s=age.total_seconds(),
        )
        for position, volt in enumerate(volts, start=1)
    ]


def make_finished_run(
    *,
    by: User,
    cells: Sequence[Cell],
    began: datetime,
    policy: PolicyVersion | None = None,
    simulated: bool = False,
    calibrated: bool = True,
) -> tuple[Run, Manifest]:
    """A run at a station of its own that ended, with the manifest that names its instruments."""
    station = factories.make_station(now=began, calibrated=calibrated)
    job = factories.make_job(by=by, cells=cells, claimed_at=station, state=JobState.DONE, now=began)
    run = factories.make_run(
        by=by,
        job=job,
        station=station,
        state=RunState.FINISHED,
        policy=policy,
        now=began,
        token=1,
        simulated=simulated,
    )
    instruments = list(station.instruments.values("role", "model", "serial_number"))
    sealed = signer(SigningKey.Purpose.MANIFESTS, now=began)
    body = {
        "run": run.pk,
        "attempt": 1,
        "outcome": {"state": run.state},
        "instruments": instruments,
        "software": {"cellshop": "0.1.0"},
        "signature": sealed.named,
    }
    manifest = Manifest.objects.create(
        run=run,
        attempt=1,
        body=body,
        sha256=sha256_of(body),
        key=sealed.key,
        signature=sealed.sign(body),
    )
    return run, manifest


def make_bank(
    *,
    by: User,
    stopped: datetime,
    cells: Sequence[Cell] | None = None,
    volts: Sequence[float] = (),
    age: timedelta = timedelta(minutes=2),
    record: Record | None = None,
    method: str = "TOP",
    policy: PolicyVersion | None = None,
    simulated: bool = False,
    calibrated: bool = True,
) -> Bank:
    """A finished run with manifest, balance and disconnect check, through the services."""
    run, manifest = make_finished_run(
        by=by,
        cells=cells or factories.make_cells(4),
        began=stopped - timedelta(hours=4),
        policy=policy,
        simulated=simulated,
        calibrated=calibrated,
    )
    return bank_of(
        run,
        manifest,
        stopped=stopped,
        volts=volts,
        age=age,
        record=record,
        method=method,
        simulated=simulated,
    )


def bank_of(
    run: Run,
    manifest: Manifest,
    *,
    stopped: datetime,
    volts: Sequence[float] = (),
    age: timedelta = timedelta(minutes=2),
    record: Record | None = None,
    method: str = "TOP",
    simulated: bool = False,
) -> Bank:
    """What a run left behind, through the services; TOP_CELL: each cell charged alone."""
    cells = [rc.cell for rc in run.run_cells.order_by("position")]
    said = stopped + age + timedelta(seconds=5)
    check = record_voltage_check(
        run=run,
        kind="DISCONNECT",
        meter=run.station.instruments.get(role="scanner"),
        target_v=3.65,
        results=results(volts or [3.641] * len(cells), stopped=stopped, age=age),
        current_stopped=OffProof(stopped, stopped, 0.0),
        simulated=simulated,
        now=said,
    )
    balance = record_balance(
        run=run,
        method=method,
        target_v=3.65,
        records=[
            replace(record or charge(at=stopped), cell=position)
            for position in (range(1, len(cells) + 1) if method == "TOP_CELL" else [0])
        ],
        manifest_sha256=manifest.sha256,
        simulated=simulated,
        now=said,
    )
    return Bank(cells, run, balance, check, stopped)


def make_capacity(cell: Cell, capacity_ah: float = 200.0, **values: Any) -> CapacityTest:
    """Measured here, a day before NOON."""
    tested_at = values.pop("tested_at", factories.NOON - timedelta(days=1))
    return CapacityTest.objects.create(
        cell=cell,
        source=values.pop("source", CapacityTest.Source.MEASURED),
        capacity_ah=capacity_ah,
        tested_at=tested_at,
        recorded_at=tested_at,
        **values,
    )


def approve(cells: Sequence[Cell], *, by: User, now: datetime) -> list[Approval]:
    """Approve what is there to see."""
    seen = {serial: known.sha256 for serial, known in evidence_of_cells(cells).items()}
    return approve_cells(cells=cells, evidence_sha256=seen, by=by, now=now)


def make_design(**values: Any) -> PackDesign:
    defaults = {
        "name": f"12 V {PackDesign.objects.count()}",
        "series": 4,
        "parallel": 1,
        "application": "SOLAR",
        "bms_model": "JK-B1A8S10P",
        "bms_over_voltage_v": 3.60,
        "bms_active_balance_a": 1.0,
    }
    return PackDesign.objects.create(**(defaults | values))
