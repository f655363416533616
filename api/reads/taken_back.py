"""What may be taken back, and what was: records by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from django.db.models import QuerySet

from shop.audit.models import AuditEntry
from shop.evidence.models import Balance, CapacityTest, VoltageCheck
from shop.evidence.rules.bottom import is_emptied
from shop.evidence.taking_back import Record
from shop.evidence.values import (
    BalanceEvidence,
    CapacityEvidence,
    CellEvidence,
    TakenBack,
    VoltageEvidence,
)

RECORDS: Mapping[str, type[Record]] = {
    "balance": Balance,
    "capacity_test": CapacityTest,
    "voltage_check": VoltageCheck,
}
NEWEST = 200


@dataclass(frozen=True, slots=True)
class Standing:
    """A record that counts for a cell; `name` is "<kind>:<id>", as a form sends it."""

    name: str
    words: str


def record_named(kind: str, pk: int) -> Record | None:
    model = RECORDS.get(kind)
    found: Record | None = model._default_manager.filter(pk=pk).first() if model else None
    return found


def standing_records(evidence: CellEvidence) -> list[Standing]:
    """What counts for a cell now and was not taken back."""
    checks = (
        (_parting(evidence), evidence.disconnect),
        ("Re-check", evidence.recheck_since),
        ("Pre-parallel check", evidence.pre_parallel),
    )
    found = [
        _standing("balance", "Balance", evidence.balance),
        *(_standing("voltage_check", name, check) for name, check in checks),
        _standing("capacity_test", "Capacity test", evidence.capacity),
    ]
    return [standing for standing in found if standing is not None]


def _parting(evidence: CellEvidence) -> str:
    """What the check that followed the current is called."""
    return "Bottom check" if is_emptied(evidence.balance) else "Disconnect check"


def _standing(
    kind: str, words: str, record: BalanceEvidence | VoltageEvidence | CapacityEvidence | None
) -> Standing | None:
    if record is None or record.superseded is not None:
        return None
    run = "" if isinstance(record, CapacityEvidence) else f", run {record.run_id}"
    pk = record.check_id if isinstance(record, VoltageEvidence) else record.id
    whole = "" if isinstance(record, CapacityEvidence) else ", of all its cells"
    return Standing(f"{kind}:{pk}", f"{words}{run}{whole}")


def taken_back(evidence: CellEvidence) -> list[tuple[str, TakenBack]]:
    """What of this cell was superseded, by name."""
    parts = (
        ("Balance", evidence.balance),
        (_parting(evidence), evidence.disconnect),
        ("Re-check", evidence.recheck_since),
        ("Pre-parallel check", evidence.pre_parallel),
        ("Capacity test", evidence.capacity),
    )
    return [(name, part.superseded) for name, part in parts if part and part.superseded]


def newest_entries() -> QuerySet[AuditEntry]:
    return AuditEntry.objects.select_related("by").order_by("-number")[:NEWEST]
