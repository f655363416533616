"""The peer of a start: a Celery application that is nothing but one task.

`CELLSHOP_BARE_BROKER=redis://… celery -A tests.benchmarks.bare worker -P prefork -c 1`
"""

from __future__ import annotations

import os
from pathlib import Path

from celery import Celery

from stations.clock import guard_s

BROKER, NOTE = "CELLSHOP_BARE_BROKER", "bare.note"

app = Celery("bare", broker=os.environ.get(BROKER), set_as_current=False)
app.conf.update(task_ignore_result=True, worker_prefetch_multiplier=1)


@app.task(name=NOTE)
def note(path: str) -> None:
    Path(path).write_text(repr(guard_s()))
