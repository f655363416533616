"""The demo's process tree: who works at which bench, found in the process table."""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

VICTIMS = ("worker child", "worker main", "guardian", "uplink", "whole bench")


def processes(slug: str) -> Mapping[str, int]:
    """Name to pid of what lives of the bench: "worker main", "worker child", guardian, uplink."""
    found: dict[str, int] = {}
    workers: dict[int, int] = {}
    for folder in Path("/proc").iterdir():
        if not folder.name.isdecimal():
            continue
        with suppress(OSError, ValueError, IndexError):
            words = (folder / "cmdline").read_bytes().decode().split("\0")
            if "guard" in words and any(f"/benches/{slug}/" in word for word in words):
                found["guardian"] = int(folder.name)
            elif "uplink" in words and slug in words:
                found["uplink"] = int(folder.name)
            elif f"station.{slug}" in words:
                # "pid (name) state ppid ...": the name may hold anything but ends with ")".
                after = (folder / "stat").read_text().rpartition(")")[2].split()
                if after[0] != "Z":
                    workers[int(folder.name)] = int(after[1])
    for pid, parent in workers.items():
        found["worker child" if parent in workers else "worker main"] = pid
    return found


def kill(slug: str, victim: str) -> bool:
    """Whether there was such a process to kill; everything of the bench for "whole bench"."""
    alive = processes(slug)
    pids = list(alive.values()) if victim == "whole bench" else [alive.get(victim, 0)]
    killed = False
    for pid in filter(None, pids):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
            killed = True
    return killed
