"""The tables that the model reproduces, printed at the end of a run that computed them.

    def test_surge(told: Tell) -> None:
        told("Surge …, A", "0.15 V, 1 mΩ", ours=[58.9, 42.1], source=[59, 42])

`told` judges nothing: the test does, with the tolerance that its table allows.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import pytest

PROPERTY = "model table"


class Tell(Protocol):
    def __call__(
        self, table: str, row: str, *, ours: Sequence[float], source: Sequence[float]
    ) -> None: ...


@pytest.fixture
def told(request: pytest.FixtureRequest) -> Tell:
    """Say what a row of a table is here and in its source."""

    def tell(table: str, row: str, *, ours: Sequence[float], source: Sequence[float]) -> None:
        line = {"table": table, "row": row, "ours": list(map(float, ours)), "source": list(source)}
        request.node.user_properties.append((PROPERTY, line))

    return tell


def pytest_terminal_summary(terminalreporter: Any) -> None:
    tables: dict[str, list[dict[str, Any]]] = {}
    for reports in terminalreporter.stats.values():
        for report in reports:
            if getattr(report, "when", "") != "call":
                continue
            for name, line in report.user_properties:
                if name == PROPERTY:
                    tables.setdefault(line["table"], []).append(line)
    if not tables:
        return
    terminalreporter.section("cell model: here, and (in its source)")
    for table, lines in sorted(tables.items()):
        terminalreporter.write_line(table)
        for line in lines:
            pairs = zip(line["ours"], line["source"], strict=True)
            cells = "  ".join(f"{a:>8.4g} ({b:g})" for a, b in pairs)
            terminalreporter.write_line(f"  {line['row']:<44} {cells}")
