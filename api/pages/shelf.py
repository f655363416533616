"""`/shelf`: balanced cells that are in no pack, by what expires next (B8, G5)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from api.pages.acts import page
from shop import clock
from shop.evidence.queries import gate_policy
from shop.shelf.queries import shelf
from shop.shelf.rules import Shelved, State

BADGES = {
    State.FRESH: ("pass", "Fresh"),
    State.DUE: ("waiting", "Re-check due"),
    State.OVERDUE: ("missing", "Overdue"),
    State.ASIDE: ("fail", "Put aside"),
    State.UNKNOWN: ("missing", "No time known"),
}


@dataclass(frozen=True, slots=True)
class Line:
    """One cell with its badge, and the bar of its countdown."""

    cell: Shelved
    left_s: float
    whole_s: float

    @property
    def badge(self) -> tuple[str, str]:
        return BADGES[self.cell.state]


@page
def show(request: HttpRequest) -> HttpResponse:
    now = clock.now()
    cells = shelf(now=now)
    context = {"here": "shelf", "lines": _lines(cells, now)}
    return render(request, "shelf/shelf.html", context)


def _lines(cells: list[Shelved], now: datetime) -> list[Line]:
    if not cells:
        return []
    whole_s = gate_policy()[1].fresh_for.total_seconds()
    return [Line(cell, cell.left_s(now), whole_s) for cell in cells]
