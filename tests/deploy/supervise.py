"""A supervisor as a program of its own, for signals: `python -m tests.deploy.supervise <log>`."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from deploy.supervisor import Supervisor
from deploy.supervisor.voice import Voice
from tests.deploy.test_supervisor import program

if __name__ == "__main__":
    log = Path(sys.argv[1])
    programs = [program(kind, log, stage=stage) for stage, kind in enumerate(sys.argv[2:])]
    say = Voice().say
    supervisor = Supervisor(programs, folder=log.parent, say=say)
    sys.exit(asyncio.run(supervisor.run(on_ready=lambda: say("test", "all ready"))))
