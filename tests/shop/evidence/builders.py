"""Evidence values for pure tests: a healthy cell of a top-balanced bank, and ways to spoil it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from shop.evidence.values import (
    ApprovalEvidence,
    BalanceEvidence,
    CalibrationSpan,
    CapacityEvidence,
    CellEvidence,
    GroupReading,
    InstrumentUse,
    VoltageEvidence,
)

NOW = datetime(2026, 3, 2, 7, 0, tzinfo=UTC)
STOPPED = NOW - timedelta(hours=1)
TECHNICIAN, SUPERVISOR, ASSEMBLER = 1, 2, 3
RUN = 11


def calibration(**changes: Any) -> CalibrationSpan:
    span = CalibrationSpan("CAL-1", NOW - timedelta(days=100), NOW + timedelta(days=265))
    return replace(span, **changes)


def instrument(role: str = "scanner", **changes: Any) -> InstrumentUse:
    use = InstrumentUse(
        role=role,
        model="34972A",
        serial_number=f"MY-{role}",
        first_at=STOPPED - timedelta(hours=4),
        last_at=STOPPED + timedelta(minutes=2),
        calibrations=(calibration(),),
    )
    return replace(use, **changes)


def capacity(capacity_ah: float = 200.0, **changes: Any) -> CapacityEvidence:
    test = CapacityEvidence(
        id=31,
        source="IMPORTED",
        capacity_ah=capacity_ah,
        tested_at=NOW - timedelta(days=20),
        file_name="tests.csv",
        file_sha256="ab" * 32,
        row=2,
    )
    return replace(test, **changes)


def balance(**changes: Any) -> BalanceEvidence:
    done = BalanceEvidence(
        id=21,
        run_id=RUN,
        method="TOP",
        target_v=3.65,
        completeness="COMPLETE",
        remark="",
        tail_a=0.98,
        done_a=1.0,
        partial_a=2.0,
        cv_s=4000.0,
        charge_ah=41.5,
        policy_version=1,
        recipe="Parallel top balance",
        recipe_version=1,
        manifest_sha256="cd" * 32,
        simulated=False,
        recorded_at=STOPPED + timedelta(minutes=3),
        ran_by=frozenset({TECHNICIAN}),
        instruments=(instrument("meter"), instrument("scanner"), instrument("supply")),
    )
    return replace(done, **changes)


def disconnect(
    voltage_v: float | None = 3.641,
    age: timedelta = timedelta(minutes=2),
    **changes: Any,
) -> VoltageEvidence:
    reading = VoltageEvidence(
        check_id=41,
        kind="DISCONNECT",
        run_id=RUN,
        position=1,
        voltage_v=voltage_v,
        target_v=3.65,
        at=STOPPED + age,
        received_at=STOPPED + age,
        current_stopped_received_at=STOPPED,
        verdict="PASS",
        simulated=False,
        meter=instrument("scanner"),
    )
    return replace(reading, **changes)


def recheck(
    volts: dict[str, float | None], serial: str, *, at: datetime, **changes: Any
) -> VoltageEvidence:
    """One cell of a re-check of all of `volts`, read at `at`."""
    group = tuple(GroupReading(name, value, at) for name, value in volts.items())
    reading = disconnect(
        volts[serial], kind="RECHECK", check_id=42, at=at, received_at=at, group=group
    )
    return replace(reading, **changes)


def cell(serial: str = "C-1", *, approve: bool = True, **changes: Any) -> CellEvidence:
    """A cell that passes every rule; `approve=False` leaves the approval out."""
    known = CellEvidence(
        serial=serial,
        cell_type="EVE LF200",
        rated_ah=200.0,
        capacity=capacity(),
        balance=balance(),
        disconnect=disconnect(),
    )
    known = replace(known, **changes)
    return approved(known) if approve and "approvals" not in changes else known


def approved(known: CellEvidence, **changes: Any) -> CellEvidence:
    """The same cell with an approval of what is known of it now."""
    approval = ApprovalEvidence(
        id=51,
        evidence_sha256=known.sha256,
        approved_by=SUPERVISOR,
        approver_role="SUPERVISOR",
        at=STOPPED + timedelta(minutes=20),
    )
    return replace(known, approvals=(replace(approval, **changes),))
