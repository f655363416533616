"""Findings of the gate as a person reads them: what is said of several cells is said once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from urllib.parse import urlencode

from django.urls import reverse

from shop.jobs.procedures import CELL_RECHARGE
from shop.packs.findings import Finding

# code of a fix -> page where it is done, words of the link
PAGES = {
    "approve": ("pages:approvals", "Open the approvals"),
    "balance": ("pages:job-new", "New job"),
    "recheck": ("pages:job-new", "New job"),
    "repeat_hold": ("pages:job-new", "New job"),
    "empty_again": ("pages:job-new", "New job"),
}
CAPACITY = frozenset({"import_capacity", "test_capacity"})


@dataclass(frozen=True, slots=True)
class Said:
    """Findings of one rule that differ only in their cell; `url` is where the fix is done."""

    findings: tuple[Finding, ...]
    url: str = ""
    act: str = ""

    @property
    def values_tell(self) -> bool:
        """Whether the values add something to the sentences: not where all are alike."""
        return len(self.findings) == 1 or len({finding.value for finding in self.findings}) > 1

    @property
    def first(self) -> Finding:
        return self.findings[0]


def said_once(findings: Sequence[Finding], batches: Mapping[str, str]) -> list[Said]:
    """`findings` in their order; `batches` are the codes by the serials of their cells."""
    groups = [tuple(group) for _, group in groupby(findings, key=_sense)]
    return [Said(group, *_where(group, batches)) for group in groups]


def _sense(finding: Finding) -> tuple[object, ...]:
    alone = finding.cell if finding.fix and finding.fix.code == "recharge_cell" else ""
    return (finding.rule, finding.verdict, finding.why, finding.limit, finding.fix, alone)


def _where(group: Sequence[Finding], batches: Mapping[str, str]) -> tuple[str, str]:
    code = group[0].fix.code if group[0].fix else ""
    if code == "recharge_cell" and len(group) == 1:
        asked = urlencode({"procedure": CELL_RECHARGE, "cell": group[0].cell})
        return f"{reverse('pages:job-new')}?{asked}", "Open a recharge of this cell"
    if code in PAGES:
        page, words = PAGES[code]
        return reverse(page), words
    codes = {batches[finding.cell] for finding in group if finding.cell in batches}
    if code in CAPACITY and len(codes) == 1:
        return reverse("pages:batch", args=[codes.pop()]), "Import a capacity file"
    return "", ""
