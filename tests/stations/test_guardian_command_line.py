"""A guardian asked by `python -m stations`: with it, without it, and where the bench is broken."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from stations.guardian_client import GuardianBench
from tests.faults.guarded import Guarded, guarded
from tests.stations.sim.harness import ROOT


def command(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "error", "-m", "stations", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("status", '"output": "off"'),
        ("stop", "output off"),
        ("off", "off, proven by the guardian"),
        ("identify", "RD6018  serial number 00012345"),
    ],
)
def test_the_command_line_asks_the_guardian(
    guardian: Guarded, runner: GuardianBench, name: str, words: str
) -> None:
    runner.close(kind="STOPPED", reason="enough")

    told = command(name, str(guardian.sim.bench_toml))

    assert (told.returncode, words in told.stdout) == (0, True), told.stderr


def test_the_command_line_does_without_a_guardian(tmp_path: Path) -> None:
    with guarded(tmp_path) as bench:
        bench.charge(bench.session())
        bench.kill()
        toml = str(bench.sim.bench_toml)

        identified, off = command("identify", toml), command("off", toml)

        assert identified.returncode == 0, identified.stderr
        assert "RD6018  serial number 00012345" in identified.stdout
        assert (off.returncode, "off, proven at" in off.stdout) == (0, True), off.stderr
        assert not bench.sim.output_is_on()
        told = command("status", toml)
        assert told.returncode == 3
        assert "no guardian" in told.stderr


def test_a_stop_needs_no_readable_bench_toml(tmp_path: Path) -> None:
    with guarded(tmp_path) as bench:
        bench.charge(bench.session())
        bench.sim.bench_toml.write_text("station = \n")  # somebody is editing it

        told = command("stop", str(bench.sim.bench_toml))

        assert (told.returncode, told.stdout) == (0, "output off\n"), told.stderr
        assert not bench.sim.output_is_on()


def test_a_stop_waits_for_no_driver_to_be_imported() -> None:
    program = "import sys, stations.__main__; print('stations.drivers' in sys.modules)"

    told = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )

    assert told.stdout == "False\n"


def test_the_command_line_names_what_is_wrong(tmp_path: Path) -> None:
    toml = tmp_path / "bench.toml"
    toml.write_text("station = 7\n")

    told = command("guard", str(toml))

    assert told.returncode == 2
    assert "station must be a text" in told.stderr
