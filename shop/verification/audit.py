"""The audit, held against itself and against the records that it repeats.

An entry that was changed, cut out or put in breaks the chain.  What somebody decided about
evidence is there twice, so a decision that vanished is named, and one that nobody made too.  The
newest entries, cut off together with the records that they repeat, leave no trace here: that
needs an anchor on another machine.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

from django.db.models import Model

from shop.audit.chain import GENESIS
from shop.audit.models import AuditEntry
from shop.care.models import BalanceSkip, Disassembly, PackReading, Recovery
from shop.cells.models import CellType, StudFitting
from shop.equipment.models import (
    Calibration,
    CalibrationWithdrawal,
    Commissioning,
    Instrument,
    Station,
    StationRetirement,
)
from shop.evidence.canonical import plain, sha256_of
from shop.evidence.models import CapacityTest, Supersession
from shop.jobs.models import PolicyVersion, RecipeRetirement, RecipeVersion
from shop.leads.models import LeadFitting, LeadSet
from shop.quality.models import Disposition
from shop.shelf.models import ShelfPlace
from shop.signing.models import KeyRetirement
from shop.verification.faults import Fault
from shop.verification.keys import signature_of
from shop.verification.seals import Keys

AT_ONCE = 200
# What the audit repeats, by the kind of entry.
REPEATED: Mapping[str, type[Model]] = {
    AuditEntry.Kind.CELLS_SHELVED: ShelfPlace,
    AuditEntry.Kind.COMMISSIONED: Commissioning,
    AuditEntry.Kind.DISPOSED: Disposition,
    AuditEntry.Kind.KEY_REPLACED: KeyRetirement,
    AuditEntry.Kind.LEADS_FITTED: LeadFitting,
    AuditEntry.Kind.LEADS_REGISTERED: LeadSet,
    AuditEntry.Kind.RECIPE_RETIRED: RecipeRetirement,
    AuditEntry.Kind.STATION_RETIRED: StationRetirement,
    AuditEntry.Kind.STUDS_FITTED: StudFitting,
    AuditEntry.Kind.SUPERSEDED: Supersession,
    AuditEntry.Kind.WITHDRAWN: CalibrationWithdrawal,
    AuditEntry.Kind.PACK_READ: PackReading,
    AuditEntry.Kind.TAKEN_APART: Disassembly,
    AuditEntry.Kind.BALANCE_SKIPPED: BalanceSkip,
}
# What it repeats since a later version: the first that it has tells from when on.
REPEATED_LATER: Mapping[str, type[Model]] = {
    AuditEntry.Kind.CALIBRATED: Calibration,
    AuditEntry.Kind.CELL_TYPE_DEFINED: CellType,
    AuditEntry.Kind.COURSE_TAKEN: Recovery,
    AuditEntry.Kind.IMPORTED: CapacityTest,
    AuditEntry.Kind.INSTRUMENT_REGISTERED: Instrument,
    AuditEntry.Kind.POLICY_STORED: PolicyVersion,
    AuditEntry.Kind.RECIPE_STORED: RecipeVersion,
    AuditEntry.Kind.STATION_REGISTERED: Station,
}
# What tells anew of a record that an entry of the other kind repeats: the last word counts.
TOLD_ANEW: Mapping[str, str] = {
    AuditEntry.Kind.CELL_TYPE_COMPLETED: AuditEntry.Kind.CELL_TYPE_DEFINED,
    AuditEntry.Kind.INSTRUMENT_FITTED: AuditEntry.Kind.INSTRUMENT_REGISTERED,
    AuditEntry.Kind.INSTRUMENT_TAKEN_OFF: AuditEntry.Kind.INSTRUMENT_REGISTERED,
    AuditEntry.Kind.STATION_RENAMED: AuditEntry.Kind.STATION_REGISTERED,
}
Told: TypeAlias = Mapping[str, Any]


def faults(trusted: Keys, seen: Counter[str]) -> Iterator[Fault]:
    """Entry by entry, then the records that it should repeat, kind by kind."""
    number, head = 0, GENESIS
    told: dict[str, dict[int, Told]] = {kind: {} for kind in (*REPEATED, *REPEATED_LATER)}
    rows = AuditEntry.objects.select_related("key__retirement").order_by("number")
    for entry in rows.iterator(chunk_size=AT_ONCE):
        seen["audit entries"] += 1
        if words := _problem(entry, number, head, trusted):
            yield Fault("AuditEntry", entry.pk, words)
        number, head = entry.number, entry.sha256
        first = TOLD_ANEW.get(entry.kind, entry.kind)
        for record in _records(entry.data) if first in told else ():
            if first == entry.kind or record["id"] in told[first]:
                told[first][record["id"]] = record
    for kind, model in REPEATED.items():
        yield from _differences(model, told[kind], since=0)
    for kind, model in REPEATED_LATER.items():
        if told[kind]:
            yield from _differences(model, told[kind], since=min(told[kind]))


def _records(data: Mapping[str, Any]) -> list[Told]:
    """The one that an entry repeats, or those of a whole file."""
    return data.get("records") or ([data["record"]] if data.get("record") else [])


def _problem(entry: AuditEntry, number: int, head: str, trusted: Keys) -> str:
    """What is wrong with an entry that should follow `number` and `head`; "" for nothing."""
    if entry.number != number + 1:
        return f"number {entry.number} where {number + 1} should follow: an entry is missing"
    if entry.prev_sha256 != head:
        return f"number {entry.number} does not follow the entry before it: the hashes differ"
    body = entry.body(entry.key.named if entry.key else {})
    if sha256_of(body) != entry.sha256:
        return f"number {entry.number} is not what its hash says: it was changed"
    words = signature_of(entry.key, entry.signature, entry.at).problem(body, trusted)
    return f"number {entry.number} {words}" if words else ""


def _differences(model: type[Model], told: Mapping[int, Told], *, since: int) -> Iterator[Fault]:
    """Records from number `since` on that the audit has otherwise, not at all, or alone."""
    name, unseen = model.__name__, set(told)
    rows = model._default_manager.filter(pk__gte=since).order_by("pk")
    if model is PackReading:
        rows = rows.filter(run=None)
    if model is CapacityTest:  # what was measured here rests on its run
        rows = rows.exclude(source=CapacityTest.Source.MEASURED)
    for row in rows.iterator(chunk_size=AT_ONCE):
        unseen.discard(row.pk)
        if row.pk not in told:
            yield Fault(name, row.pk, "nobody made it: the audit does not have it")
        elif plain(row.told) != told[row.pk]:  # type: ignore[attr-defined]  # these models tell
            yield Fault(name, row.pk, "is not as the audit has it: it was changed")
    for pk in sorted(unseen):
        yield Fault(name, pk, "the audit has it and it is not there")
