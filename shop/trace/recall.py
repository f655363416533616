"""Packs that were built on evidence which somebody took back since: the recall list (T5, G7).

Nothing of a pack is edited.  Whether it is recalled is asked anew each time: a certificate that
covers the day after all takes it off the list again.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import Prefetch, Q, QuerySet

from shop.equipment.models import Calibration, CalibrationWithdrawal, Instrument
from shop.evidence.models import Approval, Supersession, VoltageCheck
from shop.evidence.taking_back import measured_with
from shop.packs.models import Pack, Placement

Record = tuple[str, int]  # field of Supersession, id
NAMES: Mapping[str, str] = {
    "balance": "balance",
    "voltage_check": "voltage check",
    "capacity_test": "capacity test",
}


@dataclass(frozen=True, slots=True)
class Reason:
    """What was taken back, when and why; no names."""

    at: datetime
    words: str


@dataclass(frozen=True, slots=True)
class Recalled:
    pack: Pack
    reasons: tuple[Reason, ...]  # the newest first

    @property
    def since(self) -> datetime:
        return min(reason.at for reason in self.reasons)


@dataclass(slots=True)
class _Basis:
    """What the gate accepted for one pack."""

    records: set[Record] = field(default_factory=set)
    uses: set[tuple[str, datetime, datetime]] = field(default_factory=set)  # serial, from, to

    def add_body(self, body: Mapping[str, Any]) -> None:
        """The evidence that was approved of one cell."""
        self.records |= {("balance", body["balance"]["id"])}
        self.records |= {("capacity_test", body["capacity"]["id"])}
        checks = [c for c in (body["pre_parallel"], body["disconnect"]) if c]
        self.records |= {("voltage_check", check["check_id"]) for check in checks}
        measured = body["capacity"].get("instruments", ())
        for use in (
            *body["balance"]["instruments"],
            *measured,
            *(check["meter"] for check in checks),
        ):
            times = (datetime.fromisoformat(use[name]) for name in ("first_at", "last_at"))
            self.uses.add((use["serial_number"], *times))

    def add_check(self, check: VoltageCheck) -> None:
        """A check that a finding rests on; a re-check is in no approval."""
        self.records.add(("voltage_check", check.pk))
        self.uses.add((check.meter.serial_number, check.recorded_at, check.recorded_at))


def recall_list() -> list[Recalled]:
    """Every pack that is recalled, by what was taken back last."""
    return sorted(_recalled(Pack.objects.all()), key=lambda r: r.reasons[0].at, reverse=True)


def reasons_of(pack: Pack) -> tuple[Reason, ...]:
    """Why this pack is recalled; empty when it is not."""
    found = _recalled(Pack.objects.filter(pk=pack.pk))
    return next((recalled.reasons for recalled in found), ())


def _recalled(among: QuerySet[Pack]) -> Iterator[Recalled]:
    withdrawn = list(Instrument.objects.filter(calibrations__withdrawal__isnull=False).distinct())
    superseded = {_record(row): row for row in Supersession.objects.all()}
    if not withdrawn and not superseded:
        return
    packs = list(_touched(among, withdrawn).select_related("design", "customer", "gate_decision"))
    spans = _spans(withdrawn)
    bases = _bases(packs)
    for pack in packs:
        reasons = [*_superseded(bases[pack.pk], superseded), *_uncovered(bases[pack.pk], spans)]
        if reasons:
            newest = sorted(set(reasons), key=lambda r: (r.at, r.words), reverse=True)
            yield Recalled(pack, tuple(newest))


def _touched(among: QuerySet[Pack], withdrawn: Sequence[Instrument]) -> QuerySet[Pack]:
    """Packs that hold a cell of which anything was taken back, whatever the gate rested on."""
    cells = Q(cell__balances__balance__supersession__isnull=False)
    cells |= Q(cell__voltages__voltage_check__supersession__isnull=False)
    cells |= Q(cell__capacity_tests__supersession__isnull=False)
    for instrument in withdrawn:
        cells |= Q(cell__in=measured_with(instrument))
    held = Placement.objects.filter(cells, removed_at=None)
    return among.filter(pk__in=held.values("pack"))


def _bases(packs: Sequence[Pack]) -> Mapping[int, _Basis]:
    """By pack, from the approvals and findings that its decision names."""
    bases: defaultdict[int, _Basis] = defaultdict(_Basis)
    decisions = [(pack.pk, pack.gate_decision) for pack in packs if hasattr(pack, "gate_decision")]
    accepted = {
        (serial, sha256): pack_id
        for pack_id, decision in decisions
        for serial, sha256 in decision.plan.get("evidence_sha256", {}).items()
    }
    approvals = Approval.objects.filter(evidence_sha256__in=[sha256 for _, sha256 in accepted])
    for approval in approvals.select_related("cell"):
        pack_id = accepted.get((approval.cell.serial, approval.evidence_sha256))
        if pack_id is not None:
            bases[pack_id].add_body(approval.evidence)
    named = {pack_id: _checks_in(decision.findings) for pack_id, decision in decisions}
    every = {id_ for ids in named.values() for id_ in ids}
    checks = VoltageCheck.objects.select_related("meter").in_bulk(every)
    for pack_id, ids in named.items():
        for id_ in ids & checks.keys():
            bases[pack_id].add_check(checks[id_])
    return bases


def _checks_in(findings: Iterable[Mapping[str, Any]]) -> set[int]:
    refs = (ref for finding in findings for ref in finding.get("evidence", ()))
    return {ref["id"] for ref in refs if ref["kind"] == "voltage check"}


def _superseded(basis: _Basis, rows: Mapping[Record, Supersession]) -> Iterator[Reason]:
    for record in basis.records & rows.keys():
        row = rows[record]
        name = NAMES[record[0]]
        yield Reason(row.at, f"Its {name} {record[1]} was superseded: {row.words}")


def _uncovered(basis: _Basis, spans: Mapping[str, Sequence[Calibration]]) -> Iterator[Reason]:
    """Certificates without which nothing covers what an instrument measured for the pack."""
    for serial_number, first, last in basis.uses:
        covering = [
            span
            for span in spans.get(serial_number, ())
            if span.valid_from <= first and last <= span.valid_until
        ]
        backs = [back for span in covering if (back := _withdrawal(span)) is not None]
        if len(backs) < len(covering):
            continue  # another one stands
        for back in backs:
            certificate = back.calibration.certificate
            words = f"Calibration {certificate} of {serial_number} was withdrawn: {back.words}"
            yield Reason(back.at, words)


def _spans(instruments: Sequence[Instrument]) -> Mapping[str, Sequence[Calibration]]:
    rows = Instrument.objects.filter(pk__in=[i.pk for i in instruments]).prefetch_related(
        Prefetch("calibrations", Calibration.objects.select_related("withdrawal"))
    )
    return {row.serial_number: list(row.calibrations.all()) for row in rows}


def _withdrawal(span: Calibration) -> CalibrationWithdrawal | None:
    return getattr(span, "withdrawal", None)


def _record(row: Supersession) -> Record:
    ids = {name: getattr(row, f"{name}_id") for name in NAMES}
    return next((name, id_) for name, id_ in ids.items() if id_ is not None)
