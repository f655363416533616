"""Small programs to supervise: `python tests/deploy/children.py <kind> <file>`.

Each appends what happens to it, with its kind, to the file that all share.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path


def main(kind: str, log: Path) -> int:
    ended = threading.Event()

    def note(words: str) -> None:
        with log.open("a") as file:
            file.write(f"{kind} {words}\n")

    def on_term(*_: object) -> None:
        note("term")
        if kind != "stubborn":
            ended.set()

    signal.signal(signal.SIGTERM, on_term)
    signal.signal(signal.SIGINT, lambda *_: note("int"))
    note(f"start {os.getpid()}")
    if kind == "broken":
        sys.stderr.write("no such bench\n")
        return 3
    if kind == "once":
        return 0 if log.read_text().count("once start") > 1 else 7
    if kind == "parent":
        child = subprocess.Popen([sys.executable, __file__, "grandchild", str(log)])
        note(f"child {child.pid}")
    if kind == "beating":
        heartbeat = log.with_name("heartbeat")
        for _ in range(3):
            heartbeat.touch()
            ended.wait(0.1)
    sys.stdout.write(f"{kind} is ready\n")
    sys.stdout.flush()
    ended.wait(60)
    note("end")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], Path(sys.argv[2])))
