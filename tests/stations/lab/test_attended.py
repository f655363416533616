"""F4 without a shop: whoever attends is asked in time, and any line says that they are there."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path

import pytest

from stations.keyboard import Keyboard
from stations.lab.attended import Attended, answered
from stations.procedures.steps import Asked, Presence, Program
from stations.values import Window
from tests.faults.guarded import guarded
from tests.stations.procedures.test_series_precharge import made
from tests.wait import wait_until

PROGRAM: Program = made()


def test_a_person_is_asked_in_time_and_any_line_counts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    presence = Presence(timedelta(seconds=300.5), timedelta(seconds=300))
    reader, writer = os.pipe()
    with guarded(tmp_path) as bench, bench.session() as session:
        lab = Attended(session, bench.link, Keyboard(reader), PROGRAM, "r1", presence)

        def asked() -> bool:
            lab.next()
            return "Are you at the bench?" in capsys.readouterr().out

        wait_until(asked, within_s=10)
        os.write(writer, b"\n")

        def journalled() -> bool:
            lab.next()
            return any(act["data"]["kind"] == "presence" for act in bench.events("act"))

        wait_until(journalled, within_s=10)
    os.close(reader)
    os.close(writer)


BMS = Asked("bms_over_v", "the BMS's over-voltage, V", Window(3.64, 3.66), "Set it to 3.65 V.")


@pytest.mark.parametrize(
    ("asked", "line", "answer", "again"),
    [
        (None, " Yes ", {}, ""),
        (None, "no", {}, "Type yes when it is done: "),
        (BMS, "3.65", {"answer": 3.65}, ""),
        (BMS, "yes", {}, "Type the BMS's over-voltage, V, a number: "),
        (BMS, "3.80", {"answer": 3.80}, "Set it to 3.65 V. Type it: "),
        (BMS, "nan", None, "Set it to 3.65 V. Type it: "),
    ],
)
def test_a_step_is_confirmed_by_yes_or_by_the_number_that_it_asks_for(
    asked: Asked | None, line: str, answer: dict[str, float] | None, again: str
) -> None:
    said, asked_again = answered(asked, line)

    assert asked_again == again
    assert answer is None or said == answer
