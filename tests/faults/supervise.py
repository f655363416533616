"""Some of a shop's programs under the real supervisor: `python -m tests.faults.supervise <slug>
worker office ...`; database, broker and timers come from the environment, as in production.
"""

from __future__ import annotations

import asyncio
import os
import sys

import django

from deploy.supervisor import Supervisor
from deploy.supervisor.voice import Voice
from tests.stations.sim.harness import ROOT


def main(slug: str, names: list[str]) -> int:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "deploy.settings")
    django.setup()
    from tests.faults.processes import of_bench  # reads the settings

    known, say = of_bench(slug), Voice().say
    supervisor = Supervisor([known[name] for name in names], folder=ROOT, say=say)
    return asyncio.run(supervisor.run(on_ready=lambda: say("test", "all ready")))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
