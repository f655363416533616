"""Reads of evidence: all that is known of some cells, in a fixed number of queries.

What is newest counts: the newest balance with the checks of its own run, the newest re-check,
the newest capacity test (one measured here before one that was imported).  What was superseded
stays the newest until there is a newer one; a capacity test then makes way for an older one,
which is as true as before.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import replace
from datetime import datetime

from shop.cells.models import Cell, StudFitting
from shop.evidence.handling import nut_handlings
from shop.evidence.policy import GatePolicy
from shop.evidence.rows import (
    BOTTOM,
    DISCONNECT,
    PRE_PARALLEL,
    RECHECK,
    Rows,
    taken_back,
    tells_group,
)
from shop.evidence.values import (
    BalanceEvidence,
    CapacityEvidence,
    CellEvidence,
    InstrumentUse,
    VoltageEvidence,
)
from shop.jobs.models import PolicyVersion, Run
from shop.jobs.queries import policy_in_force
from shop.refusals import Problem, Refusal

CAPACITY_BY = frozenset({"meter", "load"})  # the roles that measure Ah and Wh


def evidence_of(cell: Cell) -> CellEvidence:
    """All that is known of one cell."""
    return evidence_of_cells([cell])[cell.serial]


def evidence_of_cells(cells: Iterable[Cell]) -> dict[str, CellEvidence]:
    """All that is known of each cell, by serial; some 16 queries whatever the number of cells."""
    return _Reader(Rows({cell.pk for cell in cells})).all()


def gate_policy() -> tuple[PolicyVersion, GatePolicy]:
    """The policy in force and what it asks for; refused in words where there is none."""
    version = policy_in_force()
    if version is None:
        raise Refusal(
            [Problem("no_policy", "No policy is in force.", "Ask a supervisor to store one.")]
        )
    return version, GatePolicy.from_parameters(version.parameters)


def cells_of_run(run: Run) -> dict[int, Cell]:
    """The cells of a run by their position in the bank."""
    return {rc.position: rc.cell for rc in run.run_cells.select_related("cell")}


class _Reader:
    """The rows about some cells as values."""

    def __init__(self, rows: Rows) -> None:
        self.rows = rows

    def all(self) -> dict[str, CellEvidence]:
        notes = self.rows.nonconformances()
        approvals = self.rows.approvals()
        # By relation, not by import: packs know evidence, never the reverse.
        packs = dict(
            Cell.objects.filter(
                pk__in=self.rows.ids, placements__isnull=False, placements__removed_at=None
            ).values_list("pk", "placements__pack__serial")
        )
        since, turned = self.rows.runs_since(), nut_handlings(self.rows.ids)
        in_series = self.rows.series_runs()
        studs = Counter(
            StudFitting.objects.filter(cell__in=self.rows.ids).values_list("cell", flat=True)
        )
        return {
            cell.serial: CellEvidence(
                serial=cell.serial,
                cell_type=str(cell.batch.cell_type),
                rated_ah=cell.batch.cell_type.capacity_ah,
                capacity=self._capacity(cell.pk),
                balance=self._balance(cell.pk),
                pre_parallel=self._voltage(cell.pk, PRE_PARALLEL),
                disconnect=self._voltage(cell.pk, DISCONNECT) or self._voltage(cell.pk, BOTTOM),
                recheck=self._voltage(cell.pk, RECHECK),
                nonconformances=tuple(notes[cell.pk]),
                approvals=tuple(approvals[cell.pk]),
                packed_in=packs.get(cell.pk, ""),
                run_since=since.get(cell.pk),
                series_run=in_series.get(cell.pk),
                nut_handlings=turned[cell.pk],
                stud_fittings=studs[cell.pk],
            )
            for cell in self.rows.cells
        }

    def _ran_by(self, run: Run) -> frozenset[int]:
        """Everyone who had a hand in the job up to this run: an earlier try moved charge too."""
        return frozenset(
            person
            for run_id, *people in self.rows.hands[run.job_id]
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
        spans = self.rows.calibrations.get(serial_number, [])
        covering = [span for span in spans if span.covers(first_at, last_at)]
        covered = [span for span in spans if span.spans(first_at, last_at)]
        return InstrumentUse(
            role, model, serial_number, first_at, last_at, tuple(covering or covered or spans[:1])
        )

    def _balance(self, cell_id: int) -> BalanceEvidence | None:
        row = self.rows.balances.get(cell_id)
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
            superseded=taken_back(getattr(balance, "supersession", None)),
            broken=self.rows.broken[run.pk],
        )

    def _voltage(self, cell_id: int, kind: str) -> VoltageEvidence | None:
        row = self.rows.voltages.get((cell_id, kind))
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
            group=tuple(self.rows.groups[check.pk]) if tells_group(kind, check) else (),
            superseded=taken_back(getattr(check, "supersession", None)),
        )

    def _sealed_uses(
        self, run: Run, until: datetime, roles: Collection[str] | None = None
    ) -> tuple[InstrumentUse, ...]:
        """The instruments that the run's manifest names; `roles` are those that count."""
        manifest = self.rows.manifests.get(run.pk)
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

    def _capacity(self, cell_id: int) -> CapacityEvidence | None:
        test = self.rows.tests.get(cell_id)
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
            superseded=taken_back(getattr(test, "supersession", None)),
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


def _own_or(own: float | None, group: float) -> float:
    return group if own is None else own
