from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.stations.sim.inside import Inside, inside


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Inside]:
    """A simulated bench of four cells at 95 %, in this process."""
    with inside(tmp_path / "bench") as running:
        yield running
