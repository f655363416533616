"""G2: a valid capacity test each, and 2 % between them."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shop.evidence.policy import GatePolicy
from shop.jobs.policies import Policy
from shop.packs.findings import Verdict
from shop.packs.rules import is_allowed
from tests.shop.evidence.builders import (
    NOW,
    capacity,
    cell,
)
from tests.shop.packs.gate import MOMENT, ask, bank, blocking, only, says_all, spoil


def test_refuses_without_capacity_test() -> None:
    refused = blocking(ask(spoil(capacity=None)), "G2")

    assert [f.verdict for f in refused] == [Verdict.MISSING, Verdict.MISSING]
    assert refused[0].cell == "C-2"
    assert all(says_all(f) for f in refused)


@pytest.mark.parametrize(("odd_ah", "allowed"), [(204.0, True), (204.2, False), (195.8, False)])
def test_refuses_a_capacity_spread_above_two_percent(odd_ah: float, allowed: bool) -> None:
    found = ask(spoil(capacity=capacity(odd_ah)))

    assert is_allowed(found) is allowed
    if not allowed:
        finding = only(found, "G2")
        assert (finding.value, finding.limit) == ("2.10 %", "≤ 2.00 %")
        assert says_all(finding)


@pytest.mark.parametrize(
    "test",
    [
        capacity(99.9),
        capacity(240.1),
        capacity(tested_at=NOW + MOMENT),
        capacity(tested_at=NOW - timedelta(days=3 * 365) - MOMENT),
        capacity(file_sha256=""),
    ],
)
def test_refuses_an_invalid_capacity_test(test: object) -> None:
    refused = blocking(ask([cell("C-1", capacity=test)]), "G2")

    assert refused[0].verdict is Verdict.FAIL
    assert says_all(refused[0])


def test_refuses_an_import_where_policy_wants_our_own_test() -> None:
    policy = GatePolicy.of(Policy(imported_capacity_allowed=False))

    assert len(blocking(ask(bank(), policy=policy), "G2")) == 4
    assert is_allowed(ask(bank(), policy=policy, sample=True))
    assert is_allowed(ask(bank(capacity=capacity(source="MEASURED")), policy=policy))


@pytest.mark.parametrize(("odd_ah", "allowed"), [(204.0, True), (204.1, False)])
def test_a_policy_may_compare_with_the_rating(odd_ah: float, allowed: bool) -> None:
    policy = GatePolicy.of(Policy(capacity_basis="rating"))
    cells = bank(capacity=capacity(197.0))
    cells[0] = cell("C-1", capacity=capacity(odd_ah))

    assert is_allowed(ask(cells, policy=policy)) is allowed
