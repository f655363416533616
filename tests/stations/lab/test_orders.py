"""An order keeps to the bounds of a recipe and of a cell, and is refused in words (B1-B5, B16)."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from stations.config import BenchConfig, ConfigError, load
from stations.lab.order import program_of, read
from stations.lab.programs import PROCEDURES, SHOP_ONLY
from stations.procedures import (
    bottom_balance,
    capacity_test,
    pack_recovery,
    resistance,
    series_precharge,
    single_cells,
    top_balance,
    unseen_precharge,
)
from stations.procedures.steps import Discharge, Instruct, PlanRefused, Program
from stations.sim.folder import Folder, Ports, write_folder
from tests.stations.sim.harness import cell

FIGURES = {
    "cells": 4,
    "capacity_ah": 200.0,
    "voltage_min_v": 2.5,
    "voltage_max_v": 3.65,
    "charge_c_max": 0.5,
    "r_ohm": 0.00025,
    "bms_over_v": 3.65,
}
OF_ONE = (capacity_test.NAME, resistance.NAME)
OF_STRINGS = (series_precharge.NAME, unseen_precharge.NAME, pack_recovery.NAME)
METER_100V = "keysight_34461a_100v"
WITH_A_LOAD = Folder(cells=[cell()] * 4, more=("itech_it8514c", "jbd_bms"))
PORTS = Ports(41001, 41002, 0)
NO_NUMBERS = ("nan", "inf", "-inf", "0.0", "-1.0", "1e30", "1e-30", '"3.6"', "true", "[]")


def bench_of(folder: Path, made: Folder = WITH_A_LOAD) -> BenchConfig:
    return load(write_folder(folder, made, PORTS))


def toml(value: Any) -> str:
    return value if isinstance(value, str) else repr(value).lower()


def ordered(bench: BenchConfig, procedure: str, recipe: str = "", **figures: Any) -> Program:
    """The program of an order; raises what the command says in words."""
    told = FIGURES | ({"cells": 1} if procedure in OF_ONE else {}) | figures
    lines = [f"{key} = {toml(value)}" for key, value in told.items() if value is not None]
    path = bench.folder / "order.toml"
    path.write_text("\n".join([f'procedure = "{procedure}"', *lines, "[recipe]", recipe]))
    return program_of(read(path), bench)


@pytest.mark.parametrize("procedure", PROCEDURES)
def test_every_procedure_can_be_ordered_with_its_defaults(tmp_path: Path, procedure: str) -> None:
    cells, supply = (1, "") if procedure in OF_ONE else (4, "ea_ps_9080_60_t")
    folder = Folder(
        cells=[cell()] * cells,
        supply_driver=supply or "riden_rd6018",
        meter_driver=METER_100V if procedure in OF_STRINGS else "keysight_34461a",
        scanner=procedure != unseen_precharge.NAME,
        more=() if procedure == unseen_precharge.NAME else ("itech_it8514c",),
    )

    program = ordered(bench_of(tmp_path, folder), procedure, cells=cells)

    assert (program.name, program.cells) == (procedure, cells)


@pytest.mark.parametrize("procedure", PROCEDURES)
def test_an_order_that_says_the_torque_has_it_named_at_every_hook_up(
    tmp_path: Path, procedure: str
) -> None:
    folder = replace(WITH_A_LOAD, supply_driver="ea_ps_9080_60_t", meter_driver=METER_100V)
    if procedure == unseen_precharge.NAME:
        folder = replace(folder, scanner=False, more=())

    told = ordered(bench_of(tmp_path, folder), procedure, torque_nm=6.0)
    unsaid = ordered(bench_of(tmp_path, folder), procedure)

    hook_ups = [s.text for s in told.steps if isinstance(s, Instruct) and "torqued" in s.confirm]
    assert hook_ups
    assert all("Torque each nut to 6 N·m, as the cell's" in text for text in hook_ups)
    assert "N·m" not in repr(unsaid)


@pytest.mark.parametrize("procedure", SHOP_ONLY)
def test_what_rests_on_earlier_runs_is_for_a_shop(tmp_path: Path, procedure: str) -> None:
    with pytest.raises(ConfigError, match="which only a shop keeps"):
        ordered(bench_of(tmp_path), procedure)


def test_one_cell_may_be_topped_up_alone(tmp_path: Path) -> None:
    bench = bench_of(tmp_path, Folder(cells=[cell()]))

    assert ordered(bench, single_cells.NAME, cells=1).cells == 1


@pytest.mark.parametrize(
    ("recipe", "words"),
    [
        ("stop_above_v = 2.0", "'stop_above_v' is 2.0, outside 0.01 … 0.1"),
        ("ovp_above_v = 3.0", "'ovp_above_v' is 3.0, outside"),
        ("temperature_max_degc = 200.0", "'temperature_max_degc' is 200.0, outside"),
        ("parallel_peak_max_c = 99.0", "'parallel_peak_max_c' is 99.0, outside"),
        ("compensate_leads_v = 1.0", "'compensate_leads_v' is 1.0, outside 0 … 0.05"),
        ("dwell_s = 0.0", "'dwell_s' is 0.0, outside"),
        ("wait_max_s = -5.0", "'wait_max_s' is -5.0, outside"),
        ("target_min_v = 1.0", "'target_min_v' is 1.0, outside"),
        ("alarm_above_v = 0.05\nstop_above_v = 0.02", "'alarm_above_v' must not exceed"),
        ('tail_basis = "none"', "Tail basis 'none' is not known"),
    ],
)
def test_an_order_keeps_to_the_bounds_of_its_recipe(
    tmp_path: Path, recipe: str, words: str
) -> None:
    with pytest.raises((ConfigError, PlanRefused), match=words):
        ordered(bench_of(tmp_path), top_balance.NAME, recipe)


def test_a_bottom_balance_is_ordered_by_cv_too(tmp_path: Path) -> None:
    bench = bench_of(tmp_path)

    program = ordered(bench, bottom_balance.NAME, 'finish = "cv"')

    assert any(isinstance(step, Discharge) and step.draw.holds for step in program.steps)
    with pytest.raises(PlanRefused, match="choose 'steps' or 'cv'"):
        ordered(bench, bottom_balance.NAME, 'finish = "vc"')
    with pytest.raises(ConfigError, match=r"'hold_end_c' is 0\.2, outside"):
        ordered(bench, bottom_balance.NAME, "hold_end_c = 0.2")


@pytest.mark.parametrize(
    ("figure", "value", "words"),
    [
        ("cells", 0, "'cells' is 0, outside 1 … 64"),
        ("cells", "true", "'cells' must be of type int"),
        ("capacity_ah", "nan", "'capacity_ah' is nan, outside"),
        ("voltage_max_v", 4.2, "'voltage_max_v' is 4.2, outside 3.4 … 3.8"),
        ("voltage_min_v", 3.7, "'voltage_min_v' is 3.7, outside"),
        ("r_ohm", -0.01, "'r_ohm' is -0.01, outside"),
        ("torque_nm", 60.0, "'torque_nm' is 60.0, outside 0.5 … 30"),
        ("discharge_c_max", 0.0, "'discharge_c_max' is 0.0, outside"),
        ("charge_c_max", "inf", "'charge_c_max' is inf, outside"),
        ("colour", '"blue"', "'colour' is not known; allowed are"),
    ],
)
def test_the_figures_of_the_cells_are_those_of_a_cell(
    tmp_path: Path, figure: str, value: Any, words: str
) -> None:
    with pytest.raises(ConfigError, match=words):
        ordered(bench_of(tmp_path), top_balance.NAME, **{figure: value})


@pytest.mark.parametrize("figure", sorted(FIGURES.keys() - {"bms_over_v"}))
def test_a_figure_that_is_missing_is_named(tmp_path: Path, figure: str) -> None:
    bench = bench_of(tmp_path)
    ordered(bench, top_balance.NAME)
    path = bench.folder / "order.toml"
    lines = path.read_text().splitlines()
    path.write_text("\n".join(line for line in lines if not line.startswith(f"{figure} =")))

    with pytest.raises(ConfigError, match=f"'{figure}' is missing"):
        read(path)


@pytest.mark.parametrize("procedure", PROCEDURES)
def test_no_number_of_a_recipe_ends_in_a_traceback(tmp_path: Path, procedure: str) -> None:
    """Each key in turn: what is no number, and each bound, is a program or is refused in words."""
    bench, asked = bench_of(tmp_path), PROCEDURES[procedure]
    for key in asdict(asked.recipe()):
        window = asked.bounds.BOUNDS.get(key)
        ends = (repr(window.low), repr(window.high)) if window else ()
        for value in (*NO_NUMBERS, *ends):
            try:
                ordered(bench, procedure, f"{key} = {value}")
            except (ConfigError, PlanRefused):
                continue


@pytest.mark.parametrize(
    "text", ['procedure = "parallel top balance"\nrecipe = 3', "procedure = []"]
)
def test_an_order_of_another_shape_is_refused_in_words(tmp_path: Path, text: str) -> None:
    path = tmp_path / "order.toml"
    path.write_text(text)

    with pytest.raises(ConfigError, match=r"order\.toml"):
        read(path)


def test_an_order_keeps_to_the_rate_at_which_its_cells_may_be_emptied(tmp_path: Path) -> None:
    bench = bench_of(tmp_path, Folder(cells=[cell()], more=("itech_it8514c",)))
    ordered(bench, capacity_test.NAME, "discharge_c = 0.2", discharge_c_max=0.2)

    with pytest.raises(PlanRefused, match=r"more than the 0\.20C that the cell's datasheet allows"):
        ordered(bench, capacity_test.NAME, "discharge_c = 0.21", discharge_c_max=0.2)


def test_a_recovery_asks_at_what_the_packs_bms_opens(tmp_path: Path) -> None:
    with pytest.raises(PlanRefused, match="bms_over_v"):
        ordered(bench_of(tmp_path), pack_recovery.NAME, bms_over_v=None)


def test_a_string_is_of_as_many_cells_as_packs_have(tmp_path: Path) -> None:
    with pytest.raises(PlanRefused):
        ordered(bench_of(tmp_path), series_precharge.NAME, cells=3)
