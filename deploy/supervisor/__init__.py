"""Many programs as one: started in order, watched, and stopped so that every output is off."""

from deploy.supervisor.program import Program, StartFailed
from deploy.supervisor.supervisor import Supervisor

__all__ = ["Program", "StartFailed", "Supervisor"]
