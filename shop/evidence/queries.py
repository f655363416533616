"""Reads of evidence: all that is known of some cells, in a fixed number of queries.

What is newest counts: the newest balance with the checks of its own run, the newest re-check,
the newest capacity test (one measured here before one that was imported).  What was superseded
stays the newest until there is a newer one; a capacity test then makes way for an older one,
which is as true as before.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TypeVar

from django.conf import settings
from django.db.models import Prefetch, Q

from shop.cells.models import Cell
from shop.equipment.models import Calibration, CalibrationWithdrawal, Instrument
from shop.evidence.models import (
    Approval,
    CapacityTest,
    CellBalance,
    CellVoltage,
    Supersession,
    VoltageCheck,
)
from shop.evidence.parted import bank_at, banks_of
from shop.evidence.policy import GatePolicy
from shop.evidence.sealing import broken
from shop.evidence.values import (
    ApprovalEvidence,
    BalanceEvidence,
    CalibrationSpan,
    CapacityEvidence,
    CellEvidence,
    GroupReading,
    InstrumentUse,
    NonconformanceEvidence,
    TakenBack,
    VoltageEvidence,
)
from shop.jobs.models import PolicyVersion, Run, RunCell
from shop.jobs.procedures import RESTING
from shop.jobs.queries import policy_in_force
from shop.jobs.states import RunState
from shop.quality.models import Nonconformance
from shop.readings.models import Manifest
from shop.refusals import Problem, Refusal
from shop.signing.keyring import trusted_keys
from shop.signing.models import SigningKey

K = TypeVar("K")
V = TypeVar("V")

PRE_PARALLEL, DISCONNECT, RECHECK = VoltageCheck.Kind.values
CAPACITY_BY = frozenset({"meter", "load"})  # the roles that measure Ah and Wh


def evidence_of(cell: Cell) -> CellEvidence:
    """All that is known of one cell."""
    return evidence_of_cells([cell])[cell.serial]


def evidence_of_cells(cells: Iterable[Cell]) -> dict[str, CellEvidence]:
    """All that is known of each cell, by serial; a dozen queries whatever the number of cells."""
    return _Reader({cell.pk for cell in cells}).all()


def gate_policy() -> tuple[PolicyVersion, GatePolicy]:
    """The policy in force and what it asks for; refused in words where there is none."""
    version = policy_in_force()
    if version is None:
        raise Refusal(
            [Problem("no_policy", "No policy is in force.", "Ask a supervisor to store one.")]
        )
    return version, GatePolicy.from_parameters(version.parameters)


class _Reader:
    """The rows about some cells, each kind read once."""

    def __init__(self, cell_ids: set[int]) -> None:
        self.cells = list(
            Cell.objects.filter(pk__in=cell_ids).select_related("batch__cell_type").order_by("pk")
        )
        self.ids = [cell.pk for cell in self.cells]
        self.balances = self._balances()
        self.tests = self._tests()
        self.run_ids = {row.balance.run_id for row in self.balances.values()}
        self.voltages = self._voltages()
        self.groups = self._groups()
        self.calibrations = self._calibrations()
        self.hands = self._hands()
        self.broken = self._broken()

    def all(self) -> dict[str, CellEvidence]:
        notes = self._nonconformances()
        approvals = self._approvals()
        # By relation, not by import: packs know evidence, never the reverse.
        packs = dict(
            Cell.objects.filter(
                pk__in=self.ids, placements__isnull=False, placements__removed_at=None
            ).values_list("pk", "placements__pack__serial")
        )
        since = self._runs_since()
        return {
            cell.serial: CellEvidence(
                serial=cell.serial,
                cell_type=str(cell.batch.cell_type),
                rated_ah=cell.batch.cell_type.capacity_ah,
                capacity=self._capacity(cell.pk),
                balance=self._balance(cell.pk),
                pre_parallel=self._voltage(cell.pk, PRE_PARALLEL),
                disconnect=self._voltage(cell.pk, DISCONNECT),
                recheck=self._voltage(cell.pk, RECHECK),
                nonconformances=tuple(notes[cell.pk]),
                approvals=tuple(approvals[cell.pk]),
                packed_in=packs.get(cell.pk, ""),
                run_since=since.get(cell.pk),
            )
            for cell in self.cells
        }

    def _balances(self) -> dict[int, CellBalance]:
        rows = (
            CellBalance.objects.filter(cell__in=self.ids)
            .select_related(
                "balance__run",
                "balance__recipe_version__recipe",
                "balance__policy_version",
                "balance__supersession",
            )
            .order_by("balance__recorded_at", "balance_id")
        )
        return {row.cell_id: row for row in rows}

    def _voltages(self) -> dict[tuple[int, str], CellVoltage]:
        """The newest by cell and kind: of the balance's own run, re-checks of any."""
        rows = (
            CellVoltage.objects.filter(cell__in=self.ids)
            .filter(Q(voltage_check__run__in=self.run_ids) | Q(voltage_check__kind=RECHECK))
            .select_related("voltage_check__meter", "voltage_check__supersession")
            .order_by("voltage_check__recorded_at", "pk")
        )
        found = {}
        for row in rows:
            mine = self.balances.get(row.cell_id)
            own = mine is not None and row.voltage_check.run_id == mine.balance.run_id
            if own or row.voltage_check.kind == RECHECK:
                found[row.cell_id, row.voltage_check.kind] = row
        return found

    def _groups(self) -> Mapping[int, list[GroupReading]]:
        """Everyone who was read in the re-checks that count."""
        checks = {v.voltage_check_id for (_, kind), v in self.voltages.items() if kind == RECHECK}
        rows = list(
            CellVoltage.objects.filter(voltage_check__in=checks)
            .select_related("cell")
            .order_by("position")
        )
        banks = banks_of(row.cell_id for row in rows)
        return _grouped(
            (
                row.voltage_check_id,
                GroupReading(
                    row.cell.serial,
                    row.voltage_v,
                    row.received_at,
                    bank_at(banks.get(row.cell_id, ()), row.received_at),
                ),
            )
            for row in rows
        )

    def _calibrations(self) -> dict[str, list[CalibrationSpan]]:
        """Of the instruments that any of the evidence names, by serial number, newest first."""
        sealed = {row.balance.manifest_sha256 for row in self.balances.values()}
        tested = {test.run_id for test in self.tests.values() if test.run_id}
        self.manifests = {
            manifest.run_id: manifest
            for manifest in Manifest.objects.filter(
                run__in=self.run_ids | tested,
                sha256__in=sealed | {test.manifest_sha256 for test in self.tests.values()},
            ).select_related("key__retirement")
        }
        named = {
            str(entry.get("serial_number", ""))
            for manifest in self.manifests.values()
            for entry in manifest.body.get("instruments", [])
        }
        named |= {v.voltage_check.meter.serial_number for v in self.voltages.values()}
        instruments = Instrument.objects.filter(serial_number__in=named).prefetch_related(
            Prefetch("calibrations", Calibration.objects.select_related("withdrawal"))
        )
        return {
            instrument.serial_number: sorted(
                (
                    CalibrationSpan(
                        c.certificate,
                        c.valid_from,
                        c.valid_until,
                        _taken_back(getattr(c, "withdrawal", None)),
                    )
                    for c in instrument.calibrations.all()
                ),
                key=lambda span: span.valid_until,
                reverse=True,
            )
            for instrument in instruments
        }

    def _broken(self) -> dict[int, str | None]:
        """Why what a run left proves nothing, by run; None where its seal holds."""
        runs = {row.balance.run_id: row.balance.run for row in self.balances.values()}
        trusted = trusted_keys(settings.CELLSHOP_KEYS, SigningKey.Purpose.MANIFESTS)
        return {pk: broken(run, self.manifests.get(pk), trusted) for pk, run in runs.items()}

    def _hands(self) -> Mapping[int, list[tuple[int, int | None, int | None]]]:
        """Who started each run of the jobs of balances and capacity tests, and who confirmed its
        steps, by job."""
        jobs = {row.balance.run.job_id for row in self.balances.values()}
        jobs |= {test.run.job_id for test in self.tests.values() if test.run}
        rows = Run.objects.filter(job__in=jobs).values_list(
            "job_id", "pk", "started_by_id", "acts__by_id"
        )
        return _grouped((job, (run, starter, actor)) for job, run, starter, actor in rows)

    def _ran_by(self, run: Run) -> frozenset[int]:
        """Everyone who had a hand in the job up to this run: an earlier try moved charge too."""
        return frozenset(
            person
            for run_id, *people in self.hands[run.job_id]
            if run_id <= run.pk
            for person in people
            if person is not None
        )

    def _use(
        self, role: str, model: str, serial_number: str, first_at: datetime, last_at: datetime
    ) -> InstrumentUse:
        """With the calibrations that cover the use; else those that did, or the newest.

        So a certificate that begins later does not change the evidence of an earlier day, and
        what was withdrawn or lapsed is told where nothing covers the use.
        """
        spans = self.calibrations.get(serial_number, [])
        covering = [span for span in spans if span.covers(first_at, last_at)]
        covered = [span for span in spans if span.spans(first_at, last_at)]
        return InstrumentUse(
            role, model, serial_number, first_at, last_at, tuple(covering or covered or spans[:1])
        )

    def _balance(self, cell_id: int) -> BalanceEvidence | None:
        row = self.balances.get(cell_id)
        if row is None:
            return None
        balance = row.balance
        run, figures = balance.run, row if row.completeness else balance
        return BalanceEvidence(
            id=balance.pk,
            run_id=run.pk,
            method=balance.method,
            target_v=balance.target_v,
            completeness=figures.completeness,
            remark=figures.remark,
            tail_a=_own_or(figures.tail_a, balance.tail_a),
            done_a=balance.done_a,
            partial_a=balance.partial_a,
            cv_s=_own_or(figures.cv_s, balance.cv_s),
            charge_ah=_own_or(figures.charge_ah, balance.charge_ah),
            policy_version=balance.policy_version.version,
            recipe=balance.recipe_version.recipe.name,
            recipe_version=balance.recipe_version.version,
            manifest_sha256=balance.manifest_sha256,
            simulated=balance.simulated,
            recorded_at=balance.recorded_at,
            ran_by=self._ran_by(run),
            instruments=self._sealed_uses(run, balance.recorded_at),
            superseded=_taken_back(getattr(balance, "supersession", None)),
            broken=self.broken[run.pk],
        )

    def _voltage(self, cell_id: int, kind: str) -> VoltageEvidence | None:
        row = self.voltages.get((cell_id, kind))
        if row is None:
            return None
        check = row.voltage_check
        return VoltageEvidence(
            check_id=check.pk,
            kind=check.kind,
            run_id=check.run_id,
            position=row.position,
            voltage_v=row.voltage_v,
            target_v=check.target_v,
            at=row.at,
            received_at=row.received_at,
            current_stopped_received_at=check.current_stopped_received_at,
            verdict=row.verdict,
            simulated=check.simulated,
            meter=self._use(
                check.meter.role,
                check.meter.model,
                check.meter.serial_number,
                row.received_at,
                row.received_at,
            ),
            group=tuple(self.groups[check.pk]) if kind == RECHECK else (),
            superseded=_taken_back(getattr(check, "supersession", None)),
        )

    def _sealed_uses(
        self, run: Run, until: datetime, roles: Collection[str] | None = None
    ) -> tuple[InstrumentUse, ...]:
        """The instruments that the run's manifest names; `roles` are those that count."""
        manifest = self.manifests.get(run.pk)
        named = manifest.body.get("instruments", []) if manifest else []
        return tuple(
            self._use(
                str(entry.get("role", "")),
                str(entry.get("model", "")),
                str(entry.get("serial_number", "")),
                run.queued_at,
                until,
            )
            for entry in named
            if roles is None or entry.get("role") in roles
        )

    def _tests(self) -> dict[int, CapacityTest]:
        rows = (
            CapacityTest.objects.filter(cell__in=self.ids)
            .select_related("supersession", "run")
            .order_by("tested_at", "pk")
        )
        # Superseded, then imported, then measured here: the last one is the one that stays.
        measured = CapacityTest.Source.MEASURED
        ordered = sorted(
            rows, key=lambda row: (not hasattr(row, "supersession"), row.source == measured)
        )
        return {row.cell_id: row for row in ordered}

    def _capacity(self, cell_id: int) -> CapacityEvidence | None:
        test = self.tests.get(cell_id)
        if test is None:
            return None
        known = CapacityEvidence(
            id=test.pk,
            source=test.source,
            capacity_ah=test.capacity_ah,
            tested_at=test.tested_at,
            file_name=test.file_name,
            file_sha256=test.file_sha256,
            row=test.row,
            superseded=_taken_back(getattr(test, "supersession", None)),
        )
        if test.run is None:
            return known
        return replace(
            known,
            run_id=test.run_id,
            manifest_sha256=test.manifest_sha256,
            simulated=test.simulated,
            ran_by=self._ran_by(test.run),
            instruments=self._sealed_uses(test.run, test.recorded_at, CAPACITY_BY),
        )

    def _nonconformances(self) -> Mapping[int, Sequence[NonconformanceEvidence]]:
        rows = (
            Nonconformance.objects.filter(cell__in=self.ids)
            .select_related("disposition")
            .order_by("pk")
        )
        return _grouped((row.cell_id, _note(row)) for row in rows)

    def _approvals(self) -> Mapping[int, Sequence[ApprovalEvidence]]:
        rows = Approval.objects.filter(cell__in=self.ids).order_by("at", "pk")
        return _grouped(
            (
                row.cell_id,
                ApprovalEvidence(
                    id=row.pk,
                    evidence_sha256=row.evidence_sha256,
                    approved_by=row.approved_by_id,
                    approver_role=row.approver_role,
                    at=row.at,
                ),
            )
            for row in rows
        )

    def _runs_since(self) -> dict[int, int]:
        """Runs after the balance's that moved charge or may yet: queued or leased, not refused."""
        rows = (
            RunCell.objects.filter(cell__in=self.ids)
            .exclude(run__state=RunState.REFUSED)
            .exclude(run__token=None, run__state=RunState.STOPPED)
            .exclude(run__job__kind__in=RESTING)
            .values_list("cell_id", "run_id")
            .order_by("run_id")
        )
        return {
            cell_id: run_id
            for cell_id, run_id in rows
            if cell_id in self.balances and run_id > self.balances[cell_id].balance.run_id
        }


def _own_or(own: float | None, group: float) -> float:
    return group if own is None else own


def _taken_back(row: Supersession | CalibrationWithdrawal | None) -> TakenBack | None:
    return TakenBack(row.at, row.by_id, row.words) if row is not None else None


def _note(row: Nonconformance) -> NonconformanceEvidence:
    disposition = getattr(row, "disposition", None)
    return NonconformanceEvidence(
        id=row.pk,
        kind=row.kind,
        words=row.words,
        opened_at=row.opened_at,
        decision=disposition.decision if disposition else "",
        decided_at=disposition.at if disposition else None,
    )


def _grouped(pairs: Iterable[tuple[K, V]]) -> Mapping[K, list[V]]:
    found: defaultdict[K, list[V]] = defaultdict(list)
    for key, value in pairs:
        found[key].append(value)
    return found


def cells_of_run(run: Run) -> dict[int, Cell]:
    """The cells of a run by their position in the bank."""
    return {rc.position: rc.cell for rc in run.run_cells.select_related("cell")}
