"""G1: approved by a supervisor who neither ran the job nor assembles, on this evidence."""

from __future__ import annotations

from dataclasses import replace

from shop.packs.findings import Verdict
from tests.shop.evidence.builders import (
    ASSEMBLER,
    TECHNICIAN,
    approved,
    capacity,
)
from tests.shop.packs.gate import ask, bank, only, says_all, spoil


def test_refuses_without_approval() -> None:
    finding = only(ask(spoil(approve=False)), "G1")

    assert finding.verdict is Verdict.MISSING
    assert finding.cell == "C-2"
    assert says_all(finding)


def test_refuses_an_approval_by_who_ran_the_job() -> None:
    cells = bank()
    cells[1] = approved(cells[1], approved_by=TECHNICIAN)

    finding = only(ask(cells), "G1")

    assert finding.verdict is Verdict.FAIL
    assert "who ran its balance" in finding.words
    assert says_all(finding)


def test_refuses_an_approval_by_who_assembles() -> None:
    cells = bank()
    cells[1] = approved(cells[1], approved_by=ASSEMBLER)

    finding = only(ask(cells), "G1")

    assert "who assembles" in finding.words
    assert says_all(finding)


def test_refuses_an_approval_by_a_technician() -> None:
    cells = bank()
    cells[1] = approved(cells[1], approver_role="TECHNICIAN")

    assert says_all(only(ask(cells), "G1"))


def test_refuses_an_approval_of_other_evidence() -> None:
    cells = bank()
    cells[1] = replace(cells[1], capacity=capacity(200.5))

    finding = only(ask(cells), "G1")

    assert "changed since" in finding.words
    assert says_all(finding)
