"""Whether hours can be believed: 200 random charges on the model, foretold and then played.

The peer of a forecast is the truth of the same run.  Seeded, so that a figure can be repeated.
"""

from __future__ import annotations

from statistics import median

from tests.benchmarks.report import report
from tests.stations.planner.random_jobs import scores

CHARGES, SEED = 200, 2026


def main() -> bool:
    found = list(scores(CHARGES, SEED))
    held = sum(score.holds for score in found) / len(found)
    start = median(abs(score.start.middle - score.true_h) / score.true_h for score in found)
    report("hours at the start, median error", start, unit="of true")
    return all(
        [
            report(
                f"80 % interval holds the true end, of {len(found)}", held, unit="", at_least=0.75
            ),
            report(
                "end as seen half way, median error",
                median(score.halfway_error for score in found),
                unit="of true",
                at_most=0.15,
            ),
        ]
    )
