"""B4, B10: the picture beside a step has as many cells as there are, and one for each step."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import pairwise

import pytest
from django.template.loader import render_to_string

from api.reads.hookup import DRAWN, WIDTH, hookup
from api.reads.program import progress
from api.templatetags.shown import hookup as shown
from stations.plain import to_plain
from stations.procedures.steps import Instruct
from tests.stations.procedures.test_taking_off import PROGRAMS


def rendered(drawing: str, cells: int, cell: int = 0) -> str:
    plain = {
        "name": f"connect-{cell}" if cell else "connect",
        "title": "",
        "text": "",
        "confirm": "",
    }
    step = plain | {"type": "Instruct", "drawing": drawing}
    now = progress({"steps": [step], "cells": cells}, {"index": 0}, state="RUNNING", confirmed=())
    assert now.needs is not None
    return render_to_string("components/hookup.html", shown(now.needs))


@pytest.mark.parametrize("cells", [1, 2, 4, 8, 16])
@pytest.mark.parametrize("drawing", sorted(DRAWN))
def test_there_is_a_box_for_each_cell_within_the_picture(drawing: str, cells: int) -> None:
    found = rendered(drawing, cells)

    numbers = re.findall(r">(\d+)</text>", found)
    assert numbers == [str(n) for n in range(1, cells + 1)]
    drawn = hookup(drawing, cells)
    assert drawn is not None
    row = drawn.boxes[:cells]
    assert all(box.x > 0 and box.x + box.width < WIDTH for box in row)
    for box, following in pairwise(row):
        assert box.x + box.width < following.x  # side by side, none on another
    assert all(drawn.top < said.y < drawn.top + drawn.height for said in drawn.words)


def test_the_leads_of_a_bank_are_on_its_first_and_its_last_cell() -> None:
    drawn = hookup("diagonal", 2)
    assert drawn is not None
    first, last = (box.middle for box in drawn.boxes)

    leads = {wire.kind: wire.path for wire in drawn.wires if wire.path.endswith(("V12", "V140"))}
    assert leads["plus"].startswith(f"M{first:g} ")
    assert leads["minus"].startswith(f"M{last:g} ")
    assert "minus lead on cell 2" in drawn.says


def test_the_one_cell_that_is_connected_is_told_from_the_others() -> None:
    drawn = hookup("single", 4, 3)
    assert drawn is not None

    assert [box.idle for box in drawn.boxes] == [True, True, False, True]
    assert rendered("single", 4, 3).count('class="idle"') == 3
    assert {wire.path.split()[0] for wire in drawn.wires} == {f"M{drawn.boxes[2].middle:g}"}


@pytest.mark.parametrize("cells", [4, 8, 16])
def test_a_string_has_a_link_between_any_two_and_no_more(cells: int) -> None:
    drawn = hookup("series", cells)
    assert drawn is not None

    links = [wire for wire in drawn.wires if wire.kind == "link"]
    assert len(links) == cells - 1
    assert drawn.boxes[-1].name == "BMS"
    signs = [box.marks for box in drawn.boxes[:cells]]
    assert signs[:2] == [("+", "−"), ("−", "+")]  # turned over, so that links are short


def test_a_step_without_a_picture_shows_none() -> None:
    assert hookup("", 4) is None
    assert hookup("diagonal", 0) is None
    assert "<svg" not in rendered("", 4)


@pytest.mark.parametrize("name", PROGRAMS)
def test_whatever_is_put_on_or_taken_off_has_its_picture(name: str) -> None:
    made = PROGRAMS[name]
    for step in made.steps:
        if isinstance(step, Instruct) and not step.announceable:
            assert step.drawing in DRAWN, step.name
            plain = to_plain(replace(made, steps=(step,)))
            now = progress(plain, {"index": 0}, state="RUNNING", confirmed=())
            assert now.needs is not None
            assert now.needs.cells == made.cells
