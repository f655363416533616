"""What the gate is asked, and what it answers: frozen values, no rules."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Verdict(StrEnum):
    PASS = "pass"  # noqa: S105  # a verdict, not a secret
    FAIL = "fail"
    MISSING = "missing"
    WARNING = "warning"  # to be looked at; it does not block
    NOT_APPLICABLE = "not applicable"


@dataclass(frozen=True, slots=True)
class Plan:
    """A pack that someone wants to assemble: cells by position, and by whom.

    `serials` may hold a cell twice: finding that out is the gate's work.
    """

    series: int
    parallel: int
    application: str  # SOLAR, STATIONARY, EV
    serials: tuple[str, ...]
    by: int  # the person who assembles
    simulated: bool = False
    sample: bool = False
    bms_over_voltage_v: float | None = None  # per cell, in use; None: nobody asked
    bms_active_balance_a: float | None = None  # 0: passive

    @property
    def cell_count(self) -> int:
        return self.series * self.parallel


@dataclass(frozen=True, slots=True)
class EvidenceRef:
    """A record that a finding rests on, and how old it is in wall time."""

    kind: str  # "balance", "voltage check", "capacity test", "approval", ...
    id: int
    age_s: float

    @classmethod
    def of(cls, kind: str, id_: int, stamp: datetime, now: datetime) -> EvidenceRef:
        return cls(kind, id_, (now - stamp).total_seconds())


@dataclass(frozen=True, slots=True)
class Fix:
    """What to do next: a stable code for programs, words for people."""

    code: str
    words: str


@dataclass(frozen=True, slots=True)
class Finding:
    """One rule's answer: what, the value, the limit, why it matters, what to do."""

    rule: str  # G1 ... G10, F7, or "simulated"
    verdict: Verdict
    words: str
    value: str = ""
    limit: str = ""
    why: str = ""
    fix: Fix | None = None
    cell: str = ""  # serial; "" where the finding is about the pack
    evidence: tuple[EvidenceRef, ...] = ()

    @property
    def blocks(self) -> bool:
        return self.verdict in (Verdict.FAIL, Verdict.MISSING)
