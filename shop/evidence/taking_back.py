"""Taking evidence back: a record is superseded, a certificate withdrawn; nothing is edited (T4).

A supervisor's act, with a reason, once per record.  Whoever approves or assembles cells at the
same moment takes turns with it: either their act came first, and is shown as resting on what was
taken back, or it is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import TypeAlias, TypeVar

from django.db import IntegrityError, transaction
from django.db.models import Q

from shop.audit import services as audit
from shop.audit.models import AuditEntry
from shop.cells.models import Cell
from shop.cells.services import touch_cells
from shop.equipment.models import Calibration, CalibrationWithdrawal, Instrument
from shop.evidence.models import Balance, CapacityTest, Supersession, VoltageCheck
from shop.people.models import User
from shop.people.roles import Act, require
from shop.readings.models import Manifest
from shop.refusals import StaleTransition, reason_problems, refuse

Record: TypeAlias = Balance | VoltageCheck | CapacityTest
T = TypeVar("T")
FIELDS: Mapping[type[Record], str] = {
    Balance: "balance",
    VoltageCheck: "voltage_check",
    CapacityTest: "capacity_test",
}


def supersede(*, record: Record, words: str, by: User, now: datetime) -> Supersession:
    """From now on the record stands for nothing, for the gate and for every approval."""
    require(by.role, Act.SUPERSEDE)
    reason = _reason(words)
    field = FIELDS[type(record)]

    def write() -> Supersession:
        touch_cells(cells_of(record))
        made = Supersession(by=by, at=now, words=reason, **{field: record})
        made.save(force_insert=True)
        audit.record(kind=AuditEntry.Kind.SUPERSEDED, by=by, now=now, of=made)
        return made

    return _once(write, f"The {field.replace('_', ' ')} {record.pk}")


def withdraw(
    *, calibration: Calibration, words: str, by: User, now: datetime
) -> CalibrationWithdrawal:
    """From now on the certificate counts for nothing, also for what was measured under it."""
    require(by.role, Act.WITHDRAW)
    reason = _reason(words)

    def write() -> CalibrationWithdrawal:
        touch_cells(measured_with(calibration.instrument))
        made = CalibrationWithdrawal(calibration=calibration, by=by, at=now, words=reason)
        made.save(force_insert=True)
        audit.record(kind=AuditEntry.Kind.WITHDRAWN, by=by, now=now, of=made)
        return made

    return _once(write, f"Calibration {calibration.certificate}")


def cells_of(record: Record) -> Iterable[Cell]:
    """The cells that a record tells of."""
    if isinstance(record, CapacityTest):
        return [record.cell]
    return [row.cell for row in record.cells.select_related("cell")]


def measured_with(instrument: Instrument) -> Iterable[Cell]:
    """The cells that any evidence measured with this instrument tells of."""
    named = [{"serial_number": instrument.serial_number}]
    runs = Manifest.objects.filter(body__instruments__contains=named).values("run")
    return Cell.objects.filter(
        Q(runs__in=runs) | Q(voltages__voltage_check__meter=instrument)
    ).distinct()


def _reason(words: str) -> str:
    said, what = "Evidence is taken back with a reason.", "what is wrong with it"
    refuse(reason_problems(words, said, what=what))
    return words.strip()


def _once(write: Callable[[], T], what: str) -> T:
    try:
        with transaction.atomic():
            return write()
    except IntegrityError as error:
        raise StaleTransition(what, "standing") from error
