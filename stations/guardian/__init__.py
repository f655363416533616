"""The guardian of one bench: the only process that opens its ports and writes its journal.

It samples, records, enforces the fencing token, the dead-man, the lease and its own hard
envelope, and switches the output off and proves it.  `serve` runs one until it is asked to end.
"""

from stations.guardian.service import BenchTaken, serve

__all__ = ["BenchTaken", "serve"]
