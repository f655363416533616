"""Fixtures of the shop's tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.cast import Cast


@pytest.fixture
def cast(db: None) -> Cast:
    """The fixed cast, in the database."""
    from tests.cast import the_cast  # models can be imported once Django is set up

    return the_cast()
