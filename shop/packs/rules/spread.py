"""G6: how far apart the plan's cells were when they parted, whatever banks they come from.

Judged from the disconnect checks, of emptied cells from their bottom checks, which must be of one
meter: two meters differ by more than the limit.  Spread under current would be contact resistance
and is no part of this.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from shop.evidence.policy import GatePolicy, SpreadLimits
from shop.evidence.rules.bottom import is_emptied, window_of
from shop.evidence.rules.drift import Levelled, levelled
from shop.evidence.rules.voltages import is_number
from shop.evidence.values import CellEvidence, VoltageEvidence
from shop.packs.findings import EvidenceRef, Finding, Fix, Plan, Verdict
from shop.packs.rules.bottom_check import EMPTY_AGAIN

RULE = "G6"
ROUNDING_V = 1e-9  # a spread of exactly the limit passes whatever the subtraction leaves
WHY = "cells that part unequal meet the end of every charge or discharge at different times"
HOLD = Fix(
    "repeat_hold",
    "Hold these cells together again, slowly to the tail, and check all of them with one meter.",
)


def judge(
    plan: Plan, cells: Sequence[CellEvidence], policy: GatePolicy, now: datetime
) -> Iterator[Finding]:
    read = [(cell, check) for cell in cells if (check := _check(cell)) is not None]
    meters = sorted({f"{check.meter.model} {check.meter.serial_number}" for _, check in read})
    manual = any(check.is_by_hand for _, check in read)
    emptied = [cell for cell in cells if is_emptied(cell.balance)]
    limit_v = policy.spread.manual_max_v if manual else policy.spread.max_v
    if emptied:
        limit_v = min(window_of(cell, policy.bottom).spread_max_v for cell in emptied)
    fix = EMPTY_AGAIN if emptied else HOLD
    limit = f"≤ {_mv(limit_v)}"
    if not read or len(read) < len(set(plan.serials)):
        yield Finding(
            RULE,
            Verdict.MISSING,
            "The spread of the cells is not known: a cell has no valid check after its current.",
            value=f"{len(read)} of {len(set(plan.serials))} cells",
            limit=limit,
            why=WHY,
            fix=fix,
        )
    elif len(meters) > 1:
        yield Finding(
            RULE,
            Verdict.MISSING,
            f"The spread of the cells is not known: {len(meters)} meters measured them.",
            value=", ".join(meters),
            limit="one meter",
            why="two meters differ by more than the cells may",
            fix=fix,
        )
    else:
        checks = {check.check_id: check for _, check in read}
        refs = tuple(
            EvidenceRef.of("voltage check", id_, check.received_at, now)
            for id_, check in checks.items()
        )
        seen = [_levelled(cell, check) for cell, check in read]
        how = ", read by hand," if manual else ""
        yield _spread(seen, limit_v, policy.spread, refs, how, fix)


def _check(cell: CellEvidence) -> VoltageEvidence | None:
    """The cell's disconnect check of its last balance, where it has a voltage."""
    check, balance = cell.disconnect, cell.balance
    if check is None or balance is None or check.run_id != balance.run_id:
        return None
    return check if is_number(check.voltage_v) else None


def _levelled(cell: CellEvidence, check: VoltageEvidence) -> Levelled:
    """Cell by cell the common drift is taken out; a scanner's reading stays as it is."""
    raw_v = check.voltage_v if check.voltage_v is not None else 0.0
    one_by_one = (reading for reading in levelled(check.group) if reading.serial == cell.serial)
    return next(one_by_one, Levelled(cell.serial, raw_v, raw_v))


def _spread(
    cells: Sequence[Levelled],
    limit_v: float,
    limits: SpreadLimits,
    refs: tuple[EvidenceRef, ...],
    how: str,
    fix: Fix,
) -> Finding:
    volts = [cell.voltage_v for cell in cells]
    raw = [cell.raw_v for cell in cells]
    spread_v, raw_v = max(volts) - min(volts), max(raw) - min(raw)
    low, high = cells[volts.index(min(volts))], cells[volts.index(max(volts))]
    close = spread_v <= limit_v + ROUNDING_V
    remark = ""
    if close and spread_v > limits.aim_v + ROUNDING_V:
        longer = "hold longer" if fix is HOLD else "let them end at a smaller current"
        remark = f" That is above the aim of {_mv(limits.aim_v)}: {longer} next time."
    drift = f" ({_mv(raw_v)} before the common drift was taken out)" if raw != volts else ""
    return Finding(
        RULE,
        Verdict.PASS if close else Verdict.FAIL,
        f"At their {'disconnect' if fix is HOLD else 'bottom'} check{how} the cells were "
        f"{_mv(spread_v)} apart{drift}, from "
        f"{low.serial} to {high.serial}.{remark}",
        value=_mv(spread_v),
        limit=f"≤ {_mv(limit_v)}",
        why="" if close else WHY,
        fix=None if close else fix,
        evidence=refs,
    )


def _mv(value_v: float) -> str:
    """Tenths, so that 10.4 mV is not shown as the limit that it is over."""
    return f"{1000 * value_v:.1f} mV"
