"""DC resistances that runs measured, and what one that is too high opens."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from shop.cells.services import touch_cells
from shop.evidence import queries
from shop.evidence.models import ResistanceTest
from shop.evidence.rules.measured import resistance_of
from shop.jobs.models import Run
from shop.quality.models import Nonconformance
from shop.quality.services import open_nonconformance
from stations.procedures.state import Record
from stations.values import OffProof

WHAT_NEXT = (
    "Clean its posts, see that the meter's wires are on them, and test it again; a second time it "
    "is the cell."
)


def record_resistance_test(
    *,
    run: Run,
    records: Sequence[Record],
    current_stopped: OffProof,
    manifest_sha256: str,
    simulated: bool,
    now: datetime,
) -> ResistanceTest | None:
    """The DC resistance that the run of one cell measured; None where it did not.

    It is of the moment at which current stopped.  Too high a one opens a nonconformance.
    """
    figures = resistance_of(records)
    if figures is None:
        return None
    (cell,) = queries.cells_of_run(run).values()
    with transaction.atomic():
        Run.objects.select_for_update().get(pk=run.pk)
        touch_cells([cell])
        known = ResistanceTest.objects.filter(run=run).first()
        if known is not None:
            return known
        instruments = {i.role: str(i)[:100] for i in run.station.instruments.all()}
        test = ResistanceTest.objects.create(
            cell=cell,
            run=run,
            r_mohm=figures.r_mohm,
            u_mohm=figures.u_mohm,
            after_s=figures.after_s,
            early_mohm=figures.early_mohm if math.isfinite(figures.early_mohm) else None,
            early_after_s=figures.early_after_s,
            current_a=figures.current_a,
            rested_v=figures.rested_v,
            low_mohm=figures.low_mohm,
            warn_mohm=figures.warn_mohm,
            fail_mohm=figures.fail_mohm,
            verdict=ResistanceTest.Verdict(figures.verdict),
            tested_at=current_stopped.received_at,
            meter_text=instruments["meter"],
            load_text=instruments["load"],
            manifest_sha256=manifest_sha256,
            simulated=simulated,
            recorded_at=now,
        )
        if test.verdict == ResistanceTest.Verdict.FAIL:
            open_nonconformance(
                cell=cell,
                kind=Nonconformance.Kind.RESISTANCE_HIGH,
                words=f"Cell {cell.serial} has {test.r_mohm:.3f} mΩ after {test.after_s:g} s, above"
                f" {test.fail_mohm:.3f} mΩ. {WHAT_NEXT}",
                run=run,
                now=now,
            )
    return test
