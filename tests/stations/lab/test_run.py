"""`python -m stations run`: a bench without a shop, a person who types, the record that is left."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from stations.config import ConfigError, load
from stations.lab.order import program_of, read
from stations.procedures.steps import PlanRefused
from stations.sim.folder import Folder
from tests.stations.sim.harness import ROOT, SimulatedBench, cell, simulated_bench
from tests.wait import wait_until

ORDER = """
procedure = "parallel top balance"
cells = 4
capacity_ah = 200.0
voltage_min_v = 2.5
voltage_max_v = 3.65
charge_c_max = 0.5
r_ohm = 0.00025
[recipe]
done_c = 0.02
partial_c = 0.04
cv_min_s = 120.0
dwell_s = 60.0
refresh_cv_min_s = 60.0
"""
QUICK = {"sample_s": 0.1, "sample_min_s": 0.05, "idle_poll_s": 0.1}


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[SimulatedBench]:
    folder = Folder(cells=[cell(soc=0.985)] * 4, speed=240.0, timing=QUICK)
    with simulated_bench(tmp_path, folder=folder) as made:
        (made.path / "order.toml").write_text(ORDER)
        yield made


@contextmanager
def running(bench: SimulatedBench) -> Iterator[subprocess.Popen[str]]:
    order = str(bench.path / "order.toml")
    arguments = ["-m", "stations", "run", str(bench.bench_toml), order]
    with subprocess.Popen(
        [sys.executable, "-W", "error", *arguments],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def said_until(process: subprocess.Popen[str], end: str) -> str:
    """What it prints up to and with `end`; fails where it ends before that."""
    assert process.stdout is not None
    said = ""
    while not said.endswith(end):
        sign = process.stdout.read(1)
        assert sign, f"it ended: {said}"
        said += sign
    return said


def type_yes(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("yes\n")
    process.stdin.flush()


def record(bench: SimulatedBench) -> dict[str, Any]:
    told: dict[str, Any] = json.loads((bench.path / "run-1.json").read_text())
    return told


def test_a_lab_balances_a_bank_with_a_person_at_the_keyboard(bench: SimulatedBench) -> None:
    """B1, B7: the same program, judged the same; the record names journal and instruments."""
    with running(bench) as process:
        said_until(process, "Type yes to begin: ")
        type_yes(process)
        for links in ("on", "", "off"):  # connect, finish, unlink
            said_until(process, "Type yes: ")
            if links:
                bench.hands.post(f"/links/{links}")
            type_yes(process)
        assert process.stdout is not None
        rest = process.stdout.read()

        assert process.wait(timeout=60) == 0, rest
    told = record(bench)
    checked = next(step for step in told["records"] if step["step"] == "disconnect")
    assert (told["outcome"], told["simulated"]) == ("FINISHED", True)
    assert [seen["verdict"] for seen in checked["cells"]] == ["pass"] * 4
    assert {one["role"] for one in told["instruments"]} >= {"supply", "meter", "scanner"}
    last = (bench.config.journal / "run-1-1.jsonl").read_text().splitlines()[-1]
    assert last.startswith(told["journal"]["head"])
    assert not bench.output_is_on()


def test_whoever_leaves_the_keyboard_leaves_the_output_off(bench: SimulatedBench) -> None:
    with running(bench) as process:
        said_until(process, "Type yes to begin: ")
        type_yes(process)
        said_until(process, "Type yes: ")
        bench.hands.post("/links/on")
        type_yes(process)
        wait_until(bench.output_is_on, what="the charge")
        assert process.stdin is not None
        process.stdin.close()

        assert process.wait(timeout=60) == 1
    assert (record(bench)["outcome"], bench.output_is_on()) == ("STOPPED", False)
    assert "nobody is at the keyboard" in record(bench)["reason"]


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        (("parallel top balance", "overcharge"), "no procedure 'overcharge'; known are"),
        (("done_c", "dnoe_c"), "recipe: 'dnoe_c' is not known; allowed are"),
        (("cells = 4", 'cells = "four"'), "'cells' must be of type int"),
        (("cells = 4", "cells = ["), "Invalid"),
    ],
)
def test_a_wrong_order_is_named_and_nothing_begins(
    bench: SimulatedBench, changed: tuple[str, str], words: str
) -> None:
    path = bench.path / "order.toml"
    path.write_text(ORDER.replace(*changed))

    with pytest.raises(ConfigError, match=words):
        program_of(read(path), load(bench.bench_toml))
    with running(bench) as process:
        assert process.wait(timeout=30) == 2


def test_what_the_cells_or_the_bench_do_not_bear_is_refused(bench: SimulatedBench) -> None:
    path = bench.path / "order.toml"
    path.write_text(ORDER.replace("charge_c_max = 0.5", "charge_c_max = 0.01"))

    with pytest.raises(PlanRefused, match="datasheet allows"):
        program_of(read(path), load(bench.bench_toml))

    path.write_text(ORDER.replace("parallel top balance", "bottom balance"))
    with pytest.raises((PlanRefused, ConfigError), match=r"no load|is not known"):
        program_of(read(path), load(bench.bench_toml))
