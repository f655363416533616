"""A guardian on a simulated bench, one for each file that asks for it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from stations.guardian_client import GuardianBench
from tests.faults.guarded import Guarded, guarded
from tests.wait import wait_until


@pytest.fixture(scope="module")
def guardian(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    with guarded(tmp_path_factory.mktemp("guardian") / "bench") as bench:
        yield bench


@pytest.fixture
def runner(guardian: Guarded) -> Iterator[GuardianBench]:
    """An open session, its output left off and its connection closed."""
    guardian.sim.hands.post("/links/on")
    with guardian.session() as session:
        yield session
    wait_until(lambda: guardian.link.status()["session"] is None)
    assert not guardian.sim.output_is_on()
