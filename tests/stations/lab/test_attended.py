"""F4 without a shop: whoever attends is asked in time, and any line says that they are there."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from stations.keyboard import Keyboard
from stations.lab import attended
from stations.lab.attended import Attended
from stations.procedures.steps import Program
from tests.faults.guarded import guarded
from tests.stations.procedures.test_series_precharge import made
from tests.wait import wait_until

PROGRAM: Program = made()


def test_a_person_is_asked_in_time_and_any_line_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(attended, "PRESENCE_S", attended.ASKED_BEFORE_S + 0.5)
    reader, writer = os.pipe()
    with guarded(tmp_path) as bench, bench.session() as session:
        lab = Attended(session, bench.link, Keyboard(reader), PROGRAM, "r1")

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
