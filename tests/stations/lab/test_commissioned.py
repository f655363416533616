"""B5 without a shop: a program is planned with what the bench's own commissioning measured."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from stations.commissioning import report
from stations.commissioning.report import Commissioned
from stations.config import BenchConfig, load
from stations.lab.commissioned import measured_of
from stations.lab.order import program_of
from stations.lab.programs import Order
from stations.procedures import top_balance
from stations.procedures.steps import Charge
from stations.sim.folder import Folder, Ports, write_folder
from stations.values import Measured
from tests.stations.commissioning.made import good, plateau_at
from tests.stations.commissioning.made import report as made
from tests.stations.sim.harness import cell


@pytest.fixture
def bench(tmp_path: Path) -> BenchConfig:
    return load(write_folder(tmp_path, Folder(cells=[cell()] * 4), Ports(41001, 41002, 0)))


def told(bench: BenchConfig, **changes: Any) -> None:
    """A report of this bench beside it, with what differs."""
    instruments = tuple(
        Commissioned(one.role, one.driver, "", one.serial_number, "") for one in bench.instruments
    )
    this: dict[str, Any] = {"station": bench.station, "simulated": True, "instruments": instruments}
    report.write(bench.folder, replace(made(**changes.pop("figures", {})), **this | changes))


def test_a_charge_is_trimmed_by_what_the_commissioning_measured(bench: BenchConfig) -> None:
    told(bench)
    order = Order(top_balance.NAME, 4, 200.0, 2.5, 3.65, 0.5, 0.00025)

    measured, words = measured_of(bench)
    program = program_of(order, bench, measured)

    assert measured.supply_offset_v == pytest.approx(-0.004)
    assert measured.leads_ohm == pytest.approx(0.005)
    assert "leads 5.0 mohm, supply -4.0 mV" in words
    charge = next(step for step in program.steps if isinstance(step, Charge))
    assert charge.trim.offset_v == measured.supply_offset_v


def test_the_offset_at_the_target_is_planned_with_where_it_is_known(bench: BenchConfig) -> None:
    """B5: the supply regulates there, and no bank is in it; what it shows is off by another."""
    laid = replace(plateau_at(0.0), set_voltage_v=3.65, bank_v=3.643, supply_v=3.648)
    told(bench, figures={"figures": good(at_target=laid)})
    order = Order(top_balance.NAME, 4, 200.0, 2.5, 3.65, 0.5, 0.00025)

    measured, _ = measured_of(bench)
    program = program_of(order, bench, measured)

    assert measured.supply_offset_v == pytest.approx(-0.007)
    charge = next(step for step in program.steps if isinstance(step, Charge))
    assert charge.trim.offset_v == measured.supply_offset_v
    assert charge.trim.shown_offset_v == pytest.approx(-0.005)


@pytest.mark.parametrize(
    "changes",
    [
        {"station": "bench-2"},
        {"simulated": False},
        {"instruments": (Commissioned("supply", "riden_rd6018", "", "00099999", ""),)},
    ],
)
def test_the_report_of_another_bench_is_not_used(
    bench: BenchConfig, changes: dict[str, Any]
) -> None:
    told(bench, **changes)

    measured, words = measured_of(bench)

    assert (measured.supply_offset_v, words) == (
        0.0,
        "commissioning.json is not used: it is of other instruments",
    )


def test_a_report_that_did_not_pass_corrects_nothing(bench: BenchConfig) -> None:
    told(bench, figures={"figures": good(panel_a=9.0)})

    assert measured_of(bench)[0].supply_offset_v == 0.0


@pytest.mark.parametrize("text", [b"{}", b"\xff", b""])
def test_what_is_no_report_is_not_used(bench: BenchConfig, text: bytes) -> None:
    (bench.folder / report.FILE).write_bytes(text)

    measured, words = measured_of(bench)

    assert measured.supply_offset_v == Measured().supply_offset_v
    assert words.startswith("commissioning.json is not used: ")


def test_a_bench_without_a_report_says_so(bench: BenchConfig) -> None:
    assert "not commissioned" in measured_of(bench)[1]
