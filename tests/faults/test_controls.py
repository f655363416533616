"""What `make controls` takes away is there to be taken, and the tests that cover it too."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.controls import CONTROLS
from tests.faults.controls.guardian import WITHOUT
from tests.faults.controls.without import PATCHES, STATEMENTS
from tests.stations.sim.harness import ROOT


@pytest.mark.parametrize("name", CONTROLS)
def test_every_control_has_its_patch_and_its_tests(name: str) -> None:
    assert (name in PATCHES) is not (name in STATEMENTS)
    for test in CONTROLS[name].tests:
        file, *_, function = test.split("::")
        assert f"def {function}(" in Path(ROOT, file).read_text()


def test_no_patch_is_left_over() -> None:
    assert WITHOUT.keys() <= PATCHES.keys()
    assert PATCHES.keys() | STATEMENTS.keys() == CONTROLS.keys()
