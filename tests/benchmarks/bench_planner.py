"""Whether hours can be believed: random runs on the model, foretold and then played.

The peer of a forecast is the truth of the same run.  Parallel balances of all sizes are foretold
before their start; every procedure is asked at each quarter of its hours.  Seeded, so that a
figure can be repeated.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from statistics import median

from tests.benchmarks.report import report
from tests.stations.planner.random_jobs import scores
from tests.stations.planner.random_runs import BEGUN, QUARTERS, Said, kinds, played_runs

CHARGES, RUNS, SEED = 200, 6, 2026


def main() -> bool:
    return all([before_the_start(), *(while_it_runs(kind) for kind in kinds())])


def before_the_start() -> bool:
    found = list(scores(CHARGES, SEED))
    held = sum(score.holds for score in found) / len(found)
    start = median(abs(score.start.middle - score.true_h) / score.true_h for score in found)
    report("hours at the start, median error", start, unit="of true")
    return report(f"80 % interval holds the true end, of {len(found)}", held, at_least=0.75)


def while_it_runs(kind: str) -> bool:
    """Of one procedure: whether intervals hold and narrow, and how far half way is off."""
    began_s, found = time.process_time(), []
    for played in played_runs(kind, RUNS, SEED):
        found.append([played.said(share) for share in (BEGUN, *QUARTERS)])
    spent_s = (time.process_time() - began_s) / RUNS
    begun, *at_quarters = zip(*found, strict=True)
    said = [one for row in at_quarters for one in row]
    narrowed = _width(at_quarters[-1]) / _width(begun)
    report(f"{kind}: played and asked four times", spent_s, unit="s CPU")
    return all(
        [
            report(f"{kind}: 80 % interval holds, of {len(said)}", _held(said), at_least=0.75),
            report(
                f"{kind}: end as seen half way, median error",
                median(one.error for one in at_quarters[1]),
                unit="of true",
                at_most=0.15,
            ),
            report(f"{kind}: width at three quarters, of the first", narrowed, at_most=1.0),
        ]
    )


def _width(said: Sequence[Said]) -> float:
    return median(one.width_h / one.whole_h for one in said)


def _held(said: Sequence[Said]) -> float:
    return sum(one.holds for one in said) / len(said)
