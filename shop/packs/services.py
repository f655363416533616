"""Asking the gate, and assembling a pack through it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import asdict
from datetime import datetime
from typing import Any

from django.db import IntegrityError, OperationalError, connection, transaction

from shop.cells.models import Cell
from shop.cells.services import lock_cells
from shop.evidence.policy import GatePolicy
from shop.evidence.queries import gate_policy
from shop.jobs.models import PolicyVersion
from shop.packs.findings import Finding, Plan
from shop.packs.models import GateDecision, Pack, PackDesign, Placement
from shop.packs.queries import Judged, judged, plan_of
from shop.packs.rules import is_allowed
from shop.people.models import Customer, User
from shop.people.roles import Act, require
from shop.refusals import Problem, Refusal, refuse
from shop.signing.models import SigningKey
from shop.signing.services import signer
from stations.plain import to_plain

TRIES = 5
# PostgreSQL: could not serialize; deadlock; a unique index found somebody else's row first.  All
# mean "try the whole transaction again": the next try sees what the other one wrote.
RETRIED = frozenset({"40001", "40P01", "23505"})
SERIAL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


class GateRefusal(Refusal):
    """The gate said no; `findings` has every answer, `decision` the record of it."""

    def __init__(self, findings: Sequence[Finding], decision: GateDecision) -> None:
        self.findings = list(findings)
        self.decision = decision
        super().__init__(problem_of(finding) for finding in findings if finding.blocks)


def problem_of(finding: Finding) -> Problem:
    """A blocking finding as a problem: what, value, limit, why, and what to do."""
    figures = "; ".join(
        f"{name} {text}" if name else text
        for name, text in (("", finding.value), ("limit", finding.limit))
        if text
    )
    because = f", for {finding.why}" if finding.why else ""
    words = f"{finding.words.rstrip('.')} ({figures}){because}." if figures else finding.words
    return Problem(finding.rule, words, finding.fix.words if finding.fix else "")


def check_plan(
    *,
    design: PackDesign,
    cells: Sequence[Cell],
    by: User,
    simulated: bool,
    sample: bool,
    now: datetime,
) -> list[Finding]:
    """What the gate would say if `by` assembled these cells now; writes nothing."""
    require(by.role, Act.ASSEMBLE)
    _, policy = gate_policy()
    plan = plan_of(design, cells, by, simulated=simulated, sample=sample)
    return judged(plan, cells, policy, now).findings


def assemble_pack(
    *,
    serial: str,
    design: PackDesign,
    cells: Sequence[Cell],
    customer: Customer | None,
    by: User,
    simulated: bool,
    sample: bool,
    now: datetime,
    around: Callable[[], AbstractContextManager[None]] = nullcontext,
) -> Pack:
    """Place the cells in a new pack, or raise GateRefusal with every finding.

    One SERIALIZABLE transaction reads the evidence, decides and writes, the cells' rows locked;
    it is tried again when PostgreSQL says that another one came between.  The decision is kept
    either way, a refusal's in a transaction of its own.  Must not run inside a transaction;
    what is to be written with the pack comes as `around`, entered first in every try.
    """
    require(by.role, Act.ASSEMBLE)
    refuse(_serial_problems(serial))
    version, policy = gate_policy()
    plan = plan_of(design, cells, by, simulated=simulated, sample=sample)
    pack = Pack(
        serial=serial,
        design=design,
        customer=customer,
        simulated=simulated,
        sample=sample,
        assembled_by=by,
        assembled_at=now,
    )
    for _ in range(TRIES):
        try:
            with _serializable(), around():
                _place(pack, plan, cells, version, policy, now)
        except (OperationalError, IntegrityError) as error:
            if not _came_between(error):
                raise
            pack.pk = None
        except _Closed as closed:
            decision = _decide(None, serial, design, closed.judged, version, by, now)
            raise GateRefusal(closed.judged.findings, decision) from None
        else:
            return pack
    raise Refusal(
        [
            Problem(
                "busy",
                "Others are assembling packs from the same evidence at this moment.",
                "Nothing was written; try again.",
            )
        ]
    )


class _Closed(Exception):
    """The gate is closed: the try is taken back."""

    def __init__(self, judged: Judged) -> None:
        super().__init__("the gate is closed")
        self.judged = judged


@contextmanager
def _serializable() -> Iterator[None]:
    with transaction.atomic(durable=True):
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL SERIALIZABLE")
        yield


def _place(
    pack: Pack,
    plan: Plan,
    cells: Sequence[Cell],
    version: PolicyVersion,
    policy: GatePolicy,
    now: datetime,
) -> None:
    """One try: decide, and write the pack if the gate allows it."""
    lock_cells(cells)
    refuse(_known_problems(pack.serial))
    answer = judged(plan, cells, policy, now)
    if not is_allowed(answer.findings):
        raise _Closed(answer)
    pack.save(force_insert=True)
    Placement.objects.bulk_create(
        Placement(pack=pack, cell=cell, position=position, placed_at=now)
        for position, cell in enumerate(cells, start=1)
    )
    _decide(pack, pack.serial, pack.design, answer, version, pack.assembled_by, now)


def _came_between(error: Exception) -> bool:
    """Whether another transaction is the reason."""
    return getattr(error.__cause__, "sqlstate", None) in RETRIED


def _decide(
    pack: Pack | None,
    serial: str,
    design: PackDesign,
    answer: Judged,
    version: PolicyVersion,
    by: User,
    now: datetime,
) -> GateDecision:
    plan: dict[str, Any] = asdict(answer.plan) | {
        "pack": serial,
        "design": design.name,
        "evidence_sha256": {cell: known.sha256 for cell, known in answer.evidence.items()},
    }
    office = signer(SigningKey.Purpose.DECISIONS, now=now)
    decision = GateDecision(
        pack=pack,
        plan=to_plain(plan),
        findings=to_plain(answer.findings),
        allowed=pack is not None,
        policy_version=version,
        by=by,
        at=now,
        key=office.key,
    )
    decision.signature = office.sign(decision.body(office.named))
    decision.save(force_insert=True)
    return decision


def _serial_problems(serial: str) -> Iterable[Problem]:
    if not SERIAL.fullmatch(serial):
        yield Problem(
            "pack_serial",
            f"{serial[:70]!r} is not a pack serial.",
            "Use letters, digits, dot, dash and underscore, at most 64 signs.",
        )


def _known_problems(serial: str) -> Iterable[Problem]:
    if Pack.objects.filter(serial=serial).exists():
        yield Problem("pack_known", f"There is a pack {serial} already.", "Choose another serial.")
