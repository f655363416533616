"""DC resistances under a certificate that was withdrawn: the figure stays on record, marked."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from shop.equipment.models import Calibration
from shop.equipment.states import InstrumentRole
from shop.evidence.models import ResistanceTest
from shop.readings.models import Manifest

MEASURED_BY = (InstrumentRole.METER, InstrumentRole.LOAD)


def withdrawn_under(tests: Sequence[ResistanceTest]) -> dict[int, str]:
    """By test: the withdrawn certificate of its meter or load, where no other covers that day."""
    if not tests:
        return {}
    used = _used([test.manifest_sha256 for test in tests])
    spans: defaultdict[str, list[Calibration]] = defaultdict(list)
    rows = Calibration.objects.filter(instrument__serial_number__in=set().union(*used.values()))
    for row in rows.select_related("instrument", "withdrawal").order_by("pk"):
        spans[row.instrument.serial_number].append(row)
    found = {}
    for test in tests:
        for serial in sorted(used.get(test.manifest_sha256, set())):
            covering = [s for s in spans[serial] if s.valid_from <= test.tested_at <= s.valid_until]
            standing = [span for span in covering if not hasattr(span, "withdrawal")]
            if covering and not standing:
                found[test.pk] = covering[-1].certificate
    return found


def _used(hashes: Sequence[str]) -> dict[str, set[str]]:
    """By manifest, the serial numbers of what measured a resistance in its run."""
    return {
        manifest.sha256: {
            str(entry.get("serial_number", ""))
            for entry in manifest.body.get("instruments", [])
            if entry.get("role") in MEASURED_BY
        }
        for manifest in Manifest.objects.filter(sha256__in=hashes)
    }
