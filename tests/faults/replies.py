"""Holding what a guardian stored against what the instruments truly said at that instant."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from stations.journal import JournalRecord
from tests.faults.guarded import Guarded

SLACK = timedelta(milliseconds=10)  # the reply to the question before is 40 ms away


def samples(bench: Guarded) -> list[JournalRecord]:
    return [record for record in bench.journal() if record.kind == "sample"]


def false_values(bench: Guarded) -> list[str]:
    """Every stored reply that the instrument did not give while this sample was taken.

    The simulator logs a measured reply as it should be before anything spoils it, so one that
    belongs to an earlier or later question is found here as well.
    """
    stored = samples(bench)  # first: what is stored later may be later than the truth we read
    truth = bench.sim.truth("reply")
    return [words for sample in stored for words in _false(sample.body, truth)]


def _false(body: Mapping[str, Any], truth: list[dict[str, Any]]) -> Iterator[str]:
    reading = body["reading"]
    until = datetime.fromisoformat(reading["received_at"])
    since = until - timedelta(seconds=reading["age_s"])
    for role, raw in body["raw"].items():
        said = [
            datetime.fromisoformat(reply["wall"])
            for reply in truth
            if (reply["instrument"], reply["raw"]) == (role, raw)
        ]
        if not any(since - SLACK <= moment <= until + SLACK for moment in said):
            ages = [round((until - moment).total_seconds(), 3) for moment in said]
            yield (
                f"sample {reading['seq']}, at most {reading['age_s']:.3f} s old: the {role} "
                f"said {raw!r} {ages} s before"
            )
