"""A guardian on instruments that answer from a table."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from subprocess import Popen

from stations.guardian_client import GuardianLink, GuardianSilent
from stations.wire import socket_in
from tests.benchmarks.answering import CHANNELS, Bench
from tests.faults.guarded import launch
from tests.wait import wait_until

DRIVERS = {
    "supply": "riden_rd6018",
    "meter": "keysight_34461a",
    "scanner": "keysight_34972a",
}


@contextmanager
def guarding(bench: Bench, folder: Path, period_s: float) -> Iterator[Popen[bytes]]:
    """Its process once it answers, with the output off; `folder` becomes the bench's."""
    resources = {"supply": bench.supply, "meter": bench.meter, "scanner": bench.scanner}
    lines = ['station = "bench-1"', f"[timing]\nsample_s = {period_s}"]
    for role, resource in resources.items():
        lines += [f"[{role}]", f'driver = "{DRIVERS[role]}"', f'resource = "{resource}"']
        lines += [f'serial_number = "{bench.serial_numbers[role]}"']
    lines += [f"channels = {list(CHANNELS)}"]
    (folder / "bench.toml").write_text("\n".join(lines) + "\n")
    process = launch(folder)
    try:
        wait_until(lambda: _is_off(socket_in(folder)), within_s=20)
        yield process
    finally:
        process.terminate()
        process.wait(timeout=20)


def _is_off(path: Path) -> bool:
    try:
        return bool(GuardianLink(path).status()["output"] == "off")
    except GuardianSilent:
        return False
