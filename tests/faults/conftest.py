"""What this machine cannot do is not collected; the matrix names it (`not_here`)."""

from __future__ import annotations

from tests.faults.not_here import NOT_HERE

collect_ignore = ["test_two_hosts.py"] if "18" in NOT_HERE else []
