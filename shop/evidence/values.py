"""What is known of one cell, as frozen values that rules judge and approvers see.

Voltages in volts, capacities in ampere-hours.  `at` is process time; `received_at`,
`recorded_at` and every age are wall time.  Choices are the capitals that the models store.
People are numbers here, never names.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from shop.equipment.states import InstrumentRole
from shop.evidence.canonical import LATER, canonical_body, sha256_of


@dataclass(frozen=True)
class TakenBack:
    """When somebody took a record back, who, and why: from then on it stands for nothing."""

    at: datetime
    by: int
    words: str


@dataclass(frozen=True)
class CalibrationSpan:
    """One calibration of an instrument; both ends are inclusive, wall time."""

    certificate: str
    valid_from: datetime
    valid_until: datetime
    withdrawn: TakenBack | None = field(default=None, metadata=LATER)

    def covers(self, first: datetime, last: datetime) -> bool:
        return self.withdrawn is None and self.spans(first, last)

    def spans(self, first: datetime, last: datetime) -> bool:
        """Whether it would cover that time, or would have before it was withdrawn."""
        return self.valid_from <= first and last <= self.valid_until


@dataclass(frozen=True)
class InstrumentUse:
    """An instrument that measured from `first_at` to `last_at`, and its calibrations."""

    role: str
    model: str
    serial_number: str
    first_at: datetime
    last_at: datetime
    calibrations: tuple[CalibrationSpan, ...] = ()

    @property
    def is_calibrated(self) -> bool:
        """True only if one calibration covers the whole time that it measured."""
        return any(span.covers(self.first_at, self.last_at) for span in self.calibrations)

    @property
    def withdrawn(self) -> tuple[CalibrationSpan, ...]:
        """The calibrations without which it is not calibrated; empty while another covers it."""
        if self.is_calibrated:
            return ()
        spans = (s for s in self.calibrations if s.withdrawn is not None)
        return tuple(span for span in spans if span.spans(self.first_at, self.last_at))


@dataclass(frozen=True)
class CapacityEvidence:
    """The newest capacity of a cell; `run_id` and what follows are of one measured here."""

    id: int
    source: str  # MEASURED, IMPORTED
    capacity_ah: float
    tested_at: datetime
    file_name: str = ""
    file_sha256: str = ""
    row: int | None = None
    superseded: TakenBack | None = field(default=None, metadata=LATER)
    run_id: int | None = field(default=None, metadata=LATER)
    manifest_sha256: str | None = field(default=None, metadata=LATER)
    simulated: bool | None = field(default=None, metadata=LATER)
    ran_by: frozenset[int] | None = field(default=None, metadata=LATER)
    instruments: tuple[InstrumentUse, ...] | None = field(default=None, metadata=LATER)


@dataclass(frozen=True)
class BalanceEvidence:
    """The newest balance of a cell; `ran_by` are the people who had a hand in its job."""

    id: int
    run_id: int
    method: str  # TOP, BOTTOM
    target_v: float
    completeness: str  # COMPLETE, PARTIAL
    remark: str
    tail_a: float
    done_a: float
    partial_a: float
    cv_s: float
    charge_ah: float
    policy_version: int
    recipe: str
    recipe_version: int
    manifest_sha256: str
    simulated: bool
    recorded_at: datetime
    ran_by: frozenset[int] = frozenset()
    instruments: tuple[InstrumentUse, ...] = ()
    superseded: TakenBack | None = field(default=None, metadata=LATER)
    broken: str | None = field(default=None, metadata=LATER)  # why its seal does not hold


@dataclass(frozen=True)
class GroupReading:
    """One cell of a check, as far as judging its neighbours needs it.

    `bank` is the run that had balanced it when it was read: cells of one run are neighbours.
    """

    serial: str
    voltage_v: float | None
    received_at: datetime
    bank: int | None = None


@dataclass(frozen=True)
class VoltageEvidence:
    """One cell's reading in a check; None where no valid voltage was read."""

    check_id: int
    kind: str  # PRE_PARALLEL, DISCONNECT, RECHECK, BOTTOM
    run_id: int | None
    position: int
    voltage_v: float | None
    target_v: float
    at: datetime
    received_at: datetime
    current_stopped_received_at: datetime | None
    verdict: str  # as recorded that day
    simulated: bool
    meter: InstrumentUse
    group: tuple[GroupReading, ...] = ()
    superseded: TakenBack | None = field(default=None, metadata=LATER)

    @property
    def is_by_hand(self) -> bool:
        """Whether a person read a hand-held meter: a lower class of evidence (B7)."""
        return self.meter.role == InstrumentRole.MANUAL

    @property
    def is_led(self) -> bool:
        """Whether a person led the bench's own meter to each cell, which the bench then read (B7).

        Emptied cells are not: it hung on each of them in its turn (B9).
        """
        return self.meter.role == InstrumentRole.METER and self.kind != "BOTTOM"

    @property
    def age(self) -> timedelta | None:
        """Wall time from current stopped to the reading; None before any current."""
        if self.current_stopped_received_at is None:
            return None
        return self.received_at - self.current_stopped_received_at


@dataclass(frozen=True)
class NonconformanceEvidence:
    id: int
    kind: str
    words: str
    opened_at: datetime
    decision: str = ""  # "" while open; USE_AS_IS, REWORK, SCRAP
    decided_at: datetime | None = None


@dataclass(frozen=True)
class ApprovalEvidence:
    id: int
    evidence_sha256: str
    approved_by: int
    approver_role: str
    at: datetime


@dataclass(frozen=True)
class CellEvidence:
    """All that the shop knows of one cell; `sha256` is what an approval binds to.

    The hash covers what an approver judges: capacity, balance, the checks of its run, the
    instruments with their calibrations, what was taken back of these, and nonconformances.
    `disconnect` is the check that followed the current: of an emptied cell its bottom check.
    Approvals, placements and later re-checks are not part of it: the gate judges those by
    themselves.
    """

    serial: str
    cell_type: str
    rated_ah: float
    capacity: CapacityEvidence | None = None
    balance: BalanceEvidence | None = None
    pre_parallel: VoltageEvidence | None = None
    disconnect: VoltageEvidence | None = None
    recheck: VoltageEvidence | None = None
    nonconformances: tuple[NonconformanceEvidence, ...] = ()
    approvals: tuple[ApprovalEvidence, ...] = ()
    packed_in: str = ""  # serial of the pack that holds the cell now
    run_since: int | None = None  # a run after the balance that moved charge, or may yet
    series_run: int | None = None  # the newest that charged it in series (G9)
    nut_handlings: int = 0  # F7
    stud_fittings: int = 0

    @cached_property
    def body(self) -> dict[str, Any]:
        """The canonical body: integers, strings, booleans and nulls only."""
        return canonical_body(self)

    @cached_property
    def sha256(self) -> str:
        return sha256_of(self.body)

    @property
    def ran_by(self) -> frozenset[int]:
        """Everyone who had a hand in the runs that count."""
        tested = self.capacity.ran_by if self.capacity else None
        return (self.balance.ran_by if self.balance else frozenset()) | (tested or frozenset())

    @property
    def recheck_since(self) -> VoltageEvidence | None:
        """The re-check that counts: one after the newest disconnect check."""
        if self.recheck is None or self.disconnect is None:
            return None
        return self.recheck if self.recheck.received_at > self.disconnect.received_at else None

    @property
    def approval(self) -> ApprovalEvidence | None:
        """The newest approval that binds to the evidence as it is now."""
        bound = [a for a in self.approvals if a.evidence_sha256 == self.sha256]
        return max(bound, key=lambda a: (a.at, a.id), default=None)
