"""The truth log of a simulated bench: what really happened, one JSON object per line.

Tests and inspectors hold it against what the product recorded.  Every line has `wall` and `at`
(process time) in ISO form and a `kind`: "start" (the simulator began), "relay" (the supply's output
relay moved: `on`), "contactor" (the one in its plus lead moved: `closed`, which "start" has too
where there is one), "load" (the load began or ended to draw), "reply" (a measured reply is due, as
it should be), "spoilt" (what was sent instead of a reply), "set" (a set value arrived), "plugged",
"unplugged", "hands" and "fault".
"""

from __future__ import annotations

import json
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from stations.clock import wall_now


class TruthLog:
    """Appends to one file; each line is written whole and flushed before `write` returns."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("a", encoding="utf-8")
        self._lock = threading.Lock()

    def write(self, at_s: float, kind: str, **fields: Any) -> None:
        """Log `kind` at process time `at_s` (UNIX seconds)."""
        record = {
            "wall": wall_now().isoformat(),
            "at": datetime.fromtimestamp(at_s, UTC).isoformat(),
            "kind": kind,
        }
        line = json.dumps(record | fields, separators=(",", ":"))
        with self._lock:
            if not self._file.closed:
                self._file.write(line + "\n")
                self._file.flush()

    def close(self) -> None:
        with self._lock:
            self._file.close()
