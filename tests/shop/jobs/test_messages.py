"""A message only wakes: what it names is looked up, and who cannot serve leaves it (F3)."""

from __future__ import annotations

from typing import Any

import pytest

from shop.jobs.messages import is_for_us
from shop.jobs.states import RunState
from tests import factories
from tests.cast import Cast


@pytest.mark.parametrize("named", [0, -1, 2**63, 10**9, True, "1", None, 1.0, [1], {"id": 1}])
def test_what_names_no_run_is_nobodys(db: None, named: Any) -> None:
    assert not is_for_us(named)


def test_a_run_that_is_over_is_nobodys(cast: Cast) -> None:
    run = factories.make_run(by=cast.tola, state=RunState.STOPPED)

    assert not is_for_us(run.pk)


def test_a_run_whose_bench_is_on_another_host_waits(
    cast: Cast, caplog: pytest.LogCaptureFixture
) -> None:
    run = factories.make_run(by=cast.tola)

    assert not is_for_us(run.pk)
    assert f"run {run.pk} waits: no guardian of {run.station.slug} here" in caplog.text
