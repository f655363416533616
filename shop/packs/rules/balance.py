"""G3: a complete balance by the method that the application calls for, the same for all cells.

Solar and stationary packs are full every day: top balance.  EV and frequent full discharge:
bottom balance, with its warnings.  A partial balance is refused (M5), the other method too (M3).
Source: [A] "Top Balancing vs Bottom Balancing", the comparison table.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from shop.evidence.policy import GatePolicy
from shop.evidence.rules.balance import COMPLETE, TOP, WORDS, meeting
from shop.evidence.rules.bottom import is_emptied, is_tapered
from shop.evidence.values import BalanceEvidence, CellEvidence
from shop.evidence.words import volts
from shop.packs.findings import EvidenceRef, Finding, Fix, Plan, Verdict

RULE = "G3"
METHOD_FOR: Mapping[str, str] = {"SOLAR": "TOP", "STATIONARY": "TOP", "EV": "BOTTOM"}
WHY_METHOD: Mapping[str, str] = {
    "TOP": "the pack is full every day, so its cells must meet at the top",
    "BOTTOM": "the pack is emptied often, so its cells must meet at the bottom",
}
# M3, [A]: a solar pack is full every day and hardly ever empty.
NEVER_EMPTY = (
    " It would line its cells up at an end that it hardly ever sees, and leave them apart at the "
    "one that it reaches every day."
)
UNSEAL = Fix(
    "balance",
    "Let `manage.py verify` name what was changed, and balance the cell again. Where only the key "
    "of another host is unknown, copy its .pub file beside the keys of this one instead.",
)
BOTTOM_WARNING = (
    " Set a conservative under-voltage limit, and ask whether LiFePO4 suits this application."
)
SINGLE_WARNING = (
    " It was emptied in one step, which leaves cells up to 0.4 % of their charge apart; a taper "
    "leaves 0.05 %."
)


def judge(
    plan: Plan, cells: Sequence[CellEvidence], policy: GatePolicy, now: datetime
) -> Iterator[Finding]:
    wanted = METHOD_FOR[plan.application]
    for cell in cells:
        yield _single(cell, wanted, policy, now)
    yield _same(cells)


def _is_single(cell: CellEvidence, balance: BalanceEvidence, policy: GatePolicy) -> bool:
    return is_emptied(balance) and not is_tapered(balance, cell.rated_ah, policy.bottom)


def _single(cell: CellEvidence, wanted: str, policy: GatePolicy, now: datetime) -> Finding:
    balance, name = cell.balance, f"{wanted.lower()} balance"
    if balance is None:
        return Finding(
            RULE,
            Verdict.MISSING,
            f"Cell {cell.serial} has never been balanced here.",
            value="no balance",
            limit=f"complete {name}",
            why=WHY_METHOD[wanted],
            fix=Fix("balance", f"Give the cell a {name}."),
            cell=cell.serial,
        )
    refs = (EvidenceRef.of("balance", balance.id, balance.recorded_at, now),)
    if balance.broken is not None:
        return Finding(
            RULE,
            Verdict.FAIL,
            f"The balance of cell {cell.serial} proves nothing: {balance.broken}.",
            value="seal broken",
            limit="a signed manifest, of a run that finished or was stopped",
            why="figures that nobody vouches for may be anybody's",
            fix=UNSEAL,
            cell=cell.serial,
            evidence=refs,
        )
    if meeting(balance.method) != wanted:
        return Finding(
            RULE,
            Verdict.FAIL,
            f"Cell {cell.serial} had a {WORDS[balance.method]}; this application calls "
            f"for a {name}.{NEVER_EMPTY if wanted == TOP else ''}",
            value=WORDS[balance.method],
            limit=name,
            why=WHY_METHOD[wanted],
            fix=Fix("balance", f"Give the cell a {name}, or choose cells that had one."),
            cell=cell.serial,
            evidence=refs,
        )
    if cell.run_since is not None:
        return Finding(
            RULE,
            Verdict.MISSING,
            f"Cell {cell.serial} is or was on a bench again after its balance, in run "
            f"{cell.run_since}.",
            value="no balance since",
            limit=f"complete {name}",
            why="charge that moved since makes the balance history",
            fix=Fix("balance", f"Let the run end, then give the cell a {name}."),
            cell=cell.serial,
            evidence=refs,
        )
    if balance.completeness != COMPLETE:
        above = balance.tail_a > balance.partial_a
        return Finding(
            RULE,
            Verdict.FAIL,
            f"The balance of cell {cell.serial} is partial: {balance.remark or 'stopped early'}.",
            value=f"tail {balance.tail_a:.2f} A" if above else "tail not held",
            limit=f"≤ {balance.partial_a:.2f} A" if above else "tail held to its end",
            why="a cell whose discharge was cut is not as empty as its neighbours"
            if is_emptied(balance)
            else "current that still flows is charge that the cells do not share yet",
            fix=Fix("balance", "Balance the cells again and let the tail end by itself."),
            cell=cell.serial,
            evidence=refs,
        )
    return Finding(
        RULE,
        Verdict.PASS,
        f"Cell {cell.serial} has a complete {WORDS[balance.method]}"
        f"{f', {balance.remark}' if balance.remark else ''}."
        f"{BOTTOM_WARNING if wanted == 'BOTTOM' else ''}"
        f"{SINGLE_WARNING if _is_single(cell, balance, policy) else ''}",
        value=f"tail {balance.tail_a:.2f} A at {volts(balance.target_v)}",
        limit=f"≤ {balance.done_a:.2f} A, partial above {balance.partial_a:.2f} A",
        cell=cell.serial,
        evidence=refs,
    )


def _same(cells: Sequence[CellEvidence]) -> Finding:
    balances = [cell.balance for cell in cells if cell.balance is not None]
    kinds = sorted({_kind(balance) for balance in balances})
    banks = len({balance.run_id for balance in balances})
    if not balances or len(balances) < len(cells):
        return Finding(
            RULE,
            Verdict.MISSING,
            "Whether all cells were balanced alike is not known: a balance is missing.",
            value=f"{len(balances)} of {len(cells)} cells",
            limit="every cell",
            why="cells that met at different points never meet in the pack",
            fix=Fix("balance", "Balance the cells that have no balance."),
        )
    same = len(kinds) == 1
    return Finding(
        RULE,
        Verdict.PASS if same else Verdict.FAIL,
        "All cells were balanced by one method, to one target, under one policy"
        f"{', in one bank.' if banks == 1 else f', in {banks} banks.'}"
        if same
        else "The cells were balanced in different ways.",
        value="; ".join(kinds),
        limit="one method, target and policy version",
        why="" if same else "cells that met at different points never meet in the pack",
        fix=None if same else Fix("balance", "Choose cells of one kind, or balance them together."),
    )


def _kind(balance: BalanceEvidence) -> str:
    taper = f", ended at {balance.done_a:.2f} A" if is_emptied(balance) else ""
    return (
        f"{meeting(balance.method).lower()} balance to {volts(balance.target_v)}{taper}, "
        f"policy v{balance.policy_version}"
    )
