"""What a run measured of its one cell, a capacity or a resistance, against what it sealed."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shop.care.models import PackReading
from shop.care.rules import measured_in
from shop.evidence.canonical import plain
from shop.evidence.models import CapacityTest, ResistanceTest
from shop.jobs.models import Run
from shop.verification import records, runs
from shop.verification.faults import Fault
from shop.verification.seals import StoredManifest

Test = CapacityTest | ResistanceTest


@dataclass(frozen=True, slots=True)
class _Kind:
    """`names` are the figures that the row and the sealed records both have."""

    model: type[Test]
    word: str
    sealed: Callable[[Mapping[str, Any]], Any]
    names: tuple[str, ...]


KINDS = (
    _Kind(CapacityTest, "capacity", records.sealed_capacity, ("capacity_ah", "energy_wh")),
    _Kind(
        ResistanceTest,
        "resistance",
        records.sealed_resistance,
        (
            *("r_mohm", "u_mohm", "after_s", "early_mohm", "early_after_s", "current_a"),
            *("rested_v", "low_mohm", "warn_mohm", "fail_mohm", "verdict"),
        ),
    ),
)


def faults(
    run: Run, manifests: Mapping[int, StoredManifest], seen: Counter[str]
) -> Iterator[Fault]:
    """The tests of the run that are not as they were sealed, or are not there."""
    for kind in KINDS:
        test = kind.model.objects.filter(run=run).select_related("cell").first()
        if test is None:
            yield from _lacks(kind, run, manifests)
            continue
        seen[f"{kind.word} tests"] += 1
        by_hash = {manifest.sha256: manifest for manifest in manifests.values()}
        words = _problem(kind, test, run, by_hash.get(test.manifest_sha256))
        if words:
            yield Fault(kind.model.__name__, test.pk, words, run.pk)


def spread_faults(
    run: Run, manifests: Mapping[int, StoredManifest], seen: Counter[str]
) -> Iterator[Fault]:
    """B14: what a recovery read of its pack, against the facts that it sealed."""
    row = (
        PackReading.objects.filter(run=run)
        .select_related("pack", "run__station", "run__job")
        .first()
    )
    bodies = [manifest.body for manifest in manifests.values()]
    shown = [body for body in bodies if records.sealed_spread(body)]
    finished = any((body.get("outcome") or {}).get("state") == "FINISHED" for body in bodies)
    if row is None:
        if shown and finished:
            yield Fault("PackReading", None, "the manifest shows one and there is none", run.pk)
        return
    seen["pack readings"] += 1
    if words := _spread_problem(row, shown[-1] if shown else {}):
        yield Fault("PackReading", row.pk, words, run.pk)


def _spread_problem(row: PackReading, body: Mapping[str, Any]) -> str:
    """What of a pack's reading is not as the run sealed it, cells, pack and moment, or ""."""
    if not body or plain(row.cells_v) != plain(records.sealed_spread(body)):
        return "its cells are not as they were sealed"
    sealed = [cell["serial"] for cell in body.get("cells", [])]
    places = row.pack.placements.order_by("position")
    placed = list(places.values_list("cell__serial", flat=True))
    if row.run is None or row.pack_id != row.run.job.pack_id or placed != sealed:
        return "is of another pack than its run"
    stopped = (body.get("current_stopped") or {}).get("received_at")
    if stopped is None or row.taken_at != datetime.fromisoformat(stopped):
        return "was taken at another time than was sealed"
    if (row.at_top, row.months) != (True, None):
        return "says otherwise than a run when it was taken, or for how long the pack had drifted"
    if row.measured_by != measured_in(row.run.station.slug, row.run.pk):
        return "names another bench than its run's"
    return ""


def _lacks(kind: _Kind, run: Run, manifests: Mapping[int, StoredManifest]) -> Iterator[Fault]:
    for manifest in manifests.values():
        finished = (manifest.body.get("outcome") or {}).get("state") == "FINISHED"
        if finished and kind.sealed(manifest.body) is not None:
            words = "the manifest shows one and there is none"
            yield Fault(kind.model.__name__, None, words, run.pk, manifest.attempt)


def _problem(kind: _Kind, test: Test, run: Run, manifest: StoredManifest | None) -> str:
    if manifest is None:
        return "names a manifest that its run does not have"
    sealed = kind.sealed(manifest.body)
    if sealed is None:
        return f"its manifest shows no {kind.word}"
    for name in kind.names:
        stored, should = getattr(test, name), getattr(sealed, name)
        if not _same(stored, should):
            return f"{name} is {stored!r}, sealed as {should!r}"
    if [test.cell.serial] != [c["serial"] for c in manifest.body.get("cells", [])]:
        return "its cell is not that of the manifest"
    return runs.tested_problem(test, run, manifest.body)


def _same(stored: float | str | None, sealed: float | str) -> bool:
    """A figure that was not seen is NaN where it is sealed, and no number in its row."""
    if isinstance(sealed, str) or isinstance(stored, str):
        return stored == sealed
    if stored is None:
        return math.isnan(sealed)
    return math.isclose(stored, sealed, abs_tol=records.CLOSE)
