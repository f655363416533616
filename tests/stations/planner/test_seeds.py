"""Every known case where a source and physics disagree has one sentence, and a place (F5)."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from stations.planner import seeds
from stations.planner.naming import leak_month

CASES = (
    "hours of a parallel bank",
    "basis of the tail",
    "windows after relaxation",
    "2.50 V at rest",
    "the resistor",
    "millivolts under current",
    "5-15 Ah still distributing",
    "voltage rising in storage",
)
TEMPLATES = Path(__file__).parents[3] / "templates"


def test_all_known_cases_are_there_in_one_sentence_each() -> None:
    assert tuple(known.case for known in seeds.DISAGREEMENTS) == CASES
    for known in seeds.DISAGREEMENTS:
        assert known.places
        assert not re.search(r"\. [A-Z]", known.words), known.case
        assert known.words.endswith(".")


@pytest.mark.parametrize("place", sorted({p for d in seeds.DISAGREEMENTS for p in d.places}))
def test_each_place_is_on_a_page(place: str) -> None:
    shown = f'"components/disagreements.html" with place="{place}"'

    assert [path for path in TEMPLATES.rglob("*.html") if shown in path.read_text()]


def test_the_figures_are_the_models() -> None:
    # 2 % a month of 16 x 200 Ah.
    assert leak_month(0.1, 3200.0) == pytest.approx(0.02, abs=0.005)
