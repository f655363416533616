"""The rows of evidence about some cells, each kind read once, whatever the number of cells."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import TypeVar

from django.conf import settings
from django.db.models import Prefetch, Q

from shop.cells.models import Cell
from shop.equipment.models import Calibration, CalibrationWithdrawal, Instrument
from shop.equipment.states import ONE_BY_ONE
from shop.evidence.models import (
    Approval,
    CapacityTest,
    CellBalance,
    CellVoltage,
    Supersession,
    VoltageCheck,
)
from shop.evidence.parted import bank_at, banks_of, freed_at
from shop.evidence.sealing import broken
from shop.evidence.values import (
    ApprovalEvidence,
    CalibrationSpan,
    GroupReading,
    NonconformanceEvidence,
    TakenBack,
)
from shop.jobs.models import Run, RunCell
from shop.jobs.procedures import IN_SERIES, RESTING
from shop.jobs.states import RunState
from shop.quality.models import Nonconformance
from shop.readings.models import Manifest
from shop.signing.keyring import trusted_keys
from shop.signing.models import SigningKey

K = TypeVar("K")
V = TypeVar("V")

PRE_PARALLEL, DISCONNECT, RECHECK, BOTTOM, _ = VoltageCheck.Kind.values


class Rows:
    """What the tables say of these cells: of each kind the newest, or all where all count."""

    def __init__(self, cell_ids: set[int]) -> None:
        self.cells = list(
            Cell.objects.filter(pk__in=cell_ids).select_related("batch__cell_type").order_by("pk")
        )
        self.ids = [cell.pk for cell in self.cells]
        self.freed = freed_at(self.ids)
        self.balances = self._balances()
        self.tests = self._tests()
        self.run_ids = {row.balance.run_id for row in self.balances.values()}
        self.voltages = self._voltages()
        self.groups = self._groups()
        self.calibrations = self._calibrations()
        self.hands = self._hands()
        self.broken = self._broken()

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
        return {row.cell_id: row for row in rows if self._counts(row, row.balance.recorded_at)}

    def _counts(self, row: CellBalance | CellVoltage | CapacityTest, at: datetime) -> bool:
        """Whether it is of the time since the cell was last taken out of a pack."""
        freed = self.freed.get(row.cell_id)
        return freed is None or at > freed

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
            again = row.voltage_check.kind == RECHECK and self._counts(row, row.received_at)
            if own or again:
                found[row.cell_id, row.voltage_check.kind] = row
        return found

    def _groups(self) -> Mapping[int, list[GroupReading]]:
        """Everyone who was read in the re-checks that count, and in what was read cell by cell."""
        told = {
            row.voltage_check_id: row.voltage_check
            for (_, kind), row in self.voltages.items()
            if tells_group(kind, row.voltage_check)
        }
        checks = told.keys()
        rows = list(
            CellVoltage.objects.filter(voltage_check__in=checks)
            .select_related("cell")
            .order_by("position")
        )
        banks = banks_of(row.cell_id for row in rows)
        grouped = _grouped(
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
        for row in rows:
            again = told[row.voltage_check_id].again
            if again is not None and again.position == row.position:
                twice = GroupReading(row.cell.serial, again.voltage_v, again.received_at)
                grouped[row.voltage_check_id].append(twice)
        return grouped

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
                        taken_back(getattr(c, "withdrawal", None)),
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

    def _tests(self) -> dict[int, CapacityTest]:
        rows = (
            CapacityTest.objects.filter(cell__in=self.ids)
            .select_related("supersession", "run")
            .order_by("tested_at", "pk")
        )
        # Superseded, then imported, then measured here: the last one is the one that stays.
        measured = CapacityTest.Source.MEASURED
        ordered = sorted(
            (row for row in rows if self._counts(row, row.tested_at)),
            key=lambda row: (not hasattr(row, "supersession"), row.source == measured),
        )
        return {row.cell_id: row for row in ordered}

    def nonconformances(self) -> Mapping[int, Sequence[NonconformanceEvidence]]:
        rows = (
            Nonconformance.objects.filter(cell__in=self.ids)
            .select_related("disposition")
            .order_by("pk")
        )
        return _grouped((row.cell_id, _note(row)) for row in rows)

    def approvals(self) -> Mapping[int, Sequence[ApprovalEvidence]]:
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

    def series_runs(self) -> dict[int, int]:
        """The newest run of each cell that may have charged it in series."""
        rows = (
            RunCell.objects.filter(cell__in=self.ids, run__job__kind__in=IN_SERIES)
            .exclude(run__state=RunState.REFUSED)
            .exclude(run__token=None)
            .order_by("run_id")
        )
        return dict(rows.values_list("cell_id", "run_id"))

    def runs_since(self) -> dict[int, int]:
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


def taken_back(row: Supersession | CalibrationWithdrawal | None) -> TakenBack | None:
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


def tells_group(kind: str, check: VoltageCheck) -> bool:
    """A re-check is judged against the others, and so is what was read cell by cell (G6)."""
    return kind == RECHECK or (kind == DISCONNECT and check.meter.role in ONE_BY_ONE)


def _grouped(pairs: Iterable[tuple[K, V]]) -> Mapping[K, list[V]]:
    found: defaultdict[K, list[V]] = defaultdict(list)
    for key, value in pairs:
        found[key].append(value)
    return found
